/** Reading the head through the storage contract. */
import {
  compareStrings,
  type Matcher,
  type Querier,
  type SampleBuffer,
  type SelectHints,
  type StoredSeries,
} from "@pharos/model";
import type { Head } from "./head/head.ts";
import type { MemSeries } from "./head/series.ts";

class SeriesView implements StoredSeries {
  readonly #series: MemSeries;

  constructor(series: MemSeries) {
    this.#series = series;
  }

  get labels() {
    return this.#series.labels;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    this.#series.read(mint, maxt, out);
  }
}

export class HeadQuerier implements Querier {
  readonly #head: Head;
  readonly #mint: number;
  readonly #maxt: number;

  constructor(head: Head, mint: number, maxt: number) {
    this.#head = head;
    this.#mint = mint;
    this.#maxt = maxt;
  }

  select(matchers: readonly Matcher[], hints?: SelectHints): StoredSeries[] {
    const found = this.#inRange(matchers).sort((a, b) => a.labels.compare(b.labels));
    const limited = hints?.limit ? found.slice(0, hints.limit) : found;
    return limited.map((series) => new SeriesView(series));
  }

  labelNames(matchers: readonly Matcher[], limit = 0): string[] {
    const names =
      matchers.length === 0
        ? this.#head.postings.names()
        : this.#collect(matchers, ({ labels }) => labels.pairs.filter((_, i) => i % 2 === 0));
    return limit > 0 ? names.slice(0, limit) : names;
  }

  labelValues(name: string, matchers: readonly Matcher[], limit = 0): string[] {
    const values =
      matchers.length === 0
        ? this.#head.postings.values(name)
        : this.#collect(matchers, ({ labels }) => {
            const value = labels.get(name);
            return value === "" ? [] : [value];
          });
    return limit > 0 ? values.slice(0, limit) : values;
  }

  [Symbol.dispose](): void {
    // Everything is in memory: nothing is held.
  }

  #inRange(matchers: readonly Matcher[]): MemSeries[] {
    return this.#head
      .select(matchers)
      .filter((series) => series.lastTime >= this.#mint && series.firstTime <= this.#maxt);
  }

  #collect(matchers: readonly Matcher[], texts: (series: MemSeries) => readonly string[]): string[] {
    const out = new Set<string>();
    for (const series of this.#inRange(matchers)) for (const text of texts(series)) out.add(text);
    return [...out].sort(compareStrings);
  }
}
