/** Aggregations that let series through: topk, bottomk, limitk and limit_ratio; and count_values. */
import type { Labels } from "@pharos/model";
import { formatHistogram } from "../histogram/format.ts";
import type { AggregateExpr } from "../parser/ast.ts";
import { formatFloat, isValidLabelName, quote } from "../parser/text.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { hashRatio } from "./hash.ts";
import { Grouping } from "./labels.ts";
import { EMPTY_VECTOR, FLOAT, HISTOGRAM, NOTHING, type SeriesRow, type VectorResult } from "./row.ts";

/** The bounds of int64 that a float can be converted to. */
const MAX_INT = 2 ** 63 - 1024;
const MIN_INT = -(2 ** 63);

interface Choice {
  series: SeriesRow;
  value: number;
}

/**
 * The chosen of a group as a binary heap, the least wanted on top, in the order in which upstream's (Go's container/heap)
 * keeps them: among equal values that order decides who stays.
 */
class Heap {
  readonly items: Choice[] = [];
  readonly #top: boolean;

  /** `top`: the smallest value on top, as topk needs it; else the biggest. */
  constructor(top: boolean) {
    this.#top = top;
  }

  #less(a: Choice, b: Choice): boolean {
    if (Number.isNaN(a.value)) return true;
    return this.#top ? a.value < b.value : a.value > b.value;
  }

  push(choice: Choice): void {
    const { items } = this;
    let at = items.push(choice) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(items[at], items[parent])) break;
      [items[at], items[parent]] = [items[parent], items[at]];
      at = parent;
    }
  }

  /** Takes the place of the least wanted one if it is better. */
  offer(choice: Choice): void {
    const { items } = this;
    const worst = items[0].value;
    const better = this.#top ? worst < choice.value : worst > choice.value;
    if (!better && !(Number.isNaN(worst) && !Number.isNaN(choice.value))) return;
    items[0] = choice;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= items.length) break;
      const child = left + 1 < items.length && this.#less(items[left + 1], items[left]) ? left + 1 : left;
      if (!this.#less(items[child], items[at])) break;
      [items[at], items[child]] = [items[child], items[at]];
      at = child;
    }
  }

  /** Most wanted first; by insertion, which is what upstream's sort does with a dozen or fewer. */
  ranked(): Choice[] {
    const { items } = this;
    for (let i = 1; i < items.length; i++) {
      for (let k = i; k > 0 && this.#less(items[k - 1], items[k]); k--) {
        [items[k - 1], items[k]] = [items[k], items[k - 1]];
      }
    }
    return items;
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
  const ids = new Grouping(expr.grouping, expr.without).assign(rows);
  const kept = rows.map(() => new Uint8Array(context.steps));
  const order: SeriesRow[] = [];
  const position = new Map(rows.map((series, i) => [series, i]));
  for (let step = 0; step < context.steps; step++) {
    if (context.query.isDue) await context.query.pause();
    const k = Math.trunc(param[step]);
    if (k < 1) continue;
    const groups: Heap[] = [];
    rows.forEach((series, i) => {
      const kind = series.row.kinds[step];
      if (kind === NOTHING) return;
      if (kind === HISTOGRAM && op !== "limitk") {
        context.annotations.histogramIgnoredInAggregation(op, expr.pos);
        return;
      }
      const candidate = { series, value: series.row.values[step] };
      const chosen = groups[ids[i]];
      if (!chosen) (groups[ids[i]] = new Heap(op !== "bottomk")).push(candidate);
      else if (chosen.items.length < k) chosen.push(candidate);
      else if (op !== "limitk") chosen.offer(candidate);
    });
    for (const chosen of groups) {
      if (!chosen) continue;
      for (const { series } of op === "limitk" ? chosen.items : chosen.ranked()) {
        kept[position.get(series)!][step] = 1;
        if (context.steps === 1) order.push(series);
      }
    }
  }
  rows.forEach(({ row }, i) => {
    if (!kept[i].includes(1)) context.release(row);
  });
  if (context.steps === 1) return context.vectorOf(order);
  rows.forEach(({ row }, i) => {
    for (let step = 0; step < row.steps; step++) if (kept[i][step] === 0) row.kinds[step] = NOTHING;
  });
  return context.vectorOf(rows.filter(({ row }) => !row.isEmpty));
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
  return {
    series: input.series,
    read: (index) => {
      const row = input.read(index);
      if (!row) return undefined;
      const place = hashRatio(input.series[index].labels);
      for (let step = 0; step < context.steps; step++) if (!keeps(place, ratios[step])) row.kinds[step] = NOTHING;
      return row;
    },
  };
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
