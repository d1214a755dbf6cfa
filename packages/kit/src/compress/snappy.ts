/**
 * Snappy's block format into and out of buffers that are used again: what the write-ahead log and remote write do for every
 * record, without a crossing into native code and without garbage.
 *
 *   block: uvarint size unpacked · (literal | copy)*
 *   literal: tag (size-1) << 2, sizes over 60 in 1 to 4 bytes behind it · bytes
 *   copy:    01 3 bits size-4, 3 bits offset, byte offset | 10 6 bits size-1, u16 offset | 11 6 bits size-1, u32 offset
 */

/** Matches are looked for within blocks of this size, so that offsets fit 16 bits. */
const BLOCK = 65_536;
const HASH_BITS = 14;
const table = new Uint16Array(1 << HASH_BITS);
/** Near the end of a block matches are not looked for: reads of four bytes must not pass it. */
const MARGIN = 15;

/** The most a block of this size can take packed. */
export function snappyBound(size: number): number {
  return 32 + size + Math.floor(size / 6);
}

/** Packs `input` into `out`, which has `snappyBound` bytes; answers how many it took. */
export function snappyPack(input: Uint8Array, out: Uint8Array): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let at = 0;
  let rest = input.length;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  for (let from = 0; from < input.length; from += BLOCK) {
    at = packBlock(input, view, from, Math.min(from + BLOCK, input.length), out, at);
  }
  return at;
}

function packBlock(
  input: Uint8Array,
  view: DataView,
  base: number,
  end: number,
  out: Uint8Array,
  start: number,
): number {
  let at = start;
  let literal = base;
  if (end - base >= MARGIN) {
    // Short blocks get a small table: to clear it is part of the cost.
    const bits = Math.min(HASH_BITS, Math.max(8, 32 - Math.clz32(end - base - 1)));
    const shift = 32 - bits;
    table.fill(0, 0, 1 << bits);
    const limit = end - MARGIN;
    let position = base + 1;
    while (position <= limit) {
      let candidate = base;
      let skip = 32;
      // Looks further and further apart where nothing is found.
      for (;;) {
        const word = view.getInt32(position, true);
        const slot = Math.imul(word, 0x1e35a7bd) >>> shift;
        candidate = base + table[slot];
        table[slot] = position - base;
        if (view.getInt32(candidate, true) === word && candidate < position) break;
        position += skip++ >>> 5;
        if (position > limit) return putLiteral(input, literal, end, out, at);
      }
      at = putLiteral(input, literal, position, out, at);
      const offset = position - candidate;
      let size = 4;
      while (position + size < end && input[candidate + size] === input[position + size]) size++;
      position += size;
      at = putCopy(offset, size, out, at);
      literal = position;
    }
  }
  return putLiteral(input, literal, end, out, at);
}

function putLiteral(input: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  const size = to - from;
  if (size === 0) return start;
  let at = start;
  const n = size - 1;
  if (n < 60) out[at++] = n << 2;
  else if (n < 0x100) {
    out[at++] = 60 << 2;
    out[at++] = n;
  } else {
    out[at++] = 61 << 2;
    out[at++] = n;
    out[at++] = n >>> 8;
  }
  for (let i = from; i < to; i++) out[at++] = input[i];
  return at;
}

function putCopy(offset: number, length: number, out: Uint8Array, start: number): number {
  let at = start;
  let size = length;
  while (size >= 68) {
    at = putLongCopy(offset, 64, out, at);
    size -= 64;
  }
  if (size > 64) {
    at = putLongCopy(offset, 60, out, at);
    size -= 60;
  }
  if (size >= 12 || offset >= 2048) return putLongCopy(offset, size, out, at);
  out[at++] = ((offset >>> 8) << 5) | ((size - 4) << 2) | 1;
  out[at++] = offset;
  return at;
}

function putLongCopy(offset: number, size: number, out: Uint8Array, at: number): number {
  out[at] = ((size - 1) << 2) | 2;
  out[at + 1] = offset;
  out[at + 2] = offset >>> 8;
  return at + 3;
}

/** The size a block says it has unpacked. Throws when it says none. */
export function snappySize(packed: Uint8Array): number {
  let size = 0;
  for (let i = 0, scale = 1; i < packed.length && i < 5; i++, scale *= 128) {
    size += (packed[i] & 0x7f) * scale;
    if (packed[i] < 0x80) return size;
  }
  throw new Error("a snappy block without its size");
}

/** Unpacks into `out`, which has at least `snappySize` bytes. Throws when the block is not valid. */
export function snappyUnpack(packed: Uint8Array, out: Uint8Array): void {
  const size = snappySize(packed);
  let from = 0;
  while (packed[from++] >= 0x80);
  const end = packed.length;
  let at = 0;
  while (from < end) {
    const tag = packed[from++];
    if ((tag & 3) === 0) {
      let length = (tag >>> 2) + 1;
      if (length > 60) {
        const bytes = length - 60;
        if (from + bytes > end) throw new Error("a snappy block ends inside a literal");
        length = 1;
        for (let i = 0; i < bytes; i++) length += packed[from + i] * 2 ** (8 * i);
        from += bytes;
      }
      if (from + length > end || at + length > size) throw new Error("a literal of a snappy block is too long");
      if (length < 32) for (let i = 0; i < length; i++) out[at + i] = packed[from + i];
      else out.set(packed.subarray(from, from + length), at);
      from += length;
      at += length;
      continue;
    }
    let length: number;
    let offset: number;
    if ((tag & 3) === 1) {
      length = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | packed[from];
      from += 1;
    } else {
      length = (tag >>> 2) + 1;
      offset = packed[from] | (packed[from + 1] << 8);
      from += 2;
      if ((tag & 3) === 3) {
        offset = (offset | (packed[from] << 16) | (packed[from + 1] << 24)) >>> 0;
        from += 2;
      }
    }
    if (from > end || offset === 0 || offset > at || at + length > size) {
      throw new Error("a copy of a snappy block leaves it");
    }
    // Byte by byte: what is copied may be what is being written.
    for (let i = 0; i < length; i++) out[at + i] = out[at - offset + i];
    at += length;
  }
  if (at !== size) throw new Error("a snappy block is shorter than it says");
}
