/** From the rows of an evaluation to the value of a query. */
import { type FloatHistogram, Labels as LabelSet, type Labels, SampleBuffer } from "@pharos/model";
import { type Expr, type MatrixSelector, typeOf } from "../parser/ast.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { evaluateScalar, evaluateVector } from "./evaluate.ts";
import { extendFloats } from "./extended.ts";
import { dropMetadata, mergeRows } from "./labels.ts";
import { withoutParens } from "./plan.ts";
import { subqueryContext } from "./range-selector.ts";
import { FLOAT, HISTOGRAM, NOTHING, Row, type SeriesRow } from "./row.ts";
import { Window } from "./window.ts";

export interface VectorSample {
  labels: Labels;
  /** Unix ms. */
  t: number;
  v: number;
  h?: FloatHistogram;
}

export interface MatrixSeries {
  labels: Labels;
  /** Unix ms, ascending. */
  timestamps: Float64Array;
  values: Float64Array;
  /** Row by row, undefined where the sample is a float; absent when there is none. */
  histograms?: (FloatHistogram | undefined)[];
}

export type QueryValue =
  | { type: "scalar"; t: number; v: number }
  | { type: "string"; t: number; s: string }
  | { type: "vector"; samples: VectorSample[] }
  | { type: "matrix"; series: MatrixSeries[] };

/** `sortMs` is the time that putting series in order took. */
export async function evaluateQuery(
  expr: Expr,
  context: Context,
  instant: boolean,
): Promise<{ value: QueryValue; sortMs: number }> {
  const type = typeOf(expr);
  const { start: t } = context;
  if (type === "string") {
    const literal = withoutParens(expr);
    return { value: { type: "string", t, s: literal.kind === "string" ? literal.value : "" }, sortMs: 0 };
  }
  if (type === "scalar") {
    const values = await evaluateScalar(expr, context);
    if (instant) return { value: { type: "scalar", t, v: values[0] }, sortMs: 0 };
    const timestamps = Float64Array.from(values, (_, i) => context.timeOf(i));
    const series = values.length === 0 ? [] : [{ labels: LabelSet.empty, timestamps, values }];
    return { value: { type: "matrix", series }, sortMs: 0 };
  }
  if (type === "matrix") return sorted(await evaluateRange(expr, context));
  const rows = removeNames(context, await context.collect(await evaluateVector(expr, context)));
  if (!instant) return sorted(toMatrix(rows, context));
  const samples = rows.map(({ labels, row }): VectorSample => {
    const h = row.histogram(0);
    return h ? { labels, t, v: 0, h } : { labels, t, v: row.values[0] };
  });
  return { value: { type: "vector", samples }, sortMs: 0 };
}

/** Names that were to be kept to the end go now; series that become the same are joined. */
function removeNames(context: Context, rows: SeriesRow[]): SeriesRow[] {
  const filled = rows.filter(({ row }) => !row.isEmpty);
  if (!context.delayedNames) return filled;
  for (const series of filled) if (series.dropName) series.labels = dropMetadata(series.labels);
  return mergeRows(filled);
}

function sorted(series: MatrixSeries[]): { value: QueryValue; sortMs: number } {
  const began = performance.now();
  series.sort((a, b) => a.labels.compare(b.labels));
  return { value: { type: "matrix", series }, sortMs: performance.now() - began };
}

const SAMPLE_BYTES = 16;

/** A row goes as soon as it has become a series: both are never held for all series. */
function toMatrix(rows: SeriesRow[], context: Context): MatrixSeries[] {
  const grid = Float64Array.from({ length: context.steps }, (_, step) => context.timeOf(step));
  return rows.map((series) => {
    const { row } = series;
    const shared = wholeSeries(series, grid);
    if (!shared) context.query.memory.reserve(row.sampleCount * SAMPLE_BYTES);
    const out = shared ?? toMatrixSeries(series, context);
    // What is shared stays the result's, which counts as long as the query does.
    if (!shared) context.release(row);
    series.row = NO_ROW;
    return out;
  });
}

/** A series of floats without gaps needs no copies: its values are the row's, its times those of all such series. */
function wholeSeries({ labels, row }: SeriesRow, grid: Float64Array): MatrixSeries | undefined {
  const { kinds, values } = row;
  for (let i = 0; i < kinds.length; i++) if (kinds[i] !== FLOAT) return undefined;
  return { labels, timestamps: grid, values };
}

const NO_ROW = new Row(0);

function toMatrixSeries({ labels, row }: SeriesRow, context: Context): MatrixSeries {
  let count = 0;
  for (const kind of row.kinds) if (kind !== NOTHING) count++;
  const timestamps = new Float64Array(count);
  const values = new Float64Array(count);
  let histograms: (FloatHistogram | undefined)[] | undefined;
  let n = 0;
  for (let step = 0; step < row.steps; step++) {
    if (row.kinds[step] === NOTHING) continue;
    timestamps[n] = context.timeOf(step);
    if (row.kinds[step] === HISTOGRAM) (histograms ??= new Array(count).fill(undefined))[n] = row.histograms![step];
    else values[n] = row.values[step];
    n++;
  }
  return histograms ? { labels, timestamps, values, histograms } : { labels, timestamps, values };
}

/** A range selector or a subquery that is the whole query. */
async function evaluateRange(expr: Expr, context: Context): Promise<MatrixSeries[]> {
  if (expr.kind === "paren") return evaluateRange(expr.expr, context);
  if (expr.kind === "matrixSelector") return selectRange(expr, context);
  if (expr.kind !== "subquery") throw new Error(`no range: ${expr.kind}`);
  const inner = subqueryContext(context, expr);
  const rows = removeNames(inner, await inner.collect(await evaluateVector(expr.expr, inner)));
  return toMatrix(rows, inner);
}

async function selectRange({ selector, range, pos }: MatrixSelector, context: Context): Promise<MatrixSeries[]> {
  const { query } = context;
  const { lookbackMs } = query.settings;
  const { anchored, smoothed } = selector;
  const end = (selector.timestamp ?? context.start) - selector.offset;
  const mint = end - range - (anchored || smoothed ? lookbackMs : 0);
  const maxt = end + (smoothed ? lookbackMs : 0);
  const buffer = new SampleBuffer();
  let bufferBytes = 0;
  const out: MatrixSeries[] = [];
  for (const series of query.selections.get(selector)!) {
    if (query.isDue) await query.pause();
    buffer.clear();
    series.read(mint + 1, maxt, buffer);
    bufferBytes = query.holdBuffer(buffer, bufferBytes);
    query.memory.reserve(buffer.length * SAMPLE_BYTES);
    const samples = new SampleBuffer(buffer.length);
    for (let i = 0; i < buffer.length; i++) {
      if (buffer.isStale(i)) continue;
      const histogram = buffer.histograms?.[i];
      if (histogram) samples.pushHistogram(buffer.timestamps[i], histogram);
      else samples.push(buffer.timestamps[i], buffer.values[i]);
    }
    if (samples.length === 0) continue;
    query.hold(samples.length);
    query.samplesRead += samples.length;
    context.count(0, samples.length);
    const { labels } = series;
    if (anchored || smoothed) {
      if (samples.histograms) {
        throw executionError(`${anchored ? "anchored" : "smoothed"} modifier is not supported with histograms`);
      }
      const window = new Window(context, pos);
      window.load(series, samples, false);
      window.slide(mint, maxt);
      const { timestamps, values } = extendFloats(window, end - range, end, smoothed);
      if (timestamps.length === 0) continue;
      out.push({ labels, timestamps: Float64Array.from(timestamps), values: Float64Array.from(values) });
      continue;
    }
    const { length } = samples;
    const timestamps = samples.timestamps.slice(0, length);
    const values = samples.values.slice(0, length);
    const { histograms } = samples;
    if (histograms) {
      histograms.length = length;
      out.push({ labels, timestamps, values, histograms: Array.from(histograms) });
    } else out.push({ labels, timestamps, values });
  }
  return out;
}
