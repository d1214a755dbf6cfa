/** Label sets as evaluation needs them: metadata labels, group keys, and series that came to share a label set. */
import { Labels, METRIC_NAME } from "@pharos/model";
import type { Context } from "./context.ts";
import { sameLabelset } from "./error.ts";
import { NOTHING, type SeriesRow, type VectorResult } from "./row.ts";

const METADATA: ReadonlySet<string> = new Set([METRIC_NAME, "__type__", "__unit__"]);

/** Without name, type and unit of the metric, which no longer hold after a calculation. */
export function dropMetadata(labels: Labels): Labels {
  return labels.filter((name) => !METADATA.has(name));
}

/** Splits series into groups by label; the key of a group is equal exactly for equal groups. */
export class Grouping {
  readonly #names: ReadonlySet<string>;
  readonly #without: boolean;

  /** `without` leaves the metric name out as well. */
  constructor(names: readonly string[], without: boolean) {
    this.#names = new Set(without ? [...names, METRIC_NAME] : names);
    this.#without = without;
  }

  labelsOf(labels: Labels): Labels {
    if (!this.#without && this.#names.size === 0) return Labels.empty;
    return labels.filter((name) => this.#names.has(name) !== this.#without);
  }

  /** A number for each series, and the labels of each number. */
  assign(series: readonly { labels: Labels }[], ids = new Map<string, number>()): Int32Array {
    const out = new Int32Array(series.length);
    for (let i = 0; i < series.length; i++) {
      const key = this.keyOf(series[i].labels);
      let id = ids.get(key);
      if (id === undefined) ids.set(key, (id = ids.size));
      out[i] = id;
    }
    return out;
  }

  keyOf(labels: Labels): string {
    const { pairs } = labels;
    let key = "";
    for (let i = 0; i < pairs.length; i += 2) {
      if (this.#names.has(pairs[i]) !== this.#without) key += `${pairs[i]}\u00ff${pairs[i + 1]}\u00ff`;
    }
    return key;
  }
}

/**
 * Series whose metadata labels were dropped, joined where they became the same. The series before are distinct, so those
 * of one metric stay so: the common case needs no comparison.
 */
export function mergeAfterDrop(
  context: Context,
  before: readonly { labels: Labels }[],
  after: VectorResult,
): Promise<VectorResult> | VectorResult {
  const first = before[0]?.labels;
  for (const name of METADATA) {
    const value = first?.get(name);
    for (const { labels } of before) if (labels.get(name) !== value) return mergeDuplicates(context, after);
  }
  return after;
}

export function hasDuplicates(series: readonly { labels: Labels }[]): boolean {
  if (series.length < 2) return false;
  const seen = new Set<string>();
  for (const { labels } of series) seen.add(labels.key());
  return seen.size < series.length;
}

/** Joins series with the same labels into one. Throws when two of them have a sample at the same step. */
export async function mergeDuplicates(context: Context, vector: VectorResult): Promise<VectorResult> {
  if (!hasDuplicates(vector.series)) return vector;
  return context.vectorOf(mergeRows(await context.collect(vector)));
}

export function mergeRows(rows: readonly SeriesRow[]): SeriesRow[] {
  const byLabels = new Map<string, SeriesRow>();
  for (const series of rows) {
    const key = series.labels.key();
    const known = byLabels.get(key);
    if (!known) {
      byLabels.set(key, series);
      continue;
    }
    known.row.held += series.row.held;
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
