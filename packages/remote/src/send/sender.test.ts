import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import { type IntHistogram, Labels } from "@pharos/model";
import { type Db, openDb } from "@pharos/tsdb";
import { afterEach, beforeEach, expect, test } from "vitest";
import { unpackRequest } from "../write-receiver.ts";
import { readWriteRequest } from "../write-request.ts";
import { parseRemoteWriteConfig } from "./config.ts";
import { RemoteWriteSender } from "./sender.ts";

/** A receiver that notes what it took, and answers what it is told to. */
class Receiver {
  readonly #server: Server;
  /** `series time value` of each sample, in order. */
  lines: string[] = [];
  headers: IncomingHttpHeaders[] = [];
  requests = 0;
  answer: (lines: string[]) => { status: number; headers?: Record<string, string>; hold?: Promise<void> } = () => ({
    status: 204,
  });

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        this.requests++;
        this.headers.push(request.headers);
        const version = String(request.headers["content-type"]).includes("v2") ? 2 : 1;
        const lines: string[] = [];
        const counts = { samples: 0, histograms: 0, exemplars: 0 };
        for (const series of readWriteRequest(unpackRequest(Buffer.concat(chunks)), version)) {
          const name = String(Labels.fromEntries(series.labels));
          const meta = series.metadata?.help ? ` # ${series.metadata.type} ${series.metadata.help}` : "";
          for (const { timestamp, value, stale } of series.samples) {
            lines.push(`${name} ${timestamp} ${stale ? "stale" : value}${meta}`);
          }
          for (const { timestamp, histogram } of series.histograms) {
            lines.push(`${name} ${timestamp} ${histogram.kind} ${histogram.count}`);
          }
          for (const { timestamp, value, labels } of series.exemplars) {
            lines.push(`${name} ${timestamp} exemplar ${Labels.fromEntries(labels)} ${value}`);
          }
          counts.samples += series.samples.length;
          counts.histograms += series.histograms.length;
          counts.exemplars += series.exemplars.length;
        }
        const { status, headers, hold } = this.answer(lines);
        await hold;
        if (status < 300) this.lines.push(...lines);
        if (status >= 300) Object.assign(counts, { samples: 0, histograms: 0, exemplars: 0 });
        response.writeHead(status, {
          "x-prometheus-remote-write-samples-written": counts.samples,
          "x-prometheus-remote-write-histograms-written": counts.histograms,
          "x-prometheus-remote-write-exemplars-written": counts.exemplars,
          ...headers,
        });
        response.end("told");
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/write`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let dir: string;
let db: Db;
let receiver: Receiver;
let url: string;
const senders: RemoteWriteSender[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-sender-"));
  db = await openDb({ dir });
  receiver = new Receiver();
  url = await receiver.listen();
});
afterEach(async () => {
  for (const sender of senders.splice(0)) await sender.stop();
  await db.close();
  receiver.close();
  rmSync(dir, { recursive: true, force: true });
});

function config(yaml: string) {
  return parseRemoteWriteConfig(parseYaml(`url: ${url}\n${yaml}`, "test.yml"));
}

const FAST = "queue_config: {batch_send_deadline: 20ms, min_backoff: 5ms, max_backoff: 20ms, max_samples_per_send: 7";

async function sender(yaml: string, registry = new Registry(), flushMs = 500): Promise<RemoteWriteSender> {
  const made = new RemoteWriteSender({
    dir,
    logDir: db.logDir,
    ready: db.replayed,
    logEnd: () => db.logEnd,
    log: silentLogger,
    registry,
    userAgent: "Prometheus/3.14.0",
    flushMs,
    logBudgetBytes: 0,
    appended: () => db.appended,
    highestIn: () => db.appended.maxTime,
    typeAndUnitLabels: false,
    shardUpdateMs: 100,
    metadata: () => [["m", { type: "gauge", help: "Help.", unit: "" }]],
  });
  senders.push(made);
  made.apply([config(yaml)], Labels.from({ zone: "z" }));
  await made.applied;
  return made;
}

async function stop(made: RemoteWriteSender): Promise<void> {
  senders.splice(senders.indexOf(made), 1);
  await made.stop();
}

let clock = Date.now() - 60_000;
/** Appends one sample to each of `series` series; the lines they should become. */
function append(series = 3): string[] {
  const appender = db.appender();
  clock += 1000;
  const lines: string[] = [];
  for (let i = 0; i < series; i++) {
    const ref = appender.series(Labels.from({ __name__: "m", i: String(i) }));
    appender.append(ref, clock, i + 0.5);
    lines.push(`{__name__="m", i="${i}", zone="z"} ${clock} ${i + 0.5}`);
  }
  appender.commit();
  return lines;
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !check(); i++) await sleep(10);
  expect(check()).toBe(true);
}

test("samples, markers, histograms and exemplars go out with external labels; relabelling drops", async () => {
  await sender(
    `send_exemplars: true\nsend_native_histograms: true\nwrite_relabel_configs: [{source_labels: [i], regex: "1", action: drop}]\n${FAST}}`,
  );
  const lines = append();
  const appender = db.appender();
  const ref = appender.series(Labels.from({ __name__: "h" }));
  const histogram: IntHistogram = {
    kind: "int",
    counterResetHint: "unknown",
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 1,
    count: 3,
    sum: 4.5,
    positiveSpans: [{ offset: 0, length: 1 }],
    negativeSpans: [],
    positiveDeltas: [2],
    negativeDeltas: [],
    customValues: [],
  };
  appender.appendHistogram(ref, clock, histogram);
  const m = appender.series(Labels.from({ __name__: "m", i: "0" }));
  appender.appendStale(m, clock + 1);
  appender.appendExemplar(m, { labels: Labels.from({ trace: "t" }), value: 7, timestamp: clock });
  appender.commit();
  await until(() => receiver.lines.length === 5);
  expect(receiver.lines.sort()).toEqual(
    [
      lines[0],
      lines[2],
      `{__name__="m", i="0", zone="z"} ${clock + 1} stale`,
      `{__name__="h", zone="z"} ${clock} int 3`,
      `{__name__="m", i="0", zone="z"} ${clock} exemplar {trace="t"} 7`,
    ].sort(),
  );
  expect(receiver.headers[0]).toMatchObject({
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "user-agent": "Prometheus/3.14.0",
    "x-prometheus-remote-write-version": "0.1.0",
  });
});

test("version 2 carries metadata of the log", async () => {
  await sender(`protobuf_message: io.prometheus.write.v2.Request\n${FAST}}`);
  const appender = db.appender();
  const ref = appender.series(Labels.from({ __name__: "m_total" }));
  appender.append(ref, (clock += 1000), 1);
  appender.updateMetadata(ref, { type: "counter", help: "What it is.", unit: "" });
  appender.commit();
  await until(() => receiver.lines.length === 1);
  expect(receiver.lines).toEqual([`{__name__="m_total", zone="z"} ${clock} 1 # counter What it is.`]);
  expect(receiver.headers[0]["content-type"]).toBe("application/x-protobuf;proto=io.prometheus.write.v2.Request");
});

test("what was not sent before a stop follows after a start, once, from several shards", async () => {
  const wanted: string[] = [];
  const first = await sender(`${FAST}, min_shards: 3, max_shards: 3, capacity: 20}`);
  for (let i = 0; i < 5; i++) wanted.push(...append(10));
  await until(() => receiver.lines.length === 50);
  receiver.answer = () => ({ status: 503 });
  for (let i = 0; i < 20; i++) wanted.push(...append(10));
  await until(() => receiver.requests > 20);
  expect(first.status()[0]).toMatchObject({ shards: 3, version: 1 });
  expect(first.status()[0].lag).toBeGreaterThan(0);
  expect(first.status()[0].lastError).toContain("503");
  await stop(first);
  for (let i = 0; i < 5; i++) wanted.push(...append(10));
  receiver.answer = () => ({ status: 204 });
  const second = await sender(`${FAST}, min_shards: 3, max_shards: 3, capacity: 20}`);
  await until(() => receiver.lines.length >= wanted.length);
  wanted.push(...append(10));
  await until(() => receiver.lines.length >= wanted.length);
  await sleep(50);
  expect(receiver.lines.toSorted()).toEqual(wanted.toSorted());
  expect(second.status()[0]).toMatchObject({ behindBytes: 0, pendingSamples: 0, lag: 0 });
});

test("a request whose answer was lost is repeated as it was, and refused without harm to others", async () => {
  const first = await sender(`${FAST}, capacity: 7}`);
  let release: () => void = () => {};
  const hold = new Promise<void>((resolve) => (release = resolve));
  let taken: string[] = [];
  receiver.answer = (lines) => {
    taken = lines;
    return { status: 204, hold };
  };
  const wanted = [...append(5), ...append(5), ...append(5)];
  await until(() => taken.length > 0);
  await stop(first);
  release();
  await until(() => receiver.lines.length === taken.length);
  receiver.answer = (lines) => ({ status: lines.some((line) => receiver.lines.includes(line)) ? 400 : 204 });
  await sender(`${FAST}, capacity: 7}`);
  await until(() => receiver.lines.length === wanted.length);
  expect(receiver.lines.toSorted()).toEqual(wanted.toSorted());
});

test("a first start sends from then on; 4xx is given up, 429 repeated when asked for", async () => {
  append();
  const registry = new Registry();
  await sender(`${FAST}, retry_on_http_429: true}`, registry);
  const answers = [{ status: 400 }, { status: 429, headers: { "retry-after": "0" } }, { status: 204 }];
  receiver.answer = () => answers.shift() ?? { status: 204 };
  append();
  await until(() => receiver.requests === 1);
  await sleep(60);
  const kept = append();
  await until(() => receiver.lines.length > 0);
  expect(receiver.lines.toSorted()).toEqual(kept.toSorted());
  expect(receiver.headers.at(-1)!["retry-attempt"]).toBe("1");
  const failed = registry.families().find(({ name }) => name === "prometheus_remote_storage_samples_failed_total");
  expect(failed?.metrics[0]).toMatchObject({ value: 3 });
});

test("a reload leaves queues alone that have not changed", async () => {
  const made = await sender(`name: a\n${FAST}}`);
  const before = append();
  await until(() => receiver.lines.length === before.length);
  made.apply([config(`name: a\n${FAST}}`), config(`name: b\n${FAST}}`)], Labels.from({ zone: "z" }));
  await made.applied;
  expect(made.status().map(({ name, highestSent }) => [name, highestSent > 0])).toEqual([
    ["a", true],
    ["b", false],
  ]);
  append();
  await until(() => receiver.lines.length === 3 * before.length);
  expect(() => made.apply([config(""), config("")], Labels.empty)).toThrow("duplicate remote write configs");
});

test("a stop sends what the log got last; a receiver that is away does not hold it up", async () => {
  const first = await sender("queue_config: {batch_send_deadline: 1h}");
  await sleep(150);
  const wanted = append();
  await stop(first);
  expect(receiver.lines.toSorted()).toEqual(wanted.toSorted());
  receiver.answer = () => ({ status: 503, headers: { "retry-after": "3600" } });
  // Waiting for as long as this would be longer than a test may take.
  const second = await sender(`${FAST}}`, new Registry(), 3600_000);
  wanted.push(...append());
  await until(() => receiver.requests === 2);
  await stop(second);
  receiver.answer = () => ({ status: 204 });
  await sender(`${FAST}}`);
  await until(() => receiver.lines.length === wanted.length);
  expect(receiver.lines.toSorted()).toEqual(wanted.toSorted());
});

test("a slow receiver gets more shards; each series stays in order", async () => {
  const made = await sender(`${FAST}, capacity: 50, max_shards: 6}`);
  receiver.answer = () => ({ status: 204, hold: sleep(15) });
  const wanted: string[] = [];
  for (let i = 0; i < 80; i++) {
    wanted.push(...append(20));
    await sleep(10);
  }
  await until(() => receiver.lines.length === wanted.length);
  expect(made.status()[0].shards).toBeGreaterThan(1);
  expect(receiver.lines.toSorted()).toEqual(wanted.toSorted());
  for (let i = 0; i < 20; i++) {
    const times = receiver.lines
      .filter((line) => line.includes(`i="${i}"`))
      .map((line) => Number(line.split(" ").at(-2)));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }
});

test("the log is held from the first segment that is not sent, within the budget", async () => {
  const logDir = join(dir, "log");
  let end = { segment: 0, offset: 0 };
  const hold = async (logBudgetBytes: number): Promise<number | undefined> => {
    end = { segment: 0, offset: 0 };
    rmSync(logDir, { recursive: true, force: true });
    mkdirSync(logDir);
    await using made = new RemoteWriteSender({
      dir,
      logDir,
      ready: Promise.resolve(),
      logEnd: () => end,
      log: silentLogger,
      registry: new Registry(),
      userAgent: "Prometheus/3.14.0",
      flushMs: 0,
      logBudgetBytes,
      appended: () => db.appended,
      highestIn: () => 0,
      metadata: () => [],
      typeAndUnitLabels: false,
    });
    expect(made.heldSegment()).toBeUndefined();
    made.apply([config(`name: budget${logBudgetBytes}`)], Labels.empty);
    await made.applied;
    for (let i = 0; i < 5; i++) writeFileSync(join(logDir, `0000000${i}`), Buffer.alloc(100));
    end = { segment: 4, offset: 100 };
    return made.heldSegment();
  };
  expect(await hold(0)).toBe(0);
  expect(await hold(1000)).toBe(0);
  expect(await hold(250)).toBe(3);
});

test("metadata goes out by itself in version 1", async () => {
  await sender(`metadata_config: {send_interval: 30ms}\n${FAST}}`);
  await until(() => receiver.requests > 0);
  expect(receiver.lines).toEqual([]);
});
