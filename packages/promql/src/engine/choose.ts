/** Aggregations that let series through: topk, bottomk, limitk and limit_ratio; and count_values. */
import type { Labels } from "@pharos/model";
import { formatHistogram } from "../histogram/format.ts";
import type { AggregateExpr } from "../parser/ast.ts";
import { formatFloat, isValidLabelName, quote } from "../parser/text.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { hashRatio } from "./hash.ts";
import { Grouping } from "./labels.ts";
import { changeRows, EMPTY_VECTOR, FLOAT, HISTOGRAM, NOTHING, type SeriesRow, type VectorResult } from "./row.ts";

/** The bounds of int64 that a float can be converted to. */
const MAX_INT = 2 ** 63 - 1024;
const MIN_INT = -(2 ** 63);

/**
 * The chosen of a group as a binary heap, the least wanted on top, in the order in which upstream's (Go's container/heap)
 * keeps them: among equal values that order decides who stays.
 */
class Heap {
  /** Indices of series. */
  readonly items: number[] = [];
  readonly #rows: readonly SeriesRow[];
  readonly #top: boolean;
  step = 0;

  /** `top`: the smallest value on top, as topk needs it; else the biggest. */
  constructor(rows: readonly SeriesRow[], top: boolean) {
    this.#rows = rows;
    this.#top = top;
  }

  #valueOf(item: number): number {
    return this.#rows[item].row.values[this.step];
  }

  #less(a: number, b: number): boolean {
    const x = this.#valueOf(a);
    if (Number.isNaN(x)) return true;
    return this.#top ? x < this.#valueOf(b) : x > this.#valueOf(b);
  }

  #swap(i: number, k: number): void {
    const { items } = this;
    const item = items[i];
    items[i] = items[k];
    items[k] = item;
  }

  push(item: number): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(items[at], items[parent])) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the place of the least wanted one if it is better. */
  offer(item: number): void {
    const { items } = this;
    const worst = this.#valueOf(items[0]);
    const value = this.#valueOf(item);
    const better = this.#top ? worst < value : worst > value;
    if (!better && !(Number.isNaN(worst) && !Number.isNaN(value))) return;
    items[0] = item;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= items.length) break;
      const child = left + 1 < items.length && this.#less(items[left + 1], items[left]) ? left + 1 : left;
      if (!this.#less(items[child], items[at])) break;
      this.#swap(at, child);
      at = child;
    }
  }

  /** Most wanted first; by insertion, which is what upstream's sort does with a dozen or fewer. */
  rank(): void {
    const { items } = this;
    for (let i = 1; i < items.length; i++) {
      for (let k = i; k > 0 && this.#less(items[k - 1], items[k]); k--) this.#swap(k, k - 1);
    }
  }
}

function checkCounts(param: Float64Array): void {
  if (param.some(Number.isNaN)) throw executionError("Parameter value is NaN");
  const min = param.reduce((a, b) => Math.min(a, b), Infinity);
  const max = param.reduce((a, b) => Math.max(a, b), -Infinity);
  if (min <= MIN_INT) throw executionError(`Scalar value ${formatScalar(min)} underflows int64`);
  if (max >= MAX_INT) throw executionError(`Scalar value ${formatScalar(max)} overflows int64`);
}

function formatScalar(value: number): string {
  return Number.isFinite(value) ? value.toExponential().replace(/e\+(\d)$/, "e+0$1") : value > 0 ? "+Inf" : "-Inf";
}

/** The series that topk, bottomk, limitk or limit_ratio keep; of an instant query in the order of the ranking. */
export async function choose(
  context: Context,
  expr: AggregateExpr,
  input: VectorResult,
  param: Float64Array,
): Promise<VectorResult> {
  const { op } = expr;
  if (op === "limit_ratio") {
    if (param.every((ratio) => ratio === 0)) return nothingOf(context, input);
    if (param.some(Number.isNaN)) throw executionError("Ratio value is NaN");
    warnRatios(context, expr, param);
    return limitRatio(context, input, param);
  }
  if (param.every((k) => !(k >= 1)) && !param.some(Number.isNaN)) return nothingOf(context, input);
  checkCounts(param);
  const rows = await context.collect(input);
  const { steps } = context;
  const { ids, count } = await new Grouping(expr.grouping, expr.without).assign(context, { series: rows });
  const heaps: (Heap | undefined)[] = new Array(count).fill(undefined);
  const ones = new Int32Array(count);
  /** By series and step. */
  const kept = new Uint8Array(rows.length * steps);
  const order: SeriesRow[] = [];
  for (let step = 0; step < steps; step++) {
    if (context.query.isDue) await context.query.pause();
    const k = Math.trunc(param[step]);
    if (k < 1) continue;
    if (k === 1) {
      chooseOne(context, expr, rows, ids, step, ones.fill(-1));
      for (const item of ones) {
        if (item < 0) continue;
        kept[item * steps + step] = 1;
        if (steps === 1) order.push(rows[item]);
      }
      continue;
    }
    for (const heap of heaps) {
      if (!heap) continue;
      heap.items.length = 0;
      heap.step = step;
    }
    for (let i = 0; i < rows.length; i++) {
      const kind = rows[i].row.kinds[step];
      if (kind === NOTHING) continue;
      if (kind === HISTOGRAM && op !== "limitk") {
        context.annotations.histogramIgnoredInAggregation(op, expr.pos);
        continue;
      }
      let heap = heaps[ids[i]];
      if (!heap) {
        heaps[ids[i]] = heap = new Heap(rows, op !== "bottomk");
        heap.step = step;
      }
      if (heap.items.length < k) heap.push(i);
      else if (op !== "limitk") heap.offer(i);
    }
    for (const heap of heaps) {
      if (!heap) continue;
      if (steps === 1 && op !== "limitk") heap.rank();
      for (const item of heap.items) {
        kept[item * steps + step] = 1;
        if (steps === 1) order.push(rows[item]);
      }
    }
  }
  const out: SeriesRow[] = [];
  for (const [i, series] of rows.entries()) {
    const { kinds } = series.row;
    let any = false;
    for (let step = 0; step < steps; step++) {
      if (kept[i * steps + step] === 0) kinds[step] = NOTHING;
      else any = true;
    }
    if (any) out.push(series);
    else context.release(series.row);
  }
  return context.vectorOf(steps === 1 ? order : out);
}

/** As a heap of one: the index of the chosen series of each group, which begins as -1. */
function chooseOne(
  context: Context,
  { op, pos }: AggregateExpr,
  rows: readonly SeriesRow[],
  ids: Int32Array,
  step: number,
  chosen: Int32Array,
): void {
  for (let i = 0; i < rows.length; i++) {
    const { kinds, values } = rows[i].row;
    if (kinds[step] === NOTHING) continue;
    if (kinds[step] === HISTOGRAM && op !== "limitk") {
      context.annotations.histogramIgnoredInAggregation(op, pos);
      continue;
    }
    const known = chosen[ids[i]];
    if (known < 0) {
      chosen[ids[i]] = i;
      continue;
    }
    if (op === "limitk") continue;
    const best = rows[known].row.values[step];
    const value = values[step];
    const better = op === "topk" ? best < value : best > value;
    if (better || (Number.isNaN(best) && !Number.isNaN(value))) chosen[ids[i]] = i;
  }
}

/** Nothing is kept, but what the input has to say, in errors and annotations, is heard. */
async function nothingOf(context: Context, input: VectorResult): Promise<VectorResult> {
  await context.forEach(input, (row) => context.recycle(row));
  return EMPTY_VECTOR;
}

function warnRatios(context: Context, expr: AggregateExpr, param: Float64Array): void {
  const max = param.reduce((a, b) => Math.max(a, b), -Infinity);
  const min = param.reduce((a, b) => Math.min(a, b), Infinity);
  if (max > 1) context.annotations.invalidRatio(max, 1, expr.param!.pos);
  if (min < -1) context.annotations.invalidRatio(min, -1, expr.param!.pos);
}

/** A positive ratio keeps the series whose hash lies below it, a negative one the others: they add up to all. */
function limitRatio(context: Context, input: VectorResult, param: Float64Array): VectorResult {
  const ratios = param.map((ratio) => Math.max(-1, Math.min(1, ratio)));
  const keeps = (place: number, ratio: number) => (ratio >= 0 ? place < ratio : place >= 1 + ratio);
  return changeRows(input, input, (row, index) => {
    const place = hashRatio(input.series[index].labels);
    for (let step = 0; step < context.steps; step++) if (!keeps(place, ratios[step])) row.kinds[step] = NOTHING;
    return row;
  });
}

/** A series for each different value of a group, with the value as a label. */
export async function countValues(
  context: Context,
  expr: AggregateExpr,
  input: VectorResult,
  label: string,
): Promise<VectorResult> {
  if (!isValidLabelName(label)) throw executionError(`invalid label name ${quote(label)}`);
  const grouping = new Grouping(expr.without ? expr.grouping : [...expr.grouping, label], expr.without);
  const out = new Map<string, SeriesRow>();
  const add = (labels: Labels, step: number) => {
    const key = labels.key();
    let series = out.get(key);
    if (!series) out.set(key, (series = { labels, dropName: false, row: context.newRow() }));
    const { kinds, values } = series.row;
    values[step] = kinds[step] === NOTHING ? 1 : values[step] + 1;
    kinds[step] = FLOAT;
  };
  await context.forEach(input, (row, i) => {
    for (let step = 0; step < row.steps; step++) {
      if (row.kinds[step] === NOTHING) continue;
      const histogram = row.histogram(step);
      const value = histogram ? formatHistogram(histogram) : formatFloat(row.values[step]);
      add(grouping.labelsOf(input.series[i].labels.with(label, value)), step);
    }
  });
  for (const { row } of out.values()) context.hold(row);
  return context.vectorOf([...out.values()]);
}
