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
import { byRanks } from "./head/sorted.ts";
import { mergeSeries } from "./merge.ts";

/** So many series are ordered by numbers rather than by their texts. */
const MANY = 128;

export class DbQuerier implements Querier {
  readonly #head: Head;
  readonly #allBlocks: () => readonly Block[];
  readonly #held = new Set<Block>();
  readonly #mint: number;
  readonly #maxt: number;
  readonly #pin: Disposable;
  #open = true;

  /**
   * `blocks`: those there are when it is called, in order of time. What has been selected stays readable until the querier is
   * disposed. A selection takes blocks and head as they are at that moment: what left the head since the querier was made is in
   * blocks that came since.
   */
  constructor(head: Head, blocks: () => readonly Block[], mint: number, maxt: number) {
    this.#head = head;
    this.#allBlocks = blocks;
    this.#pin = head.store.pin();
    this.#mint = mint;
    this.#maxt = maxt;
  }

  select(matchers: readonly Matcher[], hints?: SelectHints): readonly StoredSeries[] {
    const lists: (readonly StoredSeries[])[] = this.blocks().map((block) =>
      block.select(matchers, this.#mint, this.#maxt),
    );
    const { store } = this.#head;
    const inHead = this.headSeries(matchers);
    const ranks = inHead.length > MANY ? store.index.cachedRanks() : undefined;
    if (ranks) lists.push(inHead.sort(byRanks(store, ranks)).map((series) => store.view(series)));
    else lists.push(inHead.map((series) => store.view(series)).sort((a, b) => a.labels.compare(b.labels)));
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
    for (const block of this.#held) block.release();
    this.#held.clear();
  }

  /** The blocks in the range; they stay open until the querier is disposed. */
  blocks(): Block[] {
    const found = this.#allBlocks().filter((block) => block.overlaps(this.#mint, this.#maxt));
    for (const block of found) {
      if (this.#held.has(block)) continue;
      this.#held.add(block);
      block.acquire();
    }
    return found;
  }

  /** Numbers of the series of the head that have samples in the range. */
  headSeries(matchers: readonly Matcher[]): number[] {
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
    const blocks = this.blocks();
    if (matchers.length === 0) {
      for (const block of blocks) for (const text of ofIndex(block.index)) out.add(text);
      for (const text of ofIndex(this.#head.store.index)) out.add(text);
    } else {
      for (const block of blocks) {
        for (const { labels } of block.select(matchers, this.#mint, this.#maxt)) {
          for (const text of ofSeries(labels)) out.add(text);
        }
      }
      const { table } = this.#head.store;
      for (const series of this.headSeries(matchers)) for (const text of ofSeries(table.labels(series))) out.add(text);
    }
    const sorted = [...out].sort(compareStrings);
    return limit > 0 ? sorted.slice(0, limit) : sorted;
  }
}
