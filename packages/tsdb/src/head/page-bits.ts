/**
 * Bits in a chain of pages of the heap (see open-chunk.ts): one place at a time, which `seek` chooses. All words are taken as
 * signed ones: above 2^31 the engine would leave integers.
 */
import type { Heap } from "../memory/heap.ts";

export const PAGE_BYTES = 64;
/** Of the first page of an XOR2 chunk (see open-chunk-xor2.ts). */
export const XOR2_FIRST_BYTES = PAGE_BYTES + 32;
export const DATA_BYTES = 60;
export const DATA_BITS = 8 * DATA_BYTES;

/** Where `put` writes: the page, as the index of its first word, and the bit in it. */
let page = 0;
let bit = 0;

/** Goes on writing behind the first `bits` bits of a chunk, in its last page; answers how many of them are in pages before. */
export function seek(lastPage: number, bits: number): number {
  page = lastPage >>> 2;
  const from = bits % DATA_BITS;
  // A page that is full to its last bit is left when there is something for the next one.
  bit = from === 0 ? DATA_BITS : from;
  return bits - bit;
}

/** Address of the page being written. */
export function pageNow(): number {
  return page << 2;
}

/** Bits of it that are written. */
export function bitNow(): number {
  return bit;
}

/** Of a word that is not 0. */
export function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & (0 - word));
}

/** The code of a changed value and its bits between leading and trailing zeros. */
export function putSignificant(
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
export function put32(heap: Heap, value: number): void {
  if (bit > DATA_BITS - 40) {
    put(heap, value >>> 16, 16);
    put(heap, value & 0xffff, 16);
    return;
  }
  const { u8, view } = heap.region;
  const at = 4 * page + (bit >>> 3);
  const used = bit & 7;
  if (used === 0) view.setInt32(at, value);
  else {
    view.setInt32(at, (u8[at] << 24) | (value >>> used));
    u8[at + 4] = value << (8 - used);
  }
  bit += 32;
}

/** Up to 24 bits. */
export function put(heap: Heap, value: number, count: number): void {
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

/** Prefixes and sizes of chunk/varbit.ts, up to 25 bits. */
const VARBIT_SIZES = [0, 3, 6, 9, 12, 18, 25];

/** An integer of variable bit length (see chunk/varbit.ts). */
export function putVarbit(heap: Heap, value: number): void {
  if (value === 0) {
    put(heap, 0, 1);
    return;
  }
  for (let bucket = 1; bucket < VARBIT_SIZES.length; bucket++) {
    const size = VARBIT_SIZES[bucket];
    if (value > 2 ** (size - 1) || value < 1 - 2 ** (size - 1)) continue;
    put(heap, (1 << (bucket + 1)) - 2, bucket + 1);
    const bits = value & (2 ** size - 1);
    if (size > 24) {
      put(heap, bits >>> 16, size - 16);
      put(heap, bits & 0xffff, 16);
    } else put(heap, bits, size);
    return;
  }
  const high = Math.floor(value / 2 ** 32);
  if (value <= 2 ** 55 && value >= 1 - 2 ** 55) {
    put(heap, 0b11111110, 8);
    put(heap, high & 0xffffff, 24);
  } else {
    put(heap, 0xff, 8);
    put32(heap, high | 0);
  }
  put32(heap, (value - high * 2 ** 32) | 0);
}
