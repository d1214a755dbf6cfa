/** One label of all series of a selection, as numbers. */
import { compareStrings, type LabelColumn } from "@pharos/model";
import { NumberMap } from "./number-map.ts";
import type { Selection } from "./selection.ts";

/** Of the first `length` series. */
export function columnOf(selection: Selection, length: number, name: string): LabelColumn {
  const numbers = new Uint32Array(length);
  const values = [""];
  const known = new NumberMap(selection.symbolCount);
  const finder = new NameFinder(selection, name);
  for (let i = 0; i < length; i++) {
    const k = finder.placeIn(i);
    if (k < 0) continue;
    const symbol = selection.valueOf(i, k);
    let number = known.get(symbol);
    if (number === 0) {
      number = values.push(selection.text(symbol)) - 1;
      known.set(symbol, number);
    }
    numbers[i] = number;
  }
  return { numbers, values };
}

/** Every label name of the first `length` series, sorted. */
export function namesOf(selection: Selection, length: number): string[] {
  const seen = new NumberMap(selection.symbolCount);
  const names: string[] = [];
  for (let i = 0; i < length; i++) {
    const count = selection.labelCount(i);
    for (let k = 0; k < count; k++) {
      const symbol = selection.nameOf(i, k);
      if (seen.get(symbol) !== 0) continue;
      seen.set(symbol, 1);
      names.push(selection.text(symbol));
    }
  }
  return names.sort(compareStrings);
}

/** Where the labels of a name are. Series of one metric mostly have the same names: where it was last is looked at first. */
class NameFinder {
  readonly #selection: Selection;
  readonly #name: string;
  #symbol = -1;
  /** Symbols of other names. */
  readonly #others = new Set<number>();
  #last = 0;

  constructor(selection: Selection, name: string) {
    this.#selection = selection;
    this.#name = name;
  }

  /** -1 where the label is not there. */
  placeIn(index: number): number {
    const selection = this.#selection;
    const count = selection.labelCount(index);
    if (this.#last < count && selection.nameOf(index, this.#last) === this.#symbol) return this.#last;
    for (let k = 0; k < count; k++) {
      if (!this.#is(selection.nameOf(index, k))) continue;
      this.#last = k;
      return k;
    }
    return -1;
  }

  #is(symbol: number): boolean {
    if (this.#symbol >= 0) return symbol === this.#symbol;
    if (this.#others.has(symbol)) return false;
    if (this.#selection.text(symbol) === this.#name) {
      this.#symbol = symbol;
      return true;
    }
    this.#others.add(symbol);
    return false;
  }
}
