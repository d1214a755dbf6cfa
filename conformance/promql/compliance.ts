/**
 * The queries of the PromQL compliance tester: templates whose `{{.name}}` stand for each of several values, over the
 * metrics of a demo service, which are made here.
 */
import { Labels } from "@pharos/model";
import { parse } from "yaml";
import { DATA_START, type DataSample, type DataSeries } from "./data.ts";
import { Random } from "./random.ts";

interface TestCase {
  query: string;
  variant_args?: string[];
}

const ARITHMETIC = ["+", "-", "*", "/", "%", "^"];
const COMPARISONS = ["==", "!=", "<", ">", "<=", ">="];
const QUANTILES = ["-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"];

/** The values of the tester itself. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  range: ["1s", "15s", "1m", "5m", "15m", "1h"],
  offset: ["1m", "5m", "10m"],
  simpleAggrOp: ["sum", "avg", "max", "min", "count", "stddev", "stdvar"],
  simpleTimeAggrOp: ["sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last", "present"],
  topBottomOp: ["topk", "bottomk"],
  quantile: QUANTILES,
  arithBinOp: ARITHMETIC,
  compBinOp: COMPARISONS,
  binOp: [...ARITHMETIC, ...COMPARISONS],
  simpleMathFunc: ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"],
  extrapolatedRateFunc: ["delta", "rate", "increase"],
  clampFunc: ["clamp_min", "clamp_max"],
  instantRateFunc: ["idelta", "irate"],
  dateFunc: ["day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"],
};

/**
 * All queries that the templates in this YAML text stand for. Whether one is to fail is left to the peer: two that once did
 * have become valid with UTF-8 label names.
 */
export function expandQueries(yaml: string): string[] {
  const { test_cases: cases } = parse(yaml) as { test_cases: TestCase[] };
  return cases.flatMap(({ query, variant_args: names = [] }) => {
    let queries = [query];
    for (const name of names) {
      const values = VARIANTS[name];
      if (!values) throw new Error(`unknown variant ${name}`);
      queries = queries.flatMap((text) => values.map((value) => text.replaceAll(`{{.${name}}}`, value)));
    }
    return queries;
  });
}

const INTERVAL = 5000;
const SAMPLES = (2.5 * 3600_000) / INTERVAL;
export const DEMO_END = DATA_START + SAMPLES * INTERVAL;

/** What three instances of the demo service would show over two and a half hours, scraped every 5 s. */
export function demoData(): DataSeries[] {
  const out: DataSeries[] = [];
  const random = new Random(42);
  const add = (labels: Record<string, string>, value: (i: number) => number | undefined) => {
    const samples: DataSample[] = [];
    let stale = true;
    for (let i = 0; i < SAMPLES; i++) {
      const t = DATA_START + i * INTERVAL;
      const v = value(i);
      if (v !== undefined) samples.push({ t, value: v });
      else if (!stale) samples.push({ t, stale: true });
      stale = v === undefined;
    }
    out.push({ labels: Labels.from({ job: "demo", ...labels }), samples });
  };
  const counter = (scale: number, resetEvery: number) => {
    let value = 0;
    return (i: number) => {
      if (i % resetEvery === 0) value = 0;
      value += random.next() * scale;
      return value;
    };
  };
  for (const port of ["10000", "10001", "10002"]) {
    const instance = `demo.promlabs.com:${port}`;
    for (const type of ["used", "free", "buffers", "cached"]) {
      add({ __name__: "demo_memory_usage_bytes", instance, type }, () => Math.round(random.next() * 4e9));
    }
    for (const mode of ["user", "system", "idle"]) {
      add({ __name__: "demo_cpu_usage_seconds_total", instance, mode }, counter(5, 900));
    }
    add({ __name__: "demo_num_cpus", instance }, () => 4);
    add({ __name__: "demo_disk_usage_bytes", instance }, (i) => 1e9 + i * 1234.5 + Math.sin(i / 50) * 1e6);
    add(
      { __name__: "demo_batch_last_success_timestamp_seconds", instance },
      (i) => Math.floor((DATA_START / 1000 + i * 5) / 60) * 60,
    );
    add({ __name__: "demo_intermittent_metric", instance }, (i) => (i % 60 < 30 ? 1 : undefined));
    for (const [method, path, status] of [
      ["GET", "/api/foo", "200"],
      ["POST", "/api/bar", "500"],
    ]) {
      const request = { instance, method, path, status };
      const bounds = ["0.0001", "0.001", "0.01", "0.1", "1", "10", "+Inf"];
      const counts = bounds.map(() => 0);
      let sum = 0;
      const history: { counts: number[]; sum: number }[] = [];
      for (let i = 0; i < SAMPLES; i++) {
        for (let k = random.int(9); k > 0; k--) {
          for (let j = random.int(bounds.length); j < bounds.length; j++) counts[j]++;
          sum += random.next();
        }
        history.push({ counts: [...counts], sum });
      }
      const name = "demo_api_request_duration_seconds";
      for (const [j, le] of bounds.entries()) {
        add({ __name__: `${name}_bucket`, ...request, le }, (i) => history[i].counts[j]);
      }
      add({ __name__: `${name}_sum`, ...request }, (i) => history[i].sum);
      add({ __name__: `${name}_count`, ...request }, (i) => history[i].counts.at(-1));
    }
  }
  return out;
}
