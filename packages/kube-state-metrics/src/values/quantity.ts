/** Kubernetes quantities: decimal numbers with a suffix (`500m`, `1.5Gi`, `2e3`), read without losing digits. */

const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const FORM = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE][+-]?\d{1,5})|([KMGTPE]i)|([numkMGTPE]?))$/;

/** More digits are no quantity anybody means; converting them would cost much. */
const MAX_LENGTH = 128;
const MAX_INT64 = (1n << 63n) - 1n;
/** Above this many units thousandths do not fit 64 bits, and upstream counts units alone. */
const MAX_MILLI_UNITS = MAX_INT64 / 1000n;

/** The value is `unscaled × 10^exponent`. */
interface Quantity {
  unscaled: bigint;
  exponent: number;
}

function parse(text: string): Quantity | undefined {
  const match = text.length <= MAX_LENGTH ? FORM.exec(text) : null;
  if (!match) return undefined;
  const [, sign, whole, fraction = "", power, binary, decimal = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  let unscaled = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  if (binary) unscaled <<= BINARY[binary];
  const exponent = power ? Number(power.slice(1)) : binary ? 0 : DECIMAL[decimal];
  return { unscaled, exponent: exponent - fraction.length };
}

/** In units of `10^-digits`, rounded away from zero, within 64 bits. */
function scaled({ unscaled, exponent }: Quantity, digits: number): bigint {
  const shift = exponent + digits;
  let value: bigint;
  if (unscaled === 0n) value = 0n;
  else if (shift >= 0) value = shift > 40 ? unscaled * 10n ** 40n : unscaled * 10n ** BigInt(shift);
  else {
    const divisor = 10n ** BigInt(Math.min(-shift, MAX_LENGTH + 40));
    value = unscaled / divisor;
    if (unscaled % divisor !== 0n) value += unscaled < 0n ? -1n : 1n;
  }
  return value > MAX_INT64 ? MAX_INT64 : value < -MAX_INT64 ? -MAX_INT64 : value;
}

/** Whole units, rounded away from zero; NaN when it is no quantity. */
export function quantityUnits(text: string | number): number {
  const quantity = parse(String(text));
  return quantity ? Number(scaled(quantity, 0)) : Number.NaN;
}

/** Thousandths are kept as long as they fit 64 bits; NaN when it is no quantity. */
export function quantityValue(text: string | number): number {
  const quantity = parse(String(text));
  if (!quantity) return Number.NaN;
  const units = scaled(quantity, 0);
  return units > MAX_MILLI_UNITS ? Number(units) : Number(scaled(quantity, 3)) / 1000;
}

/** The nearest number but for the last digit, computed as Go's AsApproximateFloat64 does; NaN when it is no quantity. */
export function quantityApproximate(text: string | number): number {
  const quantity = parse(String(text));
  if (!quantity) return Number.NaN;
  const { unscaled, exponent } = quantity;
  return exponent === 0 ? Number(unscaled) : Number(unscaled) * Number(`1e${exponent}`);
}
