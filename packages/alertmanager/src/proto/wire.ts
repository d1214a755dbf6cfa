/**
 * Protocol Buffers' wire format, as far as the snapshot files and the cluster's messages use it.
 *
 *   field   = varint(number << 3 | type) value
 *   type    0 varint · 1 eight bytes, little endian · 2 varint length, bytes · 5 four bytes
 *   stream  = { varint length, message }
 */

export type WireValue =
  | { number: number; type: 0; value: bigint }
  | { number: number; type: 1 | 2 | 5; bytes: Uint8Array };

export class ProtoError extends Error {}

export class ProtoWriter {
  readonly #chunks: number[] = [];

  #varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#chunks.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#chunks.push(Number(rest));
  }

  /** Zero is left out, as in proto3, unless `always`. */
  varint(number: number, value: bigint | number | boolean, always = false): this {
    const whole = BigInt(value);
    if (whole === 0n && !always) return this;
    this.#varint(BigInt(number << 3));
    this.#varint(whole);
    return this;
  }

  bytes(number: number, value: Uint8Array, always = false): this {
    if (value.length === 0 && !always) return this;
    this.#varint(BigInt((number << 3) | 2));
    this.#varint(BigInt(value.length));
    for (const byte of value) this.#chunks.push(byte);
    return this;
  }

  text(number: number, value: string, always = false): this {
    return this.bytes(number, Buffer.from(value), always);
  }

  double(number: number, value: number): this {
    this.#varint(BigInt((number << 3) | 1));
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#chunks.push(...bytes);
    return this;
  }

  /** A list of numbers in one field. */
  packed(number: number, values: readonly bigint[]): this {
    if (values.length === 0) return this;
    const inner = new ProtoWriter();
    for (const value of values) inner.#varint(value);
    return this.bytes(number, inner.finish());
  }

  message(number: number, write: (inner: ProtoWriter) => void): this {
    const inner = new ProtoWriter();
    write(inner);
    return this.bytes(number, inner.finish(), true);
  }

  /** google.protobuf.Timestamp of Unix milliseconds. */
  timestamp(number: number, ms: number): this {
    const seconds = Math.floor(ms / 1000);
    return this.message(number, (inner) =>
      inner.varint(1, BigInt(seconds)).varint(2, Math.round((ms - seconds * 1000) * 1e6)),
    );
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#chunks);
  }
}

/** A message with its length before it. */
export function delimited(message: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = message.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) length.push((rest & 0x7f) | 0x80);
  length.push(rest);
  const out = new Uint8Array(length.length + message.length);
  out.set(length);
  out.set(message, length.length);
  return out;
}

function readVarint(data: Uint8Array, at: number): [value: bigint, next: number] {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (at >= data.length) throw new ProtoError("unexpected end of data");
    const byte = data[at++];
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [BigInt.asUintN(64, value), at];
  }
  throw new ProtoError("a number is longer than ten bytes");
}

function slice(data: Uint8Array, at: number, length: number): Uint8Array {
  if (length < 0 || at + length > data.length) throw new ProtoError("unexpected end of data");
  return data.subarray(at, at + length);
}

/** The fields of a message, in their order. Throws a ProtoError when it is none. */
export function* readFields(data: Uint8Array): Generator<WireValue> {
  let at = 0;
  while (at < data.length) {
    let tag: bigint;
    [tag, at] = readVarint(data, at);
    const number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    if (number === 0) throw new ProtoError("field number 0");
    if (type === 0) {
      let value: bigint;
      [value, at] = readVarint(data, at);
      yield { number, type, value };
    } else if (type === 1 || type === 5) {
      const size = type === 1 ? 8 : 4;
      yield { number, type, bytes: slice(data, at, size) };
      at += size;
    } else if (type === 2) {
      let length: bigint;
      [length, at] = readVarint(data, at);
      const bytes = slice(data, at, Number(length));
      yield { number, type, bytes };
      at += bytes.length;
    } else throw new ProtoError(`wire type ${type}`);
  }
}

/** The messages of a stream and how many bytes they take; what is cut off at the end is left. */
export function readDelimited(data: Uint8Array): { messages: Uint8Array[]; size: number } {
  const messages: Uint8Array[] = [];
  let size = 0;
  while (size < data.length) {
    let length: bigint;
    let at: number;
    try {
      [length, at] = readVarint(data, size);
      messages.push(slice(data, at, Number(length)));
    } catch (error) {
      if (error instanceof ProtoError) break;
      throw error;
    }
    size = at + Number(length);
  }
  return { messages, size };
}

export function textOf(field: WireValue): string {
  return field.type === 2 ? Buffer.from(field.bytes).toString("utf8") : "";
}

export function bytesOf(field: WireValue): Uint8Array {
  if (field.type !== 2) throw new ProtoError(`field ${field.number} has wire type ${field.type}`);
  return field.bytes;
}

export function numberOf(field: WireValue): bigint {
  if (field.type !== 0) throw new ProtoError(`field ${field.number} has wire type ${field.type}`);
  return field.value;
}

/** Numbers of a list, packed or one by one. */
export function packedOf(field: WireValue): bigint[] {
  if (field.type === 0) return [field.value];
  const data = bytesOf(field);
  const out: bigint[] = [];
  for (let at = 0; at < data.length; ) {
    let value: bigint;
    [value, at] = readVarint(data, at);
    out.push(value);
  }
  return out;
}

export function timestampOf(field: WireValue): number {
  let ms = 0;
  for (const inner of readFields(bytesOf(field))) {
    if (inner.number === 1) ms += Number(BigInt.asIntN(64, numberOf(inner))) * 1000;
    if (inner.number === 2) ms += Math.floor(Number(BigInt.asIntN(32, numberOf(inner))) / 1e6);
  }
  return ms;
}

export function doubleOf(field: WireValue): number {
  if (field.type !== 1) throw new ProtoError(`field ${field.number} has wire type ${field.type}`);
  return Buffer.from(field.bytes).readDoubleLE();
}
