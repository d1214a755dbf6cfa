/** Floating point to text exactly as Go's strconv.FormatFloat: correctly rounded, ties to even on the exact value. */

/** Significant digits without leading or trailing zeros, and the place of the decimal point before them. */
interface Decimal {
  digits: string;
  /** value = 0.DIGITS × 10^point; 0 for zero. */
  point: number;
}

const view = new DataView(new ArrayBuffer(8));

function split(magnitude: number): { mantissa: bigint; exponent: number } {
  view.setFloat64(0, magnitude);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** All digits of the binary value. */
function exact(magnitude: number): Decimal {
  if (magnitude === 0) return { digits: "", point: 0 };
  const { mantissa, exponent } = split(magnitude);
  const digits =
    exponent >= 0 ? (mantissa << BigInt(exponent)).toString() : (mantissa * 5n ** BigInt(-exponent)).toString();
  const point = exponent >= 0 ? digits.length : digits.length + exponent;
  return { digits: digits.replace(/0+$/, ""), point };
}

/** The fewest digits that read back as the same number of 64 or 32 bits. */
function shortest(magnitude: number, bits: 32 | 64): Decimal {
  if (magnitude === 0) return { digits: "", point: 0 };
  let text = magnitude.toExponential();
  if (bits === 32) {
    for (let precision = 0; precision < 9; precision++) {
      text = magnitude.toExponential(precision);
      if (Math.fround(Number(text)) === magnitude) break;
    }
  }
  const [mantissa, exponent] = text.split("e");
  return { digits: mantissa.replace(".", "").replace(/0+$/, ""), point: Number(exponent) + 1 };
}

function round({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: "", point: 0 };
  const next = digits[count];
  const isTie = next === "5" && digits.length === count + 1;
  const up = isTie ? count > 0 && Number(digits[count - 1]) % 2 === 1 : next >= "5";
  const kept = digits.slice(0, count);
  if (!up) {
    const trimmed = kept.replace(/0+$/, "");
    return { digits: trimmed, point: trimmed === "" ? 0 : point };
  }
  const raised = (BigInt(kept === "" ? "0" : kept) + 1n).toString();
  return { digits: raised.replace(/0+$/, ""), point: raised.length > kept.length ? point + 1 : point };
}

function exponentText(exponent: number): string {
  return `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function scientific({ digits, point }: Decimal, precision: number, letter: string): string {
  const first = digits[0] ?? "0";
  const fraction = precision > 0 ? `.${digits.slice(1, 1 + precision).padEnd(precision, "0")}` : "";
  return `${first}${fraction}${letter}${exponentText(digits === "" ? 0 : point - 1)}`;
}

function plain({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (precision <= 0) return whole;
  const fraction = point >= 0 ? digits.slice(point) : "0".repeat(Math.min(precision, -point)) + digits;
  return `${whole}.${fraction.slice(0, precision).padEnd(precision, "0")}`;
}

/**
 * `format` is one of e E f F g G b x X; precision -1 takes the fewest digits that are exact. NaN and infinities are
 * `NaN`, `+Inf`, `-Inf`.
 */
export function formatFloat(value: number, format: string, precision: number, bits: 32 | 64 = 64): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  const lower = format.toLowerCase();
  if (lower === "b") return sign + binaryExponent(magnitude, bits);
  if (lower === "x") return sign + hexFloat(magnitude, precision, format);
  const isShortest = precision < 0;
  let decimal = isShortest ? shortest(magnitude, bits) : exact(magnitude);
  if (lower === "e") {
    if (isShortest) precision = Math.max(decimal.digits.length - 1, 0);
    else decimal = round(decimal, precision + 1);
    return sign + scientific(decimal, precision, format);
  }
  if (lower === "f") {
    if (isShortest) precision = Math.max(decimal.digits.length - decimal.point, 0);
    else decimal = round(decimal, decimal.point + precision);
    return sign + plain(decimal, precision);
  }
  if (!isShortest) decimal = round(decimal, precision === 0 ? 1 : precision);
  const count = decimal.digits.length;
  let limit = precision === 0 ? 1 : precision;
  if (limit > count && count >= decimal.point) limit = count;
  if (isShortest) limit = 6;
  const exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= limit) {
    return sign + scientific(decimal, count - 1, format === "g" ? "e" : "E");
  }
  return sign + plain(decimal, Math.max(decimal.digits.length - decimal.point, 0));
}

function binaryExponent(magnitude: number, bits: 32 | 64): string {
  let { mantissa, exponent } = split(magnitude);
  if (bits === 32) {
    mantissa >>= 29n;
    exponent += 29;
  }
  return `${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

/** `0x1.8p+01`. */
function hexFloat(magnitude: number, precision: number, format: string): string {
  let { mantissa, exponent } = split(magnitude);
  if (mantissa === 0n) exponent = 0;
  else {
    const shift = 53 - mantissa.toString(2).length;
    mantissa <<= BigInt(shift);
    exponent += 52 - shift;
  }
  if (precision >= 0 && precision < 13) {
    const drop = BigInt(52 - precision * 4);
    const rest = mantissa & ((1n << drop) - 1n);
    const half = 1n << (drop - 1n);
    mantissa >>= drop;
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++;
    mantissa <<= drop;
    if (mantissa >> 53n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const lead = mantissa >> 52n;
  let fraction = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
  fraction = precision < 0 ? fraction.replace(/0+$/, "") : fraction.slice(0, precision).padEnd(precision, "0");
  const text = `0x${lead}${fraction === "" ? "" : `.${fraction}`}p${exponentText(exponent)}`;
  return format === "X" ? text.toUpperCase() : text;
}
