/**
 * The XOR chunk a series is being appended to: Prometheus' format from the first byte on (see chunk/xor.ts), in a chain of
 * pages of the heap, so that a chunk takes what it needs and no more, and what it gives back fits the next one.
 *
 *   page (64 bytes): 60 bytes of the chunk · u32 address of the next page
 *
 * The state of the encoder is in the series' record. A sample is written before the chunk's count of samples says that it is
 * there.
 */
import type { Heap, Readable } from "../memory/heap.ts";
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
} from "./series-table.ts";

const PAGE_BYTES = 64;
const DATA_BYTES = 60;
const DATA_BITS = 8 * DATA_BYTES;
const NO_WINDOW = 0xff;
/** Samples that Prometheus aims for. */
const TARGET_SAMPLES = 120;
/** The end of a chunk is foreseen when it has so many. */
const FORESEE_AT = TARGET_SAMPLES / 4;
const MAX_SAMPLES = 2 * TARGET_SAMPLES;
/** As upstream: 1024 less what one further sample may take. */
const MAX_BYTES = 1005;

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

/** Time of the first sample of the chunk that begins with this page. */
export function openStart(heap: Readable, first: number): number {
  const { u8 } = heap.region;
  let value = 0;
  let at = first + 2;
  for (let scale = 1; ; scale *= 128) {
    const byte = u8[at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Room for any open chunk, in whole pages. */
const gathered = new Uint8Array(DATA_BYTES * Math.ceil(1400 / DATA_BYTES));
const gatheredWords = new Uint32Array(gathered.buffer);

/** The chunk's first `bytes` bytes in one piece, valid until the next call. */
export function gather(heap: Readable, first: number, bytes: number): Uint8Array {
  const { u32 } = heap.region;
  let to = 0;
  for (let page = first >>> 2; to < bytes; page = u32[page + 15] >>> 2) {
    const word = to >>> 2;
    for (let i = 0; i < DATA_BYTES / 4; i++) gatheredWords[word + i] = u32[page + i];
    to += DATA_BYTES;
  }
  return gathered.subarray(0, bytes);
}

/** Gives the pages back and leaves the series without an open chunk. */
export function release(heap: Heap, table: SeriesTable, series: number): void {
  const { u32 } = table.hot;
  const hot = 16 * series;
  const last = u32[hot + PAGE];
  for (let page = u32[hot + FIRST_PAGE]; ; ) {
    const next = heap.region.u32[(page >>> 2) + 15];
    heap.free(page, PAGE_BYTES);
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
  let at = page + 2;
  let rest = time >= 0 ? time * 2 : -time * 2 - 1;
  while (rest >= 0x80) {
    u8[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  u8[at++] = rest;
  for (let shift = 24; shift >= 0; shift -= 8) u8[at++] = high >>> shift;
  for (let shift = 24; shift >= 0; shift -= 8) u8[at++] = low >>> shift;
  const { u32, f64 } = table.hot;
  const hot = 16 * series;
  f64[8 * series + LAST_TIME] = time;
  u32[hot + REMAINING] = (Math.floor(time / rangeMs) + 1) * rangeMs - time;
  u32[hot + LAST_HIGH] = high;
  u32[hot + LAST_LOW] = low;
  u32[hot + DELTA] = 0;
  u32[hot + FIRST_PAGE] = page;
  u32[hot + PAGE] = page;
  u32[hot + BITS] = 8 * (at - page);
  u32[hot + COUNT_AND_WINDOW] = 1 | (NO_WINDOW << 16);
}

/** Where `put` writes: the page, as the index of its first word, and the bit in it. */
let page = 0;
let bit = 0;

/**
 * Appends a sample that is newer than the last one. The chunk is open and not full. All words are taken as signed ones: above
 * 2^31 the engine would leave integers, and compile this function anew with every such value.
 */
export function append(heap: Heap, table: SeriesTable, series: number, time: number, high: number, low: number): void {
  const { i32, f64 } = table.hot;
  const hot = 16 * series;
  const bits = i32[hot + BITS];
  const from = bits % DATA_BITS;
  const before = i32[hot + PAGE] >>> 2;
  page = before;
  // A page that is full to its last bit is left when there is something for the next one.
  bit = from === 0 ? DATA_BITS : from;
  let written = bits - bit;
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
  if (page !== before) {
    // A sample never fills more than one page beside the one it began in.
    written += DATA_BITS;
    i32[hot + PAGE] = page << 2;
  }
  const first = i32[hot + FIRST_PAGE] >>> 0;
  heap.region.u8[first + 1] = count;
  i32[hot + BITS] = written + bit;
  i32[hot + DELTA] = delta;
  i32[hot + REMAINING] -= delta;
  f64[8 * series + LAST_TIME] = time;
  if (count === FORESEE_AT) {
    i32[hot + REMAINING] = foreseenEnd(openStart(heap, first), time, time + i32[hot + REMAINING]) - time;
  }
}

/** Of a word that is not 0. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & (0 - word));
}

/** An end that lets the chunks of a range have about the same number of samples; as upstream computes it. */
function foreseenEnd(start: number, now: number, end: number): number {
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

/** The code of a changed value and its bits between leading and trailing zeros. */
function putSignificant(
  heap: Heap,
  code: number,
  codeSize: number,
  high: number,
  low: number,
  trailing: number,
  size: number,
): void {
  // The bits that count, moved down to the end of two words.
  let top = 0;
  let bottom: number;
  if (trailing >= 32) bottom = high >>> (trailing - 32);
  else if (trailing === 0) {
    bottom = low;
    top = high;
  } else {
    bottom = (low >>> trailing) | (high << (32 - trailing));
    top = high >>> trailing;
  }
  if (codeSize + size <= 24) {
    put(heap, (code << size) | bottom, codeSize + size);
    return;
  }
  put(heap, code, codeSize);
  if (size <= 24) {
    put(heap, bottom, size);
    return;
  }
  if (size < 32) {
    put(heap, bottom >>> 16, size - 16);
    put(heap, bottom & 0xffff, 16);
    return;
  }
  const above = size - 32;
  if (above > 24) {
    put(heap, top >>> 16, above - 16);
    put(heap, top & 0xffff, 16);
  } else if (above > 0) put(heap, top, above);
  put32(heap, bottom);
}

/** 32 bits. */
function put32(heap: Heap, value: number): void {
  put(heap, value >>> 16, 16);
  put(heap, value & 0xffff, 16);
}

/** Up to 24 bits. */
function put(heap: Heap, value: number, count: number): void {
  if (bit + count > DATA_BITS) {
    const room = DATA_BITS - bit;
    if (room > 0) put(heap, value >>> (count - room), room);
    const next = heap.allocate(PAGE_BYTES);
    heap.region.u32[page + 15] = next;
    page = next >>> 2;
    bit = 0;
    put(heap, value & ((1 << (count - room)) - 1), count - room);
    return;
  }
  const { u8, view } = heap.region;
  const at = 4 * page + (bit >>> 3);
  const used = bit & 7;
  let word = value << (32 - used - count);
  if (used !== 0) word |= u8[at] << 24;
  if (bit <= DATA_BITS - 32) {
    // What lies behind is written over: the page may hold anything there.
    view.setInt32(at, word);
  } else {
    // Not beyond the page's data: the address of the next one is there.
    u8[at] = word >>> 24;
    if (used + count > 8) u8[at + 1] = word >>> 16;
    if (used + count > 16) u8[at + 2] = word >>> 8;
    if (used + count > 24) u8[at + 3] = word;
  }
  bit += count;
}
