/** What aggregations keep of each group while the rows of its series are folded in one after the other. */
import { quantileOf, sortNaNFirst } from "../functions/over-time.ts";
import { HistogramAccumulator, IncompatibleSchemas } from "../histogram/algebra.ts";
import { carry, kahanAdd } from "../histogram/kahan.ts";
import type { AggregateExpr } from "../parser/ast.ts";
import type { Context } from "./context.ts";
import { FLOAT, HISTOGRAM, NOTHING, type Row } from "./row.ts";
import { type Slab, Slabs } from "./slabs.ts";

/** Of all groups of an aggregation; groups are numbered from 0. */
export interface Accumulator {
  add(group: number, row: Row, metricName: string): void;
  /** Rows stay with the accumulator until their group is finished. */
  readonly keepsRows?: true;
  /** The result of a group that got rows; asked for once. */
  finish(group: number): Row;
  /** What is kept of a group, its first cell at `base`, to be put together with others; undefined where cells are not all. */
  state?(group: number): { slab: Slab; base: number } | undefined;
  /** Adds what was kept of a group elsewhere, its first cell at `base`. */
  absorb?(group: number, part: Cells, base: number): void;
}

/** The columns of a slab, wherever they come from. */
export type Cells = Pick<Slab, "first" | "second" | "count" | "seen">;

/** A histogram among the inputs of an aggregation that only knows floats. */
function ignoreHistograms(context: Context, expr: AggregateExpr, row: Row): void {
  if (row.histograms && row.kinds.includes(HISTOGRAM)) {
    context.annotations.histogramIgnoredInAggregation(expr.op, expr.expr.pos);
  }
}

/** What is rarely needed of a group of a sum or mean. */
interface Extras {
  /** Mean only: steps whose sum overflowed and that hold the running mean since. */
  incremental: Uint8Array | undefined;
  /** Null: incompatible histograms were met. */
  histograms: (HistogramAccumulator | null | undefined)[] | undefined;
}

/** sum and avg: compensated sums; the running mean where the sum would overflow. */
class SumAccumulator implements Accumulator {
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  readonly #mean: boolean;
  /** first: the sum, second: its compensation. */
  readonly #slabs: Slabs;
  readonly #extras = new Map<number, Extras>();

  constructor(context: Context, expr: AggregateExpr, slabs: Slabs) {
    this.#context = context;
    this.#expr = expr;
    this.#mean = expr.op === "avg";
    this.#slabs = slabs;
  }

  #extrasOf(group: number): Extras {
    let extras = this.#extras.get(group);
    if (!extras) this.#extras.set(group, (extras = { incremental: undefined, histograms: undefined }));
    return extras;
  }

  add(group: number, row: Row, metricName: string): void {
    const { kinds, values } = row;
    const slab = this.#slabs.of(group);
    const { first: sum, second: lost, seen, count } = slab;
    let incremental = this.#extras.size > 0 ? this.#extras.get(group)?.incremental : undefined;
    // As kahanAdd, in place.
    for (let i = 0, cell = this.#slabs.baseOf(group); i < kinds.length; i++, cell++) {
      if (kinds[i] !== FLOAT) {
        if (kinds[i] === HISTOGRAM) this.#addHistogram(group, slab, cell, row, i, metricName);
        continue;
      }
      const value = values[i];
      count[cell]++;
      if (seen[cell] !== FLOAT) {
        if (seen[cell] === NOTHING) {
          sum[cell] = value;
          seen[cell] = FLOAT;
          continue;
        }
        this.#warnMixed();
        seen[cell] |= FLOAT;
      }
      if (incremental?.[i]) {
        addToMean(slab, cell, value);
        continue;
      }
      const before = sum[cell];
      const next = before + value;
      if (next === Infinity || next === -Infinity) {
        if (this.#mean) {
          incremental = this.#extrasOf(group).incremental ??= new Uint8Array(kinds.length);
          incremental[i] = 1;
          sum[cell] /= count[cell] - 1;
          lost[cell] /= count[cell] - 1;
          addToMean(slab, cell, value);
          continue;
        }
        lost[cell] = 0;
      } else if (Math.abs(before) >= Math.abs(value)) lost[cell] += before - next + value;
      else lost[cell] += value - next + before;
      sum[cell] = next;
    }
  }

  #addHistogram(group: number, { seen, count }: Slab, cell: number, row: Row, i: number, metricName: string): void {
    const isFirst = seen[cell] === NOTHING;
    if ((seen[cell] & FLOAT) !== 0) this.#warnMixed();
    seen[cell] |= HISTOGRAM;
    count[cell]++;
    const histogram = row.histograms![i]!;
    const histograms = (this.#extrasOf(group).histograms ??= []);
    const total = histograms[i];
    if (isFirst) histograms[i] = new HistogramAccumulator(histogram, this.#mean ? "mean" : "sum");
    else if (total) {
      try {
        total.add(histogram);
      } catch (error) {
        if (!(error instanceof IncompatibleSchemas)) throw error;
        this.#context.annotations.mixedExponentialCustom(metricName, this.#expr.expr.pos);
        histograms[i] = null;
      }
    }
  }

  /** When it is met and not when the group is finished: where operands have it alike, the last of them is the one that is told. */
  #warnMixed(): void {
    this.#context.annotations.mixedFloatsHistogramsAggregation(this.#expr.expr.pos);
  }

  state(group: number): { slab: Slab; base: number } | undefined {
    if (this.#extras.has(group)) return undefined;
    return { slab: this.#slabs.of(group), base: this.#slabs.baseOf(group) };
  }

  absorb(group: number, part: Cells, base: number): void {
    const { first: sum, second: lost, seen, count } = this.#slabs.of(group);
    const cell = this.#slabs.baseOf(group);
    for (let i = 0; i < this.#context.steps; i++) {
      if (part.seen[base + i] === NOTHING) continue;
      count[cell + i] += part.count[base + i];
      seen[cell + i] |= part.seen[base + i];
      sum[cell + i] = kahanAdd(part.first[base + i], sum[cell + i], lost[cell + i]);
      lost[cell + i] = carry + part.second[base + i];
    }
  }

  finish(group: number): Row {
    const row = this.#context.newRow();
    const { annotations } = this.#context;
    const { pos } = this.#expr.expr;
    const { first: sum, second: lost, seen, count } = this.#slabs.of(group);
    const extras = this.#extras.get(group);
    for (let i = 0, cell = this.#slabs.baseOf(group); i < row.steps; i++, cell++) {
      if (seen[cell] === NOTHING) continue;
      if (seen[cell] === FLOAT) {
        const mean = this.#mean && !extras?.incremental?.[i];
        row.kinds[i] = FLOAT;
        row.values[i] = mean ? sum[cell] / count[cell] + lost[cell] / count[cell] : sum[cell] + lost[cell];
        continue;
      }
      const total = extras?.histograms?.[i];
      if (total?.boundsReconciled) annotations.customBucketsReconciled("aggregation", pos);
      // Of a mixture there is no result, and the warning is recorded.
      if (seen[cell] === HISTOGRAM && total) {
        if (total.resetCollision) annotations.counterResetCollision("aggregation", pos);
        row.setHistogram(i, total.result());
      }
      // Null are incompatible ones: no result, the warning is recorded.
    }
    return row;
  }
}

function addToMean({ first: mean, second: lost, count }: Slab, cell: number, value: number): void {
  const n = count[cell];
  const share = (n - 1) / n;
  mean[cell] = kahanAdd(value / n, share * mean[cell], share * lost[cell]);
  lost[cell] = carry;
}

/** A row of the floats that a slab holds for a group. */
function floatRow(context: Context, slabs: Slabs, group: number, result: (slab: Slab, cell: number) => number): Row {
  const row = context.newRow();
  const slab = slabs.of(group);
  for (let i = 0, cell = slabs.baseOf(group); i < row.steps; i++, cell++) {
    if (slab.seen[cell] !== NOTHING) row.setFloat(i, result(slab, cell));
  }
  return row;
}

class ExtremeAccumulator implements Accumulator {
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  /** first: the extreme. */
  readonly #slabs: Slabs;
  readonly #max: boolean;

  constructor(context: Context, expr: AggregateExpr, slabs: Slabs) {
    this.#context = context;
    this.#expr = expr;
    this.#slabs = slabs;
    this.#max = expr.op === "max";
  }

  add(group: number, row: Row): void {
    ignoreHistograms(this.#context, this.#expr, row);
    const { kinds, values } = row;
    const { first, seen } = this.#slabs.of(group);
    const max = this.#max;
    for (let i = 0, cell = this.#slabs.baseOf(group); i < kinds.length; i++, cell++) {
      if (kinds[i] !== FLOAT) continue;
      const value = values[i];
      const best = first[cell];
      if (seen[cell] === NOTHING || (max ? value > best : value < best) || Number.isNaN(best)) first[cell] = value;
      seen[cell] = FLOAT;
    }
  }

  state(group: number): { slab: Slab; base: number } {
    return { slab: this.#slabs.of(group), base: this.#slabs.baseOf(group) };
  }

  absorb(group: number, part: Cells, base: number): void {
    const { first, seen } = this.#slabs.of(group);
    const cell = this.#slabs.baseOf(group);
    for (let i = 0; i < this.#context.steps; i++) {
      if (part.seen[base + i] === NOTHING) continue;
      const value = part.first[base + i];
      const best = first[cell + i];
      const better = this.#max ? value > best : value < best;
      if (seen[cell + i] === NOTHING || better || Number.isNaN(best)) first[cell + i] = value;
      seen[cell + i] = FLOAT;
    }
  }

  finish(group: number): Row {
    return floatRow(this.#context, this.#slabs, group, ({ first }, cell) => first[cell]);
  }
}

/** count and group. */
class CountAccumulator implements Accumulator {
  readonly #context: Context;
  readonly #slabs: Slabs;
  readonly #group: boolean;

  constructor(context: Context, expr: AggregateExpr, slabs: Slabs) {
    this.#context = context;
    this.#slabs = slabs;
    this.#group = expr.op === "group";
  }

  add(group: number, { kinds }: Row): void {
    const { count, seen } = this.#slabs.of(group);
    for (let i = 0, cell = this.#slabs.baseOf(group); i < kinds.length; i++, cell++) {
      if (kinds[i] === NOTHING) continue;
      count[cell]++;
      seen[cell] = FLOAT;
    }
  }

  state(group: number): { slab: Slab; base: number } {
    return { slab: this.#slabs.of(group), base: this.#slabs.baseOf(group) };
  }

  absorb(group: number, part: Cells, base: number): void {
    const { count, seen } = this.#slabs.of(group);
    const cell = this.#slabs.baseOf(group);
    for (let i = 0; i < this.#context.steps; i++) {
      count[cell + i] += part.count[base + i];
      seen[cell + i] |= part.seen[base + i];
    }
  }

  finish(group: number): Row {
    return floatRow(this.#context, this.#slabs, group, ({ count }, cell) => (this.#group ? 1 : count[cell]));
  }
}

/** stddev and stdvar, after Welford. */
class DeviationAccumulator implements Accumulator {
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  /** first: the mean, second: the sum of squared distances from it. */
  readonly #slabs: Slabs;

  constructor(context: Context, expr: AggregateExpr, slabs: Slabs) {
    this.#context = context;
    this.#expr = expr;
    this.#slabs = slabs;
  }

  add(group: number, row: Row): void {
    ignoreHistograms(this.#context, this.#expr, row);
    const { kinds, values } = row;
    const { first: mean, second: squares, count, seen } = this.#slabs.of(group);
    for (let i = 0, cell = this.#slabs.baseOf(group); i < kinds.length; i++, cell++) {
      if (kinds[i] !== FLOAT) continue;
      const value = values[i];
      seen[cell] = FLOAT;
      if (++count[cell] === 1) {
        mean[cell] = value;
        squares[cell] = Number.isFinite(value) ? 0 : Number.NaN;
        continue;
      }
      const distance = value - mean[cell];
      mean[cell] += distance / count[cell];
      squares[cell] += distance * (value - mean[cell]);
    }
  }

  finish(group: number): Row {
    const root = this.#expr.op === "stddev";
    return floatRow(this.#context, this.#slabs, group, ({ second, count }, cell) => {
      const variance = second[cell] / count[cell];
      return root ? Math.sqrt(variance) : variance;
    });
  }
}

class QuantileAccumulator implements Accumulator {
  readonly keepsRows = true;
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  readonly #q: Float64Array;
  readonly #rows: Row[][] = [];

  constructor(context: Context, expr: AggregateExpr, q: Float64Array) {
    this.#context = context;
    this.#expr = expr;
    this.#q = q;
  }

  add(group: number, row: Row): void {
    ignoreHistograms(this.#context, this.#expr, row);
    this.#context.hold(row);
    (this.#rows[group] ??= []).push(row);
  }

  finish(group: number): Row {
    const rows = this.#rows[group];
    const result = this.#context.newRow();
    const values = new Float64Array(rows.length);
    for (let i = 0; i < result.steps; i++) {
      let n = 0;
      for (const { kinds, values: column } of rows) if (kinds[i] === FLOAT) values[n++] = column[i];
      if (n > 0) result.setFloat(i, quantileOf(this.#q[i], sortNaNFirst(values.subarray(0, n))));
    }
    for (const row of rows) {
      this.#context.release(row);
      this.#context.recycle(row);
    }
    this.#rows[group] = [];
    return result;
  }
}

/** For so many groups; `q` is the parameter of quantile, one value a step. */
export function createAccumulator(
  context: Context,
  expr: AggregateExpr,
  groups: number,
  q: Float64Array | undefined,
): Accumulator {
  const slabs = new Slabs(context.steps, groups, (bytes) => context.query.memory.reserve(bytes));
  switch (expr.op) {
    case "sum":
    case "avg":
      return new SumAccumulator(context, expr, slabs);
    case "min":
    case "max":
      return new ExtremeAccumulator(context, expr, slabs);
    case "count":
    case "group":
      return new CountAccumulator(context, expr, slabs);
    case "stddev":
    case "stdvar":
      return new DeviationAccumulator(context, expr, slabs);
    case "quantile":
      return new QuantileAccumulator(context, expr, q!);
    default:
      throw new Error(`no accumulator: ${expr.op}`);
  }
}
