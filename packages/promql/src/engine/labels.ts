/** Label sets as evaluation needs them: group numbers, and series that came to share a label set. */
import { compareStrings, type LabelColumn, type LabelColumns, Labels, METRIC_NAME } from "@pharos/model";
import type { Context } from "./context.ts";
import { sameLabelset } from "./error.ts";
import { KeyTable } from "./key-table.ts";
import { NOTHING, type Row, type SeriesRow, type VectorResult } from "./row.ts";
import { hasSeveralMetrics } from "./series.ts";

export { dropMetadata } from "./series.ts";

/** As Labels.with for a single label, without the copies in between. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  if (value === "") return labels.has(name) ? labels.with(name, value) : labels;
  const { pairs } = labels;
  let at = 0;
  while (at < pairs.length && compareStrings(pairs[at], name) < 0) at += 2;
  const rest = pairs[at] === name ? at + 2 : at;
  const out: string[] = new Array(at + 2 + pairs.length - rest);
  for (let i = 0; i < at; i++) out[i] = pairs[i];
  out[at] = name;
  out[at + 1] = value;
  for (let i = rest; i < pairs.length; i++) out[at + 2 + i - rest] = pairs[i];
  return Labels.fromSortedPairs(out);
}

/**
 * Where the labels of one name are in a label set. Sets of one metric mostly have the same names, and share the very strings
 * with each other: where a name was last is looked at first.
 */
class LabelFinder {
  readonly #name: string;
  /** The name as the last sets had it: the same string compares at once, an equal one character by character. */
  #same: string;
  #at = 0;

  constructor(name: string) {
    this.#name = name;
    this.#same = name;
  }

  /** "" where the label is not there. */
  in({ pairs }: Labels): string {
    if (pairs[this.#at] === this.#same) return pairs[this.#at + 1];
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] !== this.#name) continue;
      this.#at = i;
      this.#same = pairs[i];
      return pairs[i + 1];
    }
    return "";
  }
}

/** Series between two looks at the clock. */
const SERIES_PER_LOOK = 4096;

type Source = Pick<VectorResult, "series" | "columns">;

/** Splits series into groups by label; the number of a group is equal exactly for equal groups. */
export class Grouping {
  readonly #names: ReadonlySet<string>;
  readonly #ordered: readonly string[];
  readonly #finders: readonly LabelFinder[];
  readonly #without: boolean;
  /** Of the vector that groups were assigned to last, when it has columns and `by` names them. */
  #columns: readonly LabelColumn[] | undefined;

  /** `without` leaves the metric name out as well. */
  constructor(names: readonly string[], without: boolean) {
    this.#names = new Set(without ? [...names, METRIC_NAME] : names);
    this.#ordered = [...this.#names].sort(compareStrings);
    this.#finders = this.#ordered.map((name) => new LabelFinder(name));
    this.#without = without;
  }

  labelsOf(labels: Labels): Labels {
    if (this.#without) return labels.filter((name) => !this.#names.has(name));
    return this.#by((k) => this.#finders[k].in(labels));
  }

  /** The same of series `index` of the vector that groups were assigned to last. */
  labelsAt({ series }: Source, index: number): Labels {
    const columns = this.#columns;
    if (!columns) return this.labelsOf(series[index].labels);
    return this.#by((k) => columns[k].values[columns[k].numbers[index]]);
  }

  #by(labelValue: (k: number) => string): Labels {
    if (this.#ordered.length === 0) return Labels.empty;
    // Of the right size from the beginning: there is one for each group.
    const pairs: string[] = new Array(2 * this.#ordered.length);
    let length = 0;
    for (let k = 0; k < this.#ordered.length; k++) {
      const value = labelValue(k);
      if (value === "") continue;
      pairs[length++] = this.#ordered[k];
      pairs[length++] = value;
    }
    pairs.length = length;
    return Labels.fromSortedPairs(pairs);
  }

  /** The group of each series, and how many groups the table knows then. */
  async assign(
    { query }: Context,
    { series, columns }: Source,
    table = new KeyTable(),
  ): Promise<{ ids: Int32Array; count: number }> {
    const ids = new Int32Array(series.length);
    this.#columns = columns && !this.#without ? this.#ordered.map((name) => columns.column(name)) : undefined;
    if (columns) {
      if (query.isDue) await query.pause();
      this.#followColumns(columns, table, ids);
      for (let i = 0; i < ids.length; i++) ids[i] = table.keyAt(ids[i]);
      return { ids, count: table.size };
    }
    const finders = this.#finders;
    for (let i = 0; i < series.length; i++) {
      if (i % SERIES_PER_LOOK === 0 && query.isDue) await query.pause();
      const { labels } = series[i];
      let node = KeyTable.ROOT;
      if (this.#without) node = this.#rest(labels, table);
      else for (let k = 0; k < finders.length; k++) node = table.step(node, finders[k].in(labels));
      ids[i] = table.keyAt(node);
    }
    return { ids, count: table.size };
  }

  /** As the walk over labels goes, but label by label for all series: texts are looked up once for each different one. */
  #followColumns(columns: LabelColumns, table: KeyTable, nodes: Int32Array): void {
    if (this.#columns) {
      for (const column of this.#columns) table.stepAll(nodes, column);
      return;
    }
    for (const name of columns.names()) {
      if (!this.#names.has(name)) table.stepPresent(nodes, name, columns.column(name));
    }
  }

  #rest({ pairs }: Labels, table: KeyTable): number {
    let node = KeyTable.ROOT;
    for (let i = 0; i < pairs.length; i += 2) {
      if (!this.#names.has(pairs[i])) node = table.step(table.step(node, pairs[i]), pairs[i + 1]);
    }
    return node;
  }
}

/**
 * Series whose metadata labels were dropped, joined where they became the same. The series before are distinct, so those
 * of one metric stay so: the common case needs no comparison.
 */
export function mergeAfterDrop(
  context: Context,
  before: Source,
  after: VectorResult,
): Promise<VectorResult> | VectorResult {
  return hasSeveralMetrics(before) ? mergeDuplicates(context, after) : after;
}

/** As mergeAfterDrop, but series that became the same are refused even where they do not overlap in time. */
export async function refuseAfterDrop(context: Context, before: Source, after: VectorResult): Promise<VectorResult> {
  if (!hasSeveralMetrics(before) || !hasDuplicates(after)) return after;
  const rows = (await context.collect(after)).filter(({ row }) => !row.isEmpty);
  if (hasDuplicates({ series: rows })) throw sameLabelset();
  return context.vectorOf(rows);
}

export function hasDuplicates({ series, columns }: Source): boolean {
  if (series.length < 2) return false;
  const table = new KeyTable();
  if (columns) {
    const nodes = new Int32Array(series.length);
    for (const name of columns.names()) table.stepPresent(nodes, name, columns.column(name));
    for (let i = 0; i < nodes.length; i++) if (table.keyAt(nodes[i]) !== i) return true;
    return false;
  }
  for (let i = 0; i < series.length; i++) if (table.keyOf(series[i].labels) !== i) return true;
  return false;
}

/** Joins series with the same labels into one. Throws when two of them have a sample at the same step. */
export async function mergeDuplicates(context: Context, vector: VectorResult): Promise<VectorResult> {
  if (!hasDuplicates(vector)) return vector;
  return context.vectorOf(mergeRows(await context.collect(vector)));
}

function firstStep({ kinds }: Row): number {
  const step = kinds.findIndex((kind) => kind !== NOTHING);
  return step < 0 ? kinds.length : step;
}

export function mergeRows(rows: SeriesRow[]): SeriesRow[] {
  if (!hasDuplicates({ series: rows })) return rows;
  const byLabels = new Map<string, SeriesRow>();
  for (const series of rows) {
    const key = series.labels.key();
    const known = byLabels.get(key);
    if (!known) {
      byLabels.set(key, series);
      continue;
    }
    known.row.held += series.row.held;
    known.row.bytes += series.row.bytes;
    // As upstream, which goes step by step: whether the name is to go is said by the first sample.
    if (firstStep(series.row) < firstStep(known.row)) known.dropName = series.dropName;
    const { kinds, values } = series.row;
    for (let step = 0; step < kinds.length; step++) {
      if (kinds[step] === NOTHING) continue;
      if (known.row.kinds[step] !== NOTHING) throw sameLabelset();
      const histogram = series.row.histogram(step);
      known.row.set(step, histogram ?? values[step]);
    }
  }
  return [...byLabels.values()];
}
