/** Reading blocks and head through the storage contract. */
import { compareStrings, type Matcher, type Querier, type SelectHints, type SeriesList } from "@pharos/model";
import type { Block } from "./block/block.ts";
import type { Head } from "./head/head.ts";
import { orderByLabels } from "./head/label-order.ts";
import { HeadSelection, headRows } from "./head/selection.ts";
import { columnOf, namesOf } from "./select/columns.ts";
import { mergeSelections } from "./select/merged.ts";
import { listOf, type Selection } from "./select/selection.ts";

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

  select(matchers: readonly Matcher[], hints?: SelectHints): SeriesList {
    return listOf(this.#selection(matchers), hints?.limit ?? 0);
  }

  #selection(matchers: readonly Matcher[]): Selection {
    const parts: Selection[] = this.blocks().map((block) => block.find(matchers, this.#mint, this.#maxt));
    parts.push(this.#headSelection(matchers));
    return mergeSelections(parts);
  }

  #headSelection(matchers: readonly Matcher[]): HeadSelection {
    const { store } = this.#head;
    const { index } = store;
    const labels = {
      pairs: index.records,
      symbolCount: index.symbolBound,
      text: (symbol: number) => index.text(symbol),
    };
    return new HeadSelection(store, labels, headRows(store, this.headSeries(matchers)));
  }

  labelNames(matchers: readonly Matcher[], limit = 0): string[] {
    const ofSelection = (selection: Selection) => namesOf(selection, selection.length);
    return this.#collect(matchers, ofSelection, (index) => index.names(), limit);
  }

  labelValues(name: string, matchers: readonly Matcher[], limit = 0): string[] {
    const ofSelection = (selection: Selection) => columnOf(selection, selection.length, name).values.slice(1);
    return this.#collect(matchers, ofSelection, (index) => index.values(name), limit);
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

  /** Numbers of the series of the head that have samples in the range, in order of labels. */
  headSeries(matchers: readonly Matcher[]): Uint32Array {
    const { store } = this.#head;
    const found = this.#head.select(matchers);
    const out = new Uint32Array(found.length);
    let count = 0;
    for (let i = 0; i < found.length; i++) {
      const newest = store.newest(found[i]);
      if (newest < this.#mint || (newest > this.#maxt && store.oldest(found[i]) > this.#maxt)) continue;
      out[count++] = found[i];
    }
    const chosen = out.subarray(0, count);
    orderByLabels(store, chosen);
    return chosen;
  }

  #collect(
    matchers: readonly Matcher[],
    ofSelection: (selection: Selection) => readonly string[],
    ofIndex: (index: { names(): string[]; values(name: string): string[] }) => readonly string[],
    limit: number,
  ): string[] {
    const out = new Set<string>();
    const add = (texts: readonly string[]): void => {
      for (const text of texts) out.add(text);
    };
    const blocks = this.blocks();
    const { store } = this.#head;
    if (matchers.length === 0) {
      for (const block of blocks) add(ofIndex(block.index));
      if (this.#head.minTime <= this.#maxt && this.#head.maxTime >= this.#mint) add(ofIndex(store.index));
    } else {
      for (const block of blocks) add(ofSelection(block.find(matchers, this.#mint, this.#maxt)));
      add(ofSelection(this.#headSelection(matchers)));
    }
    const sorted = [...out].sort(compareStrings);
    return limit > 0 ? sorted.slice(0, limit) : sorted;
  }
}
