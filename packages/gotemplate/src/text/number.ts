/** Go's number syntax: integer literals with a base prefix, decimal and hexadecimal floats, `_` between digits. */

const INT = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/;
const DECIMAL = /^[+-]?(?:[0-9_]+\.?[0-9_]*|\.[0-9_]+)(?:[eE][+-]?[0-9_]+)?$/;
const HEX = /^([+-]?)0[xX](?:([0-9a-fA-F_]+)\.?([0-9a-fA-F_]*)|\.([0-9a-fA-F_]+))[pP]([+-]?[0-9_]+)$/;

/** An underscore must stand between digits, or between the base prefix and a digit. */
function underscoresAllowed(text: string): boolean {
  if (!text.includes("_")) return true;
  const body = text.replace(/^[+-]/, "").replace(/^0[xXoObB]/, "0");
  const isHex = /^[+-]?0[xX]/.test(text);
  const digit = isHex ? /[0-9a-fA-F]/ : /[0-9]/;
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== "_") continue;
    if (!digit.test(body[i - 1] ?? "") || !digit.test(body[i + 1] ?? "")) return false;
  }
  return true;
}

/** strconv.ParseInt/ParseUint with base 0; undefined when it is no integer (of any size). */
export function parseInteger(text: string): bigint | undefined {
  const match = INT.exec(text);
  if (!match || !underscoresAllowed(text)) return undefined;
  let digits = match[2].replaceAll("_", "");
  if (/^0[0-7]+$/.test(digits)) digits = `0o${digits.slice(1)}`;
  if (digits.length === 2 && /^0[xXbBoO]$/.test(digits)) return undefined;
  const magnitude = BigInt(digits);
  return match[1] === "-" ? -magnitude : magnitude;
}

/** strconv.ParseFloat for 64 bits: undefined for bad syntax; out of range gives ±Infinity and `range`. */
export function parseFloatGo(text: string): { value: number; range: boolean } | undefined {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special) {
    const isNaNText = special[2].toLowerCase() === "nan";
    if (isNaNText && special[1] !== "") return undefined;
    return { value: isNaNText ? Number.NaN : special[1] === "-" ? -Infinity : Infinity, range: false };
  }
  if (!underscoresAllowed(text)) return undefined;
  const hex = HEX.exec(text);
  if (hex) return parseHexFloat(hex);
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text.replaceAll("_", ""));
  return { value, range: !Number.isFinite(value) };
}

function parseHexFloat(match: RegExpExecArray): { value: number; range: boolean } | undefined {
  const whole = (match[2] ?? "").replaceAll("_", "");
  const fraction = (match[3] ?? match[4] ?? "").replaceAll("_", "");
  if (whole + fraction === "") return undefined;
  let mantissa = BigInt(`0x${whole}${fraction}`);
  let exponent = Number(match[5].replaceAll("_", "")) - 4 * fraction.length;
  // More than 64 bits: keep them sticky, so that rounding to nearest even stays right.
  const extra = mantissa.toString(2).length - 64;
  if (extra > 0) {
    const sticky = (mantissa & ((1n << BigInt(extra)) - 1n)) !== 0n;
    mantissa = (mantissa >> BigInt(extra)) | (sticky ? 1n : 0n);
    exponent += extra;
  }
  let value = Number(mantissa);
  // In two steps, because 2 ** exponent alone may leave the range.
  const half = Math.trunc(exponent / 2);
  value = value * 2 ** half * 2 ** (exponent - half);
  if (match[1] === "-") value = -value;
  return { value, range: !Number.isFinite(value) };
}
