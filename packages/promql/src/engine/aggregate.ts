/** Aggregations that make one series a group: sum, avg, min, max, count, group, stddev, stdvar and quantile. */
import { quantileOf, sortNaNFirst } from "../functions/over-time.ts";
import { HistogramAccumulator, IncompatibleSchemas } from "../histogram/algebra.ts";
import { carry, kahanAdd } from "../histogram/kahan.ts";
import type { AggregateExpr } from "../parser/ast.ts";
import type { Context } from "./context.ts";
import { Grouping } from "./labels.ts";
import { FLOAT, HISTOGRAM, NOTHING, type Row, type SeriesRow, type VectorResult } from "./row.ts";

/** Takes in the rows of a group one after the other. */
interface Accumulator {
  add(row: Row, metricName: string): void;
  /** Rows stay with the accumulator until it finishes. */
  readonly keepsRows?: true;
  finish(): Row;
}

type AccumulatorFactory = (context: Context, expr: AggregateExpr, param: Float64Array | undefined) => Accumulator;

/** A histogram among the inputs of an aggregation that only knows floats. */
function ignoreHistograms(context: Context, expr: AggregateExpr, row: Row): void {
  if (row.histograms && row.kinds.includes(HISTOGRAM)) {
    context.annotations.histogramIgnoredInAggregation(expr.op, expr.expr.pos);
  }
}

class SumAccumulator implements Accumulator {
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  readonly #mean: boolean;
  readonly #sum: Float64Array;
  readonly #lost: Float64Array;
  readonly #count: Float64Array;
  /** Kinds of samples seen: bit FLOAT, bit HISTOGRAM. */
  readonly #seen: Uint8Array;
  /** Mean only: steps whose sum overflowed and that hold the running mean since. */
  #incremental: Uint8Array | undefined;
  /** Null: incompatible histograms were met. */
  #histograms: (HistogramAccumulator | null | undefined)[] | undefined;

  constructor(context: Context, expr: AggregateExpr) {
    this.#context = context;
    this.#expr = expr;
    this.#mean = expr.op === "avg";
    this.#sum = new Float64Array(context.steps);
    this.#lost = new Float64Array(context.steps);
    this.#count = new Float64Array(context.steps);
    this.#seen = new Uint8Array(context.steps);
  }

  add(row: Row, metricName: string): void {
    const { kinds, values } = row;
    const sum = this.#sum;
    const lost = this.#lost;
    const seen = this.#seen;
    const count = this.#count;
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] === FLOAT) {
        count[i]++;
        if (seen[i] === NOTHING) {
          sum[i] = values[i];
          seen[i] = FLOAT;
          continue;
        }
        seen[i] |= FLOAT;
        if (this.#incremental?.[i]) {
          this.#addToMean(i, values[i]);
          continue;
        }
        const next = kahanAdd(values[i], sum[i], lost[i]);
        if (this.#mean && (next === Infinity || next === -Infinity)) {
          this.#incremental ??= new Uint8Array(sum.length);
          this.#incremental[i] = 1;
          sum[i] /= count[i] - 1;
          lost[i] /= count[i] - 1;
          this.#addToMean(i, values[i]);
          continue;
        }
        sum[i] = next;
        lost[i] = carry;
      } else if (kinds[i] === HISTOGRAM) this.#addHistogram(row, i, metricName);
    }
  }

  #addToMean(i: number, value: number): void {
    const n = this.#count[i];
    const share = (n - 1) / n;
    this.#sum[i] = kahanAdd(value / n, share * this.#sum[i], share * this.#lost[i]);
    this.#lost[i] = carry;
  }

  #addHistogram(row: Row, i: number, metricName: string): void {
    const first = this.#seen[i] === NOTHING;
    this.#seen[i] |= HISTOGRAM;
    this.#count[i]++;
    const histogram = row.histograms![i]!;
    this.#histograms ??= [];
    const total = this.#histograms[i];
    if (first) this.#histograms[i] = new HistogramAccumulator(histogram, this.#mean ? "mean" : "sum");
    else if (total) {
      try {
        total.add(histogram);
      } catch (error) {
        if (!(error instanceof IncompatibleSchemas)) throw error;
        this.#context.annotations.mixedExponentialCustom(metricName, this.#expr.expr.pos);
        this.#histograms[i] = null;
      }
    }
  }

  finish(): Row {
    const row = this.#context.newRow();
    const { annotations } = this.#context;
    const { pos } = this.#expr.expr;
    for (let i = 0; i < this.#sum.length; i++) {
      if (this.#seen[i] === NOTHING) continue;
      const total = this.#histograms?.[i];
      if (total?.boundsReconciled) annotations.customBucketsReconciled("aggregation", pos);
      if (this.#seen[i] === (FLOAT | HISTOGRAM)) {
        annotations.mixedFloatsHistogramsAggregation(pos);
      } else if (total === null) {
        // Incompatible: no result, the warning is recorded.
      } else if (total) {
        if (total.resetCollision) annotations.counterResetCollision("aggregation", pos);
        row.setHistogram(i, total.result());
      } else if (this.#mean && !this.#incremental?.[i]) {
        row.setFloat(i, this.#sum[i] / this.#count[i] + this.#lost[i] / this.#count[i]);
      } else row.setFloat(i, this.#sum[i] + this.#lost[i]);
    }
    return row;
  }
}

class ExtremeAccumulator implements Accumulator {
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  readonly #row: Row;
  readonly #max: boolean;

  constructor(context: Context, expr: AggregateExpr) {
    this.#context = context;
    this.#expr = expr;
    this.#row = context.newRow();
    this.#max = expr.op === "max";
  }

  add(row: Row): void {
    ignoreHistograms(this.#context, this.#expr, row);
    const { kinds, values } = this.#row;
    const max = this.#max;
    for (let i = 0; i < kinds.length; i++) {
      if (row.kinds[i] !== FLOAT) continue;
      const value = row.values[i];
      const best = values[i];
      if (kinds[i] === NOTHING || (max ? value > best : value < best) || Number.isNaN(best)) values[i] = value;
      kinds[i] = FLOAT;
    }
  }

  finish(): Row {
    return this.#row;
  }
}

class CountAccumulator implements Accumulator {
  readonly #row: Row;
  readonly #group: boolean;

  constructor(context: Context, expr: AggregateExpr) {
    this.#row = context.newRow();
    this.#group = expr.op === "group";
  }

  add(row: Row): void {
    const { kinds, values } = this.#row;
    for (let i = 0; i < kinds.length; i++) {
      if (row.kinds[i] === NOTHING) continue;
      // A row may come with what it held before.
      values[i] = this.#group || kinds[i] === NOTHING ? 1 : values[i] + 1;
      kinds[i] = FLOAT;
    }
  }

  finish(): Row {
    return this.#row;
  }
}

class DeviationAccumulator implements Accumulator {
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  readonly #count: Float64Array;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;

  constructor(context: Context, expr: AggregateExpr) {
    this.#context = context;
    this.#expr = expr;
    this.#count = new Float64Array(context.steps);
    this.#mean = new Float64Array(context.steps);
    this.#squares = new Float64Array(context.steps);
  }

  add(row: Row): void {
    ignoreHistograms(this.#context, this.#expr, row);
    for (let i = 0; i < row.kinds.length; i++) {
      if (row.kinds[i] !== FLOAT) continue;
      const value = row.values[i];
      const count = ++this.#count[i];
      if (count === 1) {
        this.#mean[i] = value;
        this.#squares[i] = Number.isFinite(value) ? 0 : Number.NaN;
        continue;
      }
      const distance = value - this.#mean[i];
      this.#mean[i] += distance / count;
      this.#squares[i] += distance * (value - this.#mean[i]);
    }
  }

  finish(): Row {
    const row = this.#context.newRow();
    for (let i = 0; i < this.#count.length; i++) {
      if (this.#count[i] === 0) continue;
      const variance = this.#squares[i] / this.#count[i];
      row.setFloat(i, this.#expr.op === "stddev" ? Math.sqrt(variance) : variance);
    }
    return row;
  }
}

class QuantileAccumulator implements Accumulator {
  readonly keepsRows = true;
  readonly #context: Context;
  readonly #expr: AggregateExpr;
  readonly #q: Float64Array;
  readonly #rows: Row[] = [];

  constructor(context: Context, expr: AggregateExpr, q: Float64Array) {
    this.#context = context;
    this.#expr = expr;
    this.#q = q;
  }

  add(row: Row): void {
    ignoreHistograms(this.#context, this.#expr, row);
    this.#context.hold(row);
    this.#rows.push(row);
  }

  finish(): Row {
    const row = this.#context.newRow();
    const values = new Float64Array(this.#rows.length);
    for (let i = 0; i < row.steps; i++) {
      let n = 0;
      for (const input of this.#rows) if (input.kinds[i] === FLOAT) values[n++] = input.values[i];
      if (n > 0) row.setFloat(i, quantileOf(this.#q[i], sortNaNFirst(values.subarray(0, n))));
    }
    for (const input of this.#rows) this.#context.release(input);
    return row;
  }
}

const FACTORIES: Partial<Record<AggregateExpr["op"], AccumulatorFactory>> = {
  sum: (context, expr) => new SumAccumulator(context, expr),
  avg: (context, expr) => new SumAccumulator(context, expr),
  min: (context, expr) => new ExtremeAccumulator(context, expr),
  max: (context, expr) => new ExtremeAccumulator(context, expr),
  count: (context, expr) => new CountAccumulator(context, expr),
  group: (context, expr) => new CountAccumulator(context, expr),
  stddev: (context, expr) => new DeviationAccumulator(context, expr),
  stdvar: (context, expr) => new DeviationAccumulator(context, expr),
  quantile: (context, expr, q) => new QuantileAccumulator(context, expr, q!),
};

function warnQuantiles(context: Context, expr: AggregateExpr, q: Float64Array): void {
  let [min, max] = [Infinity, -Infinity];
  for (const value of q) {
    if (Number.isNaN(value)) context.annotations.invalidQuantile(value, expr.param!.pos);
    min = Math.min(min, Number.isNaN(value) ? min : value);
    max = Math.max(max, Number.isNaN(value) ? max : value);
  }
  if (max > 1) context.annotations.invalidQuantile(max, expr.param!.pos);
  if (min < 0) context.annotations.invalidQuantile(min, expr.param!.pos);
}

/** One output series a group; inputs are read one at a time and folded in. */
export async function aggregate(
  context: Context,
  expr: AggregateExpr,
  input: VectorResult,
  param: Float64Array | undefined,
): Promise<VectorResult> {
  if (expr.op === "quantile") warnQuantiles(context, expr, param!);
  const create = FACTORIES[expr.op]!;
  const grouping = new Grouping(expr.grouping, expr.without);
  const ids = grouping.assign(input.series);
  const groups: ({ accumulator: Accumulator; first: number; dropName: boolean } | undefined)[] = [];
  await context.forEach(input, (row, i) => {
    const id = ids[i];
    groups[id] ??= { accumulator: create(context, expr, param), first: i, dropName: false };
    const group = groups[id];
    group.accumulator.add(row, input.series[i].labels.metricName);
    if (input.series[i].dropName && !group.dropName && !row.isEmpty) group.dropName = true;
    if (!group.accumulator.keepsRows) context.recycle(row);
  });
  const out: SeriesRow[] = [];
  for (const group of groups) {
    if (!group) continue;
    if (context.query.isDue) await context.query.pause();
    const row = group.accumulator.finish();
    if (row.isEmpty) continue;
    context.hold(row);
    out.push({ labels: grouping.labelsOf(input.series[group.first].labels), dropName: group.dropName, row });
  }
  return context.vectorOf(out);
}
