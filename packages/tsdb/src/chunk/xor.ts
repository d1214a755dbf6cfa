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
import { BitReader, BitWriter, bitsAt, brokenChunk, XorWriter } from "./bits.ts";

/** Index of the low word of a float64 seen through a Uint32Array. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;
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

  append(time: number, high: number, low: number): void {
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

function timeDelta(reader: BitReader): number {
  if (reader.bit() === 0) return 0;
  if (reader.bit() === 0) return reader.signed(14);
  if (reader.bit() === 0) return reader.signed(17);
  if (reader.bit() === 0) return reader.signed(20);
  return reader.signed64();
}

/**
 * Appends the chunk's samples with mint <= t <= maxt to the buffer. This loop is what queries spend their time in: everything is
 * in local variables, and words of 32 bits are read at once where the bytes do not end before them.
 */
export function decodeXor(bytes: Uint8Array, mint: number, maxt: number, out: SampleBuffer): void {
  const count = (bytes[0] << 8) | bytes[1];
  if (count === 0) return;
  out.reserve(count);
  const reader = new BitReader(bytes);
  let time = reader.varint();
  let high = reader.bits(32);
  let low = reader.bits(32);
  let position = reader.position;
  let delta = 0;
  let leading = 0;
  let length = 0;
  const { timestamps, words } = out;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /** Up to here three words may be read: more than a sample's code and value take. */
  const safe = 8 * (bytes.length - 13);
  let row = out.length;
  for (let i = 0; ; ) {
    if (time >= mint) {
      if (time > maxt) break;
      timestamps[row] = time;
      words[2 * row + HIGH] = high;
      words[2 * row + LOW] = low;
      row++;
    }
    if (++i === count) break;
    if (i === 1) {
      reader.position = position;
      delta = reader.uvarint();
      position = reader.position;
    } else if (((bytes[position >> 3] << (position & 7)) & 0x80) === 0) position++;
    else {
      reader.position = position;
      delta += timeDelta(reader);
      position = reader.position;
    }
    time += delta;
    const near = position < safe;
    const head = near ? wordAt(view, position) : bitsAt(bytes, position, 13) << 19;
    if (head >= 0) {
      position++;
      continue;
    }
    if ((head & 0x40000000) === 0) position += 2;
    else {
      leading = (head >>> 25) & 31;
      length = (head >>> 19) & 63 || 64;
      position += 13;
    }
    // The value's bits [leading, leading + length), counted from the top of the high word.
    const end = leading + length;
    if (near) {
      if (length <= 32) {
        const value = wordAt(view, position) >>> (32 - length);
        if (end <= 32) high ^= value << (32 - end);
        else {
          if (leading < 32) high ^= value >>> (end - 32);
          low ^= value << (64 - end);
        }
      } else {
        // More than a word: what is in the high one first.
        const inHigh = 32 - leading;
        high ^= wordAt(view, position) >>> leading;
        low ^= (wordAt(view, position + inHigh) >>> (64 - end)) << (64 - end);
      }
    } else if (end <= 32) high ^= bitsAt(bytes, position, length) << (32 - end);
    else {
      const inHigh = 32 - leading;
      if (inHigh > 0) high ^= bitsAt(bytes, position, inHigh);
      const inLow = inHigh > 0 ? length - inHigh : length;
      low ^= bitsAt(bytes, position + length - inLow, inLow) << (64 - end);
    }
    position += length;
  }
  if (position > 8 * bytes.length) throw brokenChunk();
  out.length = row;
}

/** 32 bits at a bit position, as a signed word. Five bytes from there must exist. */
function wordAt(view: DataView, position: number): number {
  const at = position >> 3;
  const shift = position & 7;
  return shift === 0 ? view.getInt32(at) : (view.getInt32(at) << shift) | (view.getUint8(at + 4) >>> (8 - shift));
}
