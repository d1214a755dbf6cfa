/** Go's string and character literals (strconv.Quote, strconv.Unquote and their relatives). */
import { fromBytes, runes } from "./utf8.ts";

const NOT_PRINTABLE = /[\p{C}\p{Z}]/u;

/** unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the plain space. */
export function isPrintable(char: string): boolean {
  return char === " " || !NOT_PRINTABLE.test(char);
}

const SHORT: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}

function quoteWith(text: string, quote: string, asciiOnly: boolean): string {
  const inside = text.replace(/[\0-\x1f"'\\\x7f]|[^\0-\x7f]/gu, (char) => {
    const code = char.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`;
    if (char === quote || char === "\\") return `\\${char}`;
    const isSurrogate = code >= 0xd800 && code <= 0xdfff;
    if (!isSurrogate && (code < 0x80 || !asciiOnly) && isPrintable(char)) return char;
    if (SHORT[char]) return SHORT[char];
    if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
    if (isSurrogate) return asciiOnly ? "\\ufffd" : "\ufffd";
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
  return quote + inside + quote;
}

export function quote(text: string, asciiOnly = false): string {
  return quoteWith(text, '"', asciiOnly);
}

/** A code point that is none becomes U+FFFD. */
export function quoteRune(code: number | bigint, asciiOnly = false): string {
  const number = Number(code);
  const valid = number >= 0 && number <= 0x10ffff && !(number >= 0xd800 && number <= 0xdfff);
  return quoteWith(String.fromCodePoint(valid ? number : 0xfffd), "'", asciiOnly);
}

/** Whether the text can stand between backquotes on one line. */
export function canBackquote(text: string): boolean {
  for (const rune of runes(text)) {
    if (rune.raw !== undefined || rune.code === 0xfeff) return false;
    if ((rune.code < 0x20 && rune.text !== "\t") || rune.text === "`" || rune.code === 0x7f) return false;
  }
  return true;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

/**
 * The text of a literal with its quotes; undefined when it is not one. Escapes may name single bytes (`\xff`), which
 * are put together to characters where they form one.
 */
export function unquote(literal: string): string | undefined {
  const quoteChar = literal[0];
  if (literal.length < 2 || literal.at(-1) !== quoteChar) return undefined;
  const body = literal.slice(1, -1);
  if (quoteChar === "`") return body.includes("`") ? undefined : body.replaceAll("\r", "");
  if ((quoteChar !== '"' && quoteChar !== "'") || body.includes("\n")) return undefined;
  let out = "";
  let raw = false;
  for (let i = 0; i < body.length; ) {
    if (body[i] === quoteChar) return undefined;
    if (body[i] !== "\\") {
      out += body[i++];
      continue;
    }
    const escaped = readEscape(body, i, quoteChar);
    if (!escaped) return undefined;
    out += escaped.text;
    raw ||= escaped.raw;
    i = escaped.end;
  }
  if (raw && !out.isWellFormed()) out = fromBytes(rawBytes(out));
  return quoteChar === "'" && [...out].length !== 1 ? undefined : out;
}

/** strconv.UnquoteChar: the first character of the text, which may be an escape, and what follows it. */
export function unquoteChar(text: string, quoteChar: string): { char: string; rest: string } | undefined {
  if (text === "" || text[0] === quoteChar) return undefined;
  if (text[0] !== "\\") {
    const char = String.fromCodePoint(text.codePointAt(0)!);
    return { char, rest: text.slice(char.length) };
  }
  const escaped = readEscape(text, 0, quoteChar);
  return escaped && { char: escaped.text, rest: text.slice(escaped.end) };
}

function rawBytes(text: string): Uint8Array {
  const encoder = new TextEncoder();
  const out: number[] = [];
  for (const rune of runes(text)) {
    if (rune.raw !== undefined) out.push(rune.raw);
    else out.push(...encoder.encode(rune.text));
  }
  return Uint8Array.from(out);
}

function readEscape(
  body: string,
  at: number,
  quoteChar: string,
): { text: string; raw: boolean; end: number } | undefined {
  const kind = body[at + 1];
  if (kind === undefined) return undefined;
  if (kind in ESCAPES) return { text: ESCAPES[kind], raw: false, end: at + 2 };
  if (kind === '"' || kind === "'") {
    return kind === quoteChar ? { text: kind, raw: false, end: at + 2 } : undefined;
  }
  const width = kind === "x" ? 2 : kind === "u" ? 4 : kind === "U" ? 8 : 0;
  if (width > 0) {
    const digits = body.slice(at + 2, at + 2 + width);
    if (digits.length !== width || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
    const code = Number.parseInt(digits, 16);
    const end = at + 2 + width;
    if (kind === "x") return byteEscape(code, end);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    return { text: String.fromCodePoint(code), raw: false, end };
  }
  const octal = /^[0-7]{3}/.exec(body.slice(at + 1));
  if (!octal) return undefined;
  const code = Number.parseInt(octal[0], 8);
  return code > 255 ? undefined : byteEscape(code, at + 4);
}

function byteEscape(code: number, end: number): { text: string; raw: boolean; end: number } {
  return code < 0x80
    ? { text: String.fromCharCode(code), raw: false, end }
    : { text: String.fromCharCode(0xdc00 + code), raw: true, end };
}
