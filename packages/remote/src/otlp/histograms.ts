/** OpenTelemetry's histograms as native ones: exponential, and of explicit bounds as custom buckets. */
import { CUSTOM_BUCKETS_SCHEMA, type IntHistogram, type Span, UserError } from "@pharos/model";
import { type ExponentialPoint, type HistogramPoint, Temporality } from "./model.ts";

const MIN_SCHEMA = -4;
const MAX_SCHEMA = 8;
/** What upstream sets: the protocol's own threshold is not looked at. */
const ZERO_THRESHOLD = 1e-128;
/** Empty buckets in a row that are written out; more begin a new span. */
const MAX_GAP = 2;

/**
 * Dense counts as spans and deltas. `scaleDown`: 2 to that power buckets become one. Index 0 of an exponential histogram is the
 * bucket above 1 here and the one below there, hence the shift by one.
 */
export function bucketLayout(
  counts: readonly number[],
  offset: number,
  scaleDown: number,
  exponential: boolean,
): { spans: Span[]; deltas: number[] } {
  const spans: Span[] = [];
  const deltas: number[] = [];
  if (counts.length === 0) return { spans, deltas };
  let before = 0;
  const add = (count: number): void => {
    spans[spans.length - 1].length++;
    deltas.push(count - before);
    before = count;
  };
  const skip = (gap: number): void => {
    if (gap > MAX_GAP) spans.push({ offset: gap, length: 0 });
    else for (let i = 0; i < gap; i++) add(0);
  };
  const indexOf = (i: number): number => ((i + offset) >> scaleDown) + 1;
  let index = indexOf(0);
  let count = 0;
  spans.push({ offset: exponential ? index : offset, length: 0 });
  for (let i = 0; i < counts.length; i++) {
    const next = indexOf(i);
    if (next === index) {
      count += counts[i];
      continue;
    }
    if (count === 0) {
      count = counts[i];
      continue;
    }
    skip(next - index - 1);
    add(count);
    count = counts[i];
    index = next;
  }
  skip(indexOf(counts.length - 1) - index);
  add(count);
  return { spans, deltas };
}

const hintOf = (temporality: number) => (temporality === Temporality.delta ? ("gauge" as const) : ("unknown" as const));

/** Throws a UserError for a scale that no schema has. */
export function nativeHistogram(point: ExponentialPoint, temporality: number): IntHistogram {
  if (point.scale < MIN_SCHEMA) {
    throw new UserError(
      "remote.otlp",
      `cannot convert exponential to native histogram. Scale must be >= ${MIN_SCHEMA}, was ${point.scale}`,
    );
  }
  const down = Math.min(Math.max(0, point.scale - MAX_SCHEMA), 31);
  const positive = bucketLayout(point.positive.counts, point.positive.offset, down, true);
  const negative = bucketLayout(point.negative.counts, point.negative.offset, down, true);
  return {
    kind: "int",
    counterResetHint: hintOf(temporality),
    schema: Math.min(point.scale, MAX_SCHEMA),
    zeroThreshold: ZERO_THRESHOLD,
    zeroCount: point.zeroCount,
    count: point.noValue ? 0 : point.count,
    sum: point.noValue ? 0 : (point.sum ?? 0),
    positiveSpans: positive.spans,
    positiveDeltas: positive.deltas,
    negativeSpans: negative.spans,
    negativeDeltas: negative.deltas,
    customValues: [],
    ...(point.noValue ? { stale: true } : {}),
  };
}

export function customBucketsHistogram(point: HistogramPoint, temporality: number): IntHistogram {
  const found = point.bucketCounts.findIndex((count) => count !== 0);
  const offset = found < 0 ? point.bucketCounts.length : found;
  const { spans, deltas } = bucketLayout(point.bucketCounts.slice(offset), offset, 0, false);
  return {
    kind: "int",
    counterResetHint: hintOf(temporality),
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count: point.noValue ? 0 : point.count,
    sum: point.noValue ? 0 : (point.sum ?? 0),
    positiveSpans: spans,
    positiveDeltas: deltas,
    negativeSpans: [],
    negativeDeltas: [],
    customValues: point.bounds,
    ...(point.noValue ? { stale: true } : {}),
  };
}
