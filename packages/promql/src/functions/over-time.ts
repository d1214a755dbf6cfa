/** The *_over_time functions, deriv, predict_linear and double_exponential_smoothing. */
import type { FloatHistogram } from "@pharos/model";
import { executionError } from "../engine/error.ts";
import type { Window } from "../engine/window.ts";
import { HistogramAccumulator, IncompatibleSchemas } from "../histogram/algebra.ts";
import { CompensatedSum, carry, kahanAdd } from "../histogram/kahan.ts";
import { formatFixed } from "../parser/text.ts";
import { runningMean } from "./float-windows.ts";

type Sample = number | FloatHistogram | undefined;

/** Floats only: histograms beside them are pointed out, a window without floats gives nothing. */
function floatsOnly(window: Window, least = 1): boolean {
  const { floats, histograms, context } = window;
  if (floats.size > 0 && histograms.size > 0) {
    context.annotations.histogramIgnoredInMixedRange(window.metricName, window.position);
  }
  return floats.size >= least;
}

/** Sum or mean of the histograms of a window. */
function combineHistograms(window: Window, kind: "sum" | "mean"): Sample {
  const { samples, from, to } = window.histograms;
  const { context, position } = window;
  const total = new HistogramAccumulator(samples[from], kind);
  try {
    for (let i = from + 1; i < to; i++) total.add(samples[i]);
  } catch (error) {
    if (!(error instanceof IncompatibleSchemas)) throw error;
    context.annotations.mixedExponentialCustom(window.metricName, position);
    return undefined;
  }
  if (total.resetCollision) context.annotations.counterResetCollision("aggregation", position);
  if (total.boundsReconciled) context.annotations.customBucketsReconciled("aggregation", position);
  return total.result();
}

function mixed(window: Window): boolean {
  if (window.floats.size === 0 || window.histograms.size === 0) return false;
  window.context.annotations.mixedFloatsHistograms(window.metricName, window.position);
  return true;
}

export function sumOverTime(window: Window): Sample {
  if (mixed(window)) return undefined;
  if (window.histograms.size > 0) return combineHistograms(window, "sum");
  const { samples, from, to } = window.floats;
  let sum = 0;
  let lost = 0;
  for (let i = from; i < to; i++) {
    sum = kahanAdd(samples[i], sum, lost);
    lost = carry;
  }
  return sum === Infinity || sum === -Infinity ? sum : sum + lost;
}

export function avgOverTime(window: Window): Sample {
  if (mixed(window)) return undefined;
  if (window.histograms.size > 0) return combineHistograms(window, "mean");
  const { samples, from, to } = window.floats;
  let sum = samples[from];
  let lost = 0;
  for (let i = from + 1; i < to; i++) {
    const next = kahanAdd(samples[i], sum, lost);
    if (next === Infinity || next === -Infinity) return runningMean(samples, from, i, to, sum, lost);
    sum = next;
    lost = carry;
  }
  const count = to - from;
  return sum / count + lost / count;
}

export function countOverTime({ floats, histograms }: Window): Sample {
  return floats.size + histograms.size;
}

export function presentOverTime(): Sample {
  return 1;
}

function edge(window: Window, last: boolean): Sample {
  const { floats, histograms } = window;
  const f = last ? floats.to - 1 : floats.from;
  const h = last ? histograms.to - 1 : histograms.from;
  if (histograms.size === 0) return floats.samples[f];
  if (floats.size === 0) return histograms.samples[h];
  const floatWins = last
    ? floats.timestamps[f] > histograms.timestamps[h]
    : floats.timestamps[f] < histograms.timestamps[h];
  return floatWins ? floats.samples[f] : histograms.samples[h];
}

export const firstOverTime = (window: Window): Sample => edge(window, false);
export const lastOverTime = (window: Window): Sample => edge(window, true);

export function tsOfFirstOverTime({ floats, histograms }: Window): Sample {
  const f = floats.size > 0 ? floats.timestamps[floats.from] : Infinity;
  const h = histograms.size > 0 ? histograms.timestamps[histograms.from] : Infinity;
  return Math.min(f, h) / 1000;
}

export function tsOfLastOverTime({ floats, histograms }: Window): Sample {
  const f = floats.size > 0 ? floats.timestamps[floats.to - 1] : 0;
  const h = histograms.size > 0 ? histograms.timestamps[histograms.to - 1] : 0;
  return Math.max(f, h) / 1000;
}

export function maxOverTime(window: Window): Sample {
  if (!floatsOnly(window)) return undefined;
  const { samples, from, to } = window.floats;
  let max = samples[from];
  for (let i = from + 1; i < to; i++) if (samples[i] > max || Number.isNaN(max)) max = samples[i];
  return max;
}

export function minOverTime(window: Window): Sample {
  if (!floatsOnly(window)) return undefined;
  const { samples, from, to } = window.floats;
  let min = samples[from];
  for (let i = from + 1; i < to; i++) if (samples[i] < min || Number.isNaN(min)) min = samples[i];
  return min;
}

/** Time of the last sample among equal extremes. */
function timeOfExtreme(window: Window, better: (value: number, best: number) => boolean): Sample {
  if (!floatsOnly(window)) return undefined;
  const { samples, timestamps, from, to } = window.floats;
  let best = from;
  for (let i = from; i < to; i++) if (better(samples[i], samples[best]) || Number.isNaN(samples[best])) best = i;
  return timestamps[best] / 1000;
}

export const tsOfMaxOverTime = (window: Window): Sample => timeOfExtreme(window, (value, best) => value >= best);
export const tsOfMinOverTime = (window: Window): Sample => timeOfExtreme(window, (value, best) => value <= best);

/** Linear interpolation between the closest ranks; NaN sorts first. */
export function quantileOf(q: number, sorted: Float64Array): number {
  if (sorted.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const rank = q * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return sorted[lower] * (1 - weight) + sorted[upper] * weight;
}

/** Sorts in place, NaN first. */
export function sortNaNFirst(values: Float64Array): Float64Array {
  // TypedArray.sort puts NaN last.
  values.sort();
  let nans = 0;
  while (nans < values.length && Number.isNaN(values[values.length - 1 - nans])) nans++;
  if (nans > 0) {
    values.copyWithin(nans, 0, values.length - nans);
    values.fill(Number.NaN, 0, nans);
  }
  return values;
}

export function quantileOverTime(window: Window): Sample {
  const q = window.scalars[0][window.step];
  if (window.floats.size === 0) return undefined;
  if (!(q >= 0 && q <= 1)) window.context.annotations.invalidQuantile(q, window.position);
  floatsOnly(window);
  const { samples, from, to } = window.floats;
  return quantileOf(q, sortNaNFirst(samples.slice(from, to)));
}

export function madOverTime(window: Window): Sample {
  if (!floatsOnly(window)) return undefined;
  const values = window.floats.samples.slice(window.floats.from, window.floats.to);
  if (values.some(Number.isNaN)) return Number.NaN;
  const median = quantileOf(0.5, values.sort());
  for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i] - median);
  return quantileOf(0.5, values.sort());
}

function variance(window: Window): number | undefined {
  if (!floatsOnly(window)) return undefined;
  const { samples, from, to } = window.floats;
  const mean = new CompensatedSum();
  const squares = new CompensatedSum();
  for (let i = from; i < to; i++) {
    const distance = samples[i] - mean.total;
    mean.add(distance / (i - from + 1));
    squares.add(distance * (samples[i] - mean.total));
  }
  return squares.total / (to - from);
}

export const stdvarOverTime = (window: Window): Sample => variance(window);

export function stddevOverTime(window: Window): Sample {
  const value = variance(window);
  return value === undefined ? undefined : Math.sqrt(value);
}

/** Least squares over the floats of a window; the intercept is the value at `origin` (ms), the slope per second. */
function regression({ floats }: Window, origin: number): { slope: number; intercept: number } {
  const { samples, timestamps, from, to } = floats;
  const sumX = new CompensatedSum();
  const sumY = new CompensatedSum();
  const sumXY = new CompensatedSum();
  const sumX2 = new CompensatedSum();
  let constant = true;
  for (let i = from; i < to; i++) {
    const x = (timestamps[i] - origin) / 1000;
    const y = samples[i];
    if (y !== samples[from]) constant = false;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumX2.add(x * x);
  }
  if (constant) {
    const value = samples[from];
    return Number.isFinite(value) ? { slope: 0, intercept: value } : { slope: Number.NaN, intercept: Number.NaN };
  }
  const n = to - from;
  const [x, y] = [sumX.total, sumY.total];
  const slope = (sumXY.total - (x * y) / n) / (sumX2.total - (x * x) / n);
  return { slope, intercept: y / n - (slope * x) / n };
}

export function deriv(window: Window): Sample {
  if (!floatsOnly(window, 2)) return undefined;
  // An origin near the samples keeps the sums small and so exact.
  return regression(window, window.floats.timestamps[window.floats.from]).slope;
}

export function predictLinear(window: Window): Sample {
  if (!floatsOnly(window, 2)) return undefined;
  const { slope, intercept } = regression(window, window.time);
  return slope * window.scalars[0][window.step] + intercept;
}

export function doubleExponentialSmoothing(window: Window): Sample {
  const smoothing = window.scalars[0][window.step];
  const trend = window.scalars[1][window.step];
  if (smoothing <= 0 || smoothing >= 1) {
    throw executionError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${formatFixed(smoothing, 6)}`);
  }
  if (trend <= 0 || trend >= 1) {
    throw executionError(`invalid trend factor. Expected: 0 < tf < 1, got: ${formatFixed(trend, 6)}`);
  }
  if (!floatsOnly(window, 2)) return undefined;
  const { samples, from, to } = window.floats;
  let previous = 0;
  let current = samples[from];
  let slope = samples[from + 1] - samples[from];
  for (let i = from + 1; i < to; i++) {
    if (i > from + 1) slope = trend * (current - previous) + (1 - trend) * slope;
    const next = smoothing * samples[i] + (1 - smoothing) * (current + slope);
    previous = current;
    current = next;
  }
  return current;
}
