/**
 * The XOR2 chunk a series is being appended to (see chunk/xor2.ts), in the same pages as an XOR chunk. What its encoder has to
 * know beyond the series' record stands behind the first page:
 *
 *   first page (96 bytes): as any page · f64 last value that was no staleness marker (by words) · f64 start of the last sample
 *                          (0: unknown) · f64 last difference of start timestamps · 8 bytes unused
 */
import { LOW_WORD, STALE_NAN_HIGH, STALE_NAN_LOW } from "@pharos/model";
import type { Heap } from "../memory/heap.ts";
import { FORESEE_AT, foreseenEnd, NO_WINDOW, openStart, putVarint, startRecord } from "./open-chunk.ts";
import {
  bitNow,
  DATA_BITS,
  pageNow,
  put,
  put32,
  putSignificant,
  putVarbit,
  seek,
  trailingZeros,
  XOR2_FIRST_BYTES,
} from "./page-bits.ts";
import {
  BITS,
  COUNT_AND_WINDOW,
  DELTA,
  FIRST_PAGE,
  LAST_HIGH,
  LAST_LOW,
  LAST_TIME,
  PAGE,
  REMAINING,
  type SeriesTable,
  XOR2,
} from "./series-table.ts";

/** Words behind the beginning of the first page. */
const BASE_LOW = 16 + LOW_WORD;
const BASE_HIGH = 17 - LOW_WORD;
/** Floats behind it. */
const START = 9;
const DIFFERENCE = 10;
/** Flags and counter of the header of start timestamps (see chunk/start-times.ts). */
const KNOWN = 0x80;
const LAST_CHANGE = 0x7f;

function isMarker(high: number, low: number): boolean {
  return (high | 0) === STALE_NAN_HIGH && (low | 0) === STALE_NAN_LOW;
}

/** Starts a chunk with its first sample; `begin`: start timestamp, 0 when unknown. */
export function startXor2(
  heap: Heap,
  table: SeriesTable,
  series: number,
  rangeMs: number,
  time: number,
  high: number,
  low: number,
  begin: number,
): void {
  const page = heap.allocate(XOR2_FIRST_BYTES);
  const { u8, i32, f64 } = heap.region;
  u8[page] = 0;
  u8[page + 1] = 1;
  u8[page + 2] = begin !== 0 ? KNOWN : 0;
  let at = putVarint(u8, page + 3, time);
  for (let shift = 24; shift >= 0; shift -= 8) u8[at++] = high >>> shift;
  for (let shift = 24; shift >= 0; shift -= 8) u8[at++] = low >>> shift;
  if (begin !== 0) at = putVarint(u8, at, time - begin);
  const marker = isMarker(high, low);
  i32[(page >>> 2) + BASE_HIGH] = marker ? 0 : high;
  i32[(page >>> 2) + BASE_LOW] = marker ? 0 : low;
  f64[(page >>> 3) + START] = begin;
  f64[(page >>> 3) + DIFFERENCE] = 0;
  startRecord(table, series, rangeMs, time, high, low, page, at);
  table.set(series, XOR2);
}

/** Appends a sample that is newer than the last one. The chunk is open, of this encoding, and not full. */
export function appendXor2(
  heap: Heap,
  table: SeriesTable,
  series: number,
  time: number,
  high: number,
  low: number,
  begin: number,
): void {
  const { i32, f64 } = table.hot;
  const hot = 16 * series;
  const first = i32[hot + FIRST_PAGE] >>> 0;
  const before = i32[hot + PAGE];
  let written = seek(before, i32[hot + BITS]);
  const state = i32[hot + COUNT_AND_WINDOW];
  const count = (state & 0xffff) + 1;
  const lastTime = f64[8 * series + LAST_TIME];
  // Less than the chunk has left, so it fits.
  const delta = (time - lastTime) | 0;
  const base = heap.region.i32;
  const marker = isMarker(high, low);
  const xorHigh = high ^ base[(first >>> 2) + BASE_HIGH];
  const xorLow = low ^ base[(first >>> 2) + BASE_LOW];
  let window = state & 0xffff0000;
  if (count === 2) {
    let rest = delta;
    for (; rest >= 0x80; rest >>>= 7) put(heap, (rest & 0x7f) | 0x80, 8);
    put(heap, rest, 8);
    window = putValue(heap, window, marker, xorHigh, xorLow);
  } else {
    const dod = (delta - i32[hot + DELTA]) | 0;
    if (dod === 0) {
      if (marker) put(heap, 0b11111, 5);
      else if ((xorHigh | xorLow) === 0) put(heap, 0, 1);
      else {
        put(heap, 0b10, 2);
        window = putChanged(heap, window, xorHigh, xorLow, 0, 1, 1, 1);
      }
    } else {
      if (dod >= -4096 && dod <= 4095) put(heap, (0b110 << 13) | (dod & 0x1fff), 16);
      else if (dod >= -524288 && dod <= 524287) put(heap, (0b1110 << 20) | (dod & 0xfffff), 24);
      else {
        put(heap, 0b11110, 5);
        put32(heap, dod >> 31);
        put32(heap, dod);
      }
      window = putValue(heap, window, marker, xorHigh, xorLow);
    }
  }
  putStart(heap, first, count - 1, lastTime, begin);
  const page = pageNow();
  if (page !== before) {
    // A sample never fills more than one page beside the one it began in.
    written += DATA_BITS;
    i32[hot + PAGE] = page;
  }
  // The heap may have grown meanwhile.
  const { i32: words } = heap.region;
  if (!marker) {
    words[(first >>> 2) + BASE_HIGH] = high;
    words[(first >>> 2) + BASE_LOW] = low;
  }
  i32[hot + COUNT_AND_WINDOW] = window | count;
  i32[hot + LAST_HIGH] = high;
  i32[hot + LAST_LOW] = low;
  i32[hot + BITS] = written + bitNow();
  i32[hot + DELTA] = delta;
  i32[hot + REMAINING] -= delta;
  f64[8 * series + LAST_TIME] = time;
  if (count === FORESEE_AT) {
    i32[hot + REMAINING] = foreseenEnd(openStart(heap, first, true), time, time + i32[hot + REMAINING]) - time;
  }
}

/** A value behind a time that is not as foreseen; answers the window for the next. */
function putValue(heap: Heap, window: number, marker: boolean, high: number, low: number): number {
  if (marker) put(heap, 0b111, 3);
  else if ((high | low) === 0) put(heap, 0, 1);
  else return putChanged(heap, window, high, low, 0b10, 2, 0b110, 3);
  return window;
}

/** The bits that changed, behind the code for going on in the last window or for a new one. */
function putChanged(
  heap: Heap,
  window: number,
  high: number,
  low: number,
  goOn: number,
  goOnSize: number,
  open: number,
  openSize: number,
): number {
  const oldLeading = (window >>> 16) & 0xff;
  const oldTrailing = window >>> 24;
  let leading = high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
  if (leading > 31) leading = 31;
  const trailing = low !== 0 ? trailingZeros(low) : 32 + trailingZeros(high);
  if (oldLeading !== NO_WINDOW && leading >= oldLeading && trailing >= oldTrailing) {
    putSignificant(heap, goOn, goOnSize, high, low, oldTrailing, 64 - oldLeading - oldTrailing);
    return window;
  }
  const size = 64 - leading - trailing;
  const code = (open << 11) | (leading << 6) | (size & 63);
  putSignificant(heap, code, openSize + 11, high, low, trailing, size);
  return (leading << 16) | (trailing << 24);
}

/** The start timestamp of sample `row`, where the format has one at that place. */
function putStart(heap: Heap, first: number, row: number, timeBefore: number, begin: number): void {
  const { f64, u8 } = heap.region;
  const state = first >>> 3;
  const changeOn = u8[first + 2] & LAST_CHANGE;
  const difference = timeBefore - begin;
  if (changeOn > 0) putVarbit(heap, difference - f64[state + DIFFERENCE]);
  else if (begin !== f64[state + START] || row === LAST_CHANGE) {
    // Readers that know fewer samples than this do not get as far as where the header says it changes.
    u8[first + 2] |= row;
    putVarbit(heap, difference);
  } else return;
  const after = heap.region.f64;
  after[state + START] = begin;
  after[state + DIFFERENCE] = difference;
}
