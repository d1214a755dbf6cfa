/** rate, increase, delta, irate, idelta, resets and changes. */
import type { FloatHistogram } from "@pharos/model";
import { combineInWindow } from "../engine/combine.ts";
import { extendedRate } from "../engine/extended.ts";
import type { Column, Window } from "../engine/window.ts";
import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  identicalHistograms,
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
 * How much the increase between the first and the last of several samples grows by extrapolation: to the bounds of the
 * range where the samples reach close to them, else by half the average distance between samples. `first` is the first
 * value of a counter, which is not extrapolated below zero; NaN for a gauge. Times in ms.
 */
export function extrapolation(
  count: number,
  firstTime: number,
  lastTime: number,
  start: number,
  end: number,
  first: number,
  increase: number,
): number {
  const sampled = (lastTime - firstTime) / 1000;
  const average = sampled / (count - 1);
  const threshold = average * 1.1;
  let toStart = (firstTime - start) / 1000;
  if (toStart >= threshold) toStart = average / 2;
  if (increase > 0 && first >= 0) {
    const toZero = sampled * (first / increase);
    if (toZero < toStart) toStart = toZero;
  }
  let toEnd = (end - lastTime) / 1000;
  if (toEnd >= threshold) toEnd = average / 2;
  return sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
}

/** As `extrapolation`, for a counter that started (was zero) within the range: nothing is guessed to the left. */
function extrapolationFromStart(
  count: number,
  started: number,
  firstTime: number,
  lastTime: number,
  end: number,
): number {
  const average = count > 1 ? (lastTime - firstTime) / 1000 / (count - 1) : 0;
  const sampled = (lastTime - started) / 1000;
  let toEnd = (end - lastTime) / 1000;
  if (toEnd >= average * 1.1) toEnd = average / 2;
  return sampled === 0 ? 1 : (sampled + toEnd) / sampled;
}

/** Increase over the range, extrapolated, per second for a rate. */
function extrapolatedRate(window: Window, isCounter: boolean, isRate: boolean): Sample {
  if (window.anchored || window.smoothed) return extendedRate(window, isCounter, isRate);
  const { floats, histograms, context } = window;
  if (floats.size > 0 && histograms.size > 0) {
    context.annotations.mixedFloatsHistograms(window.metricName, window.position);
    return undefined;
  }
  const isHistogram = histograms.size > 0;
  const { from, to, timestamps, starts } = isHistogram ? histograms : floats;
  const count = to - from;
  if (count === 0) return undefined;
  let increase: Sample = isHistogram ? undefined : floatIncrease(window, isCounter);
  if (isHistogram && count > 1) {
    increase = histogramIncrease(window, isCounter);
    if (!increase) return undefined;
  }
  const firstTime = timestamps[from];
  const lastTime = timestamps[to - 1];
  const started = isCounter && starts ? starts[from] : 0;
  let factor: number;
  if (started !== 0 && started > window.start && started < firstTime) {
    factor = extrapolationFromStart(count, started, firstTime, lastTime, window.end);
    increase = addFirst(window, increase);
    if (increase === undefined) return undefined;
  } else if (count === 1) return undefined;
  else {
    const first = isHistogram ? histograms.samples[from].count : floats.samples[from];
    const size = typeof increase === "number" ? increase : increase!.count;
    factor = extrapolation(count, firstTime, lastTime, window.start, window.end, isCounter ? first : Number.NaN, size);
  }
  if (isRate) factor /= window.range / 1000;
  return typeof increase === "number" ? increase * factor : multiplyHistogram(increase!, factor);
}

/** The increase with the first sample's value, for a counter that was zero before it. */
function addFirst(window: Window, increase: Sample): Sample {
  const { floats, histograms } = window;
  if (typeof increase === "number") return increase + floats.samples[floats.from];
  const first = histograms.samples[histograms.from];
  return increase ? combineInWindow(window, "addition", () => addHistograms(increase, first)) : first;
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
  let result = combineInWindow(window, "subtraction", () =>
    subtractHistograms(custom ? last : toSchema(last, schema), previous),
  );
  if (isCounter) {
    warnOverlaps(window, column);
    for (let i = from + 1; i < to && result; i++) {
      if (resetByStart(column, i) || detectReset(samples[i], previous)) {
        const lost = previous;
        const soFar: FloatHistogram = result;
        result = combineInWindow(window, "addition", () => addHistograms(soFar, lost));
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
    change = combineInWindow(window, "subtraction", () => subtractHistograms(second.histogram!, first.histogram!));
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
    else if (a.histogram && b.histogram) count += identicalHistograms(a.histogram, b.histogram) ? 0 : 1;
    else if (a.value !== b.value && !(Number.isNaN(a.value) && Number.isNaN(b.value))) count++;
  }
  return count;
}
