/** Interpolation at the bounds of ranges: the `anchored` and `smoothed` modifiers. */
import type { FloatHistogram, SampleBuffer, StoredSeries } from "@pharos/model";
import {
  addHistograms,
  type CombinedHistogram,
  compactHistogram,
  divideHistogram,
  multiplyHistogram,
  subtractHistograms,
} from "../histogram/algebra.ts";
import { usesCustomBuckets } from "../histogram/bounds.ts";
import { detectReset } from "../histogram/reset.ts";
import type { VectorSelector } from "../parser/ast.ts";
import { combineInWindow } from "./combine.ts";
import type { Context } from "./context.ts";
import type { Row } from "./row.ts";
import { Window } from "./window.ts";

function interpolate(t1: number, v1: number, t2: number, v2: number, t: number, isCounter: boolean): number {
  // A counter that went down is taken to have started again from zero.
  const from = isCounter && v2 < v1 ? 0 : v1;
  return from + ((v2 - from) * (t - t1)) / (t2 - t1);
}

/** Thrown where histograms cannot be combined; the annotation is already recorded. */
class Incompatible extends Error {}

/** Combines histograms and records what happened on the way. */
class HistogramMath {
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
  }

  #run(operation: "addition" | "subtraction", run: () => CombinedHistogram): FloatHistogram {
    const histogram = combineInWindow(this.#window, operation, run);
    if (!histogram) throw new Incompatible();
    return histogram;
  }

  add(a: FloatHistogram, b: FloatHistogram): FloatHistogram {
    return this.#run("addition", () => addHistograms(a, b));
  }

  subtract(a: FloatHistogram, b: FloatHistogram): FloatHistogram {
    return this.#run("subtraction", () => subtractHistograms(a, b));
  }

  interpolate(i: number, t: number, isCounter: boolean): FloatHistogram {
    const { timestamps, samples } = this.#window.histograms;
    const [t1, t2] = [timestamps[i], timestamps[i + 1]];
    const [h1, h2] = [samples[i], samples[i + 1]];
    if (t === t1) return h1;
    if (t === t2) return h2;
    const fraction = (t - t1) / (t2 - t1);
    if (isCounter && detectReset(h2, h1)) return multiplyHistogram(h2, fraction);
    return this.add(multiplyHistogram(this.subtract(h2, h1), fraction), h1);
  }
}

/** First and last sample that matter: from the last one at or before the start to the first at or after the end. */
function boundaries(
  timestamps: Float64Array,
  from: number,
  to: number,
  start: number,
  end: number,
  smoothed: boolean,
): { first: number; last: number } {
  let last = to - 1;
  let first = from;
  while (first < last && timestamps[first] <= start) first++;
  first = Math.max(from, first - 1);
  if (smoothed) {
    let index = from;
    while (index < last && timestamps[index] < end) index++;
    last = index;
  }
  return { first, last };
}

/** rate, increase and delta of a window that reaches over its bounds. */
export function extendedRate(window: Window, isCounter: boolean, isRate: boolean): number | FloatHistogram | undefined {
  const { floats, histograms, context, metricName, position } = window;
  if (floats.size > 0 && histograms.size > 0) {
    context.annotations.mixedFloatsHistograms(metricName, position);
    return undefined;
  }
  if (histograms.size === 0) return floats.size === 0 ? undefined : extendedFloatRate(window, isCounter, isRate);
  try {
    return extendedHistogramRate(window, isCounter, isRate);
  } catch (error) {
    if (error instanceof Incompatible) return undefined;
    throw error;
  }
}

function extendedFloatRate(window: Window, isCounter: boolean, isRate: boolean): number | undefined {
  const { start, end, smoothed } = window;
  const { timestamps: t, samples: v, from, to } = window.floats;
  let { first, last } = boundaries(t, from, to, start, end, smoothed);
  if (t[last] <= start || (smoothed && t[first] > end)) return undefined;
  const left =
    smoothed && t[first] < start
      ? interpolate(t[first], v[first], t[first + 1], v[first + 1], start, isCounter)
      : v[first];
  const right =
    smoothed && last > from && t[last] > end
      ? interpolate(t[last - 1], v[last - 1], t[last], v[last], end, isCounter)
      : v[last];
  let result = right - left;
  if (isCounter) {
    if (t[first] <= start) first++;
    if (t[last] >= end) last--;
    let previous = left;
    for (let i = first; i <= last; i++) {
      if (v[i] < previous) result += previous;
      previous = v[i];
    }
    if (right < previous) result += previous;
  }
  return isRate ? result / (window.range / 1000) : result;
}

function extendedHistogramRate(window: Window, isCounter: boolean, isRate: boolean): FloatHistogram | undefined {
  const { start, end, smoothed, context, metricName, position } = window;
  const { annotations } = context;
  const { timestamps: t, samples: h, from, to } = window.histograms;
  const { first, last } = boundaries(t, from, to, start, end, smoothed);
  if (t[last] <= start || (smoothed && t[first] > end)) return undefined;
  const custom = usesCustomBuckets(h[first]);
  for (let i = first; i <= last; i++) {
    if (usesCustomBuckets(h[i]) !== custom) {
      annotations.mixedExponentialCustom(metricName, position);
      return undefined;
    }
    if (isCounter && h[i].counterResetHint === "gauge") annotations.nativeHistogramNotCounter(metricName, position);
  }
  const math = new HistogramMath(window);
  const left = smoothed && t[first] < start ? math.interpolate(first, start, isCounter) : h[first];
  const right = smoothed && last > from && t[last] > end ? math.interpolate(last - 1, end, isCounter) : h[last];
  if (!isCounter && (left.counterResetHint !== "gauge" || right.counterResetHint !== "gauge")) {
    annotations.nativeHistogramNotGauge(metricName, position);
  }
  let result = math.subtract(right, left);
  if (isCounter) {
    const correction = resetCorrection(window, math, first, last, left, right);
    if (correction) result = math.add(result, correction);
  }
  if (isRate) result = divideHistogram(result, window.range / 1000);
  return compactHistogram({ ...result, counterResetHint: "gauge" });
}

/** What was counted before each reset between the bounds. */
function resetCorrection(
  window: Window,
  math: HistogramMath,
  first: number,
  last: number,
  left: FloatHistogram,
  right: FloatHistogram,
): FloatHistogram | undefined {
  const { timestamps: t, samples: h } = window.histograms;
  let next = first + 1;
  let previous = left;
  if (window.smoothed && t[first] < window.start && detectReset(h[first + 1], h[first])) {
    // The interpolation at the left bound already reached over this reset.
    previous = h[first + 1];
    next++;
  }
  // The last sample is represented by `right`.
  if (next > last) return undefined;
  let correction: FloatHistogram | undefined;
  const take = () => {
    correction = correction ? math.add(correction, previous) : previous;
  };
  for (let i = next; i < last; i++) {
    if (detectReset(h[i], previous)) take();
    previous = h[i];
  }
  if (detectReset(right, previous)) take();
  return correction;
}

/** Samples of a range with one at each bound, for a range selector that is the whole query. */
export function extendFloats(
  window: Window,
  start: number,
  end: number,
  smoothed: boolean,
): { timestamps: number[]; values: number[] } {
  const { timestamps: t, samples: v, from, to } = window.floats;
  const out = { timestamps: [] as number[], values: [] as number[] };
  if (to === from) return out;
  let { first, last } = boundaries(t, from, to, start, end, smoothed);
  if (t[last] <= start) return out;
  const left =
    smoothed && t[first] < start ? interpolate(t[first], v[first], t[first + 1], v[first + 1], start, false) : v[first];
  const right =
    smoothed && last > from && t[last] > end
      ? interpolate(t[last - 1], v[last - 1], t[last], v[last], end, false)
      : v[last];
  if (t[first] <= start) first++;
  if (t[last] >= end) last--;
  out.timestamps.push(start);
  out.values.push(left);
  for (let i = first; i <= last; i++) {
    out.timestamps.push(t[i]);
    out.values.push(v[i]);
  }
  out.timestamps.push(end);
  out.values.push(right);
  return out;
}

/** An instant selector with `smoothed`: interpolated between the samples around each step. */
export function smoothedRow(
  context: Context,
  selector: VectorSelector,
  series: StoredSeries,
  buffer: SampleBuffer,
): Row | undefined {
  const { lookbackMs } = context.query.settings;
  const time = (step: number) => (selector.timestamp ?? context.timeOf(step)) - selector.offset;
  buffer.clear();
  series.read(time(0) - lookbackMs + 1, time(context.steps - 1) + lookbackMs, buffer);
  const window = new Window(context, selector.pos);
  window.load(series, buffer, false);
  const math = new HistogramMath(window);
  let row: Row | undefined;
  for (let step = 0; step < context.steps; step++) {
    const t = time(step);
    window.slide(t - lookbackMs, t + lookbackMs);
    if (window.isEmpty) continue;
    if (window.floats.size > 0 && window.histograms.size > 0) {
      context.annotations.mixedFloatsHistograms(window.metricName, selector.pos);
      continue;
    }
    const sample = window.floats.size > 0 ? smoothFloat(window, t) : smoothHistogram(window, math, t);
    if (sample === undefined) continue;
    row ??= context.newRow();
    row.set(step, sample);
  }
  return row;
}

/** Index of the first sample of a column at or after `t`. */
function firstAt({ timestamps, from, to }: { timestamps: Float64Array; from: number; to: number }, t: number): number {
  let i = from;
  while (i < to && timestamps[i] < t) i++;
  return i;
}

function smoothFloat({ floats }: Window, t: number): number | undefined {
  const { timestamps, samples, from, to } = floats;
  const i = firstAt(floats, t);
  if (i < to && timestamps[i] === t) return samples[i];
  if (i === from) return undefined;
  if (i === to) return samples[i - 1];
  return interpolate(timestamps[i - 1], samples[i - 1], timestamps[i], samples[i], t, false);
}

function smoothHistogram(window: Window, math: HistogramMath, t: number): FloatHistogram | undefined {
  const { timestamps, samples, from, to } = window.histograms;
  const i = firstAt(window.histograms, t);
  if (i < to && timestamps[i] === t) return samples[i];
  if (i === from) return undefined;
  // The hint is about the sample before, which this one no longer follows.
  if (i === to) return { ...samples[i - 1], counterResetHint: "unknown" };
  if (usesCustomBuckets(samples[i - 1]) !== usesCustomBuckets(samples[i])) {
    window.context.annotations.mixedExponentialCustom(window.metricName, window.position);
    return undefined;
  }
  const isCounter = samples[i - 1].counterResetHint !== "gauge" || samples[i].counterResetHint !== "gauge";
  try {
    return math.interpolate(i - 1, t, isCounter);
  } catch (error) {
    if (error instanceof Incompatible) return undefined;
    throw error;
  }
}
