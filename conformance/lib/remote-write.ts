/**
 * Remote write 1.0 requests for suites that feed a real server: prometheus.WriteRequest as protobuf, and snappy's block format
 * without compression.
 */
import type { FloatHistogram, IntHistogram, Labels, Span } from "@pharos/model";

export interface WriteSeries {
  labels: Labels;
  samples?: { time: number; value: number }[];
  histograms?: { time: number; histogram: IntHistogram | FloatHistogram }[];
  /** Value of an exemplar at the time of the first sample. */
  exemplar?: number;
}

function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const zigzag = (value: number): bigint => (BigInt(value) << 1n) ^ (BigInt(value) >> 63n);

const integer = (field: number, value: number | bigint): Buffer => Buffer.concat([varint(field << 3), varint(value)]);

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint((field << 3) | 1), bytes]);
}

function message(field: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
}

const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));

const labelsOf = (field: number, labels: Iterable<readonly [string, string]>): Buffer[] =>
  [...labels].map(([name, value]) => message(field, text(1, name), text(2, value)));

const doubles = (field: number, values: readonly number[]): Buffer[] =>
  values.length === 0 ? [] : [message(field, Buffer.from(Float64Array.from(values).buffer))];

function histogramOf(time: number, histogram: IntHistogram | FloatHistogram): Buffer {
  const spans = (field: number, list: readonly Span[]): Buffer[] =>
    list.map(({ offset, length }) => message(field, integer(1, zigzag(offset)), integer(2, length)));
  const deltas = (field: number, list: readonly number[]): Buffer[] =>
    list.length === 0 ? [] : [message(field, ...list.map((delta) => varint(zigzag(delta))))];
  const { count, sum, schema, zeroThreshold, zeroCount, negativeSpans, positiveSpans, customValues } = histogram;
  const int = histogram.kind === "int";
  return message(
    4,
    int ? integer(1, count) : double(2, count),
    double(3, sum),
    integer(4, zigzag(schema)),
    double(5, zeroThreshold),
    int ? integer(6, zeroCount) : double(7, zeroCount),
    ...spans(8, negativeSpans),
    ...(int ? deltas(9, histogram.negativeDeltas) : doubles(10, histogram.negativeBuckets)),
    ...spans(11, positiveSpans),
    ...(int ? deltas(12, histogram.positiveDeltas) : doubles(13, histogram.positiveBuckets)),
    integer(15, time),
    ...doubles(16, customValues),
  );
}

export function encodeWrite(series: readonly WriteSeries[]): Buffer {
  return Buffer.concat(
    series.map(({ labels, samples = [], histograms = [], exemplar }) =>
      message(
        1,
        ...labelsOf(1, labels),
        ...samples.map(({ time, value }) => message(2, double(1, value), integer(2, time))),
        ...(exemplar === undefined
          ? []
          : [
              message(
                3,
                ...labelsOf(1, [["trace", String(exemplar)]]),
                double(2, exemplar),
                integer(3, samples[0].time),
              ),
            ]),
        ...histograms.map(({ time, histogram }) => histogramOf(time, histogram)),
      ),
    ),
  );
}

/** A snappy block that holds the bytes as they are. */
export function snappyLiteral(bytes: Buffer): Buffer {
  const size = Buffer.alloc(5);
  size[0] = 63 << 2;
  size.writeUInt32LE(bytes.length - 1, 1);
  return Buffer.concat([varint(bytes.length), size, bytes]);
}
