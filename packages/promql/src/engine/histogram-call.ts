/** histogram_quantile, histogram_quantiles and histogram_fraction, over classic and native histograms. */
import type { Labels } from "@pharos/model";
import { type ClassicBucket, classicFraction, classicQuantile } from "../histogram/classic.ts";
import { type HistogramAnswer, histogramFraction, histogramQuantile } from "../histogram/quantile.ts";
import type { Position } from "../parser/ast.ts";
import { formatGeneral } from "../parser/text.ts";
import type { Context } from "./context.ts";
import { dropMetadata, mergeRows } from "./labels.ts";
import { FLOAT, HISTOGRAM, NOTHING, type Row, type SeriesRow, type VectorResult } from "./row.ts";

/** Series that differ only in `le`, and the native histogram of the same labels if there is one. */
interface HistogramGroup {
  labels: Labels;
  buckets: { upperBound: number; row: Row }[];
  native: Row[];
}

/** strconv.ParseFloat for bounds; NaN stands for "malformed" as no bound is NaN. */
function parseBound(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

async function groupHistograms(context: Context, vector: VectorResult, pos: Position): Promise<HistogramGroup[]> {
  const groups = new Map<string, HistogramGroup>();
  const groupOf = (labels: Labels) => {
    const key = labels.key();
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { labels, buckets: [], native: [] }));
    return group;
  };
  await context.forEach(vector, (row, i) => {
    const { labels } = vector.series[i];
    context.hold(row);
    if (row.histograms && row.kinds.includes(HISTOGRAM)) groupOf(labels).native.push(row);
    if (!row.kinds.includes(FLOAT)) return;
    const le = labels.get("le");
    const upperBound = parseBound(le);
    if (Number.isNaN(upperBound) && !/^[+-]?nan$/i.test(le)) {
      context.annotations.badBucketLabel(context.delayedNames ? labels.metricName : "", le, pos);
      return;
    }
    groupOf(labels.with("le", "")).buckets.push({ upperBound, row });
  });
  return [...groups.values()];
}

/** The classic buckets of a group at a step, or its native histograms; nothing when it has both. */
function samplesAt(context: Context, group: HistogramGroup, step: number, pos: Position) {
  const buckets: ClassicBucket[] = [];
  for (const { upperBound, row } of group.buckets) {
    if (row.kinds[step] === FLOAT) buckets.push({ upperBound, count: row.values[step] });
  }
  const native = group.native.find((row) => row.kinds[step] === HISTOGRAM)?.histograms?.[step];
  if (buckets.length > 0 && native) {
    context.annotations.mixedClassicNative(context.delayedNames ? group.labels.metricName : "", pos);
    return undefined;
  }
  return { buckets, native };
}

function note(context: Context, answer: HistogramAnswer, metric: string, pos: Position): number {
  if (answer.note === "nanResult") context.annotations.quantileNaNResult(metric, pos);
  else if (answer.note === "nanSkew") context.annotations.quantileNaNSkew(metric, pos);
  else if (answer.note === "nanExcluded") context.annotations.fractionNaN(metric, pos);
  return answer.value;
}

function outputLabels(context: Context, labels: Labels): Labels {
  return context.delayedNames ? labels : dropMetadata(labels);
}

function checkQuantiles(context: Context, q: Float64Array, pos: Position): void {
  for (const value of q) if (!(value >= 0 && value <= 1)) context.annotations.invalidQuantile(value, pos);
}

function releaseAll(context: Context, groups: readonly HistogramGroup[]): void {
  for (const { buckets, native } of groups) {
    for (const { row } of buckets) context.release(row);
    for (const row of native) context.release(row);
  }
}

/** Quantile of a group at each step. */
function quantileRow(context: Context, group: HistogramGroup, q: Float64Array, pos: Position): Row {
  const row = context.newRow();
  const name = outputLabels(context, group.labels).metricName;
  for (let step = 0; step < context.steps; step++) {
    const samples = samplesAt(context, group, step, pos);
    if (!samples) continue;
    if (samples.native) {
      row.setFloat(step, note(context, histogramQuantile(q[step], samples.native), name, pos));
    } else if (samples.buckets.length > 0) {
      const { value, forced } = classicQuantile(q[step], samples.buckets);
      if (forced) context.annotations.forcedMonotonicity(name, context.timeOf(step), forced, pos);
      row.setFloat(step, value);
    }
  }
  return row;
}

function finish(context: Context, rows: SeriesRow[]): VectorResult {
  const filled = rows.filter(({ row }) => row.kinds.some((kind) => kind !== NOTHING));
  for (const { row } of filled) context.hold(row);
  return context.vectorOf(context.delayedNames ? filled : mergeRows(filled));
}

export async function callHistogramQuantile(
  context: Context,
  q: Float64Array,
  vector: VectorResult,
  qPos: Position,
  pos: Position,
): Promise<VectorResult> {
  checkQuantiles(context, q, qPos);
  const groups = await groupHistograms(context, vector, pos);
  const rows: SeriesRow[] = [];
  for (const group of groups) {
    if (context.query.isDue) await context.query.pause();
    const row = quantileRow(context, group, q, pos);
    rows.push({ labels: outputLabels(context, group.labels), dropName: true, row });
  }
  releaseAll(context, groups);
  return finish(context, rows);
}

/** A quantile as a label value: with a decimal point, as OpenMetrics writes floats. */
function quantileLabel(q: number): string {
  const text = formatGeneral(q);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

export async function callHistogramQuantiles(
  context: Context,
  vector: VectorResult,
  label: string,
  quantiles: { values: Float64Array; pos: Position }[],
  pos: Position,
): Promise<VectorResult> {
  for (const { values, pos: qPos } of quantiles) checkQuantiles(context, values, qPos);
  const groups = await groupHistograms(context, vector, pos);
  const rows: SeriesRow[] = [];
  for (const { values } of quantiles) {
    for (const group of groups) {
      if (context.query.isDue) await context.query.pause();
      const row = quantileRow(context, group, values, pos);
      const labels = outputLabels(context, group.labels);
      // The quantile may differ from step to step, and with it the label.
      for (const q of new Set(values)) {
        const part = context.newRow();
        for (let step = 0; step < row.steps; step++) {
          if (row.kinds[step] !== NOTHING && Object.is(values[step], q)) part.setFloat(step, row.values[step]);
        }
        rows.push({ labels: labels.with(label, quantileLabel(q)), dropName: true, row: part });
      }
    }
  }
  releaseAll(context, groups);
  return finish(context, mergeRows(rows.filter(({ row }) => !row.isEmpty)));
}

export async function callHistogramFraction(
  context: Context,
  lower: Float64Array,
  upper: Float64Array,
  vector: VectorResult,
  pos: Position,
): Promise<VectorResult> {
  const groups = await groupHistograms(context, vector, pos);
  const rows: SeriesRow[] = [];
  for (const group of groups) {
    if (context.query.isDue) await context.query.pause();
    const row = context.newRow();
    const labels = outputLabels(context, group.labels);
    for (let step = 0; step < context.steps; step++) {
      const samples = samplesAt(context, group, step, pos);
      if (!samples) continue;
      if (samples.native) {
        const answer = histogramFraction(lower[step], upper[step], samples.native);
        row.setFloat(step, note(context, answer, labels.metricName, pos));
      } else if (samples.buckets.length > 0) {
        row.setFloat(step, classicFraction(lower[step], upper[step], samples.buckets));
      }
    }
    rows.push({ labels, dropName: true, row });
  }
  releaseAll(context, groups);
  return finish(context, rows);
}
