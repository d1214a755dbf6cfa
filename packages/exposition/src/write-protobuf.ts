/**
 * Writing io.prometheus.client.MetricFamily messages, each preceded by its length. Field numbers are those of
 * client_model's metrics.proto.
 */
import type { FloatHistogram, IntHistogram, Span } from "@pharos/model";
import { toFloatHistogram } from "@pharos/model";
import type { HistogramMetric, LabelRun, MetricFamily } from "./family.ts";

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

class Writer {
  readonly #bytes: number[] = [];

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes.push(rest);
  }

  uint(field: number, value: number): void {
    this.varint(field * 8);
    this.varint(value);
  }

  /** Zig-zag. */
  sint(field: number, value: number): void {
    this.uint(field, value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** A signed integer in plain varint form: negative ones take ten bytes. */
  int64(field: number, value: number): void {
    if (value >= 0) {
      this.uint(field, value);
      return;
    }
    this.varint(field * 8);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#bytes.push(Number(rest));
  }

  double(field: number, value: number): void {
    this.varint(field * 8 + 1);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.#bytes.push(...bytes);
  }

  bytes(field: number, value: Uint8Array): void {
    this.varint(field * 8 + 2);
    this.varint(value.length);
    for (const byte of value) this.#bytes.push(byte);
  }

  string(field: number, value: string): void {
    this.bytes(field, Buffer.from(value));
  }

  message(field: number, write: (inner: Writer) => void): void {
    const inner = new Writer();
    write(inner);
    this.bytes(field, inner.finish());
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

function writeLabels(writer: Writer, labels: LabelRun): void {
  for (let i = 0; i < labels.length; i += 2) {
    writer.message(1, (pair) => {
      pair.string(1, labels[i]);
      pair.string(2, labels[i + 1]);
    });
  }
}

function writeSpans(writer: Writer, field: number, spans: readonly Span[]): void {
  for (const { offset, length } of spans) {
    writer.message(field, (span) => {
      span.sint(1, offset);
      span.uint(2, length);
    });
  }
}

function writeNative(writer: Writer, native: IntHistogram | FloatHistogram): void {
  const float = toFloatHistogram(native);
  writer.sint(5, native.schema);
  writer.double(6, native.zeroThreshold);
  if (native.kind === "int") writer.uint(7, native.zeroCount);
  else writer.double(8, native.zeroCount);
  writeSpans(writer, 9, native.negativeSpans);
  if (native.kind === "int") for (const delta of native.negativeDeltas) writer.sint(10, delta);
  else for (const count of float.negativeBuckets) writer.double(11, count);
  // An empty native histogram is told from a classic one by a span that spans nothing.
  const empty =
    native.positiveSpans.length === 0 &&
    native.negativeSpans.length === 0 &&
    native.zeroThreshold === 0 &&
    native.zeroCount === 0;
  writeSpans(writer, 12, empty ? [{ offset: 0, length: 0 }] : native.positiveSpans);
  if (native.kind === "int") for (const delta of native.positiveDeltas) writer.sint(13, delta);
  else for (const count of float.positiveBuckets) writer.double(14, count);
}

function writeHistogram(writer: Writer, { count, sum, buckets, native }: HistogramMetric): void {
  writer.uint(1, count);
  writer.double(2, sum);
  for (const { upperBound, cumulativeCount } of buckets) {
    writer.message(3, (bucket) => {
      bucket.uint(1, cumulativeCount);
      bucket.double(2, upperBound);
    });
  }
  if (native) writeNative(writer, native);
}

/** Field of Metric that holds a simple value, by type. */
const VALUE_FIELDS: Record<string, number> = { gauge: 2, counter: 3, unknown: 5, info: 2, stateset: 2 };

function writeFamily(family: MetricFamily): Uint8Array {
  const writer = new Writer();
  writer.string(1, family.name);
  writer.string(2, family.help);
  writer.uint(3, TYPES[family.type]);
  for (const metric of family.metrics) {
    writer.message(4, (inner) => {
      writeLabels(inner, metric.labels);
      if ("buckets" in metric) inner.message(7, (histogram) => writeHistogram(histogram, metric));
      else if ("quantiles" in metric) {
        inner.message(4, (summary) => {
          summary.uint(1, metric.count);
          summary.double(2, metric.sum);
          for (const { quantile, value } of metric.quantiles) {
            summary.message(3, (entry) => {
              entry.double(1, quantile);
              entry.double(2, value);
            });
          }
        });
      } else inner.message(VALUE_FIELDS[family.type], (simple) => simple.double(1, metric.value));
      if (metric.timestamp !== undefined) inner.int64(6, metric.timestamp);
    });
  }
  if (family.unit) writer.string(5, family.unit);
  return writer.finish();
}

export function writeProtobuf(families: Iterable<MetricFamily>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const family of families) {
    const message = writeFamily(family);
    const length = new Writer();
    length.varint(message.length);
    parts.push(length.finish(), message);
  }
  return Buffer.concat(parts);
}
