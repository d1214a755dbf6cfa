/**
 * Protobuf's wire format, as far as metrics need it. A field is a varint `number * 8 + kind` and then, by kind:
 * 0 a varint, 1 eight bytes, 2 a varint length and so many bytes, 5 four bytes.
 */
import { UserError } from "@pharos/model";

function malformed(message: string): UserError {
  return new UserError("exposition.protobuf", `protobuf: ${message}`);
}

export class ProtoReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;
  /** Number and kind of the current field. */
  field = 0;
  kind = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.kind = tag % 8;
    if (this.field === 0) throw malformed("field number 0");
    return true;
  }

  /** Unsigned; beyond 2^53 the nearest double, as a sample's value would be anyway. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw malformed("unexpected end of a varint");
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw malformed("varint is too long");
  }

  /** A signed integer in plain varint form. */
  int64(): number {
    const start = this.#at;
    const value = this.varint();
    // Negative ones take all ten bytes.
    if (this.#at - start < 10) return value;
    let exact = 0n;
    for (let i = start, shift = 0n; i < this.#at; i++, shift += 7n) exact |= BigInt(this.#bytes[i] & 0x7f) << shift;
    return Number(BigInt.asIntN(64, exact));
  }

  /** Zig-zag. */
  sint(): number {
    const start = this.#at;
    const value = this.varint();
    if (value <= Number.MAX_SAFE_INTEGER) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    let exact = 0n;
    for (let i = start, shift = 0n; i < this.#at; i++, shift += 7n) exact |= BigInt(this.#bytes[i] & 0x7f) << shift;
    return Number((exact >> 1n) ^ -(exact & 1n));
  }

  double(): number {
    if (this.kind !== 1) throw malformed(`field ${this.field} is no double`);
    return this.#fixed64();
  }

  #fixed64(): number {
    if (this.#at + 8 > this.#end) throw malformed("unexpected end of a double");
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** Start and end of the current field's bytes; moves behind them. */
  range(): readonly [start: number, end: number] {
    if (this.kind !== 2) throw malformed(`field ${this.field} has no length`);
    const length = this.varint();
    const start = this.#at;
    if (start + length > this.#end) throw malformed("a message is longer than what was sent");
    this.#at = start + length;
    return [start, this.#at];
  }

  message(): ProtoReader {
    const [start, end] = this.range();
    return new ProtoReader(this.#bytes, start, end);
  }

  /** Text that must be UTF-8; `what` names it in the complaint. */
  string(what: string): string {
    const [start, end] = this.range();
    const text = this.#bytes.toString("utf8", start, end);
    if (text.includes("\ufffd") && !Buffer.from(text).equals(this.#bytes.subarray(start, end))) {
      throw new UserError("exposition.protobuf", `invalid ${what}: ${text}`);
    }
    return text;
  }

  /** Elements of a repeated number, packed into one field or not. */
  repeated(out: number[], read: (reader: ProtoReader) => number): void {
    if (this.kind !== 2) {
      out.push(read(this));
      return;
    }
    const packed = this.message();
    while (packed.#at < packed.#end) out.push(read(packed));
  }

  /** The eight bytes of a double as two words: a NaN keeps its payload. */
  words(): readonly [high: number, low: number] {
    if (this.kind !== 1) throw malformed(`field ${this.field} is no double`);
    if (this.#at + 8 > this.#end) throw malformed("unexpected end of a double");
    const low = this.#bytes.readUInt32LE(this.#at);
    this.#at += 8;
    return [this.#bytes.readUInt32LE(this.#at - 4), low];
  }

  static readonly varint = (reader: ProtoReader): number => reader.varint();
  static readonly sint = (reader: ProtoReader): number => reader.sint();
  static readonly fixed64 = (reader: ProtoReader): number => reader.#fixed64();

  skip(): void {
    switch (this.kind) {
      case 0:
        this.varint();
        return;
      case 1:
        this.#at += 8;
        break;
      case 2:
        this.range();
        return;
      case 5:
        this.#at += 4;
        break;
      default:
        throw malformed(`unknown wire type ${this.kind}`);
    }
    if (this.#at > this.#end) throw malformed("unexpected end of a field");
  }
}

export class ProtoWriter {
  #bytes = Buffer.allocUnsafe(4096);
  #at = 0;

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + more));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  uint(field: number, value: number): void {
    this.varint(field * 8);
    this.varint(value);
  }

  /** Zig-zag. */
  sint(field: number, value: number): void {
    this.uint(field, value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** A signed integer in plain varint form: negative ones take ten bytes. */
  int64(field: number, value: number): void {
    this.varint(field * 8);
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.varint(field * 8 + 1);
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  string(field: number, value: string): void {
    this.varint(field * 8 + 2);
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#reserve(length);
    this.#at += this.#bytes.write(value, this.#at);
  }

  message(field: number, write: () => void): void {
    this.varint(field * 8 + 2);
    this.delimited(write);
  }

  /** What `write` writes, with its length in front. */
  delimited(write: () => void): void {
    this.#reserve(1);
    const start = ++this.#at;
    write();
    const length = this.#at - start;
    let extra = 0;
    for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) extra++;
    if (extra > 0) {
      // One byte was kept for the length, which is enough for most; the others move.
      this.#reserve(extra);
      this.#bytes.copyWithin(start + extra, start, this.#at);
    }
    const end = this.#at + extra;
    this.#at = start - 1;
    this.varint(length);
    this.#at = end;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }
}
