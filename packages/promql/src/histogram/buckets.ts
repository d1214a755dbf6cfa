/** The buckets of a native histogram with their bounds. */
import type { FloatHistogram, Span } from "@pharos/model";
import { upperBound, usesCustomBuckets } from "./bounds.ts";

export interface HistogramBucket {
  lower: number;
  upper: number;
  lowerInclusive: boolean;
  upperInclusive: boolean;
  count: number;
}

/** Buckets of one side in order of their index; empty ones included. */
export function sideBuckets(histogram: FloatHistogram, side: "positive" | "negative"): HistogramBucket[] {
  const positive = side === "positive";
  const spans: readonly Span[] = positive ? histogram.positiveSpans : histogram.negativeSpans;
  const counts = positive ? histogram.positiveBuckets : histogram.negativeBuckets;
  const custom = usesCustomBuckets(histogram);
  const out: HistogramBucket[] = [];
  let index = 0;
  let next = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length && next < counts.length; i++, index++, next++) {
      const outer = upperBound(index, histogram);
      const inner = upperBound(index - 1, histogram);
      const lower = positive ? inner : -outer;
      const upper = positive ? outer : -inner;
      out.push({
        lower,
        upper,
        lowerInclusive: custom ? index === 0 : lower < 0,
        upperInclusive: custom || upper > 0,
        count: counts[next],
      });
    }
  }
  return out;
}

export function zeroBucket({ zeroThreshold, zeroCount }: FloatHistogram): HistogramBucket {
  return {
    lower: -zeroThreshold,
    upper: zeroThreshold,
    lowerInclusive: true,
    upperInclusive: true,
    count: zeroCount,
  };
}

/** All buckets from the lowest to the highest; those that reach into the zero bucket are cut at its bound. */
export function histogramBuckets(histogram: FloatHistogram): HistogramBucket[] {
  const threshold = histogram.zeroThreshold;
  const out = sideBuckets(histogram, "negative").reverse();
  for (const bucket of out) if (bucket.upper < 0 && bucket.upper > -threshold) bucket.upper = -threshold;
  if (histogram.zeroCount > 0) out.push(zeroBucket(histogram));
  for (const bucket of sideBuckets(histogram, "positive")) {
    if (bucket.lower > 0 && bucket.lower < threshold) bucket.lower = threshold;
    else if (bucket.upper < 0 && bucket.upper > -threshold) bucket.upper = -threshold;
    out.push(bucket);
  }
  return out;
}

/**
 * Share of a bucket at or below `value`, which lies strictly inside its finite bounds: linear for custom buckets and
 * the zero bucket, on a logarithmic scale for exponential ones.
 */
export function fractionBelow({ lower, upper }: HistogramBucket, value: number, linear: boolean): number {
  if (linear) return (value - lower) / (upper - lower);
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const logValue = Math.log2(Math.abs(value));
  if (value > 0) return (logValue - logLower) / (logUpper - logLower);
  return 1 - (logValue - logUpper) / (logLower - logUpper);
}
