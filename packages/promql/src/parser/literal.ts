/** Values of number and string literals, with Go's rules. */

/** Thrown for a literal that the lexer lets through and Go's strconv refuses; the parser adds the position. */
export class LiteralError extends Error {}

const MAX_INT64 = 2n ** 63n - 1n;
const DIGITS: Record<string, RegExp> = { x: /^[0-9a-f]+$/i, o: /^[0-7]+$/, b: /^[01]+$/ };

/** Integer in Go syntax (prefixes, leading zero as octal, underscores between digits); undefined when it is none. */
function parseInteger(text: string): number | undefined {
  if (text.includes("_") && !/^(0[xob]_?)?[0-9a-f]+(_[0-9a-f]+)*$/i.test(text)) return undefined;
  const bare = text.replaceAll("_", "");
  let value: bigint;
  const prefix = /^0([xob])(.+)$/i.exec(bare);
  if (prefix) {
    if (!DIGITS[prefix[1].toLowerCase()].test(prefix[2])) return undefined;
    value = BigInt(bare);
  } else if (/^0[0-7]+$/.test(bare)) value = BigInt(`0o${bare.slice(1)}`);
  else if (/^[1-9][0-9]*$/.test(bare) || bare === "0") value = BigInt(bare);
  else return undefined;
  return value > MAX_INT64 ? undefined : Number(value);
}

/** A number literal: decimal, hexadecimal, octal, `Inf`, `NaN`, with `_` between digits. Throws LiteralError. */
export function parseNumber(text: string): number {
  const integer = parseInteger(text);
  if (integer !== undefined) return integer;
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  const bare = text.replaceAll("_", "");
  if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(bare) || /^_|_$|__|_[.e+-]|[.e+-]_/i.test(text)) {
    throw new LiteralError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(bare);
  if (!Number.isFinite(value)) {
    throw new LiteralError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: value out of range`);
  }
  return value;
}

const SIMPLE: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92, "'": 39, '"': 34 };
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/**
 * Text of UTF-8 bytes. Escapes can spell bytes that are no UTF-8: such a byte becomes the lone surrogate U+DC00 + byte,
 * so that it is told apart from everything valid (`isWellFormed`) and can be printed again.
 */
function decodeBytes(bytes: readonly number[]): string {
  try {
    return decoder.decode(Uint8Array.from(bytes));
  } catch {
    let out = "";
    for (let i = 0; i < bytes.length; ) {
      const lead = bytes[i];
      const size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
      try {
        if (size === 0) throw new RangeError("no first byte of a character");
        out += decoder.decode(Uint8Array.from(bytes.slice(i, i + size)));
        i += size;
      } catch {
        out += String.fromCharCode(0xdc00 + lead);
        i++;
      }
    }
    return out;
  }
}

/** The text of a string literal with its quotes; escapes as in Go, none between backticks. Throws LiteralError. */
export function unquote(literal: string): string {
  const quote = literal[0];
  const body = literal.slice(1, -1);
  if (literal.length < 2 || literal.at(-1) !== quote) throw new LiteralError("invalid syntax");
  if (quote === "`") return body;
  if (!body.includes("\\")) return body;
  // Byte escapes may together form one character, so the text is put together as bytes.
  const bytes: number[] = [];
  for (let i = 0; i < body.length; ) {
    if (body[i] !== "\\") {
      const next = body.indexOf("\\", i);
      const end = next < 0 ? body.length : next;
      bytes.push(...encoder.encode(body.slice(i, end)));
      i = end;
      continue;
    }
    const letter = body[i + 1];
    if (letter in SIMPLE) {
      bytes.push(SIMPLE[letter]);
      i += 2;
    } else if (letter === "x") {
      bytes.push(Number.parseInt(body.slice(i + 2, i + 4), 16));
      i += 4;
    } else if (letter === "u" || letter === "U") {
      const size = letter === "u" ? 4 : 8;
      bytes.push(...encoder.encode(String.fromCodePoint(Number.parseInt(body.slice(i + 2, i + 2 + size), 16))));
      i += 2 + size;
    } else if (/^[0-7]{3}$/.test(body.slice(i + 1, i + 4))) {
      bytes.push(Number.parseInt(body.slice(i + 1, i + 4), 8));
      i += 4;
    } else throw new LiteralError("invalid syntax");
  }
  return decodeBytes(bytes);
}
