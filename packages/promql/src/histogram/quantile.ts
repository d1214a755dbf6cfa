/** Quantiles and fractions of native histograms. */
import type { FloatHistogram } from "@pharos/model";
import { usesCustomBuckets } from "./bounds.ts";
import { fractionBelow, type HistogramBucket, histogramBuckets } from "./buckets.ts";

/** What a result does not say: "nanResult", "nanSkew" and "nanExcluded" tell that NaN was observed. */
export type HistogramNote = "nanResult" | "nanSkew" | "nanExcluded";

export interface HistogramAnswer {
  value: number;
  note?: HistogramNote;
}

/** With buckets on one side only, the zero bucket reaches no further than zero on the other. */
function narrowZeroBucket(histogram: FloatHistogram, bucket: HistogramBucket): void {
  const positive = histogram.positiveBuckets.length > 0;
  const negative = histogram.negativeBuckets.length > 0;
  if (positive && !negative) bucket.lower = 0;
  else if (negative && !positive) bucket.upper = 0;
}

/**
 * The q-quantile, interpolated within its bucket: linearly for custom buckets and the zero bucket, exponentially
 * otherwise. NaN for an empty histogram; ±Inf for q outside 0…1.
 */
export function histogramQuantile(q: number, histogram: FloatHistogram): HistogramAnswer {
  if (q < 0) return { value: -Infinity };
  if (q > 1) return { value: Infinity };
  if (histogram.count === 0 || Number.isNaN(q)) return { value: Number.NaN };
  const custom = usesCustomBuckets(histogram);
  const nan = Number.isNaN(histogram.sum);
  // Observed NaNs count as above all buckets, so ranks must then be taken from below.
  const fromBelow = nan || q < 0.5;
  const buckets = histogramBuckets(histogram);
  if (!fromBelow) buckets.reverse();
  let rank = (fromBelow ? q : 1 - q) * histogram.count;
  let bucket: HistogramBucket = { lower: 0, upper: 0, lowerInclusive: false, upperInclusive: false, count: 0 };
  let count = 0;
  let next = 0;
  while (next < buckets.length) {
    bucket = buckets[next++];
    if (bucket.count === 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (custom) {
    if (bucket.lower === -Infinity) {
      if (bucket.upper <= 0) return { value: bucket.upper };
      bucket.lower = 0;
    } else if (bucket.upper === Infinity) return { value: bucket.lower };
  } else if (bucket.lower < 0 && bucket.upper > 0) narrowZeroBucket(histogram, bucket);
  count = Math.min(count, histogram.count);
  if (count < rank) return nan ? { value: Number.NaN, note: "nanResult" } : { value: bucket.upper };
  rank = fromBelow ? rank - (count - bucket.count) : count - rank;
  let note: HistogramNote | undefined;
  if (nan) {
    for (; next < buckets.length; next++) count += buckets[next].count;
    if (count < histogram.count) note = "nanSkew";
  }
  const value = interpolate(bucket, rank / bucket.count, custom);
  return note ? { value, note } : { value };
}

function interpolate({ lower, upper }: HistogramBucket, fraction: number, custom: boolean): number {
  if (custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  if (lower > 0) return 2 ** (logLower + (logUpper - logLower) * fraction);
  return -(2 ** (logUpper + (logLower - logUpper) * (1 - fraction)));
}

/** Observations at or below `value`, of those in the buckets; undefined when all buckets end below it. */
function rankOf(value: number, histogram: FloatHistogram, buckets: readonly HistogramBucket[]): number | undefined {
  const custom = usesCustomBuckets(histogram);
  let rank = 0;
  for (const original of buckets) {
    const bucket = { ...original };
    const zero = bucket.lower <= 0 && bucket.upper >= 0;
    if (zero) narrowZeroBucket(histogram, bucket);
    if (bucket.lower >= value) return rank;
    if (bucket.upper > value) {
      const linear = custom || zero;
      // Nothing can be said about the inside of a bucket without a lower bound: all of it counts as below.
      if (linear && bucket.lower === -Infinity) return bucket.count;
      return rank + bucket.count * fractionBelow(bucket, value, linear);
    }
    rank += bucket.count;
  }
  return undefined;
}

/** Share of observations between two values. NaN for an empty histogram, 0 when lower >= upper. */
export function histogramFraction(lower: number, upper: number, histogram: FloatHistogram): HistogramAnswer {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return { value: Number.NaN };
  if (lower >= upper) return { value: 0 };
  const buckets = histogramBuckets(histogram);
  let count = histogram.count;
  let note: HistogramNote | undefined;
  if (Number.isNaN(histogram.sum)) {
    count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
    if (count < histogram.count) note = "nanExcluded";
  }
  const lowerRank = Math.min(rankOf(lower, histogram, buckets) ?? count, count);
  const upperRank = Math.min(rankOf(upper, histogram, buckets) ?? count, count);
  const value = (upperRank - lowerRank) / histogram.count;
  return note ? { value, note } : { value };
}
