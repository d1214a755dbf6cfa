/**
 * One data directory, two servers: a real Prometheus is killed in the middle of writing and Pharos opens what it left, and the
 * other way round; both must then have the same series and samples, late ones, histograms, deletions and exemplars included.
 * The binaries are looked for in `$PHAROS_PEERS`, else in ../peers/bin; without them nothing is run, and that is said loudly.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type FloatHistogram, type IntHistogram, Labels, Matcher, SampleBuffer } from "@pharos/model";
import { type Db, openDb } from "@pharos/tsdb";
import { encodeWrite, snappyLiteral } from "./lib/remote-write.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const peers = process.env.PHAROS_PEERS ?? join(dirname(dirname(import.meta.dirname)), "peers", "bin");
const HOUR = 3600_000;
const STEP = 15_000;
const HOURS = 5;
const WINDOW_MS = 3 * HOUR;
const everything = new Matcher("=~", "__name__", ".+");

/** What is written at one moment; the same from both servers' sides. */
interface Batch {
  floats: { labels: Labels; time: number; value: number; exemplar?: number }[];
  histograms: { labels: Labels; time: number; histogram: IntHistogram | FloatHistogram }[];
}

function histogramAt(i: number, kind: "int" | "float", custom: boolean): IntHistogram | FloatHistogram {
  const base = {
    counterResetHint: "unknown" as const,
    schema: custom ? -53 : 2,
    zeroThreshold: custom ? 0 : 0.001,
    zeroCount: custom ? 0 : i,
    count: custom ? 3 * i : 5 * i,
    sum: 1.25 * i,
    positiveSpans: [{ offset: 0, length: 2 }, ...(custom ? [] : [{ offset: 3, length: 1 }])],
    negativeSpans: custom ? [] : [{ offset: 1, length: 1 }],
    customValues: custom ? [0.1, 2.5, 10] : [],
  };
  return kind === "int"
    ? { kind, ...base, positiveDeltas: custom ? [i, i] : [i, 0, 0], negativeDeltas: custom ? [] : [i] }
    : { kind, ...base, positiveBuckets: custom ? [i, 2 * i] : [i, i, i], negativeBuckets: custom ? [] : [i] };
}

/** Batch `i` of the five hours that end at `end`; every twentieth carries samples up to two hours late. */
function batchAt(i: number, start: number): Batch {
  const time = start + i * STEP;
  const floats: Batch["floats"] = [];
  for (let n = 0; n < 6; n++) {
    const labels = Labels.from({ __name__: "counter_total", n: String(n), zone: "ünï" });
    floats.push({ labels, time: time + n, value: i * (n + 1), ...(n === 0 && i % 40 === 0 ? { exemplar: i } : {}) });
  }
  floats.push({ labels: Labels.from({ __name__: "gauge" }), time, value: Math.sin(i) * 1e6 });
  if (i % 90 === 89) floats.push({ labels: Labels.from({ __name__: "rare", i: String(i) }), time, value: i });
  if (i % 20 === 19 && i > 400) {
    for (let back = 1; back <= 5; back++) {
      const late = time - back * 20 * 60_000 - 7_000 - i;
      floats.push({ labels: Labels.from({ __name__: "gauge" }), time: late, value: i + back });
      floats.push({ labels: Labels.from({ __name__: "late_only" }), time: late, value: i });
    }
  }
  const histograms: Batch["histograms"] = [];
  for (const kind of ["int", "float"] as const) {
    for (const custom of [false, true]) {
      const labels = Labels.from({ __name__: `${kind}_histogram`, custom: String(custom) });
      histograms.push({ labels, time, histogram: histogramAt(1 + (i % 300), kind, custom) });
    }
  }
  return { floats, histograms };
}

/** Sample lines of everything, `series time value`. */
type Dump = string[];

function histogramText(count: number, sum: number, buckets: readonly number[]): string {
  return `count ${count} sum ${sum} buckets ${buckets.join(",")}`;
}

function bucketsOf({ negativeBuckets, zeroCount, positiveBuckets }: FloatHistogram): number[] {
  return [...negativeBuckets.toReversed(), zeroCount, ...positiveBuckets].filter((count) => count !== 0);
}

async function pharosDump(db: Db): Promise<Dump> {
  using querier = db.querier(-1e15, 1e15);
  const lines: Dump = [];
  const buffer = new SampleBuffer();
  for (const series of await querier.select([everything])) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    for (let i = 0; i < buffer.length; i++) {
      const histogram = buffer.histograms?.[i];
      const value = histogram
        ? histogramText(histogram.count, histogram.sum, bucketsOf(histogram))
        : String(buffer.values[i]);
      lines.push(`${series.labels} ${buffer.timestamps[i]} ${value}`);
    }
  }
  const chosen = [new Matcher("=", "__name__", "counter_total")];
  for (const { labels, exemplars } of db.exemplars([chosen], 0, 1e15)) {
    for (const { value, timestamp } of exemplars) lines.push(`exemplar ${labels} ${timestamp} ${value}`);
  }
  return lines.sort();
}

interface MatrixSeries {
  metric: Record<string, string>;
  values?: [number, string][];
  histograms?: [number, { count: string; sum: string; buckets?: [number, string, string, string][] }][];
}

class Prometheus implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly url: string;
  #output = "";

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}`;
    child.stderr!.on("data", (chunk) => (this.#output += chunk));
  }

  /** Starts one on the folder and waits until it is ready. */
  static async start(folder: string, port: number, features: readonly string[] = []): Promise<Prometheus> {
    const config = join(folder, "..", `prometheus-${port}.yml`);
    writeFileSync(config, `storage: {tsdb: {out_of_order_time_window: ${WINDOW_MS / HOUR}h}}\n`);
    const child = spawn(
      join(peers, "prometheus"),
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--storage.tsdb.retention.time=100y",
        "--web.enable-remote-write-receiver",
        "--web.enable-admin-api",
        `--enable-feature=${["exemplar-storage", "native-histograms", ...features].join(",")}`,
        "--storage.tsdb.no-lockfile",
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const server = new Prometheus(child, port);
    for (let i = 0; ; i++) {
      const answer = await fetch(`${server.url}/-/ready`).catch(() => undefined);
      if (answer?.ok) return server;
      if (child.exitCode !== null || i > 300) {
        const lines = server.#output.split("\n").filter((line) => /level=ERROR|err=/.test(line));
        throw new Error(`it did not start: ${lines.slice(0, 3).join(" | ") || server.#output.slice(-800)}`);
      }
      await sleep(100);
    }
  }

  async write({ floats, histograms }: Batch): Promise<void> {
    const body = snappyLiteral(
      encodeWrite([
        ...floats.map(({ labels, time, value, exemplar }) => ({ labels, samples: [{ time, value }], exemplar })),
        ...histograms.map(({ labels, time, histogram }) => ({ labels, histograms: [{ time, histogram }] })),
      ]),
    );
    const answer = await fetch(`${this.url}/api/v1/write`, {
      method: "POST",
      body,
      headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy" },
    });
    if (!answer.ok) throw new Error(`remote write: ${answer.status} ${await answer.text()}`);
  }

  async delete(selector: string, start: number, end: number): Promise<void> {
    const query = new URLSearchParams({ "match[]": selector, start: String(start / 1000), end: String(end / 1000) });
    const answer = await fetch(`${this.url}/api/v1/admin/tsdb/delete_series?${query}`, { method: "POST" });
    if (!answer.ok) throw new Error(`delete: ${answer.status}`);
  }

  async dump(end: number): Promise<Dump> {
    const lines: Dump = [];
    const query = new URLSearchParams({ query: '{__name__=~".+"}[9h]', time: String((end + HOUR) / 1000) });
    const { data } = (await (await fetch(`${this.url}/api/v1/query?${query}`)).json()) as {
      data: { result: MatrixSeries[] };
    };
    for (const { metric, values = [], histograms = [] } of data.result) {
      const labels = Labels.from(metric);
      for (const [time, value] of values) lines.push(`${labels} ${Math.round(time * 1000)} ${Number(value)}`);
      for (const [time, { count, sum, buckets = [] }] of histograms) {
        const counts = buckets.map((bucket) => Number(bucket[3]));
        lines.push(`${labels} ${Math.round(time * 1000)} ${histogramText(Number(count), Number(sum), counts)}`);
      }
    }
    const asked = new URLSearchParams({ query: "counter_total", start: "0", end: String((end + HOUR) / 1000) });
    const exemplars = (await (await fetch(`${this.url}/api/v1/query_exemplars?${asked}`)).json()) as {
      data: { seriesLabels: Record<string, string>; exemplars: { value: string; timestamp: number }[] }[];
    };
    for (const { seriesLabels, exemplars: list } of exemplars.data) {
      for (const { value, timestamp } of list) {
        lines.push(`exemplar ${Labels.from(seriesLabels)} ${Math.round(timestamp * 1000)} ${Number(value)}`);
      }
    }
    return lines.sort();
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
  }
}

/** Empties what is in the log: whoever needs more than a snapshot has nothing. */
function emptyLog(folder: string): void {
  for (const name of readdirSync(join(folder, "wal"))) {
    if (/^\d{8}$/.test(name)) truncateSync(join(folder, "wal", name));
  }
}

const SNAPSHOT = "memory-snapshot-on-shutdown";

const snapshotCases: readonly Case[] = [
  [
    "a real Prometheus ends with a snapshot of its head, Pharos starts from it",
    async (folder) => {
      const start = startOfData(1);
      const data = join(folder, "data");
      let theirs: Dump;
      {
        await using server = await Prometheus.start(data, 29194, [SNAPSHOT]);
        for (let i = 0; i < 240; i++) await server.write(batchAt(i, start));
        await server.delete('{n="3"}', start, start + 20 * 60_000);
        theirs = await server.dump(start + HOUR);
        await server.kill("SIGTERM");
      }
      if (!readdirSync(data).some((name) => name.startsWith("chunk_snapshot."))) return "Prometheus wrote no snapshot";
      emptyLog(data);
      await using db = await openDb({ dir: data, outOfOrderTimeWindowMs: WINDOW_MS, snapshotOnShutdown: true });
      return difference(await pharosDump(db), theirs);
    },
  ],
  [
    "Pharos ends with a snapshot of its head, a real Prometheus starts from it",
    async (folder) => {
      const start = startOfData(1);
      const data = join(folder, "data");
      let ours: Dump;
      {
        await using db = await openDb({ dir: data, outOfOrderTimeWindowMs: WINDOW_MS, snapshotOnShutdown: true });
        for (let i = 0; i < 240; i++) writeTo(db, batchAt(i, start));
        await db.deleteSeries([[new Matcher("=", "n", "3")]], start, start + 20 * 60_000);
        ours = await pharosDump(db);
      }
      emptyLog(data);
      await using server = await Prometheus.start(data, 29195, [SNAPSHOT]);
      return difference(ours, await server.dump(start + HOUR));
    },
  ],
];

function difference(ours: Dump, theirs: Dump): string | undefined {
  if (ours.length < 1000) return `only ${ours.length} samples were read here, ${theirs.length} there`;
  const a = new Set(ours);
  const b = new Set(theirs);
  const missing = theirs.filter((line) => !a.has(line));
  // At its start Prometheus leaves out exemplars of times that are in blocks.
  const more = ours.filter((line) => !b.has(line) && !line.startsWith("exemplar"));
  if (missing.length === 0 && more.length === 0 && a.size === ours.length && b.size === theirs.length) return undefined;
  return `${ours.length} here, ${theirs.length} there; missing here ${missing.length}: ${missing.slice(0, 3).join(" | ")}; only here ${more.length}: ${more.slice(0, 3).join(" | ")}`;
}

function writeTo(db: Db, { floats, histograms }: Batch): void {
  const appender = db.appender();
  for (const { labels, time, value, exemplar } of floats) {
    const ref = appender.series(labels);
    appender.append(ref, time, value);
    if (exemplar !== undefined) {
      appender.appendExemplar(ref, {
        labels: Labels.from({ trace: String(exemplar) }),
        value: exemplar,
        timestamp: time,
      });
    }
  }
  for (const { labels, time, histogram } of histograms) {
    appender.appendHistogram(appender.series(labels), time, histogram);
  }
  appender.commit();
}

/** Written in a child that is killed: `node tsdb-interchange.ts --write DIR FROM TO START`. */
async function writeForever(dir: string, hours: number, start: number): Promise<void> {
  const db = await openDb({ dir, outOfOrderTimeWindowMs: WINDOW_MS });
  for (let i = 0; ; i++) {
    writeTo(db, batchAt(i, start));
    if (i === hours * 240) {
      await db.compact();
      await db.deleteSeries([[new Matcher("=", "n", "3")]], start, start + 2 * HOUR + 30 * 60_000);
      await db.deleteSeries([[new Matcher("=", "n", "4")]], start + (hours - 1) * HOUR, start + hours * HOUR);
      process.stdout.write("filled\n");
    }
    if (i > hours * 240) await sleep(1);
  }
}

type Case = readonly [name: string, run: (folder: string) => Promise<string | undefined>];

const startOfData = (hours: number): number => Math.floor((Date.now() - hours * HOUR) / STEP) * STEP;

const cases: readonly Case[] = [HOURS, 1].flatMap((hours): Case[] => {
  const what = hours === 1 ? "log only" : "blocks, head chunks, late samples and deletions";
  return [
    [
      `a real Prometheus is killed while it writes, Pharos opens its directory (${what})`,
      async (folder) => {
        const start = startOfData(hours);
        const data = join(folder, "data");
        {
          await using server = await Prometheus.start(data, 29191);
          const batches = hours * 240;
          for (let i = 0; i < batches; i++) await server.write(batchAt(i, start));
          await sleep(1500);
          await server.delete('{n="3"}', start, start + 2 * HOUR + 30 * 60_000);
          await server.delete('{n="4"}', start + (hours - 1) * HOUR, start + hours * HOUR);
          let more = batches;
          const writing = (async () => {
            for (;;) await server.write(batchAt(more++, start));
          })().catch(() => {});
          await sleep(400);
          await server.kill("SIGKILL");
          await writing;
        }
        const copy = join(folder, "copy");
        cpSync(data, copy, { recursive: true });
        await using again = await Prometheus.start(data, 29192);
        const theirs = await again.dump(start + (hours + 1) * HOUR);
        await using db = await openDb({ dir: copy, outOfOrderTimeWindowMs: WINDOW_MS });
        if (hours > 1 && !readdirSync(copy).some((name) => name.length === 26)) return "Prometheus wrote no block";
        return difference(await pharosDump(db), theirs);
      },
    ],
    [
      `Pharos is killed while it writes, a real Prometheus opens its directory (${what})`,
      async (folder) => {
        const start = startOfData(hours);
        const data = join(folder, "data");
        const child = spawn(process.execPath, [import.meta.filename, "--write", data, String(hours), String(start)], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        await Promise.race([
          new Promise((resolve) => child.stdout.once("data", resolve)),
          new Promise((_, reject) => child.once("exit", () => reject(new Error("the writer ended")))),
        ]);
        await sleep(300);
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await ended;
        const copy = join(folder, "copy");
        cpSync(data, copy, { recursive: true });
        await using server = await Prometheus.start(data, 29193);
        const theirs = await server.dump(start + (hours + 2) * HOUR);
        await using db = await openDb({ dir: copy, outOfOrderTimeWindowMs: WINDOW_MS });
        if (hours > 1 && !readdirSync(copy).some((name) => name.length === 26)) return "Pharos wrote no block";
        return difference(await pharosDump(db), theirs);
      },
    ],
  ];
});

async function run(): Promise<SuiteResult> {
  const failures: string[] = [];
  if (!existsSync(join(peers, "prometheus"))) {
    return { passed: 0, total: 0, failures, notRun: "no prometheus; set PHAROS_PEERS to its folder" };
  }
  for (const [name, check] of [...cases, ...snapshotCases]) {
    const folder = mkdtempSync(join(tmpdir(), "pharos-interchange-"));
    try {
      const problem = await check(folder);
      if (problem) failures.push(`${name}: ${problem}`);
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message.slice(0, 500)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const total = cases.length + snapshotCases.length;
  return { passed: total - failures.length, total, failures };
}

if (process.argv[2] === "--write") {
  await writeForever(process.argv[3], Number(process.argv[4]), Number(process.argv[5]));
}

export const suites: Suite[] = [{ name: "tsdb-interchange", data: "prometheus/tsdb-testdata", run }];
