import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit/log";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { logind } from "./collectors/logind.ts";
import { systemd, unitPath } from "./collectors/systemd.ts";
import { DbusReader, decodeReply, encodeCall } from "./dbus.ts";
import { nodeExporterOptions } from "./flags.ts";

/** Values as the bus writes them; enough types for its answers. */
class Writer {
  bytes = Buffer.alloc(0);

  pad(to: number): this {
    while (this.bytes.length % to !== 0) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(1)]);
    return this;
  }

  write(signature: string, values: readonly unknown[]): this {
    for (const [i, type] of split(signature).entries()) this.value(type, values[i]);
    return this;
  }

  value(type: string, value: unknown): this {
    const append = (size: number, put: (buffer: Buffer) => void): this => {
      const buffer = Buffer.alloc(size);
      put(buffer);
      this.pad(size).bytes = Buffer.concat([this.bytes, buffer]);
      return this;
    };
    switch (type[0]) {
      case "y":
        return append(1, (buffer) => buffer.writeUInt8(Number(value)));
      case "b":
        return append(4, (buffer) => buffer.writeUInt32LE(Number(value)));
      case "u":
        return append(4, (buffer) => buffer.writeUInt32LE(Number(value)));
      case "t":
        return append(8, (buffer) => buffer.writeBigUInt64LE(BigInt(value as bigint)));
      case "s":
      case "o": {
        const text = Buffer.from(`${value}\0`);
        append(4, (buffer) => buffer.writeUInt32LE(text.length - 1));
        this.bytes = Buffer.concat([this.bytes, text]);
        return this;
      }
      case "g":
        this.bytes = Buffer.concat([this.bytes, Buffer.from([String(value).length]), Buffer.from(`${value}\0`)]);
        return this;
      case "v": {
        const [inner, content] = value as [string, unknown];
        return this.value("g", inner).value(inner, content);
      }
      case "(":
        return this.pad(8).write(type.slice(1, -1), value as unknown[]);
      default: {
        const inner = new Writer();
        const head = (this.bytes.length + 4) % 8;
        inner.bytes = Buffer.alloc(type[1] === "(" ? 0 : head);
        const start = inner.bytes.length;
        for (const item of value as unknown[]) inner.value(type.slice(1), item);
        append(4, (buffer) => buffer.writeUInt32LE(inner.bytes.length - start));
        if (type[1] === "(") this.pad(8);
        this.bytes = Buffer.concat([this.bytes, inner.bytes.subarray(start)]);
        return this;
      }
    }
  }
}

/** The types of a signature, one by one. */
function split(signature: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < signature.length; ) {
    let end = at;
    while (signature[end] === "a") end++;
    let open = 0;
    do {
      if (signature[end] === "(") open++;
      if (signature[end] === ")") open--;
      end++;
    } while (open > 0);
    out.push(signature.slice(at, end));
    at = end;
  }
  return out;
}

function reply(serial: number, signature: string, values: readonly unknown[], error?: string): Buffer {
  const body = new Writer().write(signature, values).bytes;
  const fields: [number, [string, unknown]][] = [[5, ["u", serial]]];
  if (error !== undefined) fields.push([4, ["s", error]]);
  if (signature !== "") fields.push([8, ["g", signature]]);
  const head = new Writer().value("y", 0x6c).value("y", error === undefined ? 2 : 3);
  head.value("y", 0).value("y", 1).value("u", body.length).value("u", 1).value("a(yv)", fields).pad(8);
  return Buffer.concat([head.bytes, body]);
}

interface Question {
  path: string;
  member: string;
  args: string[];
}

/** What a call asks for. */
function parseCall(bytes: Buffer): { serial: number; question: Question; length: number } {
  const end = 16 + bytes.readUInt32LE(12);
  const body = Math.ceil(end / 8) * 8;
  const fields = new Map(new DbusReader(bytes.subarray(0, end), 12).read("a(yv)").value as [number, string][]);
  const reader = new DbusReader(bytes.subarray(body));
  const args = [...(fields.get(8) ?? "")].map((type) => String(reader.read(type).value));
  return {
    serial: bytes.readUInt32LE(8),
    question: { path: fields.get(1)!, member: fields.get(3)!, args },
    length: body + bytes.readUInt32LE(4),
  };
}

type Answer = [signature: string, values: unknown[]] | undefined;

let dir: string;
let server: Server | undefined;
const environment = process.env.DBUS_SYSTEM_BUS_ADDRESS;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-dbus-"));
});
afterEach(() => {
  server?.close();
  server = undefined;
  if (environment === undefined) delete process.env.DBUS_SYSTEM_BUS_ADDRESS;
  else process.env.DBUS_SYSTEM_BUS_ADDRESS = environment;
  rmSync(dir, { recursive: true });
});

/** A bus that lets everybody in and answers by a table. */
async function startBus(answer: (question: Question) => Answer, greeting = "OK 1234"): Promise<void> {
  const path = join(dir, "bus");
  server = createServer((socket) => {
    let received: Buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk as Buffer]);
      if (!greeted) {
        const text = received.toString("latin1");
        if (text.startsWith("\0AUTH EXTERNAL ") && !text.includes("BEGIN")) socket.write(`${greeting}\r\n`);
        const begin = text.indexOf("BEGIN\r\n");
        if (begin < 0) return;
        greeted = true;
        received = received.subarray(begin + 7);
      }
      while (received.length >= 16) {
        const { serial, question, length } = parseCall(received);
        if (received.length < length) return;
        received = received.subarray(length);
        const found = question.member === "Hello" ? (["s", [":1.1"]] as Answer) : answer(question);
        const bytes = found ? reply(serial, ...found) : reply(serial, "s", ["no such property"], "org.test.Unknown");
        // In two pieces: a message may come in any number of them.
        socket.write(bytes.subarray(0, 7));
        socket.write(bytes.subarray(7));
      }
    });
  });
  await new Promise<void>((resolve) => server!.listen(path, resolve));
  process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${path}`;
}

async function run(collector: typeof systemd, values: Record<string, unknown> = {}): Promise<string[]> {
  const options = await nodeExporterOptions(values);
  const families = await collector.collect({ ...options, log: silentLogger }, new AbortController().signal);
  return families.flatMap(({ name, metrics }) =>
    metrics.map((metric) => {
      const { labels, value } = metric as { labels: readonly string[]; value: number };
      return `${name}{${labels.join(",")}} ${value}`;
    }),
  );
}

test("systemd: version, units by state, what kinds of units have", async () => {
  const unit = (name: string, load: string, active: string) => [name, "", load, active, "", "", "/x", 0, "", "/"];
  const properties: Record<string, [string, unknown]> = {
    "/org/freedesktop/systemd1 Version": ["s", "252.30-1~deb12u2"],
    "/org/freedesktop/systemd1 Virtualization": ["s", ""],
    "/org/freedesktop/systemd1 SystemState": ["s", "running"],
    [`${unitPath("cron.service")} Type`]: ["s", "simple"],
    [`${unitPath("cron.service")} NRestarts`]: ["u", 3],
    [`${unitPath("cron.service")} TasksCurrent`]: ["t", 5n],
    [`${unitPath("cron.service")} TasksMax`]: ["t", 2n ** 64n - 1n],
    [`${unitPath("cron.service")} ActiveEnterTimestamp`]: ["t", 1_700_000_000_000_000n],
    [`${unitPath("a.timer")} LastTriggerUSec`]: ["t", 1_500_000n],
    [`${unitPath("b.socket")} NAccepted`]: ["u", 7],
    [`${unitPath("b.socket")} NConnections`]: ["u", 1],
  };
  await startBus(({ path, member, args }) => {
    if (member === "ListUnits") {
      const units = [
        unit("cron.service", "loaded", "active"),
        unit("a.timer", "loaded", "inactive"),
        unit("b.socket", "loaded", "active"),
        unit("gone.service", "not-found", "failed"),
        unit("home.mount", "loaded", "active"),
      ];
      return ["a(ssssssouso)", [units]];
    }
    const found = properties[`${path} ${args[1]}`];
    return found && ["v", [found]];
  });
  const lines = await run(systemd, {
    "collector.systemd.enable-restarts-metrics": true,
    "collector.systemd.enable-task-metrics": true,
    "collector.systemd.enable-start-time-metrics": true,
  });
  for (const line of [
    "node_systemd_version{version,252.30-1~deb12u2} 252.3",
    "node_systemd_virtualization_info{virtualization_type,none} 1",
    "node_systemd_units{state,active} 3",
    "node_systemd_units{state,failed} 1",
    "node_systemd_unit_state{name,cron.service,state,active,type,simple} 1",
    "node_systemd_unit_state{name,cron.service,state,failed,type,simple} 0",
    "node_systemd_service_restart_total{name,cron.service} 3",
    "node_systemd_unit_tasks_current{name,cron.service} 5",
    "node_systemd_unit_start_time_seconds{name,cron.service} 1700000000",
    "node_systemd_unit_start_time_seconds{name,a.timer} 0",
    "node_systemd_timer_last_trigger_seconds{name,a.timer} 1.5",
    "node_systemd_socket_accepted_connections_total{name,b.socket} 7",
    "node_systemd_system_running{} 1",
  ]) {
    expect(lines).toContain(line);
  }
  // Not limited, not loaded, left out by default, not known to this version.
  expect(lines.filter((line) => /tasks_max|gone|home\.mount|refused/.test(line))).toEqual([]);
});

test("logind: sessions by seat, kind and origin, every combination told", async () => {
  await startBus(({ path, member, args }) => {
    if (member === "ListSeats") return ["a(so)", [[["seat0", "/seat/seat0"]]]];
    if (member === "ListSessions") {
      const sessions = [
        ["1", 1000, "ada", "seat0", "/session/1"],
        ["2", 1000, "ada", "", "/session/2"],
      ];
      return ["a(susso)", [sessions]];
    }
    const remote = path === "/session/2";
    const values: Record<string, [string, unknown]> = {
      Remote: ["b", remote],
      Type: ["s", remote ? "quantum" : "wayland"],
      Class: ["s", "user"],
    };
    return ["v", [values[args[1]]]];
  });
  const lines = await run(logind);
  expect(lines).toHaveLength(2 * 7 * 5 * 2);
  expect(lines).toContain("node_logind_sessions{seat,seat0,remote,false,type,wayland,class,user} 1");
  expect(lines).toContain("node_logind_sessions{seat,,remote,true,type,other,class,user} 1");
  expect(lines.filter((line) => line.endsWith(" 1"))).toHaveLength(2);
});

test("a bus that does not let in, or is not there, is the collector's own failure", async () => {
  await startBus(() => undefined, "REJECTED EXTERNAL");
  await expect(run(systemd)).rejects.toThrow("not let in");
  process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${join(dir, "none")}`;
  await expect(run(systemd)).rejects.toThrow("ENOENT");
});

test("paths of units", () => {
  expect(unitPath("cron.service")).toBe("/org/freedesktop/systemd1/unit/cron_2eservice");
  expect(unitPath("1-a.timer")).toBe("/org/freedesktop/systemd1/unit/_31_2da_2etimer");
});

test("a call and its answer", () => {
  const call = encodeCall({ destination: "d", path: "/p", interface: "i.f", member: "M", args: ["x", ""] }, 9);
  expect(parseCall(call)).toMatchObject({ serial: 9, question: { path: "/p", member: "M", args: ["x", ""] } });
  expect(decodeReply(reply(9, "a(st)", [[["x", 1n]]]))).toEqual({ serial: 9, error: undefined, values: [[["x", 1n]]] });
  expect(decodeReply(reply(9, "s", ["why"], "a.b"))?.error).toBe("a.b: why");
});

test("any bytes are a message, none, or an error", () => {
  const good = reply(9, "a(sv)", [[["name", ["s", "value"]]]]);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
      const bytes = Buffer.from(good);
      bytes[at] = byte;
      try {
        decodeReply(bytes.subarray(0, Math.max(length, 16)));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
