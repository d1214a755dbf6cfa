/**
 * Series of vectors whose labels are made when somebody asks for them, and the columns of numbers that grouping and joining look
 * at instead, where the storage has them.
 */
import { type LabelColumn, type LabelColumns, Labels, METRIC_NAME, type SeriesList } from "@pharos/model";
import type { Row, SeriesRow, VectorResult, VectorSeries } from "./row.ts";

/** Labels that say what a metric is; they go with its name. */
export const METADATA: ReadonlySet<string> = new Set([METRIC_NAME, "__type__", "__unit__"]);
const UNDERSCORE = 95;

/** Without name, type and unit of the metric, which no longer hold after a calculation. */
export function dropMetadata(labels: Labels): Labels {
  const { pairs } = labels;
  if (pairs.length === 0) return labels;
  // Names are sorted: metadata is at the front, behind nothing but names in capitals.
  if (pairs[0] === METRIC_NAME && !pairs[2]?.startsWith("__")) return Labels.fromSortedPairs(pairs.slice(2));
  if (pairs[0].charCodeAt(0) > UNDERSCORE) return labels;
  return labels.filter((name) => !METADATA.has(name));
}

class SelectedSeries implements VectorSeries {
  readonly dropName = false;
  readonly #stored: { readonly labels: Labels };

  constructor(stored: { readonly labels: Labels }) {
    this.#stored = stored;
  }

  get labels(): Labels {
    return this.#stored.labels;
  }
}

/** The series of a selector. */
export function selectedSeries(stored: SeriesList): Pick<VectorResult, "series" | "columns"> {
  return { series: stored.map((series) => new SelectedSeries(series)), columns: stored.labelColumns };
}

/** A series whose labels are another's, changed. */
export class ChangedSeries implements VectorSeries {
  readonly dropName: boolean;
  readonly #series: VectorSeries;
  readonly #change: (labels: Labels) => Labels;
  #labels: Labels | undefined;

  constructor(series: VectorSeries, change: (labels: Labels) => Labels, dropName: boolean) {
    this.dropName = dropName;
    this.#series = series;
    this.#change = change;
  }

  get labels(): Labels {
    this.#labels ??= this.#change(this.#series.labels);
    return this.#labels;
  }
}

/** A series with its row. */
export class HeldSeries implements SeriesRow {
  row: Row;
  dropName: boolean;
  readonly #series: VectorSeries;
  #labels: Labels | undefined;

  constructor(series: VectorSeries, row: Row) {
    this.row = row;
    this.dropName = series.dropName;
    this.#series = series;
  }

  get labels(): Labels {
    return this.#labels ?? this.#series.labels;
  }

  set labels(labels: Labels) {
    this.#labels = labels;
  }
}

type Source = Pick<VectorResult, "series" | "columns">;

/**
 * The series of a vector after a calculation: without metadata labels, or with them but marked, where names are kept to the end.
 * `change` does what dropMetadata does, or less.
 */
export function namelessSeries(source: Source, delayed: boolean, change = dropMetadata): Source {
  if (delayed) {
    return { series: source.series.map((one) => new ChangedSeries(one, same, true)), columns: source.columns };
  }
  return {
    series: source.series.map((one) => new ChangedSeries(one, change, true)),
    columns: change === dropMetadata ? source.columns && namelessColumns(source.columns) : undefined,
  };
}

function same(labels: Labels): Labels {
  return labels;
}

function namelessColumns(columns: LabelColumns): LabelColumns {
  return {
    column: (name) => {
      const column = columns.column(name);
      return METADATA.has(name) ? { numbers: new Uint32Array(column.numbers.length), values: [""] } : column;
    },
    names: () => columns.names().filter((name) => !METADATA.has(name)),
  };
}

function isConstant({ numbers, values }: LabelColumn): boolean {
  return values.length === 1 || (values.length === 2 && !numbers.includes(0));
}

/** Whether series differ in metadata labels: only then some of them can become the same when these go. */
export function hasSeveralMetrics({ series, columns }: Source): boolean {
  if (series.length < 2) return false;
  if (columns) {
    for (const name of METADATA) if (!isConstant(columns.column(name))) return true;
    return false;
  }
  for (let i = 1; i < series.length; i++) if (!sameMetadata(series[0].labels, series[i].labels)) return true;
  return false;
}

function sameMetadata(a: Labels, b: Labels): boolean {
  if (a.pairs[0] === METRIC_NAME && b.pairs[0] === METRIC_NAME) {
    if (a.pairs[1] !== b.pairs[1]) return false;
    if (!a.pairs[2]?.startsWith("__") && !b.pairs[2]?.startsWith("__")) return true;
  }
  for (const name of METADATA) if (a.get(name) !== b.get(name)) return false;
  return true;
}

/** Metric names by place, without making labels where there are columns. */
export function metricNames({ series, columns }: Source): (index: number) => string {
  let column: LabelColumn | undefined;
  return (index) => {
    if (!columns) return series[index].labels.metricName;
    column ??= columns.column(METRIC_NAME);
    return column.values[column.numbers[index]];
  };
}
