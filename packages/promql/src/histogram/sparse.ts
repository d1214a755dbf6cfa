/**
 * Working form of a native histogram: the populated buckets of each side as two parallel arrays in order of their index.
 * Spans are only an encoding; all arithmetic happens on this form. `lost` holds compensations of compensated sums.
 */
import type { CounterResetHint, FloatHistogram, Span } from "@pharos/model";
import { coarserIndex, exponentialBound, usesCustomBuckets } from "./bounds.ts";
import { carry, kahanAdd } from "./kahan.ts";

export interface Side {
  index: number[];
  count: number[];
  /** What rounding took from each count so far. */
  lost: number[];
}

export interface SparseHistogram {
  hint: CounterResetHint;
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  zeroLost: number;
  count: number;
  countLost: number;
  sum: number;
  sumLost: number;
  positive: Side;
  negative: Side;
  customValues: number[];
}

function readSide(spans: readonly Span[], buckets: readonly number[]): Side {
  const side: Side = { index: [], count: [], lost: [] };
  let index = 0;
  let next = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length && next < buckets.length; i++, index++, next++) {
      if (buckets[next] === 0) continue;
      side.index.push(index);
      side.count.push(buckets[next]);
      side.lost.push(0);
    }
  }
  return side;
}

function writeSide(side: Side): { spans: Span[]; buckets: number[] } {
  const spans: Span[] = [];
  const buckets: number[] = [];
  let end = 0;
  for (let i = 0; i < side.index.length; i++) {
    const count = side.count[i] + side.lost[i];
    if (count === 0) continue;
    const offset = side.index[i] - end;
    if (spans.length > 0 && offset === 0) spans[spans.length - 1].length++;
    else spans.push({ offset, length: 1 });
    buckets.push(count);
    end = side.index[i] + 1;
  }
  return { spans, buckets };
}

export function toSparse(histogram: FloatHistogram): SparseHistogram {
  return {
    hint: histogram.counterResetHint,
    schema: histogram.schema,
    zeroThreshold: histogram.zeroThreshold,
    zeroCount: histogram.zeroCount,
    zeroLost: 0,
    count: histogram.count,
    countLost: 0,
    sum: histogram.sum,
    sumLost: 0,
    positive: readSide(histogram.positiveSpans, histogram.positiveBuckets),
    negative: readSide(histogram.negativeSpans, histogram.negativeBuckets),
    customValues: histogram.customValues,
  };
}

/** Without empty buckets, with as few spans as possible; compensations are added in. */
export function fromSparse(sparse: SparseHistogram): FloatHistogram {
  const positive = writeSide(sparse.positive);
  const negative = writeSide(sparse.negative);
  return {
    kind: "float",
    counterResetHint: sparse.hint,
    schema: sparse.schema,
    zeroThreshold: sparse.zeroThreshold,
    zeroCount: sparse.zeroCount + sparse.zeroLost,
    count: sparse.count + sparse.countLost,
    sum: sparse.sum + sparse.sumLost,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: sparse.customValues,
  };
}

export function copySparse(sparse: SparseHistogram): SparseHistogram {
  const copySide = ({ index, count, lost }: Side): Side => ({
    index: index.slice(),
    count: count.slice(),
    lost: lost.slice(),
  });
  return { ...sparse, positive: copySide(sparse.positive), negative: copySide(sparse.negative) };
}

/** Adds `sign` times the buckets of `other` to `side`, both in the same bucket layout. */
export function addSide(side: Side, other: Side, sign: 1 | -1): void {
  const index: number[] = [];
  const count: number[] = [];
  const lost: number[] = [];
  let a = 0;
  let b = 0;
  while (a < side.index.length || b < other.index.length) {
    if (b >= other.index.length || (a < side.index.length && side.index[a] < other.index[b])) {
      index.push(side.index[a]);
      count.push(side.count[a]);
      lost.push(side.lost[a++]);
    } else if (a >= side.index.length || other.index[b] < side.index[a]) {
      index.push(other.index[b]);
      count.push(sign * other.count[b]);
      lost.push(sign * other.lost[b++]);
    } else {
      index.push(side.index[a]);
      let total = kahanAdd(sign * other.count[b], side.count[a], side.lost[a]);
      if (other.lost[b] !== 0) total = kahanAdd(sign * other.lost[b], total, carry);
      count.push(total);
      lost.push(carry);
      a++;
      b++;
    }
  }
  side.index = index;
  side.count = count;
  side.lost = lost;
}

/** Moves every bucket to the index that `target` names (never decreasing), adding up those that meet. */
function regroup(side: Side, target: (index: number) => number): Side {
  const out: Side = { index: [], count: [], lost: [] };
  for (let i = 0; i < side.index.length; i++) {
    const index = target(side.index[i]);
    const last = out.index.length - 1;
    if (last >= 0 && out.index[last] === index) {
      let total = kahanAdd(side.count[i], out.count[last], out.lost[last]);
      if (side.lost[i] !== 0) total = kahanAdd(side.lost[i], total, carry);
      out.count[last] = total;
      out.lost[last] = carry;
    } else {
      out.index.push(index);
      out.count.push(side.count[i]);
      out.lost.push(side.lost[i]);
    }
  }
  return out;
}

/** Brings an exponential histogram to a coarser schema. */
export function coarsen(sparse: SparseHistogram, schema: number): void {
  if (schema >= sparse.schema) return;
  const target = (index: number) => coarserIndex(index, sparse.schema, schema);
  sparse.positive = regroup(sparse.positive, target);
  sparse.negative = regroup(sparse.negative, target);
  sparse.schema = schema;
}

/** Brings a histogram with custom bounds to a subset of its bounds. */
export function rebound(sparse: SparseHistogram, bounds: number[]): void {
  const own = sparse.customValues;
  let next = 0;
  sparse.positive = regroup(sparse.positive, (index) => {
    if (index >= own.length) return bounds.length;
    while (next < bounds.length && bounds[next] < own[index]) next++;
    return next;
  });
  sparse.customValues = bounds;
}

/** Bounds that two histograms share. */
export function sharedBounds(a: readonly number[], b: readonly number[]): number[] {
  const out: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      out.push(a[i]);
      i++;
      j++;
    } else if (a[i] < b[j]) i++;
    else j++;
  }
  return out;
}

export function sameBounds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

/** Widens the zero bucket to at least `threshold`: up to the end of a populated bucket that the threshold falls into. */
export function widenZeroBucket(sparse: SparseHistogram, threshold: number): void {
  if (threshold <= sparse.zeroThreshold) return;
  let limit = threshold;
  // A bucket of the one side that straddles the limit moves it, which may reach further buckets of the other side.
  for (let grown = true; grown; ) {
    grown = false;
    for (const side of [sparse.positive, sparse.negative]) {
      for (const index of side.index) {
        if (exponentialBound(index - 1, sparse.schema) >= limit) break;
        const upper = exponentialBound(index, sparse.schema);
        if (upper > limit) {
          limit = upper;
          grown = true;
        }
      }
    }
  }
  for (const side of [sparse.positive, sparse.negative]) {
    let taken = 0;
    while (taken < side.index.length && exponentialBound(side.index[taken] - 1, sparse.schema) < limit) {
      sparse.zeroCount = kahanAdd(side.count[taken], sparse.zeroCount, sparse.zeroLost);
      sparse.zeroLost = carry;
      sparse.zeroCount = kahanAdd(side.lost[taken], sparse.zeroCount, sparse.zeroLost);
      sparse.zeroLost = carry;
      taken++;
    }
    side.index.splice(0, taken);
    side.count.splice(0, taken);
    side.lost.splice(0, taken);
  }
  sparse.zeroThreshold = limit;
}

/** Gives both the same bucket layout; true when differing custom bounds had to be reconciled. */
export function alignLayouts(a: SparseHistogram, b: SparseHistogram): boolean {
  if (usesCustomBuckets(a)) {
    if (sameBounds(a.customValues, b.customValues)) return false;
    const shared = sharedBounds(a.customValues, b.customValues);
    rebound(a, shared);
    rebound(b, shared);
    return true;
  }
  while (a.zeroThreshold !== b.zeroThreshold) {
    if (a.zeroThreshold > b.zeroThreshold) widenZeroBucket(b, a.zeroThreshold);
    else widenZeroBucket(a, b.zeroThreshold);
  }
  const schema = Math.min(a.schema, b.schema);
  coarsen(a, schema);
  coarsen(b, schema);
  return false;
}
