/**
 * JSON written straight into bytes, in pieces: no string of the whole is ever made, and what has been written can be on its
 * way while the rest is being written.
 */
import { formatValue } from "@pharos/model";

/** A piece is handed on when it has about so many bytes; the first one is small, as most answers are. */
const FIRST_PIECE = 16 * 1024;
const PIECE = 256 * 1024;
/** More than any number, time or piece of punctuation takes. */
const ROOM = 64;

const OPEN = 0x5b;
const CLOSE = 0x5d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;

/** Up to here integers, and numbers of up to three decimals, are written without the help of strings. */
const MAX_DIGITS = 1e15;

/** Two digits each, 00 to 99. */
const PAIRS = new Uint8Array(200);
for (let i = 0; i < 100; i++) {
  PAIRS[2 * i] = ZERO + Math.floor(i / 10);
  PAIRS[2 * i + 1] = ZERO + (i % 10);
}

/** Pieces that were sent, to be written again: memory outside JavaScript's heap makes its collector run as much as any other. */
const spare: ArrayBuffer[] = [];
const MAX_SPARE = 16;

/** Takes back pieces that nobody will look at any more. */
export function recyclePieces(pieces: readonly Buffer[]): void {
  for (const { buffer } of pieces) {
    if (buffer.byteLength === PIECE && spare.length < MAX_SPARE) spare.push(buffer as ArrayBuffer);
  }
}

function newPiece(bytes: number): Buffer {
  const known = bytes <= PIECE ? spare.pop() : undefined;
  return known ? Buffer.from(known) : Buffer.allocUnsafeSlow(Math.max(PIECE, bytes));
}

export class JsonBytes {
  readonly #full: Buffer[] = [];
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_PIECE);
  #at = 0;

  /** What is ready to be sent; nothing of it is written to any more. */
  take(): Buffer[] {
    return this.#full.splice(0);
  }

  /** All that is left. */
  finish(): Buffer[] {
    this.#full.push(this.#bytes.subarray(0, this.#at));
    return this.take();
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    this.#full.push(this.#bytes.subarray(0, this.#at));
    this.#bytes = newPiece(bytes);
    this.#at = 0;
  }

  /** ASCII that needs no escapes. */
  raw(text: string): void {
    const { length } = text;
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#at = at;
  }

  byte(code: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = code;
  }

  /** A string in quotes. */
  string(text: string): void {
    const { length } = text;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.#escaped(text);
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
  }

  #escaped(text: string): void {
    const json = JSON.stringify(text);
    this.#reserve(3 * json.length);
    this.#at += this.#bytes.write(json, this.#at, "utf8");
  }

  /** JSON that is there already. */
  json(text: string): void {
    this.#reserve(3 * text.length);
    this.#at += this.#bytes.write(text, this.#at, "utf8");
  }

  /** `[time,"value"]`. */
  point(ms: number, value: number): void {
    this.#reserve(2 * ROOM);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = OPEN;
    at = putTime(bytes, at, ms);
    bytes[at++] = COMMA;
    bytes[at++] = QUOTE;
    at = putValue(bytes, at, value);
    bytes[at++] = QUOTE;
    bytes[at++] = CLOSE;
    this.#at = at;
  }

  /** Unix ms as seconds, with exactly three decimals where they are needed: upstream's MarshalTimestamp. */
  time(ms: number): void {
    this.#reserve(ROOM);
    this.#at = putTime(this.#bytes, this.#at, ms);
  }

  /** A sample's value, as formatValue writes it, without quotes. */
  value(value: number): void {
    this.#reserve(ROOM);
    this.#at = putValue(this.#bytes, this.#at, value);
  }
}

// All of these write from `from` on, where there must be room, and return the place behind what they wrote.

function putTime(bytes: Buffer, from: number, ms: number): number {
  let at = from;
  let rest = ms;
  if (rest < 0) {
    bytes[at++] = MINUS;
    rest = -rest;
  }
  const seconds = Math.floor(rest / 1000);
  const fraction = rest - 1000 * seconds;
  at = putDigits(bytes, at, seconds);
  if (fraction === 0) return at;
  bytes[at++] = DOT;
  bytes[at++] = ZERO + Math.floor(fraction / 100);
  bytes[at++] = PAIRS[2 * (fraction % 100)];
  bytes[at++] = PAIRS[2 * (fraction % 100) + 1];
  return at;
}

function putValue(bytes: Buffer, from: number, value: number): number {
  let at = from;
  const size = Math.abs(value);
  if (size < MAX_DIGITS && size === Math.floor(size) && (value !== 0 || !Object.is(value, -0))) {
    if (value < 0) bytes[at++] = MINUS;
    return putDigits(bytes, at, size);
  }
  // Of a number with 15 digits or fewer, the decimal that gives it back is its shortest.
  if (size < MAX_DIGITS / 1000 && size >= 0.001) {
    const thousandths = Math.round(size * 1000);
    if (thousandths / 1000 === size) {
      if (value < 0) bytes[at++] = MINUS;
      return putDecimals(bytes, at, thousandths);
    }
  }
  const text = formatValue(value);
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

function putDecimals(bytes: Buffer, from: number, thousandths: number): number {
  const whole = Math.floor(thousandths / 1000);
  const fraction = thousandths - 1000 * whole;
  const last = fraction % 100;
  let at = putDigits(bytes, from, whole);
  bytes[at++] = DOT;
  bytes[at++] = ZERO + (fraction - last) / 100;
  if (last === 0) return at;
  bytes[at++] = PAIRS[2 * last];
  if (last % 10 !== 0) bytes[at++] = PAIRS[2 * last + 1];
  return at;
}

/** A non-negative integer below 2^53. */
function putDigits(bytes: Buffer, from: number, value: number): number {
  if (value < 1e8) return putSmall(bytes, from, value | 0);
  // Pieces of eight digits, so that what is left is a small integer.
  const high = Math.floor(value / 1e8);
  let low = (value - high * 1e8) | 0;
  const end = putDigits(bytes, from, high) + 8;
  for (let at = end; at > end - 8; ) {
    const next = (low / 100) | 0;
    const pair = 2 * (low - 100 * next);
    bytes[--at] = PAIRS[pair + 1];
    bytes[--at] = PAIRS[pair];
    low = next;
  }
  return end;
}

/** A non-negative integer below 1e8. */
function putSmall(bytes: Buffer, from: number, value: number): number {
  const end = from + digitCount(value);
  let rest = value;
  let at = end;
  while (rest >= 100) {
    const next = (rest / 100) | 0;
    const pair = 2 * (rest - 100 * next);
    bytes[--at] = PAIRS[pair + 1];
    bytes[--at] = PAIRS[pair];
    rest = next;
  }
  if (rest >= 10) {
    bytes[--at] = PAIRS[2 * rest + 1];
    bytes[--at] = PAIRS[2 * rest];
  } else bytes[--at] = ZERO + rest;
  return end;
}

/** Of an integer below 1e8. */
function digitCount(value: number): number {
  if (value < 1e4) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  return value < 1e6 ? (value < 1e5 ? 5 : 6) : value < 1e7 ? 7 : 8;
}
