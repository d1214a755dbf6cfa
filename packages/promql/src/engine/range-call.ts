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
  SMOOTHED_FUNCTIONS,
  USES_START_TIMESTAMPS,
} from "../functions/range-functions.ts";
import type { Call, Expr } from "../parser/ast.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { dropMetadata, refuseAfterDrop } from "./labels.ts";
import type { RangeSource } from "./range-selector.ts";
import { EMPTY_VECTOR, FLOAT, NOTHING, type Row, type VectorResult } from "./row.ts";
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
  const series = source.series.map(({ labels, dropName }) => {
    const drop = drops || dropName;
    return { labels: drop && !delayedNames ? dropMetadata(labels) : labels, dropName: drop };
  });
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
    series,
    read: (index) => {
      window.load(source.series[index].labels, source.read(index), withStarts);
      const row = evaluateRow(context, name, window, source, kernel, windows);
      if (row && isCounter) hintNonCounter(context, window, row);
      return row;
    },
  };
  if (name === "absent_over_time") return absentOverTime(context, call, result);
  return delayedNames ? result : refuseAfterDrop(context, source.series, result);
}

const EMPTY = new Float64Array(0);

/** What computes all steps of a series of floats at once, where there is such a thing. */
function floatKernel(name: string, scalars: readonly Float64Array[]): FloatKernel | undefined {
  if (name !== "quantile_over_time") return FLOAT_KERNELS.get(name);
  // Others are warned about step by step.
  return scalars[0].every((q) => q >= 0 && q <= 1) ? slidingQuantiles : undefined;
}

function evaluateRow(
  context: Context,
  name: string,
  window: Window,
  source: RangeSource,
  kernel: FloatKernel | undefined,
  windows: FloatWindows,
): Row | undefined {
  const run = RANGE_FUNCTIONS.get(name)!;
  const { query, steps } = context;
  const { range, offset, timestamp, anchored, smoothed } = source;
  const { lookbackMs } = query.settings;
  const before = anchored || smoothed ? lookbackMs : 0;
  const after = smoothed ? lookbackMs : 0;
  if (window.floats.length === 0 && window.histograms.length === 0) return undefined;
  query.samplesRead += window.floats.length + window.histograms.length;
  if (kernel && isPlain(window)) {
    const answer = kernelRow(context, kernel, windows, window);
    if (answer !== "unable") return answer;
  }
  let row: Row | undefined;
  for (let step = 0; step < steps; step++) {
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
    const sample = run(window);
    if (sample === undefined) continue;
    row ??= context.newRow();
    row.set(step, sample);
  }
  return row;
}

/** Floats only, no start timestamps, nothing beyond the range. */
function isPlain({ floats, histograms, anchored, smoothed }: Window): boolean {
  return histograms.length === 0 && !floats.starts && !anchored && !smoothed;
}

/** The row of a series of floats; "unable" when the kernel does not take these values. */
function kernelRow(
  context: Context,
  kernel: FloatKernel,
  windows: FloatWindows,
  { floats }: Window,
): Row | "unable" | undefined {
  windows.timestamps = floats.timestamps;
  windows.values = floats.samples;
  windows.length = floats.length;
  const total = slideWindows(windows, context.perStep);
  if (total === 0) return undefined;
  const row = context.newRow();
  const filled = kernel(windows, row.kinds, row.values);
  if (filled < 0) {
    context.recycle(row);
    return "unable";
  }
  context.query.totalSamples += total;
  if (filled > 0) return row;
  context.recycle(row);
  return undefined;
}

/** rate() of something that does not look like a counter is allowed, and most often a mistake. */
function hintNonCounter(context: Context, window: Window, row: Row): void {
  const metric = window.metricName;
  if (metric === "" || !row.kinds.includes(FLOAT)) return;
  if (context.query.settings.typeAndUnitLabels) {
    const type = window.labels.get("__type__");
    if (type !== "counter" && type !== "histogram") {
      context.annotations.possibleNonCounterLabel(metric, type, window.position);
    }
  } else if (!COUNTER_SUFFIXES.some((suffix) => metric.endsWith(suffix))) {
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
