/** Functions that turn each sample of an instant vector into another, by name. */
import type { FloatHistogram } from "@pharos/model";
import { usesCustomBuckets } from "../histogram/bounds.ts";
import { histogramBuckets } from "../histogram/buckets.ts";
import { carry, kahanAdd } from "../histogram/kahan.ts";

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

const DAY_MS = 86400e3;

/** Of Unix times in seconds, in UTC; of the evaluation time without an argument. */
export const DATE_FUNCTIONS: ReadonlyMap<string, (date: Date) => number> = new Map([
  ["day_of_month", (date: Date) => date.getUTCDate()],
  ["day_of_week", (date: Date) => date.getUTCDay()],
  ["day_of_year", (date: Date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1],
  ["days_in_month", (date: Date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()],
  ["hour", (date: Date) => date.getUTCHours()],
  ["minute", (date: Date) => date.getUTCMinutes()],
  ["month", (date: Date) => date.getUTCMonth() + 1],
  ["year", (date: Date) => date.getUTCFullYear()],
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
