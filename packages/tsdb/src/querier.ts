/** Reading blocks and head through the storage contract. */
import {
  compareStrings,
  type Labels,
  type Matcher,
  type Querier,
  type SelectHints,
  type StoredSeries,
} from "@pharos/model";
import type { Block } from "./block/block.ts";
import type { Head } from "./head/head.ts";
import { mergeSeries } from "./merge.ts";

export class DbQuerier implements Querier {
  readonly #head: Head;
  readonly #blocks: readonly Block[];
  readonly #mint: number;
  readonly #maxt: number;
  readonly #pin: Disposable;
  #open = true;

  /** `blocks` in order of time; they and the head's memory stay as they are until the querier is disposed. */
  constructor(head: Head, blocks: readonly Block[], mint: number, maxt: number) {
    this.#head = head;
    this.#blocks = blocks.filter((block) => block.overlaps(mint, maxt));
    for (const block of this.#blocks) block.acquire();
    this.#pin = head.store.pin();
    this.#mint = mint;
    this.#maxt = maxt;
  }

  select(matchers: readonly Matcher[], hints?: SelectHints): readonly StoredSeries[] {
    const lists: (readonly StoredSeries[])[] = this.#blocks.map((block) =>
      block.select(matchers, this.#mint, this.#maxt),
    );
    const { store } = this.#head;
    const inHead = this.#inHead(matchers).map((series) => store.view(series));
    lists.push(inHead.sort((a, b) => a.labels.compare(b.labels)));
    const found = mergeSeries(lists);
    return hints?.limit ? found.slice(0, hints.limit) : found;
  }

  labelNames(matchers: readonly Matcher[], limit = 0): string[] {
    return this.#collect(
      matchers,
      ({ pairs }) => pairs.filter((_, i) => i % 2 === 0),
      (index) => index.names(),
      limit,
    );
  }

  labelValues(name: string, matchers: readonly Matcher[], limit = 0): string[] {
    return this.#collect(
      matchers,
      (labels) => (labels.has(name) ? [labels.get(name)] : []),
      (index) => index.values(name),
      limit,
    );
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#pin[Symbol.dispose]();
    for (const block of this.#blocks) block.release();
  }

  #inHead(matchers: readonly Matcher[]): number[] {
    const { store } = this.#head;
    const out: number[] = [];
    for (const series of this.#head.select(matchers)) {
      if (store.newest(series) >= this.#mint && store.oldest(series) <= this.#maxt) out.push(series);
    }
    return out;
  }

  #collect(
    matchers: readonly Matcher[],
    ofSeries: (labels: Labels) => readonly string[],
    ofIndex: (index: { names(): string[]; values(name: string): string[] }) => readonly string[],
    limit: number,
  ): string[] {
    const out = new Set<string>();
    if (matchers.length === 0) {
      for (const block of this.#blocks) for (const text of ofIndex(block.index)) out.add(text);
      for (const text of ofIndex(this.#head.store.index)) out.add(text);
    } else {
      for (const block of this.#blocks) {
        for (const { labels } of block.select(matchers, this.#mint, this.#maxt)) {
          for (const text of ofSeries(labels)) out.add(text);
        }
      }
      const { table } = this.#head.store;
      for (const series of this.#inHead(matchers)) for (const text of ofSeries(table.labels(series))) out.add(text);
    }
    const sorted = [...out].sort(compareStrings);
    return limit > 0 ? sorted.slice(0, limit) : sorted;
  }
}
