/**
 * XOR chunks in Prometheus' format, bit for bit: u16 sample count, then per sample the delta of deltas of the timestamp and
 * the value XORed with its predecessor.
 *
 *   first   varint t, 64 bits v
 *   second  uvarint Δt, xor v
 *   others  Δ² in 1, 2+14, 3+17, 4+20 or 4+64 bits; xor v
 *   xor     0 | 10 + bits inside the last window | 11 + 5 bits leading + 6 bits length (0 is 64) + bits
 *
 * Values travel as pairs of 32-bit words, so that a NaN's payload (the staleness marker) survives.
 */
import type { SampleBuffer } from "@pharos/model";
import { BitReader, BitWriter, brokenChunk, XorWriter } from "./bits.ts";
import { newKernelMemory, SPECIAL, xorKernel } from "./xor-kernel.ts";

/** Index of the low word of a float64 seen through a Uint32Array. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;
/** So many rows are copied one by one faster than at once. */
const FEW = 24;
/** All ones in the high word of NaN and infinities. */
const EXPONENT = 0x7ff00000;
/** The most one sample can take: 4 + 64 bits of time, 2 + 5 + 6 + 64 of value. */
const MAX_SAMPLE_BYTES = 20;

export class XorAppender {
  readonly encoding = 1;
  readonly #out = new BitWriter(64);
  count = 0;
  firstTime = 0;
  lastTime = 0;
  #delta = 0;
  readonly #value = new XorWriter();

  /** The chunk as it is stored; a copy. */
  finish(): Uint8Array {
    return this.view().slice();
  }

  /** The bytes written so far, without a copy; valid until the next append. */
  view(): Uint8Array {
    this.#out.setCount(this.count);
    return this.#out.view();
  }

  get byteLength(): number {
    return this.#out.capacity;
  }

  /** The encoding has no start timestamps: a fourth argument is passed over. */
  append(time: number, high: number, low: number, _start = 0): void {
    this.#out.reserve(MAX_SAMPLE_BYTES);
    if (this.count === 0) {
      this.firstTime = time;
      this.#out.varint(time);
      this.#value.first(this.#out, high, low);
    } else {
      const delta = time - this.lastTime;
      if (this.count === 1) this.#out.uvarint(delta);
      else this.#out.timeDelta(delta - this.#delta);
      this.#delta = delta;
      this.#value.next(this.#out, high, low);
    }
    this.lastTime = time;
    this.count++;
  }
}

/** A chunk is decoded here, with room behind it to read whole words at its end, and for the columns of what it holds. */
const TAIL = 64;
const memory = newKernelMemory(4);
const kernel = xorKernel(memory);
let scratch = new Uint8Array(memory.buffer);
let scratchView = new DataView(memory.buffer);
let scratchReader = new BitReader(scratch);
let scratchTimes = new Float64Array(memory.buffer);
let scratchWords = new Uint32Array(memory.buffer);

function reserve(bytes: number): void {
  if (bytes <= scratch.length) return;
  memory.grow(Math.ceil((2 * bytes - scratch.length) / 65_536));
  const { buffer } = memory;
  scratch = new Uint8Array(buffer);
  scratchView = new DataView(buffer);
  scratchReader = new BitReader(scratch);
  scratchTimes = new Float64Array(buffer);
  scratchWords = new Uint32Array(buffer);
}

/** Where a chunk of so many bytes can be put together, from the first byte on, to be decoded without a copy. */
export function xorScratch(size: number): Uint8Array {
  reserve(size + TAIL);
  return scratch;
}

/** Brings a chunk into the scratch memory, with so many bytes behind it. */
function load(chunk: Uint8Array, more: number): void {
  const inPlace = chunk.buffer === scratch.buffer;
  // Growing takes the old memory away.
  const bytes = inPlace && chunk.length + more > scratch.length ? chunk.slice() : chunk;
  reserve(chunk.length + more);
  if (!inPlace || bytes !== chunk) scratch.set(bytes);
}

/** Delta of deltas of the forms that are rare; the reader is behind their first two bits, which are ones. */
function longTimeDelta(reader: BitReader): number {
  if (reader.bit() === 0) return reader.signed(17);
  if (reader.bit() === 0) return reader.signed(20);
  return reader.signed64();
}

/** Appends the chunk's samples with mint <= t <= maxt to the buffer. */
export function decodeXor(chunk: Uint8Array, mint: number, maxt: number, out: SampleBuffer): void {
  if (!kernel || LOW !== 0) {
    decodeXorPlainly(chunk, mint, maxt, out);
    return;
  }
  const size = chunk.length;
  const count = (chunk[0] << 8) | chunk[1];
  if (count === 0) return;
  out.reserve(count);
  const times = (size + TAIL + 7) & ~7;
  const values = times + 8 * count;
  load(chunk, TAIL + 8 + 16 * count);
  const answer = kernel(size, count, times, values, mint, maxt);
  if (answer < 0) throw brokenChunk();
  const rows = answer & (SPECIAL - 1);
  if (answer >= SPECIAL) out.mayBeStale = true;
  const { length } = out;
  if (rows <= FEW) {
    for (let i = 0; i < rows; i++) {
      out.timestamps[length + i] = scratchTimes[(times >> 3) + i];
      out.words[2 * (length + i)] = scratchWords[(values >> 2) + 2 * i];
      out.words[2 * (length + i) + 1] = scratchWords[(values >> 2) + 2 * i + 1];
    }
  } else {
    out.timestamps.set(scratchTimes.subarray(times >> 3, (times >> 3) + rows), length);
    out.words.set(scratchWords.subarray(values >> 2, (values >> 2) + 2 * rows), 2 * length);
  }
  out.length = length + rows;
}

/**
 * The same without WebAssembly. Everything is in local variables, and 25 to 32 bits are read at once, which mostly are the codes
 * of time and value together.
 */
export function decodeXorPlainly(chunk: Uint8Array, mint: number, maxt: number, out: SampleBuffer): void {
  const size = chunk.length;
  const count = (chunk[0] << 8) | chunk[1];
  if (count === 0) return;
  out.reserve(count);
  load(chunk, TAIL);
  const bytes = scratch;
  const view = scratchView;
  const reader = scratchReader;
  reader.position = 16;
  let time = reader.varint();
  let at = reader.position >> 3;
  let high = view.getInt32(at);
  let low = view.getInt32(at + 4);
  let position = (at + 8) << 3;
  let special = (high & EXPONENT) === EXPONENT;
  let delta = 0;
  let leading = 0;
  let length = 0;
  const { timestamps, words } = out;
  let row = out.length;
  for (let i = 1; ; i++) {
    if (time >= mint) {
      if (time > maxt) break;
      timestamps[row] = time;
      words[2 * row + HIGH] = high;
      words[2 * row + LOW] = low;
      row++;
    }
    if (i >= count) break;
    let word = view.getInt32(position >> 3) << (position & 7);
    if (word >= 0 && i > 1) {
      position++;
      word <<= 1;
    } else {
      if (i === 1) {
        reader.position = position;
        delta = reader.uvarint();
        position = reader.position;
      } else if ((word & 0x40000000) === 0) {
        const dod = (word >>> 16) & 0x3fff;
        delta += dod > 0x2000 ? dod - 0x4000 : dod;
        position += 16;
      } else {
        reader.position = position + 2;
        delta += longTimeDelta(reader);
        position = reader.position;
      }
      word = view.getInt32(position >> 3) << (position & 7);
    }
    time += delta;
    if (word >= 0) {
      position++;
      continue;
    }
    if ((word & 0x40000000) === 0) position += 2;
    else {
      leading = (word >>> 25) & 31;
      length = (word >>> 19) & 63 || 64;
      position += 13;
    }
    // The value's bits [leading, leading + length), counted from the top of the high word.
    const end = leading + length;
    at = position >> 3;
    let shift = position & 7;
    const first = (view.getInt32(at) << shift) | (bytes[at + 4] >>> (8 - shift));
    if (length <= 32) {
      const value = first >>> (32 - length);
      if (end <= 32) high ^= value << (32 - end);
      else {
        if (leading < 32) high ^= value >>> (end - 32);
        low ^= value << (64 - end);
      }
    } else {
      // More than a word: what is in the high one first.
      high ^= first >>> leading;
      at = (position + 32 - leading) >> 3;
      shift = (position + 32 - leading) & 7;
      const second = (view.getInt32(at) << shift) | (bytes[at + 4] >>> (8 - shift));
      low ^= (second >>> (64 - end)) << (64 - end);
    }
    if ((high & EXPONENT) === EXPONENT) special = true;
    position += length;
    // Only a broken chunk gets that far: what is read from here on could be anything.
    if (position > 8 * size) break;
  }
  if (position > 8 * size) throw brokenChunk();
  if (special) out.mayBeStale = true;
  // Rows that were dropped may have left theirs there.
  out.startTimestamps?.fill(0, out.length, row);
  out.length = row;
}
