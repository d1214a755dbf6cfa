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

/** Index of the low word of a float64 seen through a Uint32Array. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;
const NO_WINDOW = 0xff;
const HEADER = 2;
/** The most one sample can take: 4 + 64 bits of time, 2 + 5 + 6 + 64 of value. */
const MAX_SAMPLE_BYTES = 20;

const conversion = new DataView(new ArrayBuffer(8));

export class XorAppender {
  #bytes = new Uint8Array(64);
  /** Bits written. */
  #position = HEADER * 8;
  count = 0;
  firstTime = 0;
  lastTime = 0;
  #delta = 0;
  #high = 0;
  #low = 0;
  #leading = NO_WINDOW;
  #trailing = 0;

  /** The chunk as it is stored; a copy. */
  finish(): Uint8Array {
    const bytes = this.#bytes.slice(0, (this.#position + 7) >> 3);
    bytes[0] = this.count >> 8;
    bytes[1] = this.count & 0xff;
    return bytes;
  }

  /** The bytes written so far, without a copy; valid until the next append. */
  view(): Uint8Array {
    this.#bytes[0] = this.count >> 8;
    this.#bytes[1] = this.count & 0xff;
    return this.#bytes.subarray(0, (this.#position + 7) >> 3);
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  append(time: number, high: number, low: number): void {
    this.#reserve();
    if (this.count === 0) {
      this.firstTime = time;
      this.#varint(time);
      this.#bits(high >>> 0, 32);
      this.#bits(low >>> 0, 32);
    } else {
      const delta = time - this.lastTime;
      if (this.count === 1) this.#uvarint(delta);
      else this.#timeDelta(delta - this.#delta);
      this.#delta = delta;
      this.#xor((high ^ this.#high) >>> 0, (low ^ this.#low) >>> 0);
    }
    this.lastTime = time;
    this.#high = high;
    this.#low = low;
    this.count++;
  }

  #reserve(): void {
    if (((this.#position + 7) >> 3) + MAX_SAMPLE_BYTES <= this.#bytes.length) return;
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** Up to 32 bits. */
  #bits(value: number, count: number): void {
    let left = count;
    while (left > 0) {
      const free = 8 - (this.#position & 7);
      const take = Math.min(free, left);
      const part = left === 32 && take === 32 ? value : Math.floor(value / 2 ** (left - take)) & ((1 << take) - 1);
      this.#bytes[this.#position >> 3] |= part << (free - take);
      this.#position += take;
      left -= take;
    }
  }

  #uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bits((rest % 0x80) | 0x80, 8);
      rest = Math.floor(rest / 0x80);
    }
    this.#bits(rest, 8);
  }

  #varint(value: number): void {
    this.#uvarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** The ranges are upstream's odd ones: an n-bit field holds -(2^(n-1)-1) … 2^(n-1). */
  #timeDelta(dod: number): void {
    if (dod === 0) this.#bits(0, 1);
    else if (dod >= -8191 && dod <= 8192) this.#signed(0b10, 2, dod, 14);
    else if (dod >= -65535 && dod <= 65536) this.#signed(0b110, 3, dod, 17);
    else if (dod >= -524287 && dod <= 524288) this.#signed(0b1110, 4, dod, 20);
    else {
      this.#bits(0b1111, 4);
      conversion.setBigInt64(0, BigInt(dod));
      this.#bits(conversion.getUint32(0), 32);
      this.#bits(conversion.getUint32(4), 32);
    }
  }

  #signed(prefix: number, prefixBits: number, value: number, bits: number): void {
    this.#bits(prefix, prefixBits);
    this.#bits(value < 0 ? value + 2 ** bits : value, bits);
  }

  #xor(high: number, low: number): void {
    if (high === 0 && low === 0) {
      this.#bits(0, 1);
      return;
    }
    const leading = Math.min(31, high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low));
    const trailing = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
    if (this.#leading !== NO_WINDOW && leading >= this.#leading && trailing >= this.#trailing) {
      this.#bits(0b10, 2);
      this.#significant(high, low, this.#leading, this.#trailing);
      return;
    }
    this.#leading = leading;
    this.#trailing = trailing;
    this.#bits(0b11, 2);
    this.#bits(leading, 5);
    this.#bits((64 - leading - trailing) & 63, 6);
    this.#significant(high, low, leading, trailing);
  }

  /** The bits between the leading and the trailing zeros. */
  #significant(high: number, low: number, leading: number, trailing: number): void {
    const end = 64 - trailing;
    if (leading < 32) {
      const until = Math.min(32, end);
      this.#bits((high >>> (32 - until)) & mask(until - leading), until - leading);
    }
    if (end > 32) {
      const from = Math.max(0, leading - 32);
      this.#bits((low >>> trailing) & mask(end - 32 - from), end - 32 - from);
    }
  }
}

function mask(bits: number): number {
  return bits >= 32 ? 0xffffffff : (1 << bits) - 1;
}

class BitReader {
  readonly bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.position = HEADER * 8;
  }

  bit(): number {
    const bit = (this.bytes[this.position >> 3] >> (7 - (this.position & 7))) & 1;
    this.position++;
    return bit;
  }

  /** Up to 32 bits. */
  bits(count: number): number {
    let value = 0;
    let left = count;
    while (left > 0) {
      const free = 8 - (this.position & 7);
      const take = Math.min(free, left);
      const part = (this.bytes[this.position >> 3] >> (free - take)) & ((1 << take) - 1);
      value = value * 2 ** take + part;
      this.position += take;
      left -= take;
    }
    return value;
  }

  uvarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bits(8);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  signed(bits: number): number {
    const value = this.bits(bits);
    return value > 2 ** (bits - 1) ? value - 2 ** bits : value;
  }

  timeDelta(): number {
    if (this.bit() === 0) return 0;
    if (this.bit() === 0) return this.signed(14);
    if (this.bit() === 0) return this.signed(17);
    if (this.bit() === 0) return this.signed(20);
    conversion.setUint32(0, this.bits(32));
    conversion.setUint32(4, this.bits(32));
    return Number(conversion.getBigInt64(0));
  }
}

/** Appends the chunk's samples with mint <= t <= maxt to the buffer. */
export function decodeXor(bytes: Uint8Array, mint: number, maxt: number, out: SampleBuffer): void {
  const count = (bytes[0] << 8) | bytes[1];
  if (count === 0) return;
  out.reserve(count);
  const reader = new BitReader(bytes);
  let time = reader.varint();
  let high = reader.bits(32);
  let low = reader.bits(32);
  let delta = 0;
  let leading = 0;
  let trailing = 0;
  const { timestamps, words } = out;
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
    delta = i === 1 ? reader.uvarint() : delta + reader.timeDelta();
    time += delta;
    if (reader.bit() === 0) continue;
    if (reader.bit() === 1) {
      leading = reader.bits(5);
      trailing = 64 - leading - (reader.bits(6) || 64);
    }
    const end = 64 - trailing;
    if (leading < 32) {
      const until = Math.min(32, end);
      high = (high ^ (reader.bits(until - leading) * 2 ** (32 - until))) >>> 0;
    }
    if (end > 32) {
      const from = Math.max(0, leading - 32);
      low = (low ^ (reader.bits(end - 32 - from) * 2 ** trailing)) >>> 0;
    }
  }
  out.length = row;
}
