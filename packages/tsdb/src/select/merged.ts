/** Selections of several places (blocks, head) as one: series with equal labels come together. */
import { compareStrings, type SampleBuffer } from "@pharos/model";
import { keepNewest, sortRows } from "../merge.ts";
import { NumberMap } from "./number-map.ts";
import type { Selection } from "./selection.ts";

/** Sources in order of time; of samples with equal times the first one's counts. */
export function mergeSelections(sources: readonly Selection[]): Selection {
  const filled = sources.filter(({ length }) => length > 0);
  if (filled.length === 1) return filled[0];
  return new MergedSelection(filled);
}

class MergedSelection implements Selection {
  readonly #sources: readonly Selection[];
  /** Of each source from its symbols to those here, plus one. */
  readonly #maps: readonly NumberMap[];
  readonly #texts: string[] = [];
  readonly #symbols = new Map<string, number>();
  readonly length: number;
  /** The parts of series i are those from starts[i] up to starts[i + 1]: a place in a source each. */
  readonly #starts: Uint32Array;
  readonly #partSources: Uint16Array;
  readonly #partPlaces: Uint32Array;

  constructor(sources: readonly Selection[]) {
    this.#sources = sources;
    this.#maps = sources.map(({ symbolCount }) => new NumberMap(symbolCount));
    const total = sources.reduce((sum, { length }) => sum + length, 0);
    this.#starts = new Uint32Array(total + 1);
    this.#partSources = new Uint16Array(total);
    this.#partPlaces = new Uint32Array(total);
    this.length = this.#merge();
  }

  get symbolCount(): number {
    // All of them are found while series are compared, but for those of series that had nothing to be compared with.
    return this.#sources.reduce((sum, { symbolCount }) => sum + symbolCount, 0);
  }

  #merge(): number {
    const sources = this.#sources;
    const places = new Uint32Array(sources.length);
    const least: number[] = [];
    let count = 0;
    let parts = 0;
    for (;;) {
      least.length = 0;
      for (let source = 0; source < sources.length; source++) {
        if (places[source] === sources[source].length) continue;
        const order = least.length === 0 ? 0 : this.#compare(source, places[source], least[0], places[least[0]]);
        if (order > 0) continue;
        if (order < 0) least.length = 0;
        least.push(source);
      }
      if (least.length === 0) return count;
      for (const source of least) {
        this.#partSources[parts] = source;
        this.#partPlaces[parts++] = places[source]++;
      }
      this.#starts[++count] = parts;
    }
  }

  #compare(a: number, placeA: number, b: number, placeB: number): number {
    const [first, second] = [this.#sources[a], this.#sources[b]];
    const countA = first.labelCount(placeA);
    const countB = second.labelCount(placeB);
    const shared = Math.min(countA, countB);
    for (let k = 0; k < shared; k++) {
      const nameA = this.#unify(a, first.nameOf(placeA, k));
      const nameB = this.#unify(b, second.nameOf(placeB, k));
      if (nameA !== nameB) return compareStrings(this.#texts[nameA], this.#texts[nameB]);
      const valueA = this.#unify(a, first.valueOf(placeA, k));
      const valueB = this.#unify(b, second.valueOf(placeB, k));
      if (valueA !== valueB) return compareStrings(this.#texts[valueA], this.#texts[valueB]);
    }
    return countA - countB;
  }

  #unify(source: number, symbol: number): number {
    const known = this.#maps[source].get(symbol);
    if (known !== 0) return known - 1;
    const text = this.#sources[source].text(symbol);
    let unified = this.#symbols.get(text);
    if (unified === undefined) {
      unified = this.#texts.push(text) - 1;
      this.#symbols.set(text, unified);
    }
    this.#maps[source].set(symbol, unified + 1);
    return unified;
  }

  labelCount(index: number): number {
    const part = this.#starts[index];
    return this.#sources[this.#partSources[part]].labelCount(this.#partPlaces[part]);
  }

  nameOf(index: number, k: number): number {
    const part = this.#starts[index];
    const source = this.#partSources[part];
    return this.#unify(source, this.#sources[source].nameOf(this.#partPlaces[part], k));
  }

  valueOf(index: number, k: number): number {
    const part = this.#starts[index];
    const source = this.#partSources[part];
    return this.#unify(source, this.#sources[source].valueOf(this.#partPlaces[part], k));
  }

  text(symbol: number): string {
    return this.#texts[symbol];
  }

  read(index: number, mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    let ordered = true;
    for (let part = this.#starts[index]; part < this.#starts[index + 1]; part++) {
      const seam = out.length;
      this.#sources[this.#partSources[part]].read(this.#partPlaces[part], mint, maxt, out);
      if (seam > from && out.length > seam && out.timestamps[seam] <= out.timestamps[seam - 1]) ordered = false;
    }
    if (!ordered) sortRows(out, from);
  }

  readNewest(index: number, mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    for (let part = this.#starts[index]; part < this.#starts[index + 1]; part++) {
      this.#sources[this.#partSources[part]].readNewest(this.#partPlaces[part], mint, maxt, out);
    }
    keepNewest(out, from);
  }
}
