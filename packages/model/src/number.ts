/** Numbers as Go writes them; JavaScript's shortest digits are the same, the form around them is not. */

/** JavaScript writes `1e-7` where Go writes `1e-07`. */
function twoDigitExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** As Prometheus' HTTP API writes a sample value: plain digits, or an exponent below 1e-6 and from 1e21 on. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const size = Math.abs(value);
  return size < 1e-6 || size >= 1e21 ? twoDigitExponent(String(value)) : String(value);
}

/** Go's strconv.FormatFloat(value, 'e', -1, 64): always with an exponent of at least two digits. */
export function formatExponent(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return twoDigitExponent(`${Object.is(value, -0) ? "-" : ""}${value.toExponential()}`);
}

/** Go's strconv.ParseFloat for the texts Prometheus' API and configuration meet; NaN for anything else. */
export function parseValue(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
