/**
 * Writes protobuf's wire format into a buffer that is used again and again; doubles by their words, so that a NaN keeps its
 * payload. Made for requests of thousands of small messages: sizes of the commonest are known before they are written.
 */
import { LOW_WORD } from "@pharos/model";

/** Kinds of fields in a tag. */
const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Bytes of a signed integer in plain varint form. */
export function int64Size(value: number): number {
  return value < 0 ? 10 : varintSize(value);
}

export class WireWriter {
  #bytes: Buffer;
  length = 0;

  constructor(capacity = 4096) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  reset(): void {
    this.length = 0;
  }

  /** What was written; valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + more));
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#bytes = grown;
  }

  varint(value: number): void {
    this.#reserve(10);
    const bytes = this.#bytes;
    let at = this.length;
    let rest = value;
    while (rest > 0x7fffffff) {
      bytes[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.length = at;
  }

  tag(field: number, kind: number): void {
    this.varint(field * 8 + kind);
  }

  uint(field: number, value: number): void {
    this.tag(field, VARINT);
    this.varint(value);
  }

  /** A signed integer in plain varint form. */
  int64(field: number, value: number): void {
    this.tag(field, VARINT);
    this.rawInt64(value);
  }

  rawInt64(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.#bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.length++] = Number(rest);
  }

  /** Zig-zag. */
  sint(field: number, value: number): void {
    this.tag(field, VARINT);
    this.rawSint(value);
  }

  rawSint(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  double(field: number, value: number): void {
    float[0] = value;
    this.words(field, floatWords[1 - LOW_WORD], floatWords[LOW_WORD]);
  }

  words(field: number, high: number, low: number): void {
    this.tag(field, FIXED64);
    this.rawWords(high, low);
  }

  /** A double without its tag. */
  rawWords(high: number, low: number): void {
    this.#reserve(8);
    this.#bytes.writeUInt32LE(low >>> 0, this.length);
    this.#bytes.writeUInt32LE(high >>> 0, this.length + 4);
    this.length += 8;
  }

  string(field: number, text: string): void {
    this.tag(field, BYTES);
    const size = Buffer.byteLength(text);
    this.varint(size);
    this.#reserve(size);
    this.length += this.#bytes.write(text, this.length, "utf8");
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.tag(field, BYTES);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  packedDoubles(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.tag(field, BYTES);
    this.varint(8 * values.length);
    for (const value of values) {
      float[0] = value;
      this.rawWords(floatWords[1 - LOW_WORD], floatWords[LOW_WORD]);
    }
  }

  packedSints(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    const start = this.begin(field);
    for (const value of values) this.rawSint(value);
    this.end(start);
  }

  packedVarints(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    const start = this.begin(field);
    for (const value of values) this.varint(value);
    this.end(start);
  }

  /** Opens a message inside; give what it answers to `end`. */
  begin(field: number): number {
    this.tag(field, BYTES);
    this.#reserve(1);
    return ++this.length;
  }

  end(start: number): void {
    const size = this.length - start;
    const extra = varintSize(size) - 1;
    if (extra > 0) {
      // One byte was kept for the length, which is enough for most; others move.
      this.#reserve(extra);
      this.#bytes.copyWithin(start + extra, start, this.length);
    }
    const end = this.length + extra;
    this.length = start - 1;
    this.varint(size);
    this.length = end;
  }
}
