/** Functions that turn each sample of an instant vector into another, by name. */
import type { FloatHistogram } from "@pharos/model";
import { usesCustomBuckets } from "../histogram/bounds.ts";
import { histogramBuckets } from "../histogram/buckets.ts";
import { carry, kahanAdd } from "../histogram/kahan.ts";

/** Go's math.Max and math.Min: an infinity that decides the matter wins over NaN. */
export function greater(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

export function lesser(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

/** Of floats; histograms are dropped. */
export const FLOAT_FUNCTIONS: ReadonlyMap<string, (value: number) => number> = new Map([
  ["abs", Math.abs],
  ["acos", Math.acos],
  ["acosh", Math.acosh],
  ["asin", Math.asin],
  ["asinh", Math.asinh],
  ["atan", Math.atan],
  ["atanh", Math.atanh],
  ["ceil", Math.ceil],
  ["cos", Math.cos],
  ["cosh", Math.cosh],
  ["deg", (value: number) => (value * 180) / Math.PI],
  ["exp", Math.exp],
  ["floor", Math.floor],
  ["ln", Math.log],
  ["log10", Math.log10],
  ["log2", Math.log2],
  ["rad", (value: number) => (value * Math.PI) / 180],
  ["sgn", (value: number) => (value < 0 ? -1 : value > 0 ? 1 : value)],
  ["sin", Math.sin],
  ["sinh", Math.sinh],
  ["sqrt", Math.sqrt],
  ["tan", Math.tan],
  ["tanh", Math.tanh],
]);

/** Variance of the observations, each taken to lie in the middle of its bucket. */
function histogramVariance(histogram: FloatHistogram): number {
  const mean = histogram.sum / histogram.count;
  const custom = usesCustomBuckets(histogram);
  let variance = 0;
  let lost = 0;
  for (const { lower, upper, count } of histogramBuckets(histogram)) {
    if (count === 0) continue;
    let value: number;
    if (custom) value = (upper + lower) / 2;
    else if (lower <= 0 && upper >= 0) value = 0;
    else value = Math.sqrt(upper * lower) * (upper < 0 ? -1 : 1);
    variance = kahanAdd(count * (value - mean) ** 2, variance, lost);
    lost = carry;
  }
  return (variance + lost) / histogram.count;
}

/** Of native histograms; floats are dropped. */
export const HISTOGRAM_FUNCTIONS: ReadonlyMap<string, (histogram: FloatHistogram) => number> = new Map([
  ["histogram_avg", (histogram: FloatHistogram) => histogram.sum / histogram.count],
  ["histogram_count", (histogram: FloatHistogram) => histogram.count],
  ["histogram_stddev", (histogram: FloatHistogram) => Math.sqrt(histogramVariance(histogram))],
  ["histogram_stdvar", histogramVariance],
  ["histogram_sum", (histogram: FloatHistogram) => histogram.sum],
]);
