/** Growing byte buffer and cursor with the integer forms of Prometheus' records: big-endian words and LEB128 varints. */

import type { SampleColumns } from "./sample-columns.ts";

const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/** Twice this fits 31 bits. */
const HALF = 2 ** 29;

/** The ends of 64 bits, as numbers. */
export const MIN_INT64 = -(2 ** 63);
export const MAX_INT64 = 2 ** 63;

export class Encoder {
  #bytes = Buffer.allocUnsafeSlow(4096);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  reset(): void {
    this.length = 0;
  }

  /** What was written; valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + more));
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#bytes.writeUInt32BE(value >>> 0, this.length);
    this.length += 4;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Bytes `[from, to)` of an array. */
  rawRange(bytes: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    const out = this.#bytes;
    let at = this.length;
    // Short runs, of which there are many, are copied faster by hand than through a view.
    if (to - from < 64) for (let i = from; i < to; i++) out[at++] = bytes[i];
    else out.set(bytes.subarray(from, to), at);
    this.length += to - from;
  }

  u64(value: number): void {
    this.#reserve(8);
    this.#bytes.writeUInt32BE(Math.floor(value / 2 ** 32) >>> 0, this.length);
    this.#bytes.writeUInt32BE(value >>> 0, this.length + 4);
    this.length += 8;
  }

  i64(value: number): void {
    this.#reserve(8);
    this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), this.length);
    this.#bytes.writeUInt32BE(value - Math.floor(value / 2 ** 32) * 2 ** 32, this.length + 4);
    this.length += 8;
  }

  /** A float by its words. */
  f64(words: Uint32Array, index: number): void {
    this.#reserve(8);
    this.#bytes.writeUInt32BE(words[2 * index + 1 - LOW], this.length);
    this.#bytes.writeUInt32BE(words[2 * index + LOW], this.length + 4);
    this.length += 8;
  }

  /** Two varints and a float a row, what a log writes most: how much later refs and times are than the first ones. */
  samples({ refs, times, signed }: SampleColumns, from: number, to: number): void {
    this.#reserve(28 * (to - from));
    const bytes = this.#bytes;
    const view = this.#view;
    const ref0 = refs[from];
    const time0 = times[from];
    let at = this.length;
    for (let row = from; row < to; row++) {
      at = putVarint(bytes, at, refs[row] - ref0);
      const time = times[row] - time0;
      if (time === 0) bytes[at++] = 0;
      else at = putVarint(bytes, at, time);
      view.setInt32(at, signed[2 * row + 1 - LOW]);
      view.setInt32(at + 4, signed[2 * row + LOW]);
      at += 8;
    }
    this.length = at;
  }

  uvarint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.length++] = rest;
  }

  /** From −2^63 to 2^63, which stands for 2^63−1: the ends are no numbers, but the log has them. */
  varint(value: number): void {
    if (value <= MIN_INT64 || value >= MAX_INT64) {
      this.byte(value < 0 ? 0xff : 0xfe);
      for (let i = 0; i < 8; i++) this.byte(0xff);
      this.byte(1);
    } else this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  string(text: string): void {
    const size = Buffer.byteLength(text);
    this.uvarint(size);
    this.#reserve(size);
    this.#bytes.write(text, this.length, "utf8");
    this.length += size;
  }
}

function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  if (value >= -HALF && value < HALF) {
    // Whole in 32 bits, as nearly always.
    let word = (value << 1) ^ (value >> 31);
    while (word > 0x7f) {
      bytes[at++] = word | 0x80;
      word >>>= 7;
    }
    bytes[at++] = word;
    return at;
  }
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

/** The bytes ended before the value did. */
export class Truncated extends Error {}

export class Decoder {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  #need(count: number): void {
    if (this.at + count > this.bytes.length) throw new Truncated("unexpected end of record");
  }

  byte(): number {
    this.#need(1);
    return this.bytes[this.at++];
  }

  u64(): number {
    this.#need(8);
    const value = this.bytes.readUInt32BE(this.at) * 2 ** 32 + this.bytes.readUInt32BE(this.at + 4);
    this.at += 8;
    return value;
  }

  i64(): number {
    this.#need(8);
    const value = this.bytes.readInt32BE(this.at) * 2 ** 32 + this.bytes.readUInt32BE(this.at + 4);
    this.at += 8;
    return value;
  }

  u32(): number {
    this.#need(4);
    const value = this.bytes.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }

  uvarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (scale > 2 ** 63) throw new Truncated("varint is too long");
    }
  }

  varint(): number {
    this.#need(1);
    // The sign is the lowest bit, which a number beyond 2^53 no longer has.
    const negative = (this.bytes[this.at] & 1) === 1;
    const value = this.uvarint();
    return negative ? -Math.ceil(value / 2) : value / 2;
  }

  /** So many bytes, not copied. */
  raw(size: number): Buffer {
    this.#need(size);
    const bytes = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return bytes;
  }

  string(): string {
    const size = this.uvarint();
    this.#need(size);
    const text = this.bytes.toString("utf8", this.at, this.at + size);
    this.at += size;
    return text;
  }
}
