/** Cutting the observations of a native histogram above or below a value: the operators `</` and `>/`. */
import type { FloatHistogram } from "@pharos/model";
import { compactHistogram } from "./algebra.ts";
import { usesCustomBuckets } from "./bounds.ts";
import { fractionBelow, type HistogramBucket, sideBuckets, zeroBucket } from "./buckets.ts";

/** What stays of a bucket, and the value its observations are taken to have on average. */
interface Rest {
  count: number;
  midpoint: number;
}

function midpoint(lower: number, upper: number, positive: boolean, linear: boolean): number {
  if (!Number.isFinite(lower)) {
    if (!Number.isFinite(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (!Number.isFinite(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const geometric = Math.sqrt(Math.abs(lower * upper));
  return positive ? geometric : -geometric;
}

const finiteOrZero = (value: number) => (Number.isFinite(value) ? value : 0);

/** Buckets without a lower or an upper bound: interpolation is only possible from zero. */
function trimUnbounded({ lower, upper, count }: HistogramBucket, value: number, keepBelow: boolean): Rest {
  if (lower === -Infinity) {
    const interpolable = upper > 0 && upper !== Infinity;
    if (keepBelow) {
      if (value >= upper) return { count, midpoint: 0 };
      if (value > 0 && interpolable) return { count: (count * value) / upper, midpoint: value / 2 };
      return upper <= 0 ? { count, midpoint: value } : { count: 0, midpoint: finiteOrZero(upper) };
    }
    if (value <= lower) return { count, midpoint: 0 };
    if (value >= 0 && upper > value && upper !== Infinity) {
      return { count: count * (1 - value / upper), midpoint: (value + upper) / 2 };
    }
    return { count: 0, midpoint: finiteOrZero(upper) };
  }
  if (!keepBelow && value >= lower) return { count, midpoint: value };
  return { count: 0, midpoint: finiteOrZero(lower) };
}

function trimBucket(
  bucket: HistogramBucket,
  value: number,
  keepBelow: boolean,
  positive: boolean,
  linear: boolean,
): Rest {
  const { lower, upper, count } = bucket;
  const whole = keepBelow ? upper <= value : lower >= value;
  if (whole) return { count, midpoint: midpoint(lower, upper, positive, linear) };
  const gone = keepBelow ? lower >= value : upper <= value;
  if (gone) return { count: 0, midpoint: 0 };
  if (lower === -Infinity || upper === Infinity) return trimUnbounded(bucket, value, keepBelow);
  const below = count * fractionBelow(bucket, value, linear);
  return keepBelow
    ? { count: below, midpoint: midpoint(lower, value, positive, linear) }
    : { count: count - below, midpoint: midpoint(value, upper, positive, linear) };
}

function trimZeroBucket(
  bucket: HistogramBucket,
  value: number,
  keepBelow: boolean,
  hasNegative: boolean,
  hasPositive: boolean,
): Rest {
  const lower = hasPositive && !hasNegative ? 0 : bucket.lower;
  const upper = hasNegative && !hasPositive ? 0 : bucket.upper;
  const none = { count: 0, midpoint: 0 };
  const all = { count: bucket.count, midpoint: (lower + upper) / 2 };
  if (value <= lower) return keepBelow ? none : all;
  if (value >= upper) return keepBelow ? all : none;
  const [from, to] = keepBelow ? [lower, value] : [value, upper];
  return { count: (bucket.count * (to - from)) / (upper - lower), midpoint: (from + to) / 2 };
}

/**
 * The histogram without observations above (`keepBelow`) or below `value`. Count and sum are estimated anew from the
 * buckets, unless nothing was cut.
 */
export function trimHistogram(histogram: FloatHistogram, value: number, keepBelow: boolean): FloatHistogram {
  const linear = usesCustomBuckets(histogram);
  const out = {
    ...histogram,
    positiveBuckets: [...histogram.positiveBuckets],
    negativeBuckets: [...histogram.negativeBuckets],
  };
  let count = 0;
  let sum = 0;
  let trimmed = false;
  const populated = { positive: false, negative: false };
  for (const side of ["positive", "negative"] as const) {
    const target = side === "positive" ? out.positiveBuckets : out.negativeBuckets;
    sideBuckets(histogram, side).forEach((bucket, i) => {
      if (bucket.count === 0) return;
      populated[side] = true;
      const rest = trimBucket(bucket, value, keepBelow, side === "positive", linear);
      count += rest.count;
      sum += rest.midpoint * rest.count;
      if (rest.count !== bucket.count) {
        target[i] = rest.count;
        trimmed = true;
      }
    });
  }
  if (histogram.zeroCount > 0) {
    const rest = trimZeroBucket(zeroBucket(histogram), value, keepBelow, populated.negative, populated.positive);
    if (rest.count !== histogram.zeroCount) {
      out.zeroCount = rest.count;
      trimmed = true;
    }
    count += rest.count;
    sum += rest.midpoint * rest.count;
  }
  return trimmed ? compactHistogram({ ...out, count, sum }) : histogram;
}
