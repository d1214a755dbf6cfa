/**
 * Orders selected series by their labels, without making these: label after label by ranks of pairs. Series that a query selects
 * have most labels in common or few values for them, so that nearly all of the work is sorting numbers.
 */
import { UNRANKED } from "./label-index.ts";
import { LABELS } from "./series-table.ts";
import type { HeadStore } from "./store.ts";

/** A rank and a place fit into the 53 bits of a float together as long as there are no more places. */
const MAX_SERIES = 2 ** 20;
/** Fewer are compared with each other. */
const FEW = 12;

/** Puts series numbers in order of labels, in place. */
export function orderByLabels(store: HeadStore, series: Uint32Array): void {
  if (series.length < 2) return;
  new LabelOrder(store).sort(series, 0, series.length, 1);
}

class LabelOrder {
  readonly #store: HeadStore;
  readonly #ranks: Uint32Array;
  readonly #compare: (a: number, b: number) => number;

  constructor(store: HeadStore) {
    this.#store = store;
    this.#ranks = store.index.currentRanks();
    this.#compare = (a, b) => this.#compareSets(a, b);
  }

  /** Of series that are equal in the labels before `depth`, counted from 1. */
  sort(series: Uint32Array, from: number, to: number, depth: number): void {
    for (let at = depth; ; at++) {
      const length = to - from;
      if (length < 2) return;
      if (length <= FEW || length > MAX_SERIES) {
        series.subarray(from, to).sort(this.#compare);
        return;
      }
      const keys = this.#keys(series, from, to, at);
      if (!keys) {
        series.subarray(from, to).sort(this.#compare);
        return;
      }
      const [least, most] = [keys[0], keys[length - 1]];
      if (rankOf(least) === rankOf(most)) {
        // All have the same label here, or none has any left.
        if (least < MAX_SERIES) return;
        continue;
      }
      const before = series.slice(from, to);
      for (let i = 0; i < length; i++) series[from + i] = before[keys[i] % MAX_SERIES];
      for (let start = 0; start < length; ) {
        const rank = rankOf(keys[start]);
        let end = start + 1;
        while (end < length && rankOf(keys[end]) === rank) end++;
        if (rank > 0) this.sort(series, from + start, from + end, at + 1);
        start = end;
      }
      return;
    }
  }

  /** Rank of the label at `depth`, 0 without one, and place of each series, in order; undefined when a label has no rank. */
  #keys(series: Uint32Array, from: number, to: number, depth: number): Float64Array | undefined {
    const { hot } = this.#store.table;
    const { u32 } = this.#store.heap.region;
    const ranks = this.#ranks;
    const keys = new Float64Array(to - from);
    let ordered = true;
    let last = -1;
    for (let i = 0; i < keys.length; i++) {
      const at = hot.u32[16 * series[from + i] + LABELS] >>> 2;
      let key = i;
      if (depth <= u32[at]) {
        const pair = u32[at + depth];
        const rank = pair < ranks.length ? ranks[pair] : UNRANKED;
        if (rank === UNRANKED) return undefined;
        key += (rank + 1) * MAX_SERIES;
      }
      if (key < last) ordered = false;
      last = key;
      keys[i] = key;
    }
    return ordered ? keys : keys.sort();
  }

  #compareSets(a: number, b: number): number {
    const { index, table, heap } = this.#store;
    const { u32 } = heap.region;
    const ranks = this.#ranks;
    const x = table.hot.u32[16 * a + LABELS] >>> 2;
    const y = table.hot.u32[16 * b + LABELS] >>> 2;
    const shared = Math.min(u32[x], u32[y]);
    for (let i = 1; i <= shared; i++) {
      const [p, q] = [u32[x + i], u32[y + i]];
      if (p === q) continue;
      const [rankP, rankQ] = [p < ranks.length ? ranks[p] : UNRANKED, q < ranks.length ? ranks[q] : UNRANKED];
      return rankP === UNRANKED || rankQ === UNRANKED ? index.comparePairs(p, q) : rankP - rankQ;
    }
    return u32[x] - u32[y];
  }
}

function rankOf(key: number): number {
  return Math.floor(key / MAX_SERIES);
}
