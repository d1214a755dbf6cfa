/**
 * What a selection found, by place: labels as numbers of symbols, samples when they are asked for. Neither label sets nor
 * objects are made for series that nobody looks at by themselves.
 */
import { Labels, type SampleBuffer, type SeriesList, type StoredSeries } from "@pharos/model";
import { columnOf, namesOf } from "./columns.ts";

/** Series in order of labels. Valid for as long as the querier it comes from is open. */
export interface Selection {
  readonly length: number;
  /** Appends all samples with mint <= t <= maxt, in order of time. */
  read(index: number, mint: number, maxt: number, out: SampleBuffer): void;
  /** Appends only the newest of them. */
  readNewest(index: number, mint: number, maxt: number, out: SampleBuffer): void;
  /** How many labels a series has, and the symbols of label `k`. */
  labelCount(index: number): number;
  nameOf(index: number, k: number): number;
  valueOf(index: number, k: number): number;
  /** The text of a symbol; every text has one symbol. */
  text(symbol: number): string;
  /** Symbols are below this. */
  readonly symbolCount: number;
}

export function labelsOf(selection: Selection, index: number): Labels {
  const count = selection.labelCount(index);
  const pairs: string[] = new Array(2 * count);
  for (let k = 0; k < count; k++) {
    pairs[2 * k] = selection.text(selection.nameOf(index, k));
    pairs[2 * k + 1] = selection.text(selection.valueOf(index, k));
  }
  return Labels.fromSortedPairs(pairs);
}

class SelectedSeries implements StoredSeries {
  readonly #selection: Selection;
  readonly #index: number;
  #labels: Labels | undefined;

  constructor(selection: Selection, index: number) {
    this.#selection = selection;
    this.#index = index;
  }

  get labels(): Labels {
    this.#labels ??= labelsOf(this.#selection, this.#index);
    return this.#labels;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    this.#selection.read(this.#index, mint, maxt, out);
  }

  readNewest(mint: number, maxt: number, out: SampleBuffer): void {
    this.#selection.readNewest(this.#index, mint, maxt, out);
  }
}

/** A selection as the storage contract has it; `limit`: at most so many series, 0 for all. */
export function listOf(selection: Selection, limit: number): SeriesList {
  const length = limit > 0 ? Math.min(limit, selection.length) : selection.length;
  const list: StoredSeries[] = new Array(length);
  for (let i = 0; i < length; i++) list[i] = new SelectedSeries(selection, i);
  if (length === 0) return list;
  return Object.assign(list, {
    labelColumns: {
      column: (name: string) => columnOf(selection, length, name),
      names: () => namesOf(selection, length),
    },
  });
}
