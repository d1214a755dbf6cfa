/** Quantiles and fractions of classic histograms: cumulative buckets told apart by their `le` label. */
import { almostEqual } from "./almost-equal.ts";

export interface ClassicBucket {
  upperBound: number;
  /** Cumulative. */
  count: number;
}

/** How far a count had to be raised to the one of the bucket below it. */
export interface ForcedMonotonicity {
  minBucket: number;
  maxBucket: number;
  maxDifference: number;
}

/** Relative differences up to this are taken as rounding. */
const TOLERANCE = 1e-12;
/** Sorts by bound and adds up buckets of the same bound. */
function coalesce(buckets: readonly ClassicBucket[]): ClassicBucket[] {
  const out: ClassicBucket[] = [];
  for (const bucket of [...buckets].sort((a, b) =>
    a.upperBound < b.upperBound ? -1 : +(a.upperBound > b.upperBound),
  )) {
    const last = out.at(-1);
    if (last && last.upperBound === bucket.upperBound) last.count += bucket.count;
    else out.push({ ...bucket });
  }
  return out;
}

function forceMonotonicity(buckets: ClassicBucket[]): ForcedMonotonicity | undefined {
  let forced: ForcedMonotonicity | undefined;
  let previous = buckets[0].count;
  for (const bucket of buckets.slice(1)) {
    const { count, upperBound } = bucket;
    if (count === previous) continue;
    if (almostEqual(previous, count, TOLERANCE)) {
      bucket.count = previous;
    } else if (count < previous) {
      bucket.count = previous;
      forced ??= { minBucket: Infinity, maxBucket: -Infinity, maxDifference: 0 };
      forced.minBucket = Math.min(forced.minBucket, upperBound);
      forced.maxBucket = Math.max(forced.maxBucket, upperBound);
      forced.maxDifference = Math.max(forced.maxDifference, previous - count);
    } else previous = count;
  }
  return forced;
}

/** Linear interpolation within the bucket; NaN without a `+Inf` bucket or observations. */
export function classicQuantile(
  q: number,
  unsorted: readonly ClassicBucket[],
): { value: number; forced?: ForcedMonotonicity } {
  if (Number.isNaN(q)) return { value: Number.NaN };
  if (q < 0) return { value: -Infinity };
  if (q > 1) return { value: Infinity };
  const buckets = coalesce(unsorted);
  if (buckets.at(-1)!.upperBound !== Infinity) return { value: Number.NaN };
  const forced = forceMonotonicity(buckets);
  const answer = (value: number) => (forced ? { value, forced } : { value });
  const last = buckets.length - 1;
  const observations = buckets[last].count;
  if (last < 1 || observations === 0) return answer(Number.NaN);
  let rank = q * observations;
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (buckets[middle].count >= rank) high = middle;
    else low = middle + 1;
  }
  if (low === last) return answer(buckets[last - 1].upperBound);
  const { upperBound } = buckets[low];
  if (low === 0 && upperBound <= 0) return answer(upperBound);
  let start = 0;
  let { count } = buckets[low];
  if (low > 0) {
    start = buckets[low - 1].upperBound;
    count -= buckets[low - 1].count;
    rank -= buckets[low - 1].count;
  }
  return answer(start + (upperBound - start) * (rank / count));
}

function rankOf(value: number, buckets: readonly ClassicBucket[]): number | undefined {
  let rank = 0;
  let lower = buckets[0].upperBound <= 0 ? -Infinity : 0;
  for (const { upperBound, count } of buckets) {
    if (lower >= value) return rank;
    if (upperBound > value) {
      return lower === -Infinity ? count : rank + ((count - rank) * (value - lower)) / (upperBound - lower);
    }
    rank = count;
    lower = upperBound;
  }
  return undefined;
}

/** Share of observations between two values. */
export function classicFraction(lower: number, upper: number, unsorted: readonly ClassicBucket[]): number {
  const buckets = coalesce(unsorted);
  if (buckets.at(-1)!.upperBound !== Infinity) return Number.NaN;
  const { count } = buckets.at(-1)!;
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const lowerRank = Math.min(rankOf(lower, buckets) ?? count, count);
  const upperRank = Math.min(rankOf(upper, buckets) ?? count, count);
  return (upperRank - lowerRank) / count;
}
