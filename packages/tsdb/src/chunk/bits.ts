/**
 * Bit streams of chunks, most significant bit first, behind a u16 count of samples; and the XOR coding of float64 values
 * that all encodings share:
 *
 *   0 | 10 + bits inside the last window | 11 + 5 bits leading + 6 bits length (0 is 64) + bits
 */
import { UserError } from "@pharos/model";

const COUNT_BYTES = 2;
const NO_WINDOW = 0xff;

export class BitWriter {
  #bytes: Uint8Array;
  /** Bits written. */
  #position = COUNT_BYTES * 8;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  get byteLength(): number {
    return (this.#position + 7) >> 3;
  }

  setCount(count: number): void {
    this.#bytes[0] = count >> 8;
    this.#bytes[1] = count & 0xff;
  }

  /** What was written, without a copy; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, (this.#position + 7) >> 3);
  }

  /** Makes room; the writing methods do not check. */
  reserve(bytes: number): void {
    const need = ((this.#position + 7) >> 3) + bytes;
    if (need <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, need));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** Up to 32 bits. */
  bits(value: number, count: number): void {
    const bytes = this.#bytes;
    let position = this.#position;
    this.#position += count;
    let left = count;
    let free = 8 - (position & 7);
    while (left > free) {
      left -= free;
      bytes[position >> 3] |= (value >>> left) & ((1 << free) - 1);
      position += free;
      free = 8;
    }
    bytes[position >> 3] |= (value & ((1 << left) - 1)) << (free - left);
  }

  /** Starts anew in the same bytes. */
  reset(): void {
    this.#bytes.fill(0, 0, (this.#position + 7) >> 3);
    this.#position = COUNT_BYTES * 8;
  }

  /** The difference of two differences of times. The ranges are upstream's odd ones: n bits hold -(2^(n-1)-1) … 2^(n-1). */
  timeDelta(dod: number): void {
    if (dod === 0) this.bits(0, 1);
    else if (dod >= -8191 && dod <= 8192) this.bits((0b10 << 14) | (dod & 0x3fff), 16);
    else if (dod >= -65535 && dod <= 65536) this.bits((0b110 << 17) | (dod & 0x1ffff), 20);
    else if (dod >= -524287 && dod <= 524288) this.bits((0b1110 << 20) | (dod & 0xfffff), 24);
    else {
      this.bits(0b1111, 4);
      this.signed64(dod);
    }
  }

  /** The bits of two words between so many leading and trailing zeros. */
  significant(high: number, low: number, leading: number, trailing: number): void {
    const end = 64 - trailing;
    if (leading < 32) {
      const until = Math.min(32, end);
      this.bits((high >>> (32 - until)) & mask(until - leading), until - leading);
    }
    if (end > 32) {
      const from = Math.max(0, leading - 32);
      this.bits((low >>> trailing) & mask(end - 32 - from), end - 32 - from);
    }
  }

  /** LEB128. */
  uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bits((rest % 0x80) | 0x80, 8);
      rest = Math.floor(rest / 0x80);
    }
    this.bits(rest, 8);
  }

  varint(value: number): void {
    this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** 64 bits, two's complement. */
  signed64(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.bits(high >>> 0, 32);
    this.bits(value - high * 2 ** 32, 32);
  }
}

/** 1 to 32 bits at a bit position; what lies behind the end reads as zeros. */
export function bitsAt(bytes: Uint8Array, position: number, count: number): number {
  const at = position >> 3;
  const shift = position & 7;
  const word = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  return (shift === 0 ? word : (word << shift) | (bytes[at + 4] >> (8 - shift))) >>> (32 - count);
}

export class BitReader {
  readonly bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.position = COUNT_BYTES * 8;
  }

  /** Bits behind the position; negative when more was read than there is, which reads as zeros. */
  get left(): number {
    return 8 * this.bytes.length - this.position;
  }

  bit(): number {
    const bit = (this.bytes[this.position >> 3] >> (7 - (this.position & 7))) & 1;
    this.position++;
    return bit;
  }

  /** Up to 32 bits. */
  bits(count: number): number {
    const { position } = this;
    this.position = position + count;
    return bitsAt(this.bytes, position, count);
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

  /** 64 bits, two's complement. Exact up to 2^53. */
  signed64(): number {
    const high = this.bits(32) | 0;
    return high * 2 ** 32 + this.bits(32);
  }
}

/** For data that cannot be a chunk: it promises more than its bytes can hold. */
export function brokenChunk(): UserError {
  return new UserError("tsdb.chunk", "a chunk ends before its samples do", {
    fix: "Queries that need this chunk fail. Restore the block from a copy, or move its folder away",
  });
}

/** Last value and window of one column of XORed values. */
export class XorWriter {
  #high = 0;
  #low = 0;
  #leading = NO_WINDOW;
  #trailing = 0;

  /** The first value as it is. */
  first(out: BitWriter, high: number, low: number): void {
    out.bits(high >>> 0, 32);
    out.bits(low >>> 0, 32);
    this.#high = high;
    this.#low = low;
  }

  next(out: BitWriter, valueHigh: number, valueLow: number): void {
    const high = (valueHigh ^ this.#high) >>> 0;
    const low = (valueLow ^ this.#low) >>> 0;
    this.#high = valueHigh;
    this.#low = valueLow;
    if (high === 0 && low === 0) {
      out.bits(0, 1);
      return;
    }
    const leading = Math.min(31, high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low));
    const trailing = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
    if (this.#leading !== NO_WINDOW && leading >= this.#leading && trailing >= this.#trailing) {
      out.bits(0b10, 2);
      out.significant(high, low, this.#leading, this.#trailing);
      return;
    }
    this.#leading = leading;
    this.#trailing = trailing;
    out.bits(0b11, 2);
    out.bits(leading, 5);
    out.bits((64 - leading - trailing) & 63, 6);
    out.significant(high, low, leading, trailing);
  }
}

function mask(bits: number): number {
  return bits >= 32 ? 0xffffffff : (1 << bits) - 1;
}

/** The reading side of `XorWriter`. */
export class XorReader {
  high = 0;
  low = 0;
  #leading = 0;
  #trailing = 0;

  first(input: BitReader): void {
    this.high = input.bits(32);
    this.low = input.bits(32);
  }

  next(input: BitReader): void {
    if (input.bit() === 0) return;
    if (input.bit() === 1) {
      this.#leading = input.bits(5);
      this.#trailing = 64 - this.#leading - (input.bits(6) || 64);
    }
    const end = 64 - this.#trailing;
    if (this.#leading < 32) {
      const until = Math.min(32, end);
      this.high = (this.high ^ (input.bits(until - this.#leading) * 2 ** (32 - until))) >>> 0;
    }
    if (end > 32) {
      const from = Math.max(0, this.#leading - 32);
      this.low = (this.low ^ (input.bits(end - 32 - from) * 2 ** this.#trailing)) >>> 0;
    }
  }
}
