/** Calls of functions over ranges: one series at a time, the window sliding over its samples. */
import { type Labels, LabelsBuilder } from "@pharos/model";
import {
  FLOAT_KERNELS,
  type FloatKernel,
  type FloatWindows,
  slideWindows,
  slidingQuantiles,
} from "../functions/float-windows.ts";
import {
  ANCHORED_FUNCTIONS,
  RANGE_FUNCTIONS,
  type RangeFunction,
  SMOOTHED_FUNCTIONS,
  USES_START_TIMESTAMPS,
} from "../functions/range-functions.ts";
import type { Call, Expr } from "../parser/ast.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { dropMetadata, refuseAfterDrop } from "./labels.ts";
import type { RangeSource } from "./range-selector.ts";
import { EMPTY_VECTOR, FLOAT, NOTHING, type Row, type RowAnswer, type VectorResult } from "./row.ts";
import { ChangedSeries, metricNames, namelessSeries } from "./series.ts";
import { Window } from "./window.ts";

const KEEPS_NAME: ReadonlySet<string> = new Set(["last_over_time", "first_over_time"]);
const COUNTER_SUFFIXES = ["_total", "_sum", "_count", "_bucket"];

function checkModifiers(name: string, { anchored, smoothed }: RangeSource): void {
  for (const [modifier, used, allowed] of [
    ["anchored", anchored, ANCHORED_FUNCTIONS],
    ["smoothed", smoothed, SMOOTHED_FUNCTIONS],
  ] as const) {
    if (used && !allowed.includes(name)) {
      throw executionError(`${modifier} modifier can only be used with: ${allowed.join(", ")} - not with ${name}`);
    }
  }
}

/** `scalars` are the other arguments in their order, one value a step. */
export async function callOverRange(
  context: Context,
  call: Call,
  source: RangeSource,
  scalars: Float64Array[],
): Promise<VectorResult> {
  const { name } = call.func;
  checkModifiers(name, source);
  const { query, delayedNames } = context;
  const window = new Window(context, call.args[0].pos);
  window.scalars = scalars;
  window.range = source.range;
  window.anchored = source.anchored;
  window.smoothed = source.smoothed;
  const drops = !KEEPS_NAME.has(name);
  const nameless = drops ? namelessSeries(source, delayedNames) : dropMarked(source, delayedNames);
  const nameOf = metricNames(source);
  const withStarts = query.settings.useStartTimestamps && USES_START_TIMESTAMPS.has(name);
  const isCounter = name === "rate" || name === "increase";
  const kernel = floatKernel(name, scalars);
  const windows: FloatWindows = {
    timestamps: EMPTY,
    values: EMPTY,
    length: 0,
    steps: context.steps,
    from: new Int32Array(0),
    to: new Int32Array(0),
    end: (source.timestamp ?? context.start) - source.offset,
    interval: source.timestamp === undefined ? context.interval : 0,
    range: source.range,
    scalars,
  };
  const result: VectorResult = {
    ...nameless,
    read: (index) => {
      window.load(source.series[index], source.read(index), withStarts);
      const answer = evaluateRow(context, name, window, source, kernel, windows);
      if (!isCounter || !answer) return answer;
      const hint = (row: Row | undefined) => {
        if (row) hintNonCounter(context, window, nameOf(index), row);
        return row;
      };
      return answer instanceof Promise ? answer.then(hint) : hint(answer);
    },
  };
  if (name === "absent_over_time") return absentOverTime(context, call, result);
  return delayedNames ? result : refuseAfterDrop(context, source, result);
}

/** Of a function that keeps names: only those go that were to go anyhow. */
function dropMarked(source: RangeSource, delayedNames: boolean): Pick<VectorResult, "series" | "columns"> {
  if (delayedNames || !source.series.some(({ dropName }) => dropName)) return source;
  return {
    series: source.series.map((one) => (one.dropName ? new ChangedSeries(one, dropMetadata, true) : one)),
  };
}

const EMPTY = new Float64Array(0);

/** What computes all steps of a series of floats at once, where there is such a thing. */
function floatKernel(name: string, scalars: readonly Float64Array[]): FloatKernel | undefined {
  if (name !== "quantile_over_time") return FLOAT_KERNELS.get(name);
  // Others are warned about step by step.
  return scalars[0].every((q) => q >= 0 && q <= 1) ? slidingQuantiles : undefined;
}

/**
 * Samples that a row may look at before others get a turn, counted once for each window they are in: some 10 ms by a kernel,
 * up to twice as much by general forms.
 */
const SAMPLES_PER_TURN = 2_000_000;

function evaluateRow(
  context: Context,
  name: string,
  window: Window,
  source: RangeSource,
  kernel: FloatKernel | undefined,
  windows: FloatWindows,
): RowAnswer {
  const { query } = context;
  const { floats, histograms } = window;
  if (floats.length === 0 && histograms.length === 0) return undefined;
  query.samplesRead += floats.length + histograms.length;
  if (kernel && isPlain(window)) {
    windows.timestamps = floats.timestamps;
    windows.values = floats.samples;
    windows.length = floats.length;
    const total = slideWindows(windows, context.perStep);
    if (total === 0) return undefined;
    const row = context.newRow();
    const answer =
      total > SAMPLES_PER_TURN ? kernelInTurns(context, kernel, windows, row) : kernel(windows, row.kinds, row.values);
    if (answer instanceof Promise) {
      query.totalSamples += total;
      return answer.then((filled) => (filled === 0 ? undefined : row));
    }
    if (answer >= 0) {
      query.totalSamples += total;
      if (answer > 0) return row;
      context.recycle(row);
      return undefined;
    }
    // Not for these values: the general form counts for itself.
    context.recycle(row);
    uncount(windows, context.perStep);
  }
  const steps = new StepByStep(context, name, window, source);
  // Not known without going through them: what all windows together may hold at most.
  const most = context.steps * Math.min(floats.length + histograms.length, steps.longestWindow);
  return most > SAMPLES_PER_TURN ? steps.inTurns() : steps.run(context.steps);
}

/** Takes back what slideWindows added to the statistics. */
function uncount({ from, to, steps }: FloatWindows, perStep: Float64Array | undefined): void {
  if (perStep) for (let step = 0; step < steps; step++) perStep[step] -= to[step] - from[step];
}

/** The kernel on so many steps at a time that others get their turn; how many have a result. */
async function kernelInTurns(context: Context, kernel: FloatKernel, windows: FloatWindows, row: Row): Promise<number> {
  const { query } = context;
  const { steps, from, to } = windows;
  let filled = 0;
  for (let first = 0; first < steps; ) {
    if (query.isDue) await query.pause();
    let last = first;
    for (let samples = 0; last < steps && (last === first || samples < SAMPLES_PER_TURN); last++) {
      samples += to[last] - from[last];
    }
    const part: FloatWindows = {
      ...windows,
      steps: last - first,
      from: from.subarray(first, last),
      to: to.subarray(first, last),
      end: windows.end + first * windows.interval,
      scalars: windows.scalars.map((values) => values.subarray(first, last)),
    };
    filled += kernel(part, row.kinds.subarray(first, last), row.values.subarray(first, last));
    first = last;
  }
  return filled;
}

/** The general form: the window slides from step to step, and the function looks at what is in it. */
class StepByStep {
  readonly #context: Context;
  readonly #function: RangeFunction;
  readonly #window: Window;
  readonly #source: RangeSource;
  #next = 0;
  #row: Row | undefined;

  constructor(context: Context, name: string, window: Window, source: RangeSource) {
    this.#context = context;
    this.#function = RANGE_FUNCTIONS.get(name)!;
    this.#window = window;
    this.#source = source;
  }

  /** More samples than any window holds, if they are a millisecond apart. */
  get longestWindow(): number {
    const { range, anchored, smoothed } = this.#source;
    const { lookbackMs } = this.#context.query.settings;
    return range + (anchored || smoothed ? lookbackMs : 0) + (smoothed ? lookbackMs : 0);
  }

  /** The steps up to but not including `last`. */
  run(last: number): Row | undefined {
    const context = this.#context;
    const window = this.#window;
    const { query } = context;
    const { range, offset, timestamp, anchored, smoothed } = this.#source;
    const { lookbackMs } = query.settings;
    const before = anchored || smoothed ? lookbackMs : 0;
    const after = smoothed ? lookbackMs : 0;
    for (; this.#next < last; this.#next++) {
      const step = this.#next;
      const time = context.timeOf(step);
      const end = (timestamp ?? time) - offset;
      window.slide(end - range - before, end + after);
      if (window.isEmpty) continue;
      const samples = window.sampleCount;
      query.touch(samples);
      context.count(step, samples);
      window.step = step;
      window.time = time;
      window.end = end;
      window.start = end - range;
      const sample = this.#function(window);
      if (sample === undefined) continue;
      this.#row ??= context.newRow();
      this.#row.set(step, sample);
    }
    return this.#row;
  }

  async inTurns(): Promise<Row | undefined> {
    const { query, steps } = this.#context;
    while (this.#next < steps) {
      if (query.isDue) await query.pause();
      this.run(this.#next + 1);
    }
    return this.#row;
  }
}

/** Floats only, no start timestamps, nothing beyond the range. */
function isPlain({ floats, histograms, anchored, smoothed }: Window): boolean {
  return histograms.length === 0 && !floats.starts && !anchored && !smoothed;
}

function looksLikeCounter(metric: string): boolean {
  for (const suffix of COUNTER_SUFFIXES) if (metric.endsWith(suffix)) return true;
  return false;
}

/** rate() of something that does not look like a counter is allowed, and most often a mistake. */
function hintNonCounter(context: Context, window: Window, metric: string, row: Row): void {
  if (metric === "" || !row.kinds.includes(FLOAT)) return;
  if (context.query.settings.typeAndUnitLabels) {
    const type = window.labels.get("__type__");
    if (type !== "counter" && type !== "histogram") {
      context.annotations.possibleNonCounterLabel(metric, type, window.position);
    }
  } else if (!looksLikeCounter(metric)) {
    context.annotations.possibleNonCounter(metric, window.position);
  }
}

/** Labels that a selector fixes by exactly one `=` matcher; none for other expressions. */
export function labelsForAbsent(expr: Expr): Labels {
  const selector = expr.kind === "matrixSelector" ? expr.selector : expr;
  const builder = new LabelsBuilder();
  if (selector.kind !== "vectorSelector") return builder.build();
  const seen = new Set<string>();
  for (const { name, type, value } of selector.matchers) {
    if (name === "__name__") continue;
    if (type === "=" && !seen.has(name)) {
      builder.set(name, value);
      seen.add(name);
    } else builder.delete(name);
  }
  return builder.build();
}

/** 1 at the steps at which no series has a sample. */
export async function absentRow(context: Context, expr: Expr, vector: VectorResult, dropName: boolean) {
  const present = new Uint8Array(context.steps);
  await context.forEach(vector, (row) => {
    for (let i = 0; i < present.length; i++) if (row.kinds[i] !== NOTHING) present[i] = 1;
    context.recycle(row);
  });
  const row = context.newRow();
  for (let i = 0; i < present.length; i++) if (present[i] === 0) row.setFloat(i, 1);
  return row.isEmpty ? EMPTY_VECTOR : context.vectorOf([{ labels: labelsForAbsent(expr), dropName, row }]);
}

function absentOverTime(context: Context, call: Call, vector: VectorResult): Promise<VectorResult> {
  return absentRow(context, call.args[0], vector, true);
}
