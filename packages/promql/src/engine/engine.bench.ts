/**
 * Costs of common queries over 1000 series, 4 hours at 15 s, evaluated at 240 steps. Run by hand:
 * `node packages/promql/src/engine/engine.bench.ts`.
 */
import { Labels, matchesAll, type Queryable, type SampleBuffer, type StoredSeries } from "@pharos/model";
import { Engine } from "./engine.ts";

const SAMPLES = 4 * 240;
const STEP = 15_000;

class ColumnSeries implements StoredSeries {
  readonly labels: Labels;
  readonly #values: Float64Array;

  constructor(labels: Labels, slope: number) {
    this.labels = labels;
    this.#values = Float64Array.from({ length: SAMPLES }, (_, i) => i * slope);
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    const first = Math.max(0, Math.ceil(mint / STEP));
    const last = Math.min(SAMPLES - 1, Math.floor(maxt / STEP));
    if (last < first) return;
    out.reserve(last - first + 1);
    const { timestamps, values } = out;
    let n = out.length;
    for (let i = first; i <= last; i++, n++) {
      timestamps[n] = i * STEP;
      values[n] = this.#values[i];
    }
    out.length = n;
  }
}

const series: ColumnSeries[] = [];
for (let pod = 0; pod < 100; pod++) {
  for (let le = 0; le < 10; le++) {
    const labels = { namespace: `ns${pod % 10}`, pod: `pod-${pod}`, container: "main", node: `node-${pod % 7}` };
    series.push(new ColumnSeries(Labels.from({ __name__: "requests_total", ...labels, code: String(le) }), pod + le));
    series.push(
      new ColumnSeries(
        Labels.from({ __name__: "latency_bucket", ...labels, le: le === 9 ? "+Inf" : String(le) }),
        le + 1,
      ),
    );
  }
  series.push(new ColumnSeries(Labels.from({ __name__: "info", pod: `pod-${pod}`, owner: `o${pod % 5}` }), 0));
}
series.sort((a, b) => a.labels.compare(b.labels));

const storage: Queryable = {
  querier: () => ({
    select: (matchers) => series.filter(({ labels }) => matchesAll(matchers, labels)),
    labelNames: () => [],
    labelValues: () => [],
    [Symbol.dispose]: () => undefined,
  }),
};

const QUERIES = [
  "requests_total",
  "sum(requests_total)",
  "rate(requests_total[5m])",
  "sum by (namespace) (rate(requests_total[5m]))",
  "sum by (namespace, pod) (rate(requests_total[1h]))",
  "requests_total / requests_total",
  "sum by (pod) (requests_total) * on (pod) group_left (owner) info",
  "histogram_quantile(0.9, sum by (le, namespace) (rate(latency_bucket[5m])))",
  "topk(10, rate(requests_total[5m]))",
  "max_over_time(requests_total[30m])",
  "requests_total > 100 and requests_total < 1000",
  "label_replace(requests_total, 'x', '$1', 'pod', 'pod-(.*)')",
];

const engine = new Engine();
const end = SAMPLES * STEP;

async function measure(query: string, run: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < 7; i++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  console.log(`${times[2].toFixed(1).padStart(8)} ms  ${query}`);
}

for (const query of QUERIES) {
  await measure(query, () => engine.range(storage, query, end - 240 * 60_000 + 60_000, end, 60_000));
}

const many = Array.from({ length: 100_000 }, (_, i) => {
  const labels = { __name__: "requests_total", pod: `pod-${i % 1000}`, node: `node-${i % 50}`, code: String(i) };
  return { labels: Labels.from(labels), read: series[0].read.bind(series[0]) };
});
const wide: Queryable = {
  querier: () => ({
    ...storage.querier(0, 0),
    select: () => many,
    [Symbol.dispose]: () => undefined,
  }),
};
for (const query of ["sum(requests_total)", "sum by (pod) (rate(requests_total[5m]))", "count(requests_total > 5)"]) {
  await measure(`${query}, instant, 100k series`, () => engine.instant(wide, query, end));
}
