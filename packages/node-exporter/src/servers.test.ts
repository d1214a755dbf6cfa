/** Collectors that ask a server, against one that answers as it would. */
import { createSocket, type Socket } from "node:dgram";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit/log";
import { afterEach, expect, test } from "vitest";
import type { Collector } from "./collector.ts";
import { isSane, ntp, parseAnswer } from "./collectors/ntp.ts";
import { runit } from "./collectors/runit.ts";
import { supervisord } from "./collectors/supervisord.ts";
import { nodeExporterOptions } from "./flags.ts";
import { sizeOf } from "./statfs.ts";

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0)) step();
});

async function run(collector: Collector, values: Record<string, unknown>): Promise<Map<string, number>> {
  const options = await nodeExporterOptions(values);
  const families = await collector.collect({ ...options, log: silentLogger }, new AbortController().signal);
  return new Map(
    families.flatMap(({ name, metrics }) =>
      metrics.map((metric) => {
        const { labels, value } = metric as { labels: readonly string[]; value: number };
        return [`${name}{${labels.join(",")}}`, value] as const;
      }),
    ),
  );
}

/** A clock that is `ahead` seconds before ours. */
async function startClock(change: (packet: Buffer) => void = () => {}, ahead = 0): Promise<number> {
  const socket: Socket = createSocket("udp4");
  socket.on("message", (question, { port, address }) => {
    const answer = Buffer.alloc(48);
    answer[0] = (0 << 6) | (4 << 3) | 4;
    answer[1] = 2;
    answer.writeUInt32BE(1 << 14, 4);
    answer.writeUInt32BE(1 << 12, 8);
    question.copy(answer, 24, 40, 48);
    const put = (at: number, unix: number): void => {
      const seconds = unix + 2_208_988_800;
      answer.writeUInt32BE(Math.floor(seconds), at);
      answer.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), at + 4);
    };
    const now = Date.now() / 1000 + ahead;
    put(16, now - 10);
    put(32, now);
    put(40, now);
    change(answer);
    socket.send(answer, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  cleanUp.push(() => socket.close());
  return socket.address().port;
}

test("ntp: a good clock", async () => {
  const port = await startClock();
  const got = await run(ntp, { "collector.ntp.server-port": port, "collector.ntp.local-offset-tolerance": "1s" });
  expect(got.get("node_ntp_stratum{}")).toBe(2);
  expect(got.get("node_ntp_leap{}")).toBe(0);
  expect(got.get("node_ntp_root_delay_seconds{}")).toBe(0.25);
  expect(got.get("node_ntp_root_dispersion_seconds{}")).toBe(0.0625);
  expect(Math.abs(got.get("node_ntp_offset_seconds{}")!)).toBeLessThan(1);
  expect(got.get("node_ntp_sanity{}")).toBe(1);
});

test("ntp: a clock that is wrong is told, but not sane", async () => {
  const port = await startClock(undefined, 60);
  const got = await run(ntp, { "collector.ntp.server-port": port });
  expect(got.get("node_ntp_offset_seconds{}")).toBeCloseTo(60, 0);
  expect(got.get("node_ntp_sanity{}")).toBe(0);
});

test("ntp: answers to other questions are not taken; a silent server and a foreign one are failures", async () => {
  const port = await startClock((answer) => answer.fill(0, 24, 32));
  await expect(run(ntp, { "collector.ntp.server-port": port })).rejects.toThrow("does not answer");
  await expect(run(ntp, { "collector.ntp.server": "192.0.2.1" })).rejects.toThrow("local NTP server");
  await expect(run(ntp, { "collector.ntp.protocol-version": 7 })).rejects.toThrow("protocol version");
  expect(() => parseAnswer(Buffer.alloc(10), 0, 0)).toThrow("10 bytes");
});

test("ntp: what makes a clock insane", () => {
  const good = {
    leap: 0,
    stratum: 1,
    rtt: 0.001,
    offset: 0,
    reference: 1000,
    time: 1010,
    rootDelay: 0.01,
    rootDispersion: 0.01,
    minError: 0,
  };
  expect(isSane(good, 3, 0.001)).toBe(true);
  for (const change of [
    { leap: 3 },
    { stratum: 16 },
    { stratum: 0 },
    { reference: 2000 },
    { time: 1000 + 2 ** 18 },
    { rootDispersion: 20 },
    { minError: 1.5 },
  ]) {
    expect(isSane({ ...good, ...change }, 3, 0.001)).toBe(false);
  }
  // Around a leap second that was announced a second of difference is allowed.
  expect(isSane({ ...good, leap: 1, minError: 0.9 }, 3, 0.001)).toBe(true);
});

async function startSupervisord(body: string, status = 200): Promise<string> {
  const server: Server = createServer((request, response) => {
    response.writeHead(request.method === "POST" && request.url === "/RPC2" ? status : 404);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUp.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/RPC2`;
}

test("supervisord: processes by state", async () => {
  const member = (name: string, value: string): string =>
    `<member><name>${name}</name><value>${value}</value></member>`;
  const process_ = (name: string, state: number): string =>
    `<value><struct>${member("name", `<string>${name}</string>`)}${member("group", "<string>g</string>")}${member("state", `<int>${state}</int>`)}${member("start", "<int>1700000000</int>")}${member("exitstatus", "<int>0</int>")}</struct></value>`;
  const url = await startSupervisord(
    `<methodResponse><params><param><value><array><data>${process_("a", 20)}${process_("b", 100)}</data></array></value></param></params></methodResponse>`,
  );
  const got = await run(supervisord, { "collector.supervisord.url": url });
  expect(got.get("node_supervisord_up{name,a,group,g}")).toBe(1);
  expect(got.get("node_supervisord_up{name,b,group,g}")).toBe(0);
  expect(got.get("node_supervisord_state{name,b,group,g}")).toBe(100);
  expect(got.get("node_supervisord_start_time_seconds{name,a,group,g}")).toBe(1_700_000_000);
  expect(got.has("node_supervisord_start_time_seconds{name,b,group,g}")).toBe(false);
});

test("supervisord: a refusal and a fault are failures", async () => {
  const refusing = await startSupervisord("no", 401);
  await expect(run(supervisord, { "collector.supervisord.url": refusing })).rejects.toThrow("401");
  const nonsense = await startSupervisord(
    "<methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>",
  );
  await expect(run(supervisord, { "collector.supervisord.url": nonsense })).rejects.toThrow("no list");
});

test("runit: states of services; one that cannot be read is left out", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pharos-runit-"));
  cleanUp.push(() => rmSync(dir, { recursive: true }));
  const service = (name: string, wanted: string, state: number): void => {
    mkdirSync(join(dir, name, "supervise"), { recursive: true });
    const status = Buffer.alloc(20);
    status.writeBigUInt64BE(4_611_686_018_427_387_914n + 1_700_000_000n, 0);
    status[17] = wanted.charCodeAt(0);
    status[19] = state;
    writeFileSync(join(dir, name, "supervise/status"), status);
  };
  service("up", "u", 1);
  service("off", "d", 0);
  writeFileSync(join(dir, "off/down"), "");
  mkdirSync(join(dir, "broken"));
  const got = await run(runit, { "collector.runit.servicedir": dir });
  const of = (name: string, what: string): number | undefined =>
    got.get(`node_service_${what}{supervisor,runit,service,${name}}`);
  expect([of("up", "state"), of("up", "desired_state"), of("up", "normal_state")]).toEqual([1, 1, 1]);
  expect([of("off", "state"), of("off", "desired_state"), of("off", "normal_state")]).toEqual([0, 0, 0]);
  expect(of("up", "state_last_change_timestamp_seconds")).toBe(1_700_000_000);
  expect(of("broken", "state")).toBeUndefined();
});

test("sizes of file systems: here in the pool, of those with another end by a process of their own", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pharos-statfs-"));
  cleanUp.push(() => rmSync(dir, { recursive: true }));
  const never = new AbortController().signal;
  const own = await sizeOf(dir, "ext4", 5000, never);
  const helped = await sizeOf(dir, "nfs4", 5000, never);
  expect(helped.blocks).toBe(own.blocks);
  expect(helped.bsize).toBe(own.bsize);
  await expect(sizeOf(join(dir, "none"), "ext4", 5000, never)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(sizeOf(join(dir, "none"), "fuse.sshfs", 5000, never)).rejects.toMatchObject({ code: "ENOENT" });
});
