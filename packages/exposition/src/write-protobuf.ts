/**
 * Writing io.prometheus.client.MetricFamily messages, each preceded by its length. Field numbers are those of
 * client_model's metrics.proto.
 */
import type { Exemplar, FloatHistogram, IntHistogram, Span } from "@pharos/model";
import type { HistogramMetric, LabelRun, MetricFamily, SimpleMetric, SummaryMetric } from "./family.ts";
import { type EscapingScheme, escapeName } from "./names.ts";
import { ProtoWriter } from "./protobuf-wire.ts";

const TYPES: Record<MetricFamily["type"], number> = {
  counter: 0,
  gauge: 1,
  summary: 2,
  unknown: 3,
  histogram: 4,
  gaugehistogram: 5,
  info: 1,
  stateset: 1,
};

/** Field of Metric that holds a simple value, by type. */
const VALUE_FIELDS: Readonly<Record<string, number>> = { gauge: 2, counter: 3, unknown: 5, info: 2, stateset: 2 };

class MetricsWriter {
  readonly out = new ProtoWriter();
  readonly #escaping: EscapingScheme;

  constructor(escaping: EscapingScheme) {
    this.#escaping = escaping;
  }

  family(family: MetricFamily): void {
    const { out } = this;
    out.delimited(() => {
      out.string(1, escapeName(family.name, this.#escaping));
      out.string(2, family.help);
      out.uint(3, TYPES[family.type]);
      for (const metric of family.metrics) {
        out.message(4, () => {
          this.#labels(metric.labels);
          if ("buckets" in metric) out.message(7, () => this.#histogram(metric));
          else if ("quantiles" in metric) out.message(4, () => this.#summary(metric));
          else out.message(VALUE_FIELDS[family.type], () => this.#simple(metric, family.type === "counter"));
          if (metric.timestamp !== undefined) out.int64(6, metric.timestamp);
        });
      }
      if (family.unit) out.string(5, family.unit);
    });
  }

  #pair(name: string, value: string): void {
    this.out.message(1, () => {
      this.out.string(1, name);
      this.out.string(2, value);
    });
  }

  #labels(labels: LabelRun): void {
    for (let i = 0; i < labels.length; i += 2) this.#pair(escapeName(labels[i], this.#escaping), labels[i + 1]);
  }

  #timestamp(field: number, ms: number | undefined): void {
    if (ms === undefined) return;
    this.out.message(field, () => {
      const seconds = Math.floor(ms / 1000);
      this.out.int64(1, seconds);
      const nanos = Math.round((ms - seconds * 1000) * 1e6);
      if (nanos !== 0) this.out.uint(2, nanos);
    });
  }

  #exemplar(field: number, exemplar: Exemplar | undefined): void {
    if (!exemplar) return;
    this.out.message(field, () => {
      for (const [name, value] of exemplar.labels) this.#pair(name, value);
      this.out.double(2, exemplar.value);
      this.#timestamp(3, exemplar.timestamp);
    });
  }

  #simple({ value, exemplar, startTimestamp }: SimpleMetric, counter: boolean): void {
    this.out.double(1, value);
    if (!counter) return;
    this.#exemplar(2, exemplar);
    this.#timestamp(3, startTimestamp);
  }

  #summary({ count, sum, quantiles, startTimestamp }: SummaryMetric): void {
    const { out } = this;
    out.uint(1, count);
    out.double(2, sum);
    for (const { quantile, value } of quantiles) {
      out.message(3, () => {
        out.double(1, quantile);
        out.double(2, value);
      });
    }
    this.#timestamp(4, startTimestamp);
  }

  #histogram({ count, sum, buckets, native, startTimestamp }: HistogramMetric): void {
    const { out } = this;
    const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
    // Counts are either all integers or all floats, which have fields of their own.
    const float =
      native?.kind === "float" || !isWhole(count) || !buckets.every((bucket) => isWhole(bucket.cumulativeCount));
    if (float) out.double(4, count);
    else out.uint(1, count);
    out.double(2, sum);
    for (const { upperBound, cumulativeCount, exemplar } of buckets) {
      out.message(3, () => {
        if (float) out.double(4, cumulativeCount);
        else out.uint(1, cumulativeCount);
        out.double(2, upperBound);
        this.#exemplar(3, exemplar);
      });
    }
    if (native) this.#native(native);
    this.#timestamp(15, startTimestamp);
  }

  #spans(field: number, spans: readonly Span[]): void {
    for (const { offset, length } of spans) {
      this.out.message(field, () => {
        this.out.sint(1, offset);
        this.out.uint(2, length);
      });
    }
  }

  #native(native: IntHistogram | FloatHistogram): void {
    const { out } = this;
    out.sint(5, native.schema);
    out.double(6, native.zeroThreshold);
    if (native.kind === "int") out.uint(7, native.zeroCount);
    else out.double(8, native.zeroCount);
    this.#spans(9, native.negativeSpans);
    if (native.kind === "int") for (const delta of native.negativeDeltas) out.sint(10, delta);
    else for (const value of native.negativeBuckets) out.double(11, value);
    // An empty native histogram is told from a classic one by a span that spans nothing.
    const empty =
      native.positiveSpans.length === 0 &&
      native.negativeSpans.length === 0 &&
      native.zeroThreshold === 0 &&
      native.zeroCount === 0;
    this.#spans(12, empty ? [{ offset: 0, length: 0 }] : native.positiveSpans);
    if (native.kind === "int") for (const delta of native.positiveDeltas) out.sint(13, delta);
    else for (const value of native.positiveBuckets) out.double(14, value);
  }
}

export function writeProtobuf(families: Iterable<MetricFamily>, escaping: EscapingScheme = "underscores"): Uint8Array {
  const writer = new MetricsWriter(escaping);
  for (const family of families) writer.family(family);
  return writer.out.finish();
}
