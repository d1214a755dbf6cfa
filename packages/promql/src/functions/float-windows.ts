/**
 * Functions over ranges for a series of floats only, all steps at once: the common case, and what range queries spend their
 * time in. Windows are found first, as indices into the columns of the series; a kernel is then one loop over the steps that
 * allocates nothing. Each gives the same bits as its general form in `rate` and `over-time`, which the tests hold it to.
 */
import { FLOAT } from "../engine/row.ts";
import { quantileOf } from "./over-time.ts";

/** The samples of a series, and the window of each step as [from, to). */
export interface FloatWindows {
  timestamps: Float64Array;
  values: Float64Array;
  length: number;
  steps: number;
  from: Int32Array;
  to: Int32Array;
  /** Unix ms of the end of the first window, ms to the next one (0: all are the same), and length of a window in ms. */
  end: number;
  interval: number;
  range: number;
  /** Scalar arguments, one value a step. */
  scalars: readonly Float64Array[];
}

/** Writes the steps that have a result; returns their number. */
export type FloatKernel = (windows: FloatWindows, kinds: Uint8Array, out: Float64Array) => number;

/** Finds the windows of all steps; adds the size of each to `perStep`, if given. Returns the sum of the sizes. */
export function slideWindows(windows: FloatWindows, perStep: Float64Array | undefined): number {
  const { timestamps, length, steps, end, interval, range } = windows;
  if (windows.from.length < steps) {
    windows.from = new Int32Array(steps);
    windows.to = new Int32Array(steps);
  }
  const { from: froms, to: tos } = windows;
  let from = 0;
  let to = 0;
  let total = 0;
  // Of a regularly scraped series the bounds move by the same number of samples from step to step: where they did the last time
  // is tried first.
  let fromStride = 0;
  let toStride = 0;
  for (let step = 0; step < steps; step++) {
    const until = end + step * interval;
    const after = until - range;
    let next = to + toStride;
    if (next === 0 || next > length || timestamps[next - 1] > until || (next < length && timestamps[next] <= until)) {
      next = to;
      while (next < length && timestamps[next] <= until) next++;
      toStride = next - to;
    }
    to = next;
    next = from + fromStride;
    if (next === 0 || next > to || timestamps[next - 1] > after || (next < to && timestamps[next] <= after)) {
      next = from;
      while (next < to && timestamps[next] <= after) next++;
      fromStride = next - from;
    }
    from = next;
    froms[step] = from;
    tos[step] = to;
    total += to - from;
    if (perStep) perStep[step] += to - from;
  }
  return total;
}

/** Running number of samples lower than the one before, or different from it; reused from series to series. */
let running = new Int32Array(1024);

function countDrops(values: Float64Array, length: number): number {
  if (running.length < length) running = new Int32Array(length * 2);
  let count = 0;
  let previous = values[0];
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (value < previous) count++;
    running[i] = count;
    previous = value;
  }
  return count;
}

function countChanges(values: Float64Array, length: number): void {
  if (running.length < length) running = new Int32Array(length * 2);
  let count = 0;
  let previous = values[0];
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (value !== previous && !(Number.isNaN(value) && Number.isNaN(previous))) count++;
    running[i] = count;
    previous = value;
  }
}

/**
 * rate, increase and delta. Extrapolation divides half a dozen times, but of a regularly scraped series most windows lie
 * like the one before: what depends on times alone is then taken from there. Only a counter that may have begun within
 * the range (extrapolated below zero otherwise) has to be looked at by value.
 */
function rates(isCounter: boolean, isRate: boolean): FloatKernel {
  return (windows, kinds, out) => {
    const { timestamps, values, length, steps, from: froms, to: tos, end: firstEnd, interval, range } = windows;
    const resets = isCounter && countDrops(values, length) > 0;
    const seconds = range / 1000;
    let lastSize = -1;
    let lastSampled = -1;
    let lastBefore = -1;
    let lastBehind = -1;
    let sampled = 0;
    let toStart = 0;
    let toEnd = 0;
    let plain = 0;
    let filled = 0;
    for (let step = 0; step < steps; step++) {
      const from = froms[step];
      const to = tos[step];
      const size = to - from;
      if (size < 2) continue;
      const firstTime = timestamps[from];
      const lastTime = timestamps[to - 1];
      const end = firstEnd + step * interval;
      const sampledMs = lastTime - firstTime;
      const beforeMs = firstTime - (end - range);
      const behindMs = end - lastTime;
      if (size !== lastSize || sampledMs !== lastSampled || beforeMs !== lastBefore || behindMs !== lastBehind) {
        lastSize = size;
        lastSampled = sampledMs;
        lastBefore = beforeMs;
        lastBehind = behindMs;
        sampled = sampledMs / 1000;
        const average = sampled / (size - 1);
        const threshold = average * 1.1;
        toStart = beforeMs / 1000;
        if (toStart >= threshold) toStart = average / 2;
        toEnd = behindMs / 1000;
        if (toEnd >= threshold) toEnd = average / 2;
        plain = (sampled + toStart + toEnd) / sampled;
        if (isRate) plain /= seconds;
      }
      const first = values[from];
      let increase = values[to - 1] - first;
      if (resets && running[to - 1] !== running[from]) {
        for (let i = from + 1; i < to; i++) if (values[i] < values[i - 1]) increase += values[i - 1];
      }
      let factor = plain;
      if (isCounter && increase > 0 && first >= 0 && first * sampled < toStart * increase * 1.000001) {
        const toZero = sampled * (first / increase);
        if (toZero < toStart) {
          factor = (sampled + toZero + toEnd) / sampled;
          if (isRate) factor /= seconds;
        }
      }
      kinds[step] = FLOAT;
      out[step] = increase * factor;
      filled++;
    }
    return filled;
  };
}

/** irate and idelta: the last two samples. */
function instantChanges(isRate: boolean): FloatKernel {
  return ({ timestamps, values, steps, from, to: tos }, kinds, out) => {
    let filled = 0;
    for (let step = 0; step < steps; step++) {
      const to = tos[step];
      if (to - from[step] < 2) continue;
      const value = values[to - 1];
      const previous = values[to - 2];
      const change = isRate && value < previous ? value : value - previous;
      kinds[step] = FLOAT;
      out[step] = isRate ? change / ((timestamps[to - 1] - timestamps[to - 2]) / 1000) : change;
      filled++;
    }
    return filled;
  };
}

/** resets and changes: the difference of two running numbers. */
function differences(count: (values: Float64Array, length: number) => unknown): FloatKernel {
  return ({ values, length, steps, from: froms, to: tos }, kinds, out) => {
    count(values, length);
    let filled = 0;
    for (let step = 0; step < steps; step++) {
      const from = froms[step];
      const to = tos[step];
      if (to === from) continue;
      kinds[step] = FLOAT;
      out[step] = running[to - 1] - running[from];
      filled++;
    }
    return filled;
  };
}

/** Where a window gives one of its samples or a number that its bounds tell. */
function picks(pick: (values: Float64Array, from: number, to: number) => number): FloatKernel {
  return ({ values, steps, from: froms, to: tos }, kinds, out) => {
    let filled = 0;
    for (let step = 0; step < steps; step++) {
      const from = froms[step];
      const to = tos[step];
      if (to === from) continue;
      kinds[step] = FLOAT;
      out[step] = pick(values, from, to);
      filled++;
    }
    return filled;
  };
}

/** Compensated sum, every window anew: a sliding sum would not have the same bits. */
function sum(values: Float64Array, from: number, to: number): number {
  let total = 0;
  let lost = 0;
  for (let i = from; i < to; i++) {
    const value = values[i];
    const next = total + value;
    if (next === Infinity || next === -Infinity) lost = 0;
    else if (Math.abs(total) >= Math.abs(value)) lost += total - next + value;
    else lost += value - next + total;
    total = next;
  }
  return total === Infinity || total === -Infinity ? total : total + lost;
}

/** Compensated mean; the running mean from where the sum would overflow. */
function mean(values: Float64Array, from: number, to: number): number {
  let total = values[from];
  let lost = 0;
  for (let i = from + 1; i < to; i++) {
    const value = values[i];
    const next = total + value;
    if (next === Infinity || next === -Infinity) return runningMean(values, from, i, to, total, lost);
    if (Math.abs(total) >= Math.abs(value)) lost += total - next + value;
    else lost += value - next + total;
    total = next;
  }
  const count = to - from;
  return total / count + lost / count;
}

/** The mean of a window whose sum overflows at sample `at`; `total` and `lost` are of those before. */
export function runningMean(
  values: Float64Array,
  from: number,
  at: number,
  to: number,
  total: number,
  lost: number,
): number {
  let result = total / (at - from);
  let resultLost = lost / (at - from);
  for (let i = at; i < to; i++) {
    const count = i - from + 1;
    const share = (count - 1) / count;
    const before = share * result;
    const value = values[i] / count;
    const next = before + value;
    const carried = share * resultLost;
    if (next === Infinity || next === -Infinity) resultLost = 0;
    else if (Math.abs(before) >= Math.abs(value)) resultLost = carried + (before - next + value);
    else resultLost = carried + (value - next + before);
    result = next;
  }
  return result + resultLost;
}

/** Indices of candidates for the extreme of a sliding window, best first; reused from series to series. */
let queue = new Int32Array(1024);

/** max and min: a sample enters and leaves the queue once. Of equal ones the first stays; NaN only where all are. */
function extremes(max: boolean): FloatKernel {
  return ({ values, length, steps, from: froms, to: tos }, kinds, out) => {
    if (queue.length < length) queue = new Int32Array(length * 2);
    let head = 0;
    let tail = 0;
    let next = 0;
    let filled = 0;
    for (let step = 0; step < steps; step++) {
      const from = froms[step];
      const to = tos[step];
      if (to === from) continue;
      if (next < from) next = from;
      for (; next < to; next++) {
        const value = values[next];
        if (Number.isNaN(value)) continue;
        while (tail > head && (max ? values[queue[tail - 1]] < value : values[queue[tail - 1]] > value)) tail--;
        queue[tail++] = next;
      }
      while (head < tail && queue[head] < from) head++;
      kinds[step] = FLOAT;
      out[step] = head < tail ? values[queue[head]] : Number.NaN;
      filled++;
      if (head === tail) head = tail = 0;
    }
    return filled;
  };
}

/** The samples of a sliding window in order; reused from series to series. */
let sorted = new Float64Array(1024);

/** First index in sorted[0, length) whose value is not below `value`. */
function lowerBound(value: number, length: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * quantile_over_time of quantiles from 0 to 1: the window is kept in order while it slides. Gives up (-1) at what has no place
 * of its own there: NaN and negative zero.
 */
export function slidingQuantiles(
  { values, length, steps, from: froms, to: tos, scalars: [q] }: FloatWindows,
  kinds: Uint8Array,
  out: Float64Array,
): number {
  for (let i = 0; i < length; i++) if (Number.isNaN(values[i]) || Object.is(values[i], -0)) return -1;
  if (sorted.length < length) sorted = new Float64Array(length * 2);
  let low = 0;
  let high = 0;
  let size = 0;
  let filled = 0;
  for (let step = 0; step < steps; step++) {
    const from = froms[step];
    const to = tos[step];
    if (to === from) continue;
    if (from >= high) {
      // Nothing of the window before is left.
      sorted.set(values.subarray(from, to));
      size = to - from;
      sorted.subarray(0, size).sort();
    } else {
      for (; low < from; low++) {
        const at = lowerBound(values[low], size);
        sorted.copyWithin(at, at + 1, size--);
      }
      for (; high < to; high++) {
        const at = lowerBound(values[high], size);
        sorted.copyWithin(at + 1, at, size++);
        sorted[at] = values[high];
      }
    }
    low = from;
    high = to;
    kinds[step] = FLOAT;
    out[step] = quantileOf(q[step], sorted.subarray(0, size));
    filled++;
  }
  return filled;
}

/** By name of the function; what is not here has its general form only. */
export const FLOAT_KERNELS: ReadonlyMap<string, FloatKernel> = new Map<string, FloatKernel>([
  ["absent_over_time", picks(() => 1)],
  ["avg_over_time", picks(mean)],
  ["changes", differences(countChanges)],
  ["count_over_time", picks((_, from, to) => to - from)],
  ["delta", rates(false, false)],
  ["first_over_time", picks((values, from) => values[from])],
  ["idelta", instantChanges(false)],
  ["increase", rates(true, false)],
  ["irate", instantChanges(true)],
  ["last_over_time", picks((values, _, to) => values[to - 1])],
  ["max_over_time", extremes(true)],
  ["min_over_time", extremes(false)],
  ["present_over_time", picks(() => 1)],
  ["rate", rates(true, true)],
  ["resets", differences(countDrops)],
  ["sum_over_time", picks(sum)],
]);
