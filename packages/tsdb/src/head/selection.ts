/**
 * The series of the head that a selection found, as they were then: where labels and chunks of each are, a row of numbers (see
 * threads/messages.ts) for each. What these point to does not move while the head is pinned.
 */
import { LOW_WORD, type SampleBuffer } from "@pharos/model";
import { decodeChunk } from "../chunk/decode.ts";
import { Encoding } from "../chunk/encoding.ts";
import type { Region } from "../memory/region.ts";
import { keepNewest } from "../merge.ts";
import type { Selection } from "../select/selection.ts";
import {
  CLOSED_AT,
  CLOSED_COUNT_AT,
  LABELS_AT,
  LAST_HIGH_AT,
  LAST_LOW_AT,
  LAST_TIME_AT,
  OPEN_AT,
  OPEN_BYTES_AT,
  OPEN_COUNT_AT,
  OPEN_ENCODING_AT,
  STRIDE,
} from "../threads/messages.ts";
import { closedMaxt, closedMint, decodeClosed } from "./closed-chunks.ts";
import { pairName, pairValue } from "./label-index.ts";
import { gatherOpen, openBytes, openStart } from "./open-chunk.ts";
import {
  CLOSED,
  CLOSED_COUNT,
  COUNT_AND_WINDOW,
  FIRST_PAGE,
  HISTOGRAM,
  LABELS,
  LAST_HIGH,
  LAST_LOW,
  LAST_TIME,
  XOR2,
} from "./series-table.ts";
import type { HeadStore } from "./store.ts";
import type { SeriesView, ViewSource } from "./view.ts";

/** Rows of series, and views of those that rows do not tell all of: histograms, late and deleted samples. By place. */
export interface HeadRows {
  rows: Float64Array;
  views: ReadonlyMap<number, SeriesView>;
}

/** Where labels are looked up, in this thread's head or another's. */
export interface LabelSource {
  readonly pairs: Region;
  readonly symbolCount: number;
  text(symbol: number): string;
}

export function headRows(store: HeadStore, chosen: ArrayLike<number>): HeadRows {
  const { table, late, tombstones } = store;
  const { hot, cold } = table;
  const rows = new Float64Array(STRIDE * chosen.length);
  const views = new Map<number, SeriesView>();
  const mayHaveMore = late.seriesCount > 0 || tombstones.size > 0;
  for (let i = 0; i < chosen.length; i++) {
    const series = chosen[i];
    const word = 16 * series;
    const at = STRIDE * i;
    rows[at + LABELS_AT] = hot.u32[word + LABELS];
    rows[at + CLOSED_AT] = cold.u32[6 * series + CLOSED];
    rows[at + CLOSED_COUNT_AT] = cold.u32[6 * series + CLOSED_COUNT];
    rows[at + OPEN_AT] = hot.u32[word + FIRST_PAGE];
    rows[at + OPEN_BYTES_AT] = openBytes(table, series);
    rows[at + OPEN_COUNT_AT] = hot.u32[word + COUNT_AND_WINDOW] & 0xffff;
    rows[at + OPEN_ENCODING_AT] = table.has(series, XOR2) ? Encoding.xor2 : Encoding.xor;
    rows[at + LAST_TIME_AT] = hot.f64[8 * series + LAST_TIME];
    rows[at + LAST_HIGH_AT] = hot.u32[word + LAST_HIGH];
    rows[at + LAST_LOW_AT] = hot.u32[word + LAST_LOW];
    if (table.has(series, HISTOGRAM) || (mayHaveMore && (late.has(series) || tombstones.has(series)))) {
      views.set(i, store.view(series));
    }
  }
  return { rows, views };
}

export class HeadSelection implements Selection {
  readonly #source: ViewSource;
  readonly #labels: LabelSource;
  readonly #rows: Float64Array;
  readonly #views: ReadonlyMap<number, SeriesView>;

  constructor(source: ViewSource, labels: LabelSource, { rows, views }: HeadRows) {
    this.#source = source;
    this.#labels = labels;
    this.#rows = rows;
    this.#views = views;
  }

  get length(): number {
    return this.#rows.length / STRIDE;
  }

  get symbolCount(): number {
    return this.#labels.symbolCount;
  }

  text(symbol: number): string {
    return this.#labels.text(symbol);
  }

  labelCount(index: number): number {
    return this.#source.heap.region.u32[this.#rows[STRIDE * index + LABELS_AT] >>> 2];
  }

  #pair(index: number, k: number): number {
    return this.#source.heap.region.u32[(this.#rows[STRIDE * index + LABELS_AT] >>> 2) + 1 + k];
  }

  nameOf(index: number, k: number): number {
    return pairName(this.#labels.pairs, this.#pair(index, k));
  }

  valueOf(index: number, k: number): number {
    return pairValue(this.#labels.pairs, this.#pair(index, k));
  }

  read(index: number, mint: number, maxt: number, out: SampleBuffer): void {
    const view = this.#views.get(index);
    if (view) {
      view.read(mint, maxt, out);
      return;
    }
    const rows = this.#rows;
    const at = STRIDE * index;
    const { heap, files } = this.#source;
    const list = rows[at + CLOSED_AT];
    const count = rows[at + CLOSED_COUNT_AT];
    const open = rows[at + OPEN_AT];
    let first = count;
    // Most queries are about the newest samples, which are in the open chunk.
    if (open === 0 || openStart(heap, open, rows[at + OPEN_ENCODING_AT] === Encoding.xor2) > mint)
      while (first > 0 && closedMaxt(heap, list, first - 1) >= mint) first--;
    for (let i = first; i < count; i++) {
      if (closedMint(heap, list, i) > maxt) return;
      decodeClosed(heap, files, list, i, mint, maxt, out);
    }
    if (rows[at + LAST_TIME_AT] >= mint) this.#readOpen(at, mint, maxt, out);
  }

  #readOpen(at: number, mint: number, maxt: number, out: SampleBuffer): void {
    const rows = this.#rows;
    const open = rows[at + OPEN_AT];
    const encoding = rows[at + OPEN_ENCODING_AT];
    if (open === 0 || openStart(this.#source.heap, open, encoding === Encoding.xor2) > maxt) return;
    const data = gatherOpen(this.#source.heap, open, rows[at + OPEN_BYTES_AT], rows[at + OPEN_COUNT_AT]);
    decodeChunk(encoding, data, mint, Math.min(maxt, rows[at + LAST_TIME_AT]), out);
  }

  readNewest(index: number, mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    const rows = this.#rows;
    const at = STRIDE * index;
    const open = rows[at + OPEN_AT];
    const last = rows[at + LAST_TIME_AT];
    if (this.#views.has(index)) this.read(index, mint, maxt, out);
    else if (open !== 0 && last <= maxt && rows[at + OPEN_ENCODING_AT] === Encoding.xor) {
      // The sample that was appended last is known without its chunk, but for the start timestamp that XOR2 may hold.
      if (last >= mint) pushWords(out, last, rows[at + LAST_HIGH_AT], rows[at + LAST_LOW_AT]);
    } else {
      const { heap, files } = this.#source;
      if (open !== 0 && last >= mint) this.#readOpen(at, mint, maxt, out);
      const list = rows[at + CLOSED_AT];
      for (let i = rows[at + CLOSED_COUNT_AT] - 1; i >= 0 && out.length === from; i--) {
        if (closedMaxt(heap, list, i) < mint) break;
        if (closedMint(heap, list, i) <= maxt) decodeClosed(heap, files, list, i, mint, maxt, out);
      }
    }
    keepNewest(out, from);
  }
}

/** All ones in the high word of NaN and infinities. */
const EXPONENT = 0x7ff00000;

function pushWords(out: SampleBuffer, time: number, high: number, low: number): void {
  out.reserve(1);
  const row = out.length++;
  out.timestamps[row] = time;
  out.words[2 * row + LOW_WORD] = low;
  out.words[2 * row + 1 - LOW_WORD] = high;
  if ((high & EXPONENT) === EXPONENT) out.mayBeStale = true;
}
