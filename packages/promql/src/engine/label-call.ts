/** label_replace and label_join, and sorting by value or label. */
import { compareStrings, type LabelColumn, type LabelColumns, UserError } from "@pharos/model";
import { isValidLabelName } from "../parser/text.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import type { Expansion } from "./expansions.ts";
import { mergeDuplicates, withLabel } from "./labels.ts";
import { natural } from "./natural.ts";
import { FLOAT, type SeriesRow, type VectorResult } from "./row.ts";
import { ChangedSeries } from "./series.ts";

export function labelReplace(
  context: Context,
  vector: VectorResult,
  [target, replacement, source, pattern]: string[],
): Promise<VectorResult> {
  let expansion: Expansion;
  try {
    expansion = context.query.expansions.get(pattern, replacement);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw executionError(`invalid regular expression in label_replace(): ${pattern}`);
  }
  if (!isValidLabelName(target)) throw executionError(`invalid destination label name in label_replace(): ${target}`);
  const replaced = vector.columns && replaceColumn(vector.columns, target, source, expansion);
  const series = vector.series.map((input, i) => {
    const value = replaced ? replaced.newValues[replaced.sources[i]] : expansion.of(input.labels.get(source));
    if (value === undefined) return input;
    const dropName = input.dropName && target !== "__name__";
    return new ChangedSeries(input, (labels) => withLabel(labels, target, value), dropName);
  });
  return mergeDuplicates(context, { series, columns: replaced?.columns, read: (index) => vector.read(index) });
}

/** The columns of series with a label replaced, and by number of the source's value what it becomes, undefined to leave it. */
function replaceColumn(columns: LabelColumns, target: string, source: string, expansion: Expansion) {
  const { numbers: sources, values } = columns.column(source);
  const newValues = values.map((value) => expansion.of(value));
  return { sources, newValues, columns: { column, names } };

  function column(name: string): LabelColumn {
    const before = columns.column(name);
    if (name !== target) return before;
    const known = new Map(before.values.map((value, number) => [value, number]));
    const all = [...before.values];
    const numberOf = newValues.map((value) => {
      if (value === undefined) return -1;
      let number = known.get(value);
      if (number === undefined) known.set(value, (number = all.push(value) - 1));
      return number;
    });
    const numbers = before.numbers.map((number, i) => (numberOf[sources[i]] < 0 ? number : numberOf[sources[i]]));
    return { numbers, values: all };
  }

  function names(): string[] {
    const all = columns.names();
    return all.includes(target) ? all : [...all, target].sort(compareStrings);
  }
}

export function labelJoin(
  context: Context,
  vector: VectorResult,
  [target, separator, ...sources]: string[],
): Promise<VectorResult> {
  const bad = sources.find((name) => !isValidLabelName(name));
  if (bad !== undefined) throw executionError(`invalid source label name in label_join(): ${bad}`);
  if (!isValidLabelName(target)) throw executionError(`invalid destination label name in label_join(): ${target}`);
  const series = vector.series.map(({ labels, dropName }) => ({
    labels: withLabel(labels, target, sources.map((name) => labels.get(name)).join(separator)),
    dropName: dropName && target !== "__name__",
  }));
  return mergeDuplicates(context, { series, read: (index) => vector.read(index) });
}

/** NaN is last in either direction. Only an instant query keeps the order; histograms are dropped. */
export async function sortByValue(context: Context, vector: VectorResult, descending: boolean): Promise<VectorResult> {
  const rows = await context.collect(vector);
  for (const { row } of rows) for (let i = 0; i < row.steps; i++) if (row.kinds[i] !== FLOAT) row.kinds[i] = 0;
  const floats = rows.filter(({ row }) => !row.isEmpty);
  for (const { row } of rows) if (row.isEmpty) context.release(row);
  if (context.steps !== 1) return context.vectorOf(floats);
  const order = (a: SeriesRow, b: SeriesRow) => {
    const x = a.row.values[0];
    const y = b.row.values[0];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return descending ? y - x : x - y;
  };
  // Infinities: ∞ - ∞ is NaN, which sort takes as equal.
  return context.vectorOf(floats.sort((a, b) => order(a, b) || 0));
}

/** In natural order of the labels named, then of all labels. */
export async function sortByLabel(
  context: Context,
  vector: VectorResult,
  names: readonly string[],
  descending: boolean,
): Promise<VectorResult> {
  const rows = await context.collect(vector);
  const order = (a: SeriesRow, b: SeriesRow) => {
    for (const name of names) {
      const x = a.labels.get(name);
      const y = b.labels.get(name);
      if (x !== y) return natural(x, y);
    }
    return a.labels.compare(b.labels);
  };
  return context.vectorOf(rows.sort((a, b) => (descending ? order(b, a) : order(a, b))));
}
