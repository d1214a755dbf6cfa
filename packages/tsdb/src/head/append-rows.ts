/**
 * The samples of a transaction into their open XOR chunks, as `append` of open-chunk.ts does one by one. Nearly all samples of a
 * running server go this way: known series, in order, in a chunk that is neither new nor full, in a page that has room. Everything
 * is in local variables here, and a sample's bits are written in one, two or three words.
 */
import { LOW_WORD } from "@pharos/model";
import type { Heap } from "../memory/heap.ts";
import { FORESEE_AT, MAX_BYTES, MAX_SAMPLES, NO_WINDOW } from "./open-chunk.ts";
import { DATA_BITS } from "./page-bits.ts";
import {
  BITS,
  COUNT_AND_WINDOW,
  DELTA,
  FLAGS,
  HISTOGRAM,
  LAST_HIGH,
  LAST_LOW,
  LAST_TIME,
  PAGE,
  REMAINING,
  type SeriesTable,
  XOR2,
} from "./series-table.ts";

/** What the last store of a sample may write behind it, in bits. */
const BEHIND = 32;

/** What it needs of a batch. */
export interface Rows {
  readonly series: Uint32Array;
  readonly times: Float64Array;
  /** Words of the values. */
  readonly signed: Int32Array;
}

export interface Appended {
  /** How many. */
  samples: number;
  /** Time of the newest, Unix ms. */
  newest: number;
}

/**
 * Appends rows `[from, to)` of a batch and adds to `appended`. A row that is none of the usual is given to `other`, which does with
 * it what is to be done. `oldest`: samples before it are none of the usual.
 */
export function appendRows(
  heap: Heap,
  { hot }: SeriesTable,
  { series, times, signed }: Rows,
  from: number,
  to: number,
  oldest: number,
  appended: Appended,
  other: (row: number) => void,
): void {
  let { i32, f64 } = hot;
  let { u8, view } = heap.region;
  let { newest } = appended;
  let done = 0;
  for (let row = from; row < to; row++) {
    // biome-ignore lint/suspicious/noConfusingLabels: all ways out of the usual one end in the same place
    usual: {
      const one = series[row];
      const at = one << 4;
      const time = times[row];
      const elapsed = time - f64[(one << 3) + LAST_TIME];
      const state = i32[at + COUNT_AND_WINDOW];
      const count = (state & 0xffff) + 1;
      const bits = i32[at + BITS];
      const bit = bits % DATA_BITS;
      if (!(elapsed > 0 && elapsed < i32[at + REMAINING]) || time < oldest) break usual;
      // No chunk at all has no samples.
      if (count < 3 || count > MAX_SAMPLES || count === FORESEE_AT || bits > 8 * MAX_BYTES) break usual;
      if (bit === 0 || bit > DATA_BITS - BEHIND || (i32[at + FLAGS] & (HISTOGRAM | XOR2)) !== 0) break usual;
      const delta = elapsed | 0;
      const dod = (delta - i32[at + DELTA]) | 0;
      let code = 0;
      let size = 1;
      if (dod !== 0) {
        if (dod < -8191 || dod > 8192) break usual;
        code = (0b10 << 14) | (dod & 0x3fff);
        size = 16;
      }
      const high = signed[2 * row + 1 - LOW_WORD];
      const low = signed[2 * row + LOW_WORD];
      const xorHigh = high ^ i32[at + LAST_HIGH];
      const xorLow = low ^ i32[at + LAST_LOW];
      const page = i32[at + PAGE] >>> 0;
      let byte = page + (bit >>> 3);
      const used = bit & 7;
      let first = used === 0 ? 0 : u8[byte] >>> (8 - used);
      let more = 0;
      if ((xorHigh | xorLow) === 0) {
        // At most 7 + 17 bits.
        size++;
        view.setInt32(byte, ((first << size) | (code << 1)) << (32 - used - size));
        i32[at + COUNT_AND_WINDOW] = state + 1;
      } else {
        let leading = xorHigh !== 0 ? Math.clz32(xorHigh) : 32 + Math.clz32(xorLow);
        if (leading > 31) leading = 31;
        let trailing = xorLow !== 0 ? 31 - Math.clz32(xorLow & (0 - xorLow)) : 63 - Math.clz32(xorHigh & (0 - xorHigh));
        const oldLeading = (state >>> 16) & 0xff;
        const oldTrailing = state >>> 24;
        const goesOn = oldLeading !== NO_WINDOW && leading >= oldLeading && trailing >= oldTrailing;
        if (goesOn) {
          leading = oldLeading;
          trailing = oldTrailing;
        }
        const significant = 64 - leading - trailing;
        if (bit + size + (goesOn ? 2 : 13) + significant > DATA_BITS - BEHIND) break usual;
        // Time and window are written as one word: at most 7 + 16 + 2, or 7 + 1 + 13 bits, or else two.
        if (goesOn) {
          code = (code << 2) | 0b10;
          size += 2;
          i32[at + COUNT_AND_WINDOW] = state + 1;
        } else {
          if (size === 16) {
            view.setInt32(byte, ((first << 16) | code) << (16 - used));
            byte += 2;
            first = code & ((1 << used) - 1);
            more = 16;
            size = 0;
            code = 0;
          }
          code = (code << 13) | (0b11 << 11) | (leading << 6) | (significant & 63);
          size += 13;
          i32[at + COUNT_AND_WINDOW] = count | (leading << 16) | (trailing << 24);
        }
        let word = ((first << size) | code) << (32 - used - size);
        // The bits between, moved down to the end of two words.
        let bottom: number;
        let top = 0;
        if (trailing >= 32) bottom = xorHigh >>> (trailing - 32);
        else if (trailing === 0) {
          bottom = xorLow;
          top = xorHigh;
        } else {
          bottom = (xorLow >>> trailing) | (xorHigh << (32 - trailing));
          top = xorHigh >>> trailing;
        }
        let filled = used + size;
        more += size + significant;
        if (significant > 32) {
          // First what is above the lower word.
          const above = significant - 32;
          const room = 32 - filled;
          if (above <= room) {
            word |= above === room ? top : top << (room - above);
            filled += above;
          } else {
            view.setInt32(byte, word | (top >>> (above - room)));
            byte += 4;
            filled = above - room;
            word = top << (32 - filled);
          }
          if (filled === 32) {
            view.setInt32(byte, word);
            byte += 4;
            filled = 0;
            word = 0;
          }
          // And now all 32 bits of it.
          if (filled === 0) view.setInt32(byte, bottom);
          else {
            view.setInt32(byte, word | (bottom >>> filled));
            view.setInt32(byte + 4, bottom << (32 - filled));
          }
        } else {
          const room = 32 - filled;
          const value = significant === 32 ? bottom : bottom & ((1 << significant) - 1);
          if (significant <= room)
            view.setInt32(byte, word | (significant === 32 ? value : value << (room - significant)));
          else {
            const left = significant - room;
            view.setInt32(byte, word | (value >>> left));
            view.setInt32(byte + 4, value << (32 - left));
          }
        }
        size = more;
        i32[at + LAST_HIGH] = high;
        i32[at + LAST_LOW] = low;
      }
      i32[at + BITS] = bits + size;
      i32[at + DELTA] = delta;
      i32[at + REMAINING] -= delta;
      f64[(one << 3) + LAST_TIME] = time;
      if (time > newest) newest = time;
      done++;
      continue;
    }
    other(row);
    // It may have made the memory larger.
    ({ i32, f64 } = hot);
    ({ u8, view } = heap.region);
  }
  appended.samples += done;
  appended.newest = newest;
}
