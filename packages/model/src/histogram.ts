/**
 * Native histograms as data. Bucket counts of a `FloatHistogram` are absolute; those of a `Histogram` (integer form, as
 * on the wire and in chunks) are deltas: the first is absolute, each further one is relative to its neighbour.
 */
export type CounterResetHint = "unknown" | "reset" | "not_reset" | "gauge";

export interface Span {
  /** Gap to the end of the previous span, or the first bucket's index for the first span. */
  offset: number;
  length: number;
}

/** Schema of histograms with custom bucket bounds (NHCB); exponential schemas are -4…8 (and -9…52 reserved). */
export const CUSTOM_BUCKETS_SCHEMA = -53;

export interface HistogramBase {
  counterResetHint: CounterResetHint;
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  count: number;
  /** NaN with the stale payload cannot live in a JavaScript number: a stale histogram is told apart by `stale`. */
  sum: number;
  positiveSpans: Span[];
  negativeSpans: Span[];
  /** Upper bounds for schema -53, without +Inf; empty otherwise. */
  customValues: number[];
  /** A staleness marker in histogram form: all else is empty. */
  stale?: boolean;
}

export interface FloatHistogram extends HistogramBase {
  kind: "float";
  positiveBuckets: number[];
  negativeBuckets: number[];
}

export interface IntHistogram extends HistogramBase {
  kind: "int";
  positiveDeltas: number[];
  negativeDeltas: number[];
}

function absolute(deltas: readonly number[]): number[] {
  let current = 0;
  return deltas.map((delta) => (current += delta));
}

export function toFloatHistogram(histogram: IntHistogram | FloatHistogram): FloatHistogram {
  if (histogram.kind === "float") return histogram;
  const { positiveDeltas, negativeDeltas, ...base } = histogram;
  return {
    ...base,
    kind: "float",
    positiveBuckets: absolute(positiveDeltas),
    negativeBuckets: absolute(negativeDeltas),
  };
}
