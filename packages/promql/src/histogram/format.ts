/** Textual forms of native histograms. */
import type { FloatHistogram } from "@pharos/model";
import { formatGeneral } from "../parser/text.ts";
import { compactHistogram } from "./algebra.ts";
import { usesCustomBuckets } from "./bounds.ts";
import { type HistogramBucket, sideBuckets, zeroBucket } from "./buckets.ts";

function bucketText({ lower, upper, lowerInclusive, upperInclusive, count }: HistogramBucket): string {
  const open = lowerInclusive ? "[" : "(";
  const close = upperInclusive ? "]" : ")";
  return `${open}${formatGeneral(lower)},${formatGeneral(upper)}${close}:${formatGeneral(count)}`;
}

/** `{count:2, sum:3, (1,2]:2}`, as upstream's FloatHistogram.String(). */
export function formatHistogram(histogram: FloatHistogram): string {
  const parts = [`count:${formatGeneral(histogram.count)}`, `sum:${formatGeneral(histogram.sum)}`];
  const buckets = sideBuckets(histogram, "negative").reverse();
  if (histogram.zeroCount !== 0) buckets.push(zeroBucket(histogram));
  buckets.push(...sideBuckets(histogram, "positive"));
  for (const bucket of buckets) if (bucket.count !== 0) parts.push(bucketText(bucket));
  return `{${parts.join(", ")}}`;
}

function bucketList(buckets: number[], spans: { offset: number; length: number }[]): number[] {
  const out: number[] = [];
  let next = 0;
  spans.forEach(({ offset, length }, i) => {
    if (i > 0) for (let gap = 0; gap < offset; gap++) out.push(0);
    for (let k = 0; k < length; k++) out.push(buckets[next++]);
  });
  return out;
}

/** `{{schema:1 sum:2 count:3 buckets:[1 2]}}`: the notation of rule tests, as upstream's TestExpression(). */
export function formatHistogramNotation(histogram: FloatHistogram): string {
  const h = compactHistogram(histogram);
  const parts: string[] = [];
  const add = (key: string, value: number) => {
    if (value !== 0) parts.push(`${key}:${formatGeneral(value)}`);
  };
  add("schema", h.schema);
  add("count", h.count);
  add("sum", h.sum);
  add("z_bucket", h.zeroCount);
  add("z_bucket_w", h.zeroThreshold);
  if (usesCustomBuckets(h)) parts.push(`custom_values:[${h.customValues.map(formatGeneral).join(" ")}]`);
  if (h.counterResetHint !== "unknown") parts.push(`counter_reset_hint:${h.counterResetHint}`);
  const side = (prefix: string, buckets: number[], spans: { offset: number; length: number }[]) => {
    if (spans.length > 0) add(`${prefix}offset`, spans[0].offset);
    const list = bucketList(buckets, spans);
    if (list.length > 0) parts.push(`${prefix}buckets:[${list.map(formatGeneral).join(" ")}]`);
  };
  side("", h.positiveBuckets, h.positiveSpans);
  side("n_", h.negativeBuckets, h.negativeSpans);
  return `{{${parts.join(" ")}}}`;
}
