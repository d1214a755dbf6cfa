/** rate, increase, delta, irate, idelta, resets and changes. */
import type { FloatHistogram } from "@pharos/model";
import { extendedRate } from "../engine/extended.ts";
import type { Column, Window } from "../engine/window.ts";
import {
  addHistograms,
  type CombinedHistogram,
  compactHistogram,
  divideHistogram,
  equalHistograms,
  IncompatibleSchemas,
  multiplyHistogram,
  subtractHistograms,
  toSchema,
} from "../histogram/algebra.ts";
import { usesCustomBuckets } from "../histogram/bounds.ts";
import { detectReset } from "../histogram/reset.ts";

type Sample = number | FloatHistogram | undefined;

/** Whether the start timestamps of two samples in a row tell of a reset between them. */
export function startTimestampReset(
  previousStart: number,
  previousTime: number,
  currentStart: number,
  currentTime: number,
): boolean {
  // Unknown, invalid, or "unknown" in OpenTelemetry's way: equal to the sample's own time.
  if (currentStart === 0 || currentStart >= currentTime) return false;
  if (currentStart !== previousTime) return currentStart > previousTime;
  // Exactly at the previous sample: a delta, unless that sample's own start is unknown.
  return previousStart <= previousTime && previousStart !== 0 && previousStart !== previousTime;
}

function resetByStart({ timestamps, starts }: Column<never>, i: number): boolean {
  return starts !== undefined && startTimestampReset(starts[i - 1], timestamps[i - 1], starts[i], timestamps[i]);
}

function warnOverlaps(window: Window, column: Column<never>): void {
  const { starts, timestamps, from, to } = column;
  if (!starts) return;
  for (let i = from + 1; i < to; i++) {
    if (starts[i] !== 0 && starts[i] < timestamps[i - 1] && starts[i] !== starts[i - 1]) {
      window.context.annotations.startTimeOverlap(window.metricName, window.position);
      return;
    }
  }
}

/**
 * The increase between the first and the last sample, extrapolated to the whole range where the samples reach close to
 * its bounds, else by half the average distance between samples; a counter is not extrapolated below zero.
 */
function extrapolatedRate(window: Window, isCounter: boolean, isRate: boolean): Sample {
  if (window.anchored || window.smoothed) return extendedRate(window, isCounter, isRate);
  const { floats, histograms, context } = window;
  if (floats.size > 0 && histograms.size > 0) {
    context.annotations.mixedFloatsHistograms(window.metricName, window.position);
    return undefined;
  }
  const column = (histograms.size > 0 ? histograms : floats) as Column<never>;
  const { from, to, timestamps, starts } = column;
  const count = to - from;
  if (count === 0) return undefined;
  let result = 0;
  let resultHistogram: FloatHistogram | undefined;
  if (column === (histograms as unknown)) {
    if (count > 1) {
      resultHistogram = histogramIncrease(window, isCounter);
      if (!resultHistogram) return undefined;
    }
  } else result = floatIncrease(window, isCounter);

  const firstTime = timestamps[from];
  const lastTime = timestamps[to - 1];
  let toStart = (firstTime - window.start) / 1000;
  let toEnd = (window.end - lastTime) / 1000;
  let sampled = (lastTime - firstTime) / 1000;
  const average = count > 1 ? sampled / (count - 1) : 0;
  const threshold = average * 1.1;
  const started = isCounter && starts ? starts[from] : 0;
  if (started !== 0 && started > window.start && started < firstTime) {
    // The counter started within the range: from there it was zero, nothing is to be guessed.
    toStart = 0;
    sampled = (lastTime - started) / 1000;
    if (histograms.size === 0) result += floats.samples[from];
    else if (!resultHistogram) resultHistogram = histograms.samples[from];
    else {
      const sum = combine(window, "addition", () => addHistograms(resultHistogram!, histograms.samples[from]));
      if (!sum) return undefined;
      resultHistogram = sum;
    }
  } else if (count === 1) return undefined;
  else {
    if (toStart >= threshold) toStart = average / 2;
    if (isCounter) {
      let toZero = toStart;
      if (resultHistogram) {
        const firstCount = histograms.samples[from].count;
        if (resultHistogram.count > 0 && firstCount >= 0) toZero = sampled * (firstCount / resultHistogram.count);
      } else if (result > 0 && floats.samples[from] >= 0) toZero = sampled * (floats.samples[from] / result);
      if (toZero < toStart) toStart = toZero;
    }
  }
  if (toEnd >= threshold) toEnd = average / 2;
  let factor = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
  if (isRate) factor /= window.range / 1000;
  return resultHistogram ? multiplyHistogram(resultHistogram, factor) : result * factor;
}

function floatIncrease(window: Window, isCounter: boolean): number {
  const column = window.floats;
  const { samples, from, to, starts } = column;
  let result = samples[to - 1] - samples[from];
  if (!isCounter) return result;
  if (starts) warnOverlaps(window, column as Column<never>);
  for (let i = from + 1; i < to; i++) {
    if (samples[i] < samples[i - 1] || (starts && resetByStart(column as Column<never>, i))) result += samples[i - 1];
  }
  return result;
}

/** Combines histograms; undefined, with the annotation recorded, when that is not possible. */
function combine(
  window: Window,
  operation: "addition" | "subtraction",
  run: () => CombinedHistogram,
): FloatHistogram | undefined {
  const { context, metricName, position } = window;
  try {
    const { histogram, boundsReconciled } = run();
    if (boundsReconciled) context.annotations.customBucketsReconciled(operation, position);
    return histogram;
  } catch (error) {
    if (!(error instanceof IncompatibleSchemas)) throw error;
    context.annotations.mixedExponentialCustom(metricName, position);
    return undefined;
  }
}

function emptyLike(histogram: FloatHistogram): FloatHistogram {
  return {
    kind: "float",
    counterResetHint: "unknown",
    schema: histogram.schema,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
    customValues: histogram.customValues,
  };
}

/** Last minus first of at least two histograms, plus what was lost at resets; a gauge. */
function histogramIncrease(window: Window, isCounter: boolean): FloatHistogram | undefined {
  const { context, metricName, position } = window;
  const { annotations } = context;
  const column = window.histograms as unknown as Column<never>;
  const { samples, from, to } = window.histograms;
  const last = samples[to - 1];
  let previous = samples[from];
  if (isCounter && (previous.counterResetHint === "gauge" || last.counterResetHint === "gauge")) {
    annotations.nativeHistogramNotCounter(metricName, position);
  }
  // After a reset right behind the first sample its layout does not matter any more.
  if (isCounter && (resetByStart(column, from + 1) || detectReset(samples[from + 1], previous))) {
    previous = emptyLike(samples[from + 1]);
  }
  const custom = usesCustomBuckets(previous);
  if (usesCustomBuckets(last) !== custom) {
    annotations.mixedExponentialCustom(metricName, position);
    return undefined;
  }
  let schema = Math.min(last.schema, previous.schema);
  if (isCounter) {
    for (let i = from + 1; i < to - 1; i++) {
      if (samples[i].counterResetHint === "gauge") annotations.nativeHistogramNotCounter(metricName, position);
      schema = Math.min(schema, samples[i].schema);
      if (usesCustomBuckets(samples[i]) !== custom) {
        annotations.mixedExponentialCustom(metricName, position);
        return undefined;
      }
    }
  }
  let result = combine(window, "subtraction", () =>
    subtractHistograms(custom ? last : toSchema(last, schema), previous),
  );
  if (isCounter) {
    warnOverlaps(window, column);
    for (let i = from + 1; i < to && result; i++) {
      if (resetByStart(column, i) || detectReset(samples[i], previous)) {
        const lost = previous;
        const soFar: FloatHistogram = result;
        result = combine(window, "addition", () => addHistograms(soFar, lost));
      }
      previous = samples[i];
    }
  } else if (samples[from].counterResetHint !== "gauge" || last.counterResetHint !== "gauge") {
    annotations.nativeHistogramNotGauge(metricName, position);
  }
  return result && compactHistogram({ ...result, counterResetHint: "gauge" });
}

export const rate = (window: Window): Sample => extrapolatedRate(window, true, true);
export const increase = (window: Window): Sample => extrapolatedRate(window, true, false);
export const delta = (window: Window): Sample => extrapolatedRate(window, false, false);

interface TimedSample {
  t: number;
  start: number;
  value: number;
  histogram: FloatHistogram | undefined;
}

/** The samples of a window in order of time, `count` of them from the end. */
function lastSamples({ floats, histograms }: Window, count: number): TimedSample[] {
  const out: TimedSample[] = [];
  let f = floats.to - 1;
  let h = histograms.to - 1;
  while (out.length < count && (f >= floats.from || h >= histograms.from)) {
    const float = h < histograms.from || (f >= floats.from && floats.timestamps[f] > histograms.timestamps[h]);
    if (float) {
      const start = floats.starts?.[f] ?? 0;
      out.unshift({ t: floats.timestamps[f], start, value: floats.samples[f], histogram: undefined });
      f--;
    } else {
      const start = histograms.starts?.[h] ?? 0;
      out.unshift({ t: histograms.timestamps[h], start, value: 0, histogram: histograms.samples[h] });
      h--;
    }
  }
  return out;
}

/** Difference of the last two samples, per second for a rate. */
function instantChange(window: Window, isRate: boolean): Sample {
  const [first, second] = lastSamples(window, 2);
  if (!second || second.t === first.t) return undefined;
  const seconds = (second.t - first.t) / 1000;
  const restarted = startTimestampReset(first.start, first.t, second.start, second.t);
  const { annotations } = window.context;
  const { metricName, position } = window;
  if (!first.histogram && !second.histogram) {
    const reset = isRate && (second.value < first.value || restarted);
    const change = reset ? second.value : second.value - first.value;
    return isRate ? change / seconds : change;
  }
  if (!first.histogram || !second.histogram) {
    annotations.mixedFloatsHistograms(metricName, position);
    return undefined;
  }
  const hints = [first.histogram.counterResetHint, second.histogram.counterResetHint];
  if (isRate && hints.includes("gauge")) annotations.nativeHistogramNotCounter(metricName, position);
  if (!isRate && hints.some((hint) => hint !== "gauge")) annotations.nativeHistogramNotGauge(metricName, position);
  let change: FloatHistogram | undefined = second.histogram;
  if (!isRate || (!restarted && !detectReset(second.histogram, first.histogram))) {
    change = combine(window, "subtraction", () => subtractHistograms(second.histogram!, first.histogram!));
    if (!change) return undefined;
  }
  change = compactHistogram({ ...change, counterResetHint: "gauge" });
  return isRate ? divideHistogram(change, seconds) : change;
}

export const irate = (window: Window): Sample => instantChange(window, true);
export const idelta = (window: Window): Sample => instantChange(window, false);

/**
 * For an anchored range the last sample at or before its start is the one to compare with, earlier ones are dropped.
 * Undefined when nothing lies behind the start.
 */
function anchoredSamples(window: Window): TimedSample[] | undefined {
  const samples = lastSamples(window, window.floats.size + window.histograms.size);
  if (!window.anchored) return samples;
  const inside = samples.findIndex(({ t }) => t > window.start);
  if (inside < 0) return undefined;
  return samples.slice(Math.max(0, inside - 1));
}

export function resets(window: Window): Sample {
  const { floats, histograms } = window;
  if (histograms.size === 0 && !window.anchored) {
    let count = 0;
    for (let i = floats.from + 1; i < floats.to; i++) {
      if (floats.samples[i] < floats.samples[i - 1] || resetByStart(floats as Column<never>, i)) count++;
    }
    return count;
  }
  const samples = anchoredSamples(window);
  if (!samples) return undefined;
  let count = 0;
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [samples[i - 1], samples[i]];
    if (!a.histogram !== !b.histogram) count++;
    else if (startTimestampReset(a.start, a.t, b.start, b.t)) count++;
    else if (a.histogram && b.histogram ? detectReset(b.histogram, a.histogram) : b.value < a.value) count++;
  }
  return count;
}

export function changes(window: Window): Sample {
  const { floats, histograms } = window;
  if (histograms.size === 0 && !window.anchored) {
    let count = 0;
    for (let i = floats.from + 1; i < floats.to; i++) {
      const [a, b] = [floats.samples[i - 1], floats.samples[i]];
      if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) count++;
    }
    return count;
  }
  const samples = anchoredSamples(window);
  if (!samples) return undefined;
  let count = 0;
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [samples[i - 1], samples[i]];
    if (!a.histogram !== !b.histogram) count++;
    else if (a.histogram && b.histogram) count += equalHistograms(a.histogram, b.histogram) ? 0 : 1;
    else if (a.value !== b.value && !(Number.isNaN(a.value) && Number.isNaN(b.value))) count++;
  }
  return count;
}
