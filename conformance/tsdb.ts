/**
 * The database beside Prometheus' own: a real block read here and by promtool, and what is written here read by promtool
 * and by a real server. The binaries are looked for in `$PHAROS_PEERS`, else in ../peers/bin; without them nothing
 * is run, and that is said loudly.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type FloatHistogram, type IntHistogram, Labels, Matcher, SampleBuffer } from "@pharos/model";
import { Block, type Db, openDb, PageCache } from "@pharos/tsdb";
import type { Suite, SuiteResult } from "./suite.ts";

const peers = process.env.PHAROS_PEERS ?? join(dirname(dirname(import.meta.dirname)), "peers", "bin");
const everything = new Matcher("=~", "__name__", ".*");
const HOUR = 3600_000;
const START = 1_700_000_000_000 - (1_700_000_000_000 % (2 * HOUR));

/** `labels time value`, sorted: promtool's dump with our spelling of labels, floats only. */
function promtoolDump(folder: string): string[] {
  const out = execFileSync(join(peers, "promtool"), ["tsdb", "dump", folder], { maxBuffer: 2 ** 28, encoding: "utf8" });
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const parsed = /^(\{.*\}) (\S.*) (\d+)$/.exec(line)!;
      return `${parsed[1]} ${parsed[3]} ${parsed[2].startsWith("{") ? parsed[2] : Number(parsed[2])}`;
    })
    .sort();
}

function histogramText(histogram: FloatHistogram): string {
  const parts = [`count:${histogram.count}`, `sum:${histogram.sum}`];
  return parts.join(", ");
}

async function pharosDump(db: Db): Promise<string[]> {
  using querier = db.querier(-1e15, 1e15);
  const lines: string[] = [];
  const buffer = new SampleBuffer();
  for (const series of await querier.select([everything])) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    for (let i = 0; i < buffer.length; i++) {
      const histogram = buffer.histograms?.[i];
      lines.push(
        `${series.labels} ${buffer.timestamps[i]} ${histogram ? `{${histogramText(histogram)}}` : buffer.values[i]}`,
      );
    }
  }
  return lines.sort();
}

/** Count and sum are what both print of a histogram in the same form. */
function shorten(lines: string[]): string[] {
  return lines.map((line) => line.replace(/\{count:([^,]+), sum:([^,}]+).*\}$/, "{count:$1, sum:$2}"));
}

/**
 * promtool's dump looks for floats, then float histograms, then integer ones with one cursor, and each look loses a sample:
 * the first of a float histogram and the first two of an integer one never appear.
 */
function asPromtool(lines: string[]): string[] {
  const left = new Map([
    ["float_histogram", 1],
    ["int_histogram", 2],
  ]);
  return lines.filter((line) => {
    const name = /__name__="([a-z]+_histogram)"/.exec(line)?.[1] ?? "";
    const lose = left.get(name) ?? 0;
    if (lose > 0) left.set(name, lose - 1);
    return lose === 0;
  });
}

function difference(ours: string[], theirs: string[]): string | undefined {
  if (ours.length === 0) return "nothing was read";
  if (ours.length !== theirs.length) return `${ours.length} samples, promtool has ${theirs.length}`;
  const at = ours.findIndex((line, i) => line !== theirs[i]);
  return at < 0 ? undefined : `${ours[at]} instead of ${theirs[at]}`;
}

function histogramAt(i: number): IntHistogram {
  return {
    kind: "int",
    counterResetHint: "unknown",
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: i,
    count: 4 * i,
    sum: 1.5 * i,
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: [{ offset: 1, length: 1 }],
    positiveDeltas: [i, 0],
    negativeDeltas: [i],
    customValues: [],
  };
}

/** Five hours of data of all kinds, with a marker and a deletion, compacted. */
async function fill(dir: string): Promise<void> {
  await using db = await openDb({ dir });
  for (let i = 0; i < 5 * 240; i++) {
    const appender = db.appender();
    const time = START + i * 15_000;
    for (let n = 0; n < 5; n++) {
      const ref = appender.series(Labels.from({ __name__: "counter_total", n: String(n), ünï: "çödé" }));
      appender.append(ref, time + n, i * (n + 1));
    }
    appender.append(appender.series(Labels.from({ __name__: "gauge" })), time, Math.sin(i) * 1e6);
    if (i % 100 === 99) appender.append(appender.series(Labels.from({ __name__: "nan" })), time, Number.NaN);
    const int = appender.series(Labels.from({ __name__: "int_histogram" }));
    appender.appendHistogram(int, time, histogramAt(i % 500));
    const { positiveDeltas: _p, negativeDeltas: _n, ...base } = histogramAt(i);
    appender.appendHistogram(appender.series(Labels.from({ __name__: "float_histogram" })), time, {
      ...base,
      kind: "float",
      positiveBuckets: [i, i],
      negativeBuckets: [i],
    });
    appender.commit();
  }
  await db.compact();
}

/** Runs a real Prometheus on the folder for some seconds after it is ready; its complaint if it did not end well. */
function runPrometheus(folder: string, config: string, seconds: number, flags: string[] = []): string | undefined {
  writeFileSync(join(folder, "prometheus.yml"), config);
  const ready =
    'fetch("http://127.0.0.1:29090/-/ready").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))';
  const script = `server=$1; node=$2; shift 2; "$server" "$@" & pid=$!
    for i in $(seq 100); do sleep 0.2; "$node" -e '${ready}' && break; done; sleep ${seconds}; kill $pid; wait $pid`;
  const { stderr } = spawnSync(
    "sh",
    [
      "-c",
      script,
      "sh",
      join(peers, "prometheus"),
      process.execPath,
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${folder}`,
      "--web.listen-address=127.0.0.1:29090",
      "--storage.tsdb.retention.time=100y",
      ...flags,
    ],
    { encoding: "utf8" },
  );
  return stderr.includes("See you next time") ? undefined : stderr.slice(-500);
}

type Case = readonly [name: string, run: (folder: string, data: string) => Promise<string | undefined>];

const cases: readonly Case[] = [
  [
    "the real block, version 1: every sample as promtool dumps it",
    async (folder, data) => {
      const ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
      cpSync(join(data, "index_format_v1"), join(folder, ulid), { recursive: true });
      using block = new Block(join(folder, ulid), new PageCache(2 ** 24));
      const lines: string[] = [];
      const buffer = new SampleBuffer();
      for (const series of block.select([everything], -1e15, 1e15)) {
        buffer.clear();
        series.read(-1e15, 1e15, buffer);
        for (let i = 0; i < buffer.length; i++)
          lines.push(`${series.labels} ${buffer.timestamps[i]} ${buffer.values[i]}`);
      }
      mkdirSync(join(folder, "wal"));
      return difference(lines.sort(), promtoolDump(folder));
    },
  ],
  [
    "blocks and log written here: every sample as promtool dumps it",
    async (folder) => {
      await fill(folder);
      if (!readdirSync(folder).some((name) => name.length === 26)) return "no block was written";
      await using db = await openDb({ dir: folder });
      return difference(asPromtool(await pharosDump(db)), shorten(promtoolDump(folder)));
    },
  ],
  [
    "promtool lists and analyzes our block",
    async (folder) => {
      await fill(folder);
      const list = execFileSync(join(peers, "promtool"), ["tsdb", "list", folder], { encoding: "utf8" });
      if (list.trim().split("\n").length !== 2) return list;
      const analysis = execFileSync(join(peers, "promtool"), ["tsdb", "analyze", "--extended", folder], {
        encoding: "utf8",
      });
      return /Total Series: \d+/.test(analysis) ? undefined : analysis;
    },
  ],
  [
    "deleted samples and a snapshot with the head: as promtool sees them",
    async (folder) => {
      await fill(folder);
      await using db = await openDb({ dir: folder });
      await db.deleteSeries([[new Matcher("=", "n", "1")]], START, START + HOUR);
      const snapshots = join(folder, "snapshots");
      const name = await db.snapshot(snapshots, true);
      mkdirSync(join(snapshots, name, "wal"));
      const before = await pharosDump(db);
      const seen = difference(asPromtool(before), shorten(promtoolDump(join(snapshots, name))));
      if (seen) return seen;
      await db.cleanTombstones();
      return difference(await pharosDump(db), before);
    },
  ],
  [
    "a real Prometheus opens our folder, and we open it again behind it",
    async (folder) => {
      await fill(folder);
      const before = await openDb({ dir: folder });
      const ours = await pharosDump(before);
      await before.close();
      const problem = runPrometheus(folder, "scrape_configs: []\n", 0);
      if (problem) return problem;
      await using again = await openDb({ dir: folder });
      return difference(await pharosDump(again), ours);
    },
  ],
  ...["snappy", "zstd"].map(
    (compression): Case => [
      `what a real Prometheus scraped of itself, log with ${compression}: every sample as promtool dumps it`,
      async (folder) => {
        const config =
          "scrape_configs: [{job_name: self, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: ['127.0.0.1:29090']}]}]\n";
        const problem = runPrometheus(folder, config, 9, [`--storage.tsdb.wal-compression-type=${compression}`]);
        if (problem) return problem;
        const theirs = promtoolDump(folder);
        await using db = await openDb({ dir: folder });
        return difference(await pharosDump(db), theirs);
      },
    ],
  ),
];

async function run(data: string): Promise<SuiteResult> {
  const failures: string[] = [];
  if (!existsSync(join(peers, "promtool"))) {
    return {
      passed: 0,
      total: 0,
      failures,
      notRun: "no promtool and prometheus beside it; set PHAROS_PEERS to their folder",
    };
  }
  for (const [name, check] of cases) {
    const folder = mkdtempSync(join(tmpdir(), "pharos-conformance-"));
    try {
      const problem = await check(folder, data);
      if (problem) failures.push(`${name}: ${problem}`);
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message.slice(0, 500)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { passed: cases.length - failures.length, total: cases.length, failures };
}

export const suites: Suite[] = [{ name: "tsdb", data: "prometheus/tsdb-testdata", run }];
