/** Native histograms on their way in: consistency, a compact layout, coarser resolution. Semantics of model/histogram. */
import { CUSTOM_BUCKETS_SCHEMA, type FloatHistogram, type IntHistogram, type Span, UserError } from "@pharos/model";

type Native = IntHistogram | FloatHistogram;

/** Buckets of one side by index, empty ones left out. */
interface Side {
  indices: number[];
  /** Absolute counts. */
  counts: number[];
}

export const MIN_SCHEMA = -4;
export const MAX_SCHEMA = 8;

function absolute(histogram: Native, side: "positive" | "negative"): readonly number[] {
  if (histogram.kind === "float") return side === "positive" ? histogram.positiveBuckets : histogram.negativeBuckets;
  let current = 0;
  return (side === "positive" ? histogram.positiveDeltas : histogram.negativeDeltas).map((delta) => (current += delta));
}

function expand(spans: readonly Span[], counts: readonly number[]): Side {
  const side: Side = { indices: [], counts: [] };
  let index = 0;
  let i = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let k = 0; k < length; k++, index++, i++) {
      if (counts[i] === 0) continue;
      side.indices.push(index);
      side.counts.push(counts[i]);
    }
  }
  return side;
}

/** Back to spans; gaps of up to `maxEmpty` buckets inside a side are bridged with empty buckets. */
function contract({ indices, counts }: Side, maxEmpty: number): { spans: Span[]; counts: number[] } {
  const spans: Span[] = [];
  const out: number[] = [];
  let end = 0;
  for (let i = 0; i < indices.length; i++) {
    const gap = indices[i] - end;
    const span = spans.at(-1);
    if (span && gap <= maxEmpty) {
      for (let k = 0; k < gap; k++) out.push(0);
      span.length += gap + 1;
    } else spans.push({ offset: gap, length: 1 });
    out.push(counts[i]);
    end = indices[i] + 1;
  }
  return { spans, counts: out };
}

function deltas(counts: readonly number[]): number[] {
  return counts.map((count, i) => (i === 0 ? count : count - counts[i - 1]));
}

function rebuild(histogram: Native, positive: Side, negative: Side, maxEmpty: number): Native {
  const up = contract(positive, maxEmpty);
  const down = contract(negative, maxEmpty);
  const spans = { positiveSpans: up.spans, negativeSpans: down.spans };
  return histogram.kind === "float"
    ? { ...histogram, ...spans, positiveBuckets: up.counts, negativeBuckets: down.counts }
    : { ...histogram, ...spans, positiveDeltas: deltas(up.counts), negativeDeltas: deltas(down.counts) };
}

/** Without empty buckets at the ends of spans and runs of more than `maxEmpty` inside; in as few spans as possible. */
export function compactNative<T extends Native>(histogram: T, maxEmpty: number): T {
  const positive = expand(histogram.positiveSpans, absolute(histogram, "positive"));
  const negative = expand(histogram.negativeSpans, absolute(histogram, "negative"));
  return rebuild(histogram, positive, negative, maxEmpty) as T;
}

/** Number of buckets, the zero bucket aside. */
export function bucketCount(histogram: Native): number {
  return histogram.kind === "float"
    ? histogram.positiveBuckets.length + histogram.negativeBuckets.length
    : histogram.positiveDeltas.length + histogram.negativeDeltas.length;
}

/** The same observations in the wider buckets of a lower exponential schema. */
export function reduceResolution<T extends Native>(histogram: T, schema: number): T {
  const shift = 2 ** (histogram.schema - schema);
  const coarsen = (side: Side): Side => {
    const out: Side = { indices: [], counts: [] };
    for (let i = 0; i < side.indices.length; i++) {
      const index = Math.floor((side.indices[i] - 1) / shift) + 1;
      if (out.indices.at(-1) === index) out.counts[out.counts.length - 1] += side.counts[i];
      else {
        out.indices.push(index);
        out.counts.push(side.counts[i]);
      }
    }
    return out;
  };
  const positive = coarsen(expand(histogram.positiveSpans, absolute(histogram, "positive")));
  const negative = coarsen(expand(histogram.negativeSpans, absolute(histogram, "negative")));
  return rebuild({ ...histogram, schema }, positive, negative, 0) as T;
}

function invalid(message: string): UserError {
  return new UserError("exposition.histogram", message);
}

function checkSide(side: string, spans: readonly Span[], counts: readonly number[]): number {
  let buckets = 0;
  spans.forEach(({ offset, length }, i) => {
    if (i > 0 && offset < 0) {
      throw invalid(
        `${side} side: span number ${i + 1} with offset ${offset}: histogram has a span whose offset is negative`,
      );
    }
    buckets += length;
  });
  if (buckets !== counts.length) {
    throw invalid(
      `${side} side: spans need ${buckets} buckets, have ${counts.length} buckets: histogram spans specify different number of buckets than provided`,
    );
  }
  let sum = 0;
  counts.forEach((count, i) => {
    if (count < 0) {
      throw invalid(
        `${side} side: bucket number ${i + 1} has observation count of ${count}: histogram has a bucket whose observation count is negative`,
      );
    }
    sum += count;
  });
  return sum;
}

function checkBounds(histogram: Native): void {
  const { customValues, positiveSpans } = histogram;
  customValues.forEach((bound, i) => {
    if (Number.isNaN(bound)) throw invalid("custom buckets: histogram custom bounds must not be NaN");
    if (i > 0 && bound <= customValues[i - 1]) {
      throw invalid(
        `custom buckets: previous bound is ${customValues[i - 1]} and current is ${bound}: histogram custom bounds must be in strictly increasing order`,
      );
    }
  });
  if (customValues.at(-1) === Number.POSITIVE_INFINITY) {
    throw invalid(
      "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds must be finite",
    );
  }
  const covered = positiveSpans.reduce((sum, { offset, length }) => sum + offset + length, 0);
  if (positiveSpans.some(({ offset }) => offset < 0)) {
    throw invalid("custom buckets: histogram has a span whose offset is negative");
  }
  if (customValues.length + 1 < covered) {
    throw invalid(
      `custom buckets: only ${customValues.length} custom bounds defined which is insufficient to cover total span length of ${covered}: histogram custom bounds are too few`,
    );
  }
  if (histogram.zeroCount !== 0) throw invalid("custom buckets: must have zero count of 0");
  if (histogram.zeroThreshold !== 0) throw invalid("custom buckets: must have zero threshold of 0");
  if (histogram.negativeSpans.length > 0) throw invalid("custom buckets: must not have negative spans");
}

/** Throws a UserError when counts, spans and bounds do not fit together. */
export function validateNative(histogram: Native): void {
  const { schema, count, sum, zeroCount } = histogram;
  if (schema === CUSTOM_BUCKETS_SCHEMA) checkBounds(histogram);
  else if (schema < MIN_SCHEMA || schema > MAX_SCHEMA) {
    throw invalid(
      `histogram has an invalid schema, which must be between ${MIN_SCHEMA} and ${MAX_SCHEMA} for exponential buckets, or ${CUSTOM_BUCKETS_SCHEMA} for custom buckets, got schema ${schema}`,
    );
  }
  const positive = checkSide("positive", histogram.positiveSpans, absolute(histogram, "positive"));
  const negative = checkSide("negative", histogram.negativeSpans, absolute(histogram, "negative"));
  if (histogram.kind === "float") {
    if (zeroCount < 0)
      throw invalid(
        `zero bucket has observation count of ${zeroCount}: histogram has a bucket whose observation count is negative`,
      );
    if (count < 0) throw invalid(`observation count is  ${count}: histogram's observation count is negative`);
    return;
  }
  const found = positive + negative + zeroCount;
  if (Number.isNaN(sum) ? found > count : found !== count) {
    throw invalid(
      `${found} observations found in buckets, but the Count field is ${count}: histogram's observation count should ${
        Number.isNaN(sum) ? "be at least" : "equal"
      } the number of observations found in the buckets${Number.isNaN(sum) ? "" : " (in absence of NaN)"}`,
    );
  }
}
