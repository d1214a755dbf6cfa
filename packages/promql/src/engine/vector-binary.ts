/** Binary operators between instant vectors, and between a vector and a scalar. */
import type { Labels } from "@pharos/model";
import type { BinaryExpr, BinaryOp, VectorMatching } from "../parser/ast.ts";
import { isComparison } from "../parser/ast.ts";
import { compare, histogramOp, type Sample, scalarOp } from "./binary-op.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { KeyTable } from "./key-table.ts";
import { dropMetadata, Grouping, mergeAfterDrop, mergeRows, withLabel } from "./labels.ts";
import { changeRows, FLOAT, HISTOGRAM, NOTHING, type Row, type SeriesRow, type VectorResult } from "./row.ts";
import { HeldSeries, namelessSeries } from "./series.ts";

const CHANGES_METRIC: ReadonlySet<string> = new Set(["+", "-", "*", "/", "%", "^", "atan2"]);

function sampleAt(row: Row, step: number): Sample {
  return row.kinds[step] === HISTOGRAM ? row.histograms![step]! : row.values[step];
}

/** `vector op scalar`, or `scalar op vector` when `swapped`. The scalar has one value a step. */
export async function vectorScalar(
  context: Context,
  expr: BinaryExpr,
  vector: VectorResult,
  scalar: Float64Array,
  swapped: boolean,
): Promise<VectorResult> {
  const renames = CHANGES_METRIC.has(expr.op) || expr.returnBool;
  const source = renames ? namelessSeries(vector, context.delayedNames) : vector;
  const result = changeRows(source, vector, (row) => {
    applyScalar(context, expr, row, scalar, swapped);
    return row;
  });
  return renames && !context.delayedNames ? mergeAfterDrop(context, vector, result) : result;
}

function applyScalar(context: Context, expr: BinaryExpr, row: Row, scalar: Float64Array, swapped: boolean): void {
  const { op, returnBool } = expr;
  const { kinds, values } = row;
  const comparison = isComparison(op);
  const trims = op === "</" || op === ">/";
  if (!row.histograms && !trims) {
    combine(op, returnBool, swapped ? scalar : values, swapped ? values : scalar, row, values);
    return;
  }
  for (let i = 0; i < kinds.length; i++) {
    if (kinds[i] === NOTHING) continue;
    if (kinds[i] === FLOAT && !trims) {
      const a = swapped ? scalar[i] : values[i];
      const b = swapped ? values[i] : scalar[i];
      if (!comparison) values[i] = scalarOp(op, a, b);
      else if (returnBool) values[i] = compare(op, a, b) ? 1 : 0;
      else if (!compare(op, a, b)) kinds[i] = NOTHING;
      continue;
    }
    const sample = sampleAt(row, i);
    const outcome = swapped
      ? histogramOp(expr, scalar[i], sample, context.annotations)
      : histogramOp(expr, sample, scalar[i], context.annotations);
    if (!outcome) kinds[i] = NOTHING;
    else row.set(i, outcome.sample);
  }
}

/** One output series of a group: the labels and the row that a pair of input series writes to. */
interface Output extends SeriesRow {
  /** Steps at which the pair met, whether the result was kept or not; only where another pair has the same labels. */
  met: Uint8Array | undefined;
}

/** The series of the "one" side that share a match signature; what is undefined is made when it is needed. */
interface OneSide {
  rows: SeriesRow[];
  /** How many series of the other side have the signature. */
  many: number;
  /** Index into `rows` of the series present at each step, -1 for none. */
  present: Int32Array | undefined;
  /** Steps at which a series of the other side was matched. */
  matched: Uint8Array | undefined;
  /** By the number of their labels. */
  outputs: Map<number, Output> | undefined;
}

class Matcher {
  readonly #context: Context;
  readonly #expr: BinaryExpr;
  readonly #matching: VectorMatching;
  readonly #on: ReadonlySet<string>;
  readonly #swapped: boolean;
  /** A pair that met may leave nothing behind. */
  readonly #filters: boolean;
  readonly #out: SeriesRow[] = [];
  /** Numbers of the label sets of outputs. */
  readonly #keys = new KeyTable();
  #distinct = true;
  /** Steps at which the "many" side has a sample. */
  readonly #manyPresent: Uint8Array;
  /** By step: two series of the "one" side that share a match signature there. */
  readonly #duplicates = new Map<number, [SeriesRow, SeriesRow]>();
  /** The earliest step at which a pair met that must not. */
  #conflict: { step: number; message: string } | undefined;

  constructor(context: Context, expr: BinaryExpr) {
    this.#context = context;
    this.#expr = expr;
    this.#matching = expr.matching!;
    this.#on = new Set(this.#matching.labels);
    this.#swapped = this.#matching.card === "one-to-many";
    this.#manyPresent = new Uint8Array(context.steps);
    this.#filters = isComparison(expr.op) && !expr.returnBool;
  }

  /** Labels that both sides have to agree on; the name never counts with `ignoring`. */
  #matchLabels(labels: Labels): Labels {
    if (this.#matching.on) return labels.filter((name) => this.#on.has(name));
    return labels.filter((name) => name !== "__name__" && !this.#on.has(name));
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { card, on, include } = this.#matching;
    const drop = CHANGES_METRIC.has(this.#expr.op) || (this.#expr.returnBool && !this.#context.delayedNames);
    let labels = drop ? dropMetadata(many) : many;
    if (card === "one-to-one") labels = labels.filter((name) => this.#on.has(name) === on);
    for (const name of include) labels = withLabel(labels, name, one.get(name));
    return labels;
  }

  addOne(side: OneSide, series: SeriesRow): void {
    const index = side.rows.push(series) - 1;
    if (index === 0) return;
    const present = this.#presentOf(side);
    const { kinds } = series.row;
    for (let step = 0; step < kinds.length; step++) {
      if (kinds[step] === NOTHING) continue;
      const other = present[step];
      if (other >= 0 && !this.#duplicates.has(step)) this.#duplicates.set(step, [side.rows[other], series]);
      present[step] = index;
    }
  }

  #presentOf(side: OneSide): Int32Array {
    if (!side.present) {
      side.present = new Int32Array(this.#context.steps).fill(-1);
      const kinds = side.rows[0]?.row.kinds ?? [];
      for (let step = 0; step < kinds.length; step++) if (kinds[step] !== NOTHING) side.present[step] = 0;
    }
    return side.present;
  }

  /**
   * Throws what upstream, going step by step, would meet first. A step at which the "many" side is empty is not looked at
   * unless there is a value to fill in.
   */
  check(): void {
    const { fillLeft, fillRight } = this.#matching;
    const fills = fillLeft !== undefined || fillRight !== undefined;
    let first = Infinity;
    for (const step of this.#duplicates.keys()) {
      if (step < first && (fills || this.#manyPresent[step] === 1)) first = step;
    }
    const pair = this.#duplicates.get(first);
    if (pair && first <= (this.#conflict?.step ?? Infinity)) throw this.#duplicate(...pair);
    if (this.#conflict) throw executionError(`multiple matches for labels: ${this.#conflict.message}`);
  }

  #conflictAt(step: number, message: string): void {
    if (step < (this.#conflict?.step ?? Infinity)) this.#conflict = { step, message };
  }

  #duplicate(a: SeriesRow, b: SeriesRow): Error {
    const group = this.#matchLabels(b.labels).toString();
    const [first, second] = [a.labels.toString(), b.labels.toString()].sort();
    return executionError(
      `found duplicate series for the match group ${group} on the ${this.#swapped ? "left" : "right"} hand-side of the operation: [${first}, ${second}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }

  #output(side: OneSide, many: Labels, one: Labels, row?: Row): Output {
    const labels = this.#resultLabels(many, one);
    const { card, on } = this.#matching;
    // The labels matched on are all that is left: no other group has them.
    const single = side.many === 1 && side.rows.length === 1;
    const unique = single && card === "one-to-one" && on;
    const key = unique ? this.#out.length : this.#keys.keyOf(labels);
    const known = single ? undefined : side.outputs?.get(key);
    if (known) return known;
    const output: Output = {
      labels,
      dropName: this.#expr.returnBool,
      row: row ?? this.#context.newRow(),
      met: undefined,
    };
    if (key !== this.#out.length) this.#distinct = false;
    if (!single) {
      side.outputs ??= new Map();
      side.outputs.set(key, output);
    }
    this.#out.push(output);
    this.#context.holdFull(output.row);
    return output;
  }

  /** The result, held. */
  finish(): SeriesRow[] {
    for (const { row } of this.#out) {
      this.#context.release(row);
      this.#context.hold(row);
    }
    return this.#distinct ? this.#out : mergeRows(this.#out);
  }

  /** Notes that a pair met at a step; before its result is written. */
  #meet(side: OneSide, output: Output, step: number): void {
    const { card, fillLeft } = this.#matching;
    if (card === "one-to-one") {
      if (side.many === 1 && fillLeft === undefined) return;
      side.matched ??= new Uint8Array(this.#context.steps);
      if (side.matched[step] === 1) {
        this.#conflictAt(step, "many-to-one matching must be explicit (group_left/group_right)");
      }
      side.matched[step] = 1;
      return;
    }
    let met = output.row.kinds[step] !== NOTHING;
    if (this.#filters) {
      output.met ??= new Uint8Array(this.#context.steps);
      met = output.met[step] === 1;
      output.met[step] = 1;
    }
    if (met) this.#conflictAt(step, "grouping labels must ensure unique matches");
    if (fillLeft !== undefined) {
      side.matched ??= new Uint8Array(this.#context.steps);
      side.matched[step] = 1;
    }
  }

  #apply(side: OneSide, output: Output, step: number, many: Sample, one: Sample): void {
    const a = this.#swapped ? one : many;
    const b = this.#swapped ? many : one;
    const { op, returnBool } = this.#expr;
    if (typeof a === "number" && typeof b === "number" && op !== "</" && op !== ">/") {
      this.#meet(side, output, step);
      if (!isComparison(op)) output.row.setFloat(step, scalarOp(op, a, b));
      else if (returnBool) output.row.setFloat(step, compare(op, a, b) ? 1 : 0);
      else if (compare(op, a, b)) output.row.setFloat(step, a);
      return;
    }
    const outcome = histogramOp(this.#expr, a, b, this.#context.annotations);
    if (!outcome) return;
    this.#meet(side, output, step);
    if (returnBool) output.row.setFloat(step, outcome.keep ? 1 : 0);
    else if (outcome.keep) output.row.set(step, outcome.sample);
  }

  /** Joins a series of the "many" side with the group it belongs to. */
  addMany(side: OneSide, labels: Labels, row: Row): void {
    // Upstream does not swap the fill values with the sides for group_right: the "one" side is always filled from the right.
    const fill = this.#matching.fillRight;
    notePresent(this.#manyPresent, row);
    if (side.rows.length === 0 && fill === undefined) return;
    if (fill === undefined && side.rows.length === 1 && this.#addFloats(side, labels, row)) return;
    let last = -2;
    let output: Output | undefined;
    const present = this.#presentOf(side);
    const { kinds } = row;
    for (let step = 0; step < kinds.length; step++) {
      if (kinds[step] === NOTHING) continue;
      const index = present[step];
      if (index < 0 && fill === undefined) continue;
      if (index !== last || !output) {
        output = this.#output(side, labels, index < 0 ? this.#matchLabels(labels) : side.rows[index].labels);
        last = index;
      }
      this.#apply(side, output, step, sampleAt(row, step), index < 0 ? fill! : sampleAt(side.rows[index].row, step));
    }
  }

  /**
   * The common case: one series of floats on the "one" side, floats on the other. False when it is another case. A pair that
   * nothing else can meet is computed in the row of the "many" side, which then is the output's; see `takes`.
   */
  #addFloats(side: OneSide, labels: Labels, row: Row): boolean {
    const { op, returnBool } = this.#expr;
    const other = side.rows[0];
    if (row.histograms || other.row.histograms || op === "</" || op === ">/") return false;
    const mine = row.kinds;
    const theirs = other.row.kinds;
    const { steps } = row;
    let first = 0;
    while (first < steps && (mine[first] === NOTHING || theirs[first] === NOTHING)) first++;
    if (first === steps) return true;
    const left = this.#swapped ? other.row.values : row.values;
    const right = this.#swapped ? row.values : other.row.values;
    if (this.takes(side)) {
      const output = this.#output(side, labels, other.labels, row);
      for (let step = 0; step < steps; step++) if (theirs[step] === NOTHING) mine[step] = NOTHING;
      combine(op, returnBool, left, right, output.row);
      return true;
    }
    const output = this.#output(side, labels, other.labels);
    const { kinds, values } = output.row;
    const comparison = isComparison(op);
    for (let step = first; step < steps; step++) {
      if (mine[step] === NOTHING || theirs[step] === NOTHING) continue;
      this.#meet(side, output, step);
      if (!comparison) values[step] = scalarOp(op, left[step], right[step]);
      else if (returnBool) values[step] = compare(op, left[step], right[step]) ? 1 : 0;
      else if (compare(op, left[step], right[step])) values[step] = left[step];
      else continue;
      kinds[step] = FLOAT;
    }
    return true;
  }

  /** The only series of the "many" side of a group becomes the output; it is not to be used again. */
  takes({ many, rows }: OneSide): boolean {
    return many === 1 && rows.length === 1 && this.#matching.fillLeft === undefined;
  }

  /** Gives the fill value of the "many" side to what found no match there. */
  fillUnmatched(side: OneSide): void {
    const fill = this.#matching.fillLeft;
    if (fill === undefined) return;
    this.#presentOf(side).forEach((index, step) => {
      if (index < 0 || side.matched?.[step] === 1) return;
      const { labels, row } = side.rows[index];
      this.#apply(side, this.#output(side, this.#matchLabels(labels), labels), step, fill, sampleAt(row, step));
    });
  }
}

/** `left op right` into a row whose kinds say where both are, and which may be one of the two; a filter keeps `kept`. */
function combine(
  op: BinaryOp,
  returnBool: boolean,
  left: Float64Array,
  right: Float64Array,
  { kinds, values }: Row,
  kept = left,
): void {
  const { length } = kinds;
  switch (op) {
    case "+":
      for (let i = 0; i < length; i++) values[i] = left[i] + right[i];
      return;
    case "-":
      for (let i = 0; i < length; i++) values[i] = left[i] - right[i];
      return;
    case "*":
      for (let i = 0; i < length; i++) values[i] = left[i] * right[i];
      return;
    case "/":
      for (let i = 0; i < length; i++) values[i] = left[i] / right[i];
      return;
  }
  const comparison = isComparison(op);
  for (let i = 0; i < length; i++) {
    if (kinds[i] === NOTHING) continue;
    if (!comparison) values[i] = scalarOp(op, left[i], right[i]);
    else if (returnBool) values[i] = compare(op, left[i], right[i]) ? 1 : 0;
    else if (compare(op, left[i], right[i])) values[i] = kept[i];
    else kinds[i] = NOTHING;
  }
}

function notePresent(present: Uint8Array, { kinds }: Row): void {
  for (let i = 0; i < kinds.length; i++) if (kinds[i] !== NOTHING) present[i] = 1;
}

/** Arithmetic and comparisons between two vectors. */
export async function vectorVector(
  context: Context,
  expr: BinaryExpr,
  lhs: VectorResult,
  rhs: VectorResult,
): Promise<VectorResult> {
  const matching = expr.matching!;
  const [many, one] = matching.card === "one-to-many" ? [rhs, lhs] : [lhs, rhs];
  const grouping = new Grouping(matching.labels, !matching.on);
  const table = new KeyTable();
  const { ids: oneIds } = await grouping.assign(context, one, table);
  const { ids: manyIds } = await grouping.assign(context, many, table);
  const sides: OneSide[] = Array.from({ length: table.size }, () => ({
    rows: [],
    many: 0,
    present: undefined,
    matched: undefined,
    outputs: undefined,
  }));
  for (const id of manyIds) sides[id].many++;
  const matcher = new Matcher(context, expr);
  await context.forEach(one, (row, i) => {
    context.hold(row);
    matcher.addOne(sides[oneIds[i]], new HeldSeries(one.series[i], row));
  });
  await context.forEach(many, (row, i) => {
    const side = sides[manyIds[i]];
    matcher.addMany(side, many.series[i].labels, row);
    if (!matcher.takes(side)) context.recycle(row);
  });
  for (const side of sides) matcher.fillUnmatched(side);
  matcher.check();
  for (const { rows } of sides) {
    for (const { row } of rows) {
      context.release(row);
      context.recycle(row);
    }
  }
  return context.vectorOf(matcher.finish());
}

/** `and`, `or` and `unless`. */
export async function setOperation(
  context: Context,
  expr: BinaryExpr,
  lhs: VectorResult,
  rhs: VectorResult,
): Promise<VectorResult> {
  const matching = expr.matching!;
  const grouping = new Grouping(matching.labels, !matching.on);
  const table = new KeyTable();
  const { ids: leftIds } = await grouping.assign(context, lhs, table);
  const { ids: rightIds } = await grouping.assign(context, rhs, table);
  const present: Uint8Array[] = [];
  const note = (id: number, row: Row) => {
    present[id] ??= new Uint8Array(context.steps);
    notePresent(present[id], row);
  };
  /** Keeps the steps at which the group is (`wanted` 1) or is not (0) present on the other side. */
  const restrict = (id: number, { kinds }: Row, wanted: 0 | 1) => {
    const there = present[id];
    for (let i = 0; i < kinds.length; i++) if ((there ? there[i] : 0) !== wanted) kinds[i] = NOTHING;
  };
  if (expr.op === "or") {
    const rows: SeriesRow[] = [];
    await context.forEach(lhs, (row, i) => {
      note(leftIds[i], row);
      context.hold(row);
      rows.push(new HeldSeries(lhs.series[i], row));
    });
    await context.forEach(rhs, (row, i) => {
      restrict(rightIds[i], row, 0);
      context.hold(row);
      rows.push(new HeldSeries(rhs.series[i], row));
    });
    return context.vectorOf(mergeRows(rows));
  }
  await context.forEach(rhs, (row, i) => {
    note(rightIds[i], row);
    context.recycle(row);
  });
  const wanted = expr.op === "and" ? 1 : 0;
  return changeRows(lhs, lhs, (row, index) => {
    restrict(leftIds[index], row, wanted);
    return row;
  });
}
