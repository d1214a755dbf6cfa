/** What functions over ranges read: the samples of each series of a range selector or a subquery. */
import { type FloatHistogram, type LabelColumns, SampleBuffer } from "@pharos/model";
import type { Expr, MatrixSelector, SubqueryExpr } from "../parser/ast.ts";
import { Context } from "./context.ts";
import { reduceToStats } from "./histogram-stats.ts";
import { NOTHING, type Row, type VectorSeries } from "./row.ts";
import { selectedSeries } from "./series.ts";

export interface RangeSource {
  series: VectorSeries[];
  columns?: LabelColumns | undefined;
  /** Samples of a series for all steps, in order of time; the buffer is reused by the next call. */
  read(index: number): SampleBuffer;
  range: number;
  offset: number;
  timestamp: number | undefined;
  anchored: boolean;
  smoothed: boolean;
}

export type RangeExpr = MatrixSelector | SubqueryExpr;

export function isRange(expr: Expr): expr is RangeExpr {
  return expr.kind === "matrixSelector" || expr.kind === "subquery";
}

export type Evaluate = (expr: Expr, context: Context) => Promise<{ series: VectorSeries[]; rows: Row[] }>;

export function openRange(context: Context, expr: RangeExpr, evaluate: Evaluate): Promise<RangeSource> {
  const { profiler } = context.query;
  const open = async () =>
    expr.kind === "matrixSelector" ? openSelector(context, expr) : openSubquery(context, expr, evaluate);
  return profiler ? profiler.range(expr, context, open) : open();
}

function openSelector(context: Context, { selector, range }: MatrixSelector): RangeSource {
  const { offset, timestamp, anchored, smoothed } = selector;
  const { lookbackMs } = context.query.settings;
  const stored = context.query.selections.get(selector)!;
  const first = (timestamp ?? context.start) - offset;
  const last = (timestamp ?? context.timeOf(context.steps - 1)) - offset;
  const mint = first - range - (anchored || smoothed ? lookbackMs : 0) + 1;
  const maxt = last + (smoothed ? lookbackMs : 0);
  const statsOnly = context.query.statsOnly.has(selector);
  const buffer = new SampleBuffer();
  let bufferBytes = 0;
  return {
    ...selectedSeries(stored),
    read(index) {
      buffer.clear();
      stored[index].read(mint, maxt, buffer);
      bufferBytes = context.query.holdBuffer(buffer, bufferBytes);
      context.query.touch(buffer.length);
      if (statsOnly) reduceToStats(buffer);
      return buffer;
    },
    range,
    offset,
    timestamp,
    anchored,
    smoothed,
  };
}

/** The grid of a subquery: aligned to absolute multiples of its step, so that it does not move with the query. */
export function subqueryContext(context: Context, { range, step, offset, timestamp }: SubqueryExpr): Context {
  const interval = step || context.query.settings.defaultSubqueryStep(range);
  const first = (timestamp ?? context.start) - offset - range;
  const end = (timestamp ?? context.timeOf(context.steps - 1)) - offset;
  let start = interval * Math.trunc(first / interval);
  if (start <= first) start += interval;
  return new Context(context.query, start, end, interval, false);
}

async function openSubquery(context: Context, expr: SubqueryExpr, evaluate: Evaluate): Promise<RangeSource> {
  const inner = subqueryContext(context, expr);
  const { series, rows } = await evaluate(expr.expr, inner);
  const buffer = new SampleBuffer();
  return {
    series,
    read(index) {
      buffer.clear();
      fill(buffer, rows[index], inner);
      return buffer;
    },
    range: expr.range,
    offset: expr.offset,
    timestamp: expr.timestamp,
    anchored: false,
    smoothed: false,
  };
}

function fill(buffer: SampleBuffer, row: Row, context: Context): void {
  for (let step = 0; step < row.steps; step++) {
    if (row.kinds[step] === NOTHING) continue;
    const histogram = row.histogram(step);
    if (histogram) buffer.pushHistogram(context.timeOf(step), forgetReset(histogram));
    else buffer.push(context.timeOf(step), row.values[step]);
  }
}

/** Between the steps of a subquery samples are skipped or repeated, so hints about the previous sample do not hold. */
function forgetReset(histogram: FloatHistogram): FloatHistogram {
  const { counterResetHint } = histogram;
  if (counterResetHint !== "reset" && counterResetHint !== "not_reset") return histogram;
  return { ...histogram, counterResetHint: "unknown" };
}
