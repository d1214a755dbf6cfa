/**
 * /federate: the newest sample of each selected series, for another Prometheus to scrape. Rules of upstream's web/federate.go:
 * only the local storage, stale series left out, external labels (and an empty instance) where a series has none of its own,
 * timestamps kept, native histograms in protobuf only.
 */
import { encode, type HistogramMetric, type MetricFamily, negotiate, type SimpleMetric } from "@pharos/exposition";
import { type Registry, requestParams } from "@pharos/kit";
import {
  CUSTOM_BUCKETS_SCHEMA,
  compareStrings,
  describeError,
  type FloatHistogram,
  type Labels,
  METRIC_NAME,
  type Queryable,
  SampleBuffer,
  UserError,
} from "@pharos/model";
import { parseMetricSelector } from "@pharos/promql";
import type { FastifyInstance } from "fastify";

export interface FederateContext {
  /** The local storage. */
  storage: Queryable;
  registry: Registry;
  lookbackMs: number;
  externalLabels(): Labels;
  now(): number;
}

interface Newest {
  labels: Labels;
  time: number;
  value: number;
  histogram: FloatHistogram | undefined;
}

/** A series' own labels in their order, then those of the server it does not have. */
function labelRun(labels: Labels, external: readonly (readonly [string, string])[]): string[] {
  const run: string[] = [];
  for (const [name, value] of labels) if (name !== METRIC_NAME) run.push(name, value);
  for (const [name, value] of external) if (!labels.has(name)) run.push(name, value);
  return run;
}

/** Cumulative counts by upper bound of a histogram with custom buckets. */
function classicBuckets({ customValues, positiveSpans, positiveBuckets }: FloatHistogram): HistogramMetric["buckets"] {
  const counts = new Float64Array(customValues.length + 1);
  let index = 0;
  let next = 0;
  for (const { offset, length } of positiveSpans) {
    index += offset;
    for (let i = 0; i < length; i++) counts[index++] = positiveBuckets[next++];
  }
  let cumulativeCount = 0;
  return customValues.map((upperBound, i) => {
    cumulativeCount += counts[i];
    return { upperBound, cumulativeCount };
  });
}

function histogramMetric(base: { labels: string[]; timestamp: number }, histogram: FloatHistogram): HistogramMetric {
  const { count, sum } = histogram;
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA
    ? { ...base, count, sum, buckets: classicBuckets(histogram) }
    : { ...base, count, sum, buckets: [], native: histogram };
}

/** Families in order of names; one that has both floats and histograms is written in parts. */
export function federatedFamilies(
  found: readonly Newest[],
  externalLabels: Labels,
  withNative: boolean,
): MetricFamily[] {
  const external: [string, string][] = [...externalLabels].map(([name, value]) => [name, value]);
  if (!externalLabels.has("instance")) external.push(["instance", ""]);
  external.sort(([a], [b]) => compareStrings(a, b));
  const families: MetricFamily[] = [];
  for (const { labels, time, value, histogram } of found) {
    if (histogram && histogram.schema !== CUSTOM_BUCKETS_SCHEMA && !withNative) continue;
    const name = labels.metricName;
    if (name === "") continue;
    const base = { labels: labelRun(labels, external), timestamp: time };
    const type = !histogram ? "unknown" : histogram.counterResetHint === "gauge" ? "gaugehistogram" : "histogram";
    const last = families.at(-1);
    const fits = last?.name === name && last.type === type;
    if (histogram) {
      const metric = histogramMetric(base, histogram);
      if (fits) (last.metrics as HistogramMetric[]).push(metric);
      else families.push({ name, help: "", type: type as "histogram", metrics: [metric] });
    } else if (fits) (last.metrics as SimpleMetric[]).push({ ...base, value });
    else families.push({ name, help: "", type: "unknown", metrics: [{ ...base, value }] });
  }
  return families;
}

export function mountFederate(app: FastifyInstance, context: FederateContext): void {
  const { storage, registry, lookbackMs, externalLabels, now } = context;
  const errors = registry.counter(
    "prometheus_web_federation_errors_total",
    "Total number of errors that occurred while sending federation responses.",
  );
  const warnings = registry.counter(
    "prometheus_web_federation_warnings_total",
    "Total number of warnings that occurred while sending federation responses.",
  );
  app.get("/federate", async (request, reply) => {
    const fail = (code: number, message: string) =>
      reply.code(code).type("text/plain; charset=utf-8").send(`${message}\n`);
    const { format, contentType, escaping } = negotiate(request.headers.accept, ["text", "protobuf"]);
    try {
      const selectors = requestParams(request).getAll("match[]").map(parseMetricSelector);
      const maxt = now();
      const mint = maxt - lookbackMs;
      using querier = storage.querier(mint, maxt);
      const found = new Map<string, Newest>();
      const buffer = new SampleBuffer();
      for (const matchers of selectors) {
        for (const series of await querier.select(matchers, { start: mint, end: maxt })) {
          const key = series.labels.key();
          if (found.has(key)) continue;
          buffer.clear();
          if (series.readNewest) series.readNewest(mint, maxt, buffer);
          else series.read(mint, maxt, buffer);
          const row = buffer.length - 1;
          if (row < 0 || buffer.isStale(row)) continue;
          const histogram = buffer.histograms?.[row];
          found.set(key, { labels: series.labels, time: buffer.timestamps[row], value: buffer.values[row], histogram });
        }
      }
      warnings.inc(querier.warnings?.length ?? 0);
      const sorted = [...found.values()].sort(
        (a, b) => compareStrings(a.labels.metricName, b.labels.metricName) || a.labels.compare(b.labels),
      );
      const families = federatedFamilies(sorted, externalLabels(), format === "protobuf");
      return reply.type(contentType).send(Buffer.from(encode(families, format, escaping)));
    } catch (error) {
      if (error instanceof UserError) return fail(400, error.message);
      errors.inc();
      return fail(500, describeError(error));
    }
  });
}
