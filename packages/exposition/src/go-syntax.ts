/** Go's spelling of numbers and quoted bytes, because the formats and upstream's messages are defined by it. */

/** Why a text is no number, in strconv's words. */
export class NumberSyntaxError extends Error {}

/** `%q` of a byte string: printable text as it is, the rest escaped, invalid UTF-8 as `\xNN`. */
export function quoteBytes(bytes: Uint8Array): string {
  let out = '"';
  for (let i = 0; i < bytes.length; ) {
    const { codePoint, length } = decodeRune(bytes, i);
    out += codePoint < 0 ? `\\x${bytes[i].toString(16).padStart(2, "0")}` : quoteRune(codePoint);
    i += length;
  }
  return `${out}"`;
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

function quoteRune(codePoint: number): string {
  const short = SHORT_ESCAPES[codePoint];
  if (short) return short;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${codePoint.toString(16).padStart(2, "0")}`;
  const text = String.fromCodePoint(codePoint);
  if (codePoint === 0x20 || !/[\p{C}\p{Z}]/u.test(text)) return text;
  return codePoint > 0xffff
    ? `\\U${codePoint.toString(16).padStart(8, "0")}`
    : `\\u${codePoint.toString(16).padStart(4, "0")}`;
}

/** The character at an offset; codePoint -1 and length 1 for a byte that starts none. */
function decodeRune(bytes: Uint8Array, at: number): { codePoint: number; length: number } {
  const first = bytes[at];
  if (first < 0x80) return { codePoint: first, length: 1 };
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return { codePoint: -1, length: 1 };
  let codePoint = first & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    if ((bytes[at + i] & 0xc0) !== 0x80) return { codePoint: -1, length: 1 };
    codePoint = (codePoint << 6) | (bytes[at + i] & 0x3f);
  }
  const smallest = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  const valid = codePoint >= smallest && codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
  return valid ? { codePoint, length } : { codePoint: -1, length: 1 };
}

/**
 * strconv.ParseFloat for what Prometheus takes: decimal forms, `inf`, `infinity`, `nan` in any case; hexadecimal floats
 * and underscores are refused. Throws a NumberSyntaxError.
 */
export function parseGoFloat(text: string): number {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    throw new NumberSyntaxError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: value out of range`);
  }
  if (/[pP_]/.test(text)) throw new NumberSyntaxError("unsupported character in float");
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text[0] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const quoted = quoteBytes(Buffer.from(text, "latin1"));
  throw new NumberSyntaxError(`strconv.ParseFloat: parsing ${quoted}: invalid syntax`);
}

/** Powers of ten that are exact as doubles and small enough that one division rounds correctly. */
const POWERS = Float64Array.from({ length: 16 }, (_, i) => 10 ** i);

/**
 * The number in `bytes[start, end)`. Up to 15 digits with at most one point, the usual case, cost no string: an exact
 * integer divided by an exact power of ten is correctly rounded.
 */
export function parseFloatBytes(bytes: Buffer, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === 0x2d;
  if (negative) at++;
  let mantissa = 0;
  let digits = 0;
  let point = -1;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte >= 48 && byte <= 57) {
      mantissa = mantissa * 10 + byte - 48;
      digits++;
    } else if (byte === 0x2e && point < 0) point = at;
    else break;
  }
  if (at === end && digits > 0 && digits <= 15) {
    const value = point < 0 ? mantissa : mantissa / POWERS[end - point - 1];
    return negative ? -value : value;
  }
  return parseGoFloat(bytes.toString("latin1", start, end));
}
