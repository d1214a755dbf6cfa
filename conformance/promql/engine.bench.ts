/**
 * The cases of upstream's engine benchmark (promql/bench_test.go) on Pharos and on a real Prometheus, each a server on blocks
 * with the same samples, asked over HTTP: CPU time per query, and memory. What Prometheus 3.5 does not know is left out. Run by
 * hand, when the machine is quiet: `node conformance/promql/engine.bench.ts --peers FOLDER [--only REGEX] [--ms 1000]`.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Labels } from "@pharos/model";
import { openDb } from "@pharos/tsdb";
import { PeerPrometheus } from "./peer.ts";

const { values: flags } = parseArgs({
  options: {
    peers: { type: "string", default: process.env.PHAROS_PEERS ?? "../peers/bin" },
    only: { type: "string", default: "" },
    ms: { type: "string", default: "1000" },
  },
});

/** ms between samples, and samples of each series: a day and ten thousand steps. */
const INTERVAL = 10_000;
const SAMPLES = 8640 + 10_000;
/** Of a whole block, somewhere in the past. */
const START = 200_000 * 7_200_000;
const FEATURES = ["promql-experimental-functions"];
const CASES: readonly (readonly [query: string, steps?: number])[] = [
  ["a_X"],
  ["rate(a_X[1m])"],
  ["rate(a_X[1m])", 10_000],
  ["rate(sparse[1m])", 10_000],
  ["double_exponential_smoothing(a_X[1d], 0.3, 0.3)"],
  ["changes(a_X[1d])"],
  ["rate(a_X[1d])"],
  ["absent_over_time(a_X[1d])"],
  ["-a_X"],
  ["a_X - b_X"],
  ["a_X - b_X", 10_000],
  ["a_X and b_X{l=~'.*[0-4]$'}"],
  ["a_X or b_X{l=~'.*[0-4]$'}"],
  ["a_X unless b_X{l=~'.*[0-4]$'}"],
  ["a_X and b_X{l='notfound'}"],
  ["abs(a_X)"],
  ["label_replace(a_X, 'l2', '$1', 'l', '(.*)')"],
  ["label_join(a_X, 'l2', '-', 'l', 'l')"],
  ["sum(a_X)"],
  ["avg(a_X)"],
  ["sum without (l)(h_X)"],
  ["sum without (le)(h_X)"],
  ["sum by (l)(h_X)"],
  ["sum by (le)(h_X)"],
  ["count_values('value', h_X)", 100],
  ["topk(1, a_X)"],
  ["topk(5, a_X)"],
  ["limitk(1, a_X)"],
  ["limitk(5, a_X)"],
  ["limit_ratio(0.1, a_X)"],
  ["limit_ratio(0.5, a_X)"],
  ["limit_ratio(-0.5, a_X)"],
  ["rate(a_X[1m]) + rate(b_X[1m])"],
  ["sum without (l)(rate(a_X[1m]))"],
  ["sum without (l)(rate(a_X[1m])) / sum without (l)(rate(b_X[1m]))"],
  ["histogram_quantile(0.9, rate(h_X[5m]))"],
  ["a_X + on(l) group_right a_one"],
  ['count({__name__!=""})', 1],
  ['count({__name__!="",l=""})', 1],
  ["timestamp(a_X)"],
];

/** Of each size, and where no number of steps is named, with one and with a thousand. */
function allCases(): { query: string; steps: number }[] {
  return CASES.flatMap(([query, steps]) => {
    const queries = query.includes("X") ? ["one", "hundred"].map((size) => query.replaceAll("X", size)) : [query];
    return queries.flatMap((one) => (steps ? [steps] : [1, 1000]).map((count) => ({ query: one, steps: count })));
  }).filter(({ query }) => new RegExp(flags.only).test(query));
}

function seriesOf(size: string, count: number): Labels[] {
  const out: Labels[] = [];
  for (let i = 0; i < count; i++) {
    const l: Record<string, string> = size === "one" ? {} : { l: String(i) };
    out.push(Labels.from({ __name__: `a_${size}`, ...l }), Labels.from({ __name__: `b_${size}`, ...l }));
    for (let le = 0; le <= 10; le++) {
      out.push(Labels.from({ __name__: `h_${size}`, ...l, le: le === 10 ? "+Inf" : String(le) }));
    }
  }
  return out;
}

/** Fills a database with upstream's series, and puts all of it into blocks in `dir`/blocks. */
async function writeData(dir: string): Promise<void> {
  const series = [...seriesOf("one", 1), ...seriesOf("ten", 10), ...seriesOf("hundred", 100)];
  await using db = await openDb({ dir: join(dir, "source"), now: () => START });
  for (let step = 0; step < SAMPLES; step++) {
    const appender = db.appender();
    const time = START + step * INTERVAL;
    for (const [i, labels] of series.entries()) {
      appender.append(appender.series(labels), time, step + i / series.length);
    }
    const sparse = Labels.from({ __name__: "sparse", l: String(Math.floor(step / (SAMPLES / 50))) });
    appender.append(appender.series(sparse), time, step / series.length);
    appender.commit();
    if (step % 2000 === 1999) await db.compact();
  }
  const snapshots = join(dir, "snapshots");
  mkdirSync(snapshots);
  await db.snapshot(snapshots, true);
  renameSync(join(snapshots, readdirSync(snapshots)[0]), join(dir, "blocks"));
}

/** CPU ms per query, over as many as `--ms` allow, and at least three. */
async function measure(server: PeerPrometheus, query: string, steps: number): Promise<number> {
  const end = START + SAMPLES * INTERVAL;
  const start = end - steps * INTERVAL;
  const ask = async (): Promise<void> => {
    const answer = await server.query(query, start, end, steps === 1 ? 0 : INTERVAL);
    if (answer.status !== "success") throw new Error(`${query}: ${answer.error}`);
  };
  await ask();
  await ask();
  const before = server.usage().cpuMs;
  const began = performance.now();
  let runs = 0;
  while (runs < 3 || performance.now() - began < Number(flags.ms)) {
    await ask();
    runs++;
  }
  return (server.usage().cpuMs - before) / runs;
}

const dir = mkdtempSync(join(tmpdir(), "pharos-engine-bench-"));
try {
  console.error("writing the samples…");
  await writeData(dir);
  for (const name of ["prometheus", "pharos"]) cpSync(join(dir, "blocks"), join(dir, name), { recursive: true });
  const root = join(import.meta.dirname, "..", "..");
  await using prometheus = await PeerPrometheus.start(flags.peers, join(dir, "prometheus"), FEATURES);
  const words = [join(root, "bin", "pharos"), "prometheus"];
  await using pharos = await PeerPrometheus.start(flags.peers, join(dir, "pharos"), FEATURES, words);
  const ratios: number[] = [];
  for (const { query, steps } of allCases()) {
    const theirs = await measure(prometheus, query, steps);
    const ours = await measure(pharos, query, steps);
    const ratio = theirs > 0 ? ours / theirs : Number.NaN;
    if (theirs > 0) ratios.push(ratio);
    const numbers = [theirs, ours, ratio].map((number) => number.toFixed(2).padStart(9)).join("");
    console.log(`${numbers}  ${String(steps).padStart(5)} steps  ${query}`);
  }
  ratios.sort((a, b) => a - b);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(`CPU, Pharos to Prometheus: median ${ratios[ratios.length >> 1].toFixed(3)}, geometric mean ${mean.toFixed(3)}, worst ${ratios.at(-1)?.toFixed(2)}`); // biome-ignore format: one row
  const [theirs, ours] = [prometheus, pharos].map((server) => Math.round(server.usage().peakBytes / 2 ** 20));
  console.log(`most memory resident: Prometheus ${theirs} MiB, Pharos ${ours} MiB`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
