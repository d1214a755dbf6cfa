/** Arithmetic of native histograms. Nothing here changes its arguments. */
import type { CounterResetHint, FloatHistogram } from "@pharos/model";
import { usesCustomBuckets } from "./bounds.ts";
import { carry, kahanAdd } from "./kahan.ts";
import {
  addSide,
  alignLayouts,
  coarsen,
  copySparse,
  fromSparse,
  type Side,
  type SparseHistogram,
  toSparse,
} from "./sparse.ts";

/** Exponential buckets and custom buckets cannot be combined. */
export class IncompatibleSchemas extends Error {
  constructor() {
    super("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas");
  }
}

export interface CombinedHistogram {
  histogram: FloatHistogram;
  /** One side says "counter reset", the other "no counter reset". */
  resetCollision: boolean;
  /** Differing custom bounds were reduced to the shared ones. */
  boundsReconciled: boolean;
}

/** The hint of a combination; undefined on a collision. */
function combineHints(a: CounterResetHint, b: CounterResetHint): CounterResetHint | undefined {
  if (a === b) return a;
  if (a === "gauge" || b === "gauge") return "gauge";
  if (a === "unknown" || b === "unknown") return "unknown";
  return undefined;
}

/** Adds `sign` times `other` to `target` in place. */
function addInPlace(
  target: SparseHistogram,
  other: SparseHistogram,
  sign: 1 | -1,
): { resetCollision: boolean; boundsReconciled: boolean } {
  if (usesCustomBuckets(target) !== usesCustomBuckets(other)) throw new IncompatibleSchemas();
  const hint = combineHints(target.hint, other.hint);
  target.hint = hint ?? "unknown";
  const boundsReconciled = alignLayouts(target, other);
  target.zeroCount = kahanAdd(sign * other.zeroCount, target.zeroCount, target.zeroLost);
  target.zeroCount = kahanAdd(sign * other.zeroLost, target.zeroCount, carry);
  target.zeroLost = carry;
  target.count = kahanAdd(sign * other.count, target.count, target.countLost);
  target.countLost = carry;
  target.sum = kahanAdd(sign * other.sum, target.sum, target.sumLost);
  target.sumLost = carry;
  addSide(target.positive, other.positive, sign);
  addSide(target.negative, other.negative, sign);
  return { resetCollision: hint === undefined, boundsReconciled };
}

function combine(a: FloatHistogram, b: FloatHistogram, sign: 1 | -1): CombinedHistogram {
  const target = toSparse(a);
  const flags = addInPlace(target, toSparse(b), sign);
  return { histogram: fromSparse(target), ...flags };
}

/** Throws IncompatibleSchemas. */
export function addHistograms(a: FloatHistogram, b: FloatHistogram): CombinedHistogram {
  return combine(a, b, 1);
}

/** The hint is combined as for an addition. Throws IncompatibleSchemas. */
export function subtractHistograms(a: FloatHistogram, b: FloatHistogram): CombinedHistogram {
  return combine(a, b, -1);
}

/** A negative factor makes a gauge. */
export function multiplyHistogram(histogram: FloatHistogram, factor: number): FloatHistogram {
  const scale = (value: number) => value * factor;
  return {
    ...histogram,
    counterResetHint: factor < 0 ? "gauge" : histogram.counterResetHint,
    zeroCount: histogram.zeroCount * factor,
    count: histogram.count * factor,
    sum: histogram.sum * factor,
    positiveBuckets: histogram.positiveBuckets.map(scale),
    negativeBuckets: histogram.negativeBuckets.map(scale),
  };
}

/** Division by zero leaves no buckets, only the resulting infinities or NaN of count, sum and zero bucket. */
export function divideHistogram(histogram: FloatHistogram, divisor: number): FloatHistogram {
  const scale = (value: number) => value / divisor;
  const out = {
    ...histogram,
    counterResetHint: divisor < 0 ? "gauge" : histogram.counterResetHint,
    zeroCount: histogram.zeroCount / divisor,
    count: histogram.count / divisor,
    sum: histogram.sum / divisor,
    positiveBuckets: histogram.positiveBuckets.map(scale),
    negativeBuckets: histogram.negativeBuckets.map(scale),
  };
  if (divisor === 0) {
    out.positiveBuckets = [];
    out.negativeBuckets = [];
    out.positiveSpans = [];
    out.negativeSpans = [];
  }
  return out;
}

/** Without empty buckets and in as few spans as possible. */
export function compactHistogram(histogram: FloatHistogram): FloatHistogram {
  return fromSparse(toSparse(histogram));
}

export function toSchema(histogram: FloatHistogram, schema: number): FloatHistogram {
  const sparse = toSparse(histogram);
  coarsen(sparse, schema);
  return fromSparse(sparse);
}

function sameSide(a: Side, b: Side): boolean {
  return (
    a.index.length === b.index.length &&
    a.index.every((index, i) => index === b.index[i] && Object.is(a.count[i], b.count[i]))
  );
}

/** Bit for bit, empty buckets and the counter reset hint aside. */
export function equalHistograms(a: FloatHistogram, b: FloatHistogram): boolean {
  if (a === b) return true;
  if (
    a.schema !== b.schema ||
    !Object.is(a.count, b.count) ||
    !Object.is(a.sum, b.sum) ||
    a.zeroThreshold !== b.zeroThreshold ||
    !Object.is(a.zeroCount, b.zeroCount)
  ) {
    return false;
  }
  if (a.customValues.length !== b.customValues.length || a.customValues.some((v, i) => v !== b.customValues[i])) {
    return false;
  }
  const left = toSparse(a);
  const right = toSparse(b);
  return sameSide(left.positive, right.positive) && sameSide(left.negative, right.negative);
}

/** Spans that hold buckets, each with its distance to the one before. */
function filledSpans(spans: FloatHistogram["positiveSpans"]): { offset: number; length: number }[] {
  const out: { offset: number; length: number }[] = [];
  let offset = 0;
  for (const span of spans) {
    offset += span.offset;
    if (span.length === 0) continue;
    out.push({ offset, length: span.length });
    offset = 0;
  }
  return out;
}

function sameSpans(a: FloatHistogram["positiveSpans"], b: FloatHistogram["positiveSpans"]): boolean {
  const [left, right] = [filledSpans(a), filledSpans(b)];
  return (
    left.length === right.length &&
    left.every(({ offset, length }, i) => offset === right[i].offset && length === right[i].length)
  );
}

function sameNumbers(a: readonly number[] | Float64Array, b: readonly number[] | Float64Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** As equalHistograms, but a bucket without observations is something else than none: upstream's Equals. */
export function identicalHistograms(a: FloatHistogram, b: FloatHistogram): boolean {
  return (
    equalHistograms(a, b) &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    sameNumbers(a.positiveBuckets, b.positiveBuckets) &&
    sameNumbers(a.negativeBuckets, b.negativeBuckets)
  );
}

function overflows(sparse: SparseHistogram): boolean {
  const infinite = (value: number) => value === Infinity || value === -Infinity;
  return (
    infinite(sparse.zeroCount) ||
    infinite(sparse.count) ||
    infinite(sparse.sum) ||
    sparse.positive.count.some(infinite) ||
    sparse.negative.count.some(infinite)
  );
}

function scaleInPlace(sparse: SparseHistogram, scale: (value: number) => number): void {
  for (const field of ["zeroCount", "zeroLost", "count", "countLost", "sum", "sumLost"] as const) {
    sparse[field] = scale(sparse[field]);
  }
  for (const side of [sparse.positive, sparse.negative]) {
    side.count = side.count.map(scale);
    side.lost = side.lost.map(scale);
  }
}

/** Compensated sum or mean of many histograms. */
export class HistogramAccumulator {
  /** Differing custom bounds were met. */
  boundsReconciled = false;
  #resetSeen = false;
  #noResetSeen = false;
  #total: SparseHistogram;
  #count = 1;
  /** The sum of a mean overflowed: from there on `#total` is the running mean itself. */
  #incremental = false;
  readonly #mean: boolean;

  constructor(first: FloatHistogram, kind: "sum" | "mean") {
    this.#total = toSparse(first);
    this.#mean = kind === "mean";
    this.#note(first);
  }

  #note({ counterResetHint }: FloatHistogram): void {
    if (counterResetHint === "reset") this.#resetSeen = true;
    else if (counterResetHint === "not_reset") this.#noResetSeen = true;
  }

  /** Contradictory hints were among the histograms. */
  get resetCollision(): boolean {
    return this.#resetSeen && this.#noResetSeen;
  }

  /** Throws IncompatibleSchemas. */
  add(histogram: FloatHistogram): void {
    this.#note(histogram);
    this.#count++;
    if (!this.#mean) {
      this.#merge(this.#total, toSparse(histogram));
      return;
    }
    if (!this.#incremental) {
      const next = copySparse(this.#total);
      this.#merge(next, toSparse(histogram));
      if (!overflows(next)) {
        this.#total = next;
        return;
      }
      this.#incremental = true;
      const previous = this.#count - 1;
      scaleInPlace(this.#total, (value) => value / previous);
    }
    const share = (this.#count - 1) / this.#count;
    scaleInPlace(this.#total, (value) => value * share);
    this.#merge(this.#total, toSparse(divideHistogram(histogram, this.#count)));
  }

  #merge(target: SparseHistogram, other: SparseHistogram): void {
    if (addInPlace(target, other, 1).boundsReconciled) this.boundsReconciled = true;
  }

  result(): FloatHistogram {
    const out = copySparse(this.#total);
    if (this.#mean && !this.#incremental) {
      const count = this.#count;
      scaleInPlace(out, (value) => value / count);
    }
    return fromSparse(out);
  }
}
