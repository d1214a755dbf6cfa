/**
 * Series of the head in order of labels, without making their labels: by the ranks of their symbols. Sorted in runs, each in a
 * turn of its own, that are then merged while they are walked.
 */
import { setImmediate } from "node:timers/promises";
import { LABELS } from "./series-table.ts";
import type { HeadStore } from "./store.ts";

const RUN = 16_384;

/** Numbers of the series, all or of `among`, with samples in order in [mint, maxt), in order of labels. */
export async function seriesInRange(
  store: HeadStore,
  mint: number,
  maxt: number,
  among?: Uint32Array,
): Promise<Uint32Array> {
  const chosen = (among ?? store.table.listed()).filter(
    (series) => store.lastTime(series) >= mint && store.firstTime(series) < maxt,
  );
  return await sortByLabels(store, chosen);
}

/** Series numbers in order of labels. */
export async function sortByLabels(store: HeadStore, series: Uint32Array): Promise<Uint32Array> {
  const compare = byRanks(store, store.index.pairRanks());
  const runs: Uint32Array[] = [];
  for (let from = 0; from < series.length; from += RUN) {
    runs.push(series.slice(from, from + RUN).sort(compare));
    await setImmediate();
  }
  return runs.length === 1 ? runs[0] : mergeRuns(runs, compare);
}

/** A heap of the runs by their first series. */
function mergeRuns(runs: Uint32Array[], compare: (a: number, b: number) => number): Uint32Array {
  const out = new Uint32Array(runs.reduce((sum, { length }) => sum + length, 0));
  const places = runs.map(() => 0);
  const heap = runs.map((_, i) => i);
  const less = (a: number, b: number): boolean => compare(runs[a][places[a]], runs[b][places[b]]) < 0;
  const sink = (from: number): void => {
    for (let at = from; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && less(heap[child], heap[least])) least = child;
      }
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least], heap[at]];
      at = least;
    }
  };
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(i);
  for (let at = 0; heap.length > 0; at++) {
    const run = heap[0];
    out[at] = runs[run][places[run]++];
    if (places[run] === runs[run].length) {
      const last = heap.pop()!;
      if (heap.length > 0) heap[0] = last;
    }
    if (heap.length > 0) sink(0);
  }
  return out;
}

/** Orders series numbers by labels with ranks of pairs. */
export function byRanks(store: HeadStore, ranks: Uint32Array): (a: number, b: number) => number {
  const { hot } = store.table;
  const { heap } = store;
  return (a, b) => {
    const { u32 } = heap.region;
    const x = hot.u32[16 * a + LABELS] >>> 2;
    const y = hot.u32[16 * b + LABELS] >>> 2;
    const shared = Math.min(u32[x], u32[y]);
    for (let i = 1; i <= shared; i++) {
      const order = ranks[u32[x + i]] - ranks[u32[y + i]];
      if (order !== 0) return order;
    }
    return u32[x] - u32[y];
  };
}
