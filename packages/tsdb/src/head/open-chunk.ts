/**
 * The XOR chunk a series is being appended to: Prometheus' format from the first byte on (see chunk/xor.ts), in a chain of
 * pages of the heap, so that a chunk takes what it needs and no more, and what it gives back fits the next one.
 *
 *   page (64 bytes): 60 bytes of the chunk · u32 address of the next page
 *
 * The state of the encoder is in the series' record, and so is the count of samples: the one in the chunk's first bytes is put
 * right when the chunk is put together. A sample is written before the count says that it is there.
 */
import { Encoding, sampleCount } from "../chunk/encoding.ts";
import { xorScratch } from "../chunk/xor.ts";
import type { Heap, Readable } from "../memory/heap.ts";
import type { SnapshotChunk } from "../wal/snapshot-records.ts";
import {
  bitNow,
  DATA_BITS,
  DATA_BYTES,
  PAGE_BYTES,
  pageNow,
  put,
  put32,
  putSignificant,
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

export const NO_WINDOW = 0xff;
/** Samples that Prometheus aims for. */
const TARGET_SAMPLES = 120;
/** The end of a chunk is foreseen when it has so many. */
export const FORESEE_AT = TARGET_SAMPLES / 4;
export const MAX_SAMPLES = 2 * TARGET_SAMPLES;
/** As upstream: 1024 less what one further sample may take. */
export const MAX_BYTES = 1005;

/** Whether a sample of this time belongs into the next chunk. */
export function isFull(table: SeriesTable, series: number, time: number): boolean {
  const { u32, f64 } = table.hot;
  const hot = 16 * series;
  return (
    time - f64[8 * series + LAST_TIME] >= u32[hot + REMAINING] ||
    (u32[hot + COUNT_AND_WINDOW] & 0xffff) >= MAX_SAMPLES ||
    u32[hot + BITS] > 8 * MAX_BYTES
  );
}

/** Bytes written. */
export function openBytes(table: SeriesTable, series: number): number {
  return (table.hot.u32[16 * series + BITS] + 7) >>> 3;
}

/** Time of the first sample of the chunk that begins with this page; XOR2 has a header of a byte before it. */
export function openStart(heap: Readable, first: number, xor2: boolean): number {
  const { u8 } = heap.region;
  let value = 0;
  let at = first + (xor2 ? 3 : 2);
  for (let scale = 1; ; scale *= 128) {
    const byte = u8[at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

let gathered: Uint8Array = new Uint8Array();
let gatheredWords: Uint32Array = new Uint32Array();

/** The chunk's first `bytes` bytes in one piece, valid until the next call, and until another chunk is decoded. */
function gather(heap: Readable, first: number, bytes: number): Uint8Array {
  const { u32 } = heap.region;
  // In whole pages, and where an XOR chunk is decoded without another copy.
  const scratch = xorScratch(DATA_BYTES * Math.ceil(bytes / DATA_BYTES));
  if (scratch !== gathered) {
    gathered = scratch;
    gatheredWords = new Uint32Array(scratch.buffer);
  }
  let to = 0;
  for (let page = first >>> 2; to < bytes; page = u32[page + 15] >>> 2) {
    const word = to >>> 2;
    for (let i = 0; i < DATA_BYTES / 4; i++) gatheredWords[word + i] = u32[page + i];
    to += DATA_BYTES;
  }
  return gathered.subarray(0, bytes);
}

/** The same as a whole chunk of so many samples: it may have got further ones since. */
export function gatherOpen(heap: Readable, first: number, bytes: number, samples: number): Uint8Array {
  const chunk = gather(heap, first, bytes);
  chunk[0] = samples >>> 8;
  chunk[1] = samples;
  return chunk;
}

/** Gives the pages back and leaves the series without an open chunk. */
export function release(heap: Heap, table: SeriesTable, series: number): void {
  const { u32 } = table.hot;
  const hot = 16 * series;
  const last = u32[hot + PAGE];
  let firstBytes = table.has(series, XOR2) ? XOR2_FIRST_BYTES : PAGE_BYTES;
  table.clear(series, XOR2);
  for (let page = u32[hot + FIRST_PAGE]; ; ) {
    const next = heap.region.u32[(page >>> 2) + 15];
    heap.free(page, firstBytes);
    firstBytes = PAGE_BYTES;
    if (page === last) break;
    page = next;
  }
  u32[hot + FIRST_PAGE] = 0;
  u32[hot + PAGE] = 0;
  u32[hot + BITS] = 0;
  u32[hot + COUNT_AND_WINDOW] = 0;
}

/** Starts a chunk with its first sample; `rangeMs`: chunks do not cross multiples of it. */
export function start(
  heap: Heap,
  table: SeriesTable,
  series: number,
  rangeMs: number,
  time: number,
  high: number,
  low: number,
): void {
  const page = heap.allocate(PAGE_BYTES);
  const { u8 } = heap.region;
  u8[page] = 0;
  u8[page + 1] = 1;
  let at = putVarint(u8, page + 2, time);
  for (let shift = 24; shift >= 0; shift -= 8) u8[at++] = high >>> shift;
  for (let shift = 24; shift >= 0; shift -= 8) u8[at++] = low >>> shift;
  startRecord(table, series, rangeMs, time, high, low, page, at);
}

/** Takes over a whole chunk of floats. Nothing can be appended to it: the next sample finds it full. */
export function restoreOpen(heap: Heap, table: SeriesTable, series: number, chunk: SnapshotChunk): void {
  const { data, encoding, maxt, lastHigh, lastLow } = chunk;
  const first = heap.allocate(encoding === Encoding.xor2 ? XOR2_FIRST_BYTES : PAGE_BYTES);
  let page = first;
  for (let from = 0; ; ) {
    heap.region.u8.set(data.subarray(from, from + DATA_BYTES), page);
    from += DATA_BYTES;
    if (from >= data.length) break;
    const next = heap.allocate(PAGE_BYTES);
    heap.region.u32[(page >>> 2) + 15] = next;
    page = next;
  }
  const { u32, f64 } = table.hot;
  const hot = 16 * series;
  f64[8 * series + LAST_TIME] = maxt;
  u32[hot + REMAINING] = 0;
  u32[hot + LAST_HIGH] = lastHigh;
  u32[hot + LAST_LOW] = lastLow;
  u32[hot + DELTA] = 0;
  u32[hot + FIRST_PAGE] = first;
  u32[hot + PAGE] = page;
  u32[hot + BITS] = 8 * data.length;
  u32[hot + COUNT_AND_WINDOW] = sampleCount(encoding, data) | (NO_WINDOW << 16);
  if (encoding === Encoding.xor2) table.set(series, XOR2);
}

/** LEB128 of a signed number; answers where it ends. */
export function putVarint(u8: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 0x80) {
    u8[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  u8[at++] = rest;
  return at;
}

/** Notes in the series' record that a chunk begins with `page` and is written up to `end`. */
export function startRecord(
  { hot: { u32, f64 } }: SeriesTable,
  series: number,
  rangeMs: number,
  time: number,
  high: number,
  low: number,
  page: number,
  end: number,
): void {
  const hot = 16 * series;
  f64[8 * series + LAST_TIME] = time;
  u32[hot + REMAINING] = (Math.floor(time / rangeMs) + 1) * rangeMs - time;
  u32[hot + LAST_HIGH] = high;
  u32[hot + LAST_LOW] = low;
  u32[hot + DELTA] = 0;
  u32[hot + FIRST_PAGE] = page;
  u32[hot + PAGE] = page;
  u32[hot + BITS] = 8 * (end - page);
  u32[hot + COUNT_AND_WINDOW] = 1 | (NO_WINDOW << 16);
}

/**
 * Appends a sample that is newer than the last one. The chunk is open and not full. All words are taken as signed ones: above
 * 2^31 the engine would leave integers, and compile this function anew with every such value.
 */
export function append(heap: Heap, table: SeriesTable, series: number, time: number, high: number, low: number): void {
  const { i32, f64 } = table.hot;
  const hot = 16 * series;
  const before = i32[hot + PAGE];
  let written = seek(before, i32[hot + BITS]);
  const state = i32[hot + COUNT_AND_WINDOW];
  const count = (state & 0xffff) + 1;
  // Less than the chunk has left, so it fits.
  const delta = (time - f64[8 * series + LAST_TIME]) | 0;
  // Codes are put together before they are written: most samples then take one write.
  let size = 0;
  if (count === 2) {
    let rest = delta;
    for (; rest >= 0x80; rest >>>= 7) put(heap, (rest & 0x7f) | 0x80, 8);
    put(heap, rest, 8);
  } else {
    const dod = (delta - i32[hot + DELTA]) | 0;
    if (dod === 0) size = 1;
    else putTime(heap, dod);
  }
  const xorHigh = high ^ i32[hot + LAST_HIGH];
  const xorLow = low ^ i32[hot + LAST_LOW];
  if ((xorHigh | xorLow) === 0) {
    put(heap, 0, size + 1);
    i32[hot + COUNT_AND_WINDOW] = state + 1;
  } else {
    let leading = xorHigh !== 0 ? Math.clz32(xorHigh) : 32 + Math.clz32(xorLow);
    if (leading > 31) leading = 31;
    let trailing = xorLow !== 0 ? trailingZeros(xorLow) : 32 + trailingZeros(xorHigh);
    const oldLeading = (state >>> 16) & 0xff;
    const oldTrailing = state >>> 24;
    let code: number;
    if (oldLeading !== NO_WINDOW && leading >= oldLeading && trailing >= oldTrailing) {
      leading = oldLeading;
      trailing = oldTrailing;
      code = 0b10;
      size += 2;
      i32[hot + COUNT_AND_WINDOW] = state + 1;
    } else {
      code = (0b11 << 11) | (leading << 6) | ((64 - leading - trailing) & 63);
      size += 13;
      i32[hot + COUNT_AND_WINDOW] = count | (leading << 16) | (trailing << 24);
    }
    putSignificant(heap, code, size, xorHigh, xorLow, trailing, 64 - leading - trailing);
    i32[hot + LAST_HIGH] = high;
    i32[hot + LAST_LOW] = low;
  }
  const page = pageNow();
  if (page !== before) {
    // A sample never fills more than one page beside the one it began in.
    written += DATA_BITS;
    i32[hot + PAGE] = page;
  }
  // The count in the first page is left as it is: most samples would touch that page for nothing else (see gatherOpen).
  i32[hot + BITS] = written + bitNow();
  i32[hot + DELTA] = delta;
  i32[hot + REMAINING] -= delta;
  f64[8 * series + LAST_TIME] = time;
  if (count === FORESEE_AT) {
    i32[hot + REMAINING] =
      foreseenEnd(openStart(heap, i32[hot + FIRST_PAGE] >>> 0, false), time, time + i32[hot + REMAINING]) - time;
  }
}

/** An end that lets the chunks of a range have about the same number of samples; as upstream computes it. */
export function foreseenEnd(start: number, now: number, end: number): number {
  const chunks = (end - start) / ((now - start + 1) * (TARGET_SAMPLES / FORESEE_AT));
  return chunks <= 1 ? end : Math.max(now, Math.trunc(start + (end - start) / Math.floor(chunks)));
}

/** The ranges are upstream's odd ones: an n-bit field holds -(2^(n-1)-1) … 2^(n-1). */
function putTime(heap: Heap, dod: number): void {
  if (dod >= -8191 && dod <= 8192) put(heap, (0b10 << 14) | (dod & 0x3fff), 16);
  else if (dod >= -65535 && dod <= 65536) put(heap, (0b110 << 17) | (dod & 0x1ffff), 20);
  else if (dod >= -524287 && dod <= 524288) put(heap, (0b1110 << 20) | (dod & 0xfffff), 24);
  else {
    put(heap, 0b1111, 4);
    put32(heap, dod >> 31);
    put32(heap, dod);
  }
}
