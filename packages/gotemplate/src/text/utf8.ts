/**
 * Go strings are bytes, JavaScript's are UTF-16. A string here is JavaScript's with one convention: a byte that is not
 * part of valid UTF-8 stands as the lone surrogate U+DC00 + byte (0xDC80…0xDCFF), so that slicing through the middle of
 * a character and joining the halves again gives the character back, as in Go.
 */
const ASCII = /^[\x00-\x7f]*$/;
const encoder = new TextEncoder();

/** Number of UTF-8 bytes. */
export function byteLength(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length++;
    else if (unit < 0x800) length += 2;
    else if (unit >= 0xd800 && unit <= 0xdbff && isLow(text.charCodeAt(i + 1))) {
      length += 4;
      i++;
    } else length += unit >= 0xdc80 && unit <= 0xdcff ? 1 : 3;
  }
  return length;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

export function toBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const out: number[] = [];
  for (const rune of runes(text)) {
    if (rune.raw !== undefined) out.push(rune.raw);
    else out.push(...encoder.encode(String.fromCodePoint(rune.code)));
  }
  return Uint8Array.from(out);
}

/** Length in bytes of the valid UTF-8 sequence at `at`, 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const need =
    first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (need === 0 || at + need > bytes.length) return 0;
  for (let i = 1; i < need; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1];
  // Overlong forms, surrogates and code points above U+10FFFF.
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return need;
}

export function fromBytes(bytes: Uint8Array): string {
  let out = "";
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) {
      out += String.fromCharCode(0xdc00 + bytes[i]);
      i++;
    } else if (length === 1) {
      out += String.fromCharCode(bytes[i]);
      i++;
    } else {
      let code = bytes[i] & (0xff >> (length + 1));
      for (let j = 1; j < length; j++) code = (code << 6) | (bytes[i + j] & 0x3f);
      out += String.fromCodePoint(code);
      i += length;
    }
  }
  return out;
}

export function sliceBytes(text: string, start: number, end: number): string {
  return ASCII.test(text) ? text.slice(start, end) : fromBytes(toBytes(text).subarray(start, end));
}

/** Joins so that raw bytes that form a character together become that character. */
export function concat(...parts: string[]): string {
  const joined = parts.join("");
  return joined.isWellFormed() ? joined : fromBytes(toBytes(joined));
}

export interface Rune {
  /** Code point; U+FFFD for a raw byte. */
  code: number;
  /** The byte, when it is not valid UTF-8. */
  raw?: number;
  /** As it stands in the string. */
  text: string;
}

/** What Go's `range` over a string gives. */
export function* runes(text: string): Generator<Rune> {
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) yield { code: 0xfffd, raw: code - 0xdc00, text: char };
    else if (code >= 0xd800 && code <= 0xdfff) yield { code: 0xfffd, text: "\ufffd" };
    else yield { code, text: char };
  }
}

/** Number of runes, a raw byte counting as one. */
export function runeCount(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0xd800 && text.charCodeAt(i) <= 0xdbff && isLow(text.charCodeAt(i + 1))) i++;
    count++;
  }
  return count;
}
