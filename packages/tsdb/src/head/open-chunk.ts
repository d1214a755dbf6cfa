/**
 * The XOR chunk a series is being appended to, in the heap: Prometheus' format from the first byte on (see chunk/xor.ts), so
 * that at any moment it can be read, or written to a file, as it is. The state of the encoder is in the series' record.
 */
import { capacityFor, type Heap } from "../memory/heap.ts";
import {
  BITS_AND_CAPACITY,
  CHUNK,
  CHUNK_END,
  COUNT_AND_WINDOW,
  DELTA,
  LAST_HIGH,
  LAST_LOW,
  LAST_TIME,
  type SeriesTable,
} from "./series-table.ts";

/** The most one sample can take: 4 + 64 bits of time, 2 + 5 + 6 + 64 of value; and what `put` may touch behind it. */
const MAX_SAMPLE_BYTES = 24;
const FIRST_BYTES = 48;
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
  return (
    time >= f64[8 * series + CHUNK_END] ||
    (u32[16 * series + COUNT_AND_WINDOW] & 0xffff) >= MAX_SAMPLES ||
    (u32[16 * series + BITS_AND_CAPACITY] & 0xffff) > 8 * MAX_BYTES
  );
}

/** Bytes written. */
export function openBytes(table: SeriesTable, series: number): number {
  return ((table.hot.u32[16 * series + BITS_AND_CAPACITY] & 0xffff) + 7) >>> 3;
}

/** Time of the first sample. */
export function openStart(heap: Heap, chunk: number): number {
  const { u8 } = heap.region;
  let value = 0;
  let at = chunk + 2;
  for (let scale = 1; ; scale *= 128) {
    const byte = u8[at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
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
  const chunk = heap.allocate(FIRST_BYTES);
  const { u8 } = heap.region;
  u8[chunk] = 0;
  u8[chunk + 1] = 1;
  let at = chunk + 2;
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
  f64[8 * series + CHUNK_END] = (Math.floor(time / rangeMs) + 1) * rangeMs;
  u32[hot + LAST_HIGH] = high;
  u32[hot + LAST_LOW] = low;
  u32[hot + DELTA] = 0;
  u32[hot + CHUNK] = chunk;
  u32[hot + BITS_AND_CAPACITY] = (8 * (at - chunk)) | (capacityFor(FIRST_BYTES) << 16);
  u32[hot + COUNT_AND_WINDOW] = 1 | (NO_WINDOW << 16);
}

/** Appends a sample that is newer than the last one. The chunk is open and not full. */
export function append(heap: Heap, table: SeriesTable, series: number, time: number, high: number, low: number): void {
  const { u32, f64 } = table.hot;
  const hot = 16 * series;
  let bit = u32[hot + BITS_AND_CAPACITY] & 0xffff;
  if (((bit + 7) >>> 3) + MAX_SAMPLE_BYTES > u32[hot + BITS_AND_CAPACITY] >>> 16) grow(heap, u32, hot);
  const chunk = u32[hot + CHUNK];
  const { u8, view } = heap.region;
  const state = u32[hot + COUNT_AND_WINDOW];
  const count = (state & 0xffff) + 1;
  const delta = time - f64[8 * series + LAST_TIME];
  // Codes are put together before they are written: most samples then take one write.
  let code = 0;
  let size = 0;
  if (count === 2) {
    let rest = delta;
    while (rest >= 0x80) {
      bit = put(u8, view, chunk, bit, (rest % 0x80) | 0x80, 8);
      rest = Math.floor(rest / 0x80);
    }
    bit = put(u8, view, chunk, bit, rest, 8);
  } else {
    const dod = delta - (u32[hot + DELTA] | 0);
    if (dod === 0) size = 1;
    else bit = putTime(u8, view, chunk, bit, dod);
  }
  const xorHigh = (high ^ u32[hot + LAST_HIGH]) >>> 0;
  const xorLow = (low ^ u32[hot + LAST_LOW]) >>> 0;
  if ((xorHigh | xorLow) === 0) {
    bit = put(u8, view, chunk, bit, 0, size + 1);
    u32[hot + COUNT_AND_WINDOW] = state + 1;
  } else {
    let leading = xorHigh !== 0 ? Math.clz32(xorHigh) : 32 + Math.clz32(xorLow);
    if (leading > 31) leading = 31;
    let trailing = xorLow !== 0 ? 31 - Math.clz32(xorLow & -xorLow) : 63 - Math.clz32(xorHigh & -xorHigh);
    const oldLeading = (state >>> 16) & 0xff;
    const oldTrailing = state >>> 24;
    if (oldLeading !== NO_WINDOW && leading >= oldLeading && trailing >= oldTrailing) {
      leading = oldLeading;
      trailing = oldTrailing;
      code = 0b10;
      size += 2;
      u32[hot + COUNT_AND_WINDOW] = state + 1;
    } else {
      code = (0b11 << 11) | (leading << 6) | ((64 - leading - trailing) & 63);
      size += 13;
      u32[hot + COUNT_AND_WINDOW] = count | (leading << 16) | (trailing << 24);
    }
    bit = putSignificant(u8, view, chunk, bit, code, size, xorHigh, xorLow, trailing, 64 - leading - trailing);
    u32[hot + LAST_HIGH] = high;
    u32[hot + LAST_LOW] = low;
  }
  u8[chunk] = count >>> 8;
  u8[chunk + 1] = count;
  u32[hot + BITS_AND_CAPACITY] = (u32[hot + BITS_AND_CAPACITY] & 0xffff0000) | bit;
  u32[hot + DELTA] = delta;
  f64[8 * series + LAST_TIME] = time;
  if (count === FORESEE_AT) {
    f64[8 * series + CHUNK_END] = foreseenEnd(openStart(heap, chunk), time, f64[8 * series + CHUNK_END]);
  }
}

/** An end that lets the chunks of a range have about the same number of samples; as upstream computes it. */
function foreseenEnd(start: number, now: number, end: number): number {
  const chunks = (end - start) / ((now - start + 1) * (TARGET_SAMPLES / FORESEE_AT));
  return chunks <= 1 ? end : Math.trunc(start + (end - start) / Math.floor(chunks));
}

function grow(heap: Heap, u32: Uint32Array, hot: number): void {
  const bits = u32[hot + BITS_AND_CAPACITY] & 0xffff;
  const used = (bits + 7) >>> 3;
  const old = u32[hot + CHUNK];
  const capacity = capacityFor(used + MAX_SAMPLE_BYTES + (used >> 2));
  const chunk = heap.allocate(capacity);
  heap.region.u8.copyWithin(chunk, old, old + used);
  heap.free(old, u32[hot + BITS_AND_CAPACITY] >>> 16);
  u32[hot + CHUNK] = chunk;
  u32[hot + BITS_AND_CAPACITY] = bits | (capacity << 16);
}

/** The ranges are upstream's odd ones: an n-bit field holds -(2^(n-1)-1) … 2^(n-1). */
function putTime(u8: Uint8Array, view: DataView, chunk: number, bit: number, dod: number): number {
  if (dod >= -8191 && dod <= 8192) return put(u8, view, chunk, bit, (0b10 << 14) | (dod & 0x3fff), 16);
  if (dod >= -65535 && dod <= 65536) return put(u8, view, chunk, bit, (0b110 << 17) | (dod & 0x1ffff), 20);
  if (dod >= -524287 && dod <= 524288) return put(u8, view, chunk, bit, (0b1110 << 20) | (dod & 0xfffff), 24);
  const high = Math.floor(dod / 2 ** 32);
  const low = (dod - high * 2 ** 32) >>> 0;
  return put32(u8, view, chunk, put32(u8, view, chunk, put(u8, view, chunk, bit, 0b1111, 4), high), low);
}

/** The code of a changed value and its bits between leading and trailing zeros. */
function putSignificant(
  u8: Uint8Array,
  view: DataView,
  chunk: number,
  bit: number,
  code: number,
  codeSize: number,
  high: number,
  low: number,
  trailing: number,
  size: number,
): number {
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
  if (codeSize + size <= 24) return put(u8, view, chunk, bit, (code << size) | bottom, codeSize + size);
  let at = put(u8, view, chunk, bit, code, codeSize);
  if (size <= 24) return put(u8, view, chunk, at, bottom, size);
  if (size < 32) return put(u8, view, chunk, put(u8, view, chunk, at, bottom >>> 16, size - 16), bottom & 0xffff, 16);
  const above = size - 32;
  if (above > 24) at = put(u8, view, chunk, put(u8, view, chunk, at, top >>> 16, above - 16), top & 0xffff, 16);
  else if (above > 0) at = put(u8, view, chunk, at, top, above);
  return put32(u8, view, chunk, at, bottom);
}

/** 32 bits. */
function put32(u8: Uint8Array, view: DataView, chunk: number, bit: number, value: number): number {
  return put(u8, view, chunk, put(u8, view, chunk, bit, value >>> 16, 16), value & 0xffff, 16);
}

/** Up to 24 bits. What lies behind them is written over: the block may hold anything, and has room. */
function put(u8: Uint8Array, view: DataView, chunk: number, bit: number, value: number, count: number): number {
  const at = chunk + (bit >>> 3);
  const used = bit & 7;
  let word = value << (32 - used - count);
  if (used !== 0) word |= u8[at] << 24;
  view.setInt32(at, word);
  return bit + count;
}
