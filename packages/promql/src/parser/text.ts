/** Go's textual forms that appear in queries and messages: quoting, numbers, positions. */

const ESCAPES: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
};
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function escapeRune(rune: string, quote: string): string {
  if (rune === quote) return `\\${quote}`;
  if (ESCAPES[rune]) return ESCAPES[rune];
  if (PRINTABLE.test(rune)) return rune;
  const code = rune.codePointAt(0)!;
  // A byte that is no UTF-8, see literal.ts.
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** strconv.Quote */
export function quote(text: string): string {
  let out = '"';
  for (const rune of text) out += escapeRune(rune, '"');
  return `${out}"`;
}

/** strconv.QuoteRune; the end of the input reads as U+FFFD, as upstream prints it. */
export function quoteRune(rune: string): string {
  return `'${escapeRune(rune === "" ? "\ufffd" : rune, "'")}'`;
}

/** UTF-8, and something: all that is asked of label names. */
export function isValidLabelName(name: string): boolean {
  return name !== "" && name.isWellFormed();
}

/** fmt's %#U */
export function describeRune(rune: string): string {
  const code = rune.codePointAt(0)!;
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return PRINTABLE.test(rune) ? `${hex} '${rune}'` : hex;
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return undefined;
}

/** Digits and decimal exponent of the shortest exact form: 0.d₁d₂… × 10^point. */
function shortest(value: number): { negative: boolean; digits: string; point: number } {
  const [mantissa, exponent] = Math.abs(value).toExponential().split("e");
  return {
    negative: value < 0 || Object.is(value, -0),
    digits: mantissa.replace(".", ""),
    point: Number(exponent) + 1,
  };
}

function plain(digits: string, point: number): string {
  if (point <= 0) return digits === "0" ? "0" : `0.${"0".repeat(-point)}${digits}`;
  if (digits.length <= point) return digits + "0".repeat(point - digits.length);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** strconv.FormatFloat(value, 'f', -1, 64): never an exponent. */
export function formatFloat(value: number): string {
  const fixed = special(value);
  if (fixed) return fixed;
  const { negative, digits, point } = shortest(value);
  return (negative ? "-" : "") + plain(digits, point);
}

/** fmt's %g and %v: shortest digits, an exponent below 1e-4 and from 1e6 on. */
export function formatGeneral(value: number): string {
  const fixed = special(value);
  if (fixed) return fixed;
  const { negative, digits, point } = shortest(value);
  const sign = negative ? "-" : "";
  const exponent = point - 1;
  if (value !== 0 && (exponent < -4 || exponent >= 6)) return sign + scientific(digits, exponent);
  return sign + plain(digits, point);
}

function scientific(digits: string, exponent: number): string {
  const size = Math.abs(exponent).toString().padStart(2, "0");
  return `${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ""}e${exponent < 0 ? "-" : "+"}${size}`;
}

/** fmt's %.Ng: N significant digits, trailing zeros dropped. */
export function formatSignificant(value: number, precision: number): string {
  const fixed = special(value);
  if (fixed) return fixed;
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, exponentText] = Math.abs(value)
    .toExponential(precision - 1)
    .split("e");
  const exponent = Number(exponentText);
  const digits = mantissa.replace(".", "").replace(/0+$/, "") || "0";
  const sign = value < 0 ? "-" : "";
  if (exponent < -4 || exponent >= precision) return sign + scientific(digits, exponent);
  return sign + plain(digits, exponent + 1);
}

const NON_ASCII = /[^\0-\x7f]/;
const encoder = new TextEncoder();

/** `line:column` of an offset, both 1-based, the column in UTF-8 bytes as upstream counts. */
export function describePosition(query: string, offset: number): string {
  if (query === "") return "unknown position";
  if (offset < 0 || offset > query.length) return "invalid position";
  const before = query.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let i = before.indexOf("\n"); i >= 0; i = before.indexOf("\n", i + 1)) line++;
  const column = before.slice(lineStart);
  return `${line}:${(NON_ASCII.test(column) ? encoder.encode(column).length : column.length) + 1}`;
}

/** fmt's %.Nf */
export function formatFixed(value: number, decimals: number): string {
  const fixed = special(value);
  if (fixed) return fixed;
  return Math.abs(value) < 1e21 ? value.toFixed(decimals) : `${formatFloat(value)}.${"0".repeat(decimals)}`;
}
