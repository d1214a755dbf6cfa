/** Prometheus' humanize family. */
import { sprintf } from "../fmt/print.ts";
import { parseFloatGo } from "../text/number.ts";
import { quote } from "../text/quote.ts";
import { Moment } from "../time/moment.ts";
import { DURATION } from "../time/types.ts";
import { float, string, unbox, type Value } from "../value/value.ts";

const LARGE = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL = ["m", "u", "n", "p", "f", "a", "z", "y"];
const BINARY = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const MAX_INT64 = 2 ** 63;

/** A number of a template as a float; throws with upstream's text. */
export function toFloat(operand: Value | undefined): number {
  const value = unbox(operand);
  switch (value?.type.name) {
    case "float64":
      return value.float;
    case "int":
    case "int64":
    case "uint":
    case "uint64":
      return Number(value.int);
    case DURATION.name:
      return Number(value.int) / 1e9;
    case "string": {
      const parsed = parseFloatGo(value.text);
      const problem = parsed === undefined ? "invalid syntax" : parsed.range ? "value out of range" : undefined;
      if (problem) throw new Error(`strconv.ParseFloat: parsing ${quote(value.text)}: ${problem}`);
      return parsed!.value;
    }
    default:
      throw new Error(`can't convert ${value?.type.name ?? "<nil>"} to float`);
  }
}

function short(value: number): string {
  return sprintf("%.4g", [float(value)]);
}

function shrink(value: number): string {
  let scaled = value;
  let prefix = "";
  for (const smaller of SMALL) {
    if (Math.abs(scaled) >= 1) break;
    prefix = smaller;
    scaled *= 1000;
  }
  return short(scaled) + prefix;
}

function grow(value: number, base: number, prefixes: readonly string[]): string {
  let scaled = value;
  let prefix = "";
  for (const larger of prefixes) {
    if (Math.abs(scaled) < base) break;
    prefix = larger;
    scaled /= base;
  }
  return short(scaled) + prefix;
}

export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return short(value);
  return Math.abs(value) >= 1 ? grow(value, 1000, LARGE) : shrink(value);
}

export function humanize1024(value: number): string {
  return Math.abs(value) <= 1 || !Number.isFinite(value) ? short(value) : grow(value, 1024, BINARY);
}

/** Go's conversion of a float that may be out of range gives the smallest int64 on amd64. */
function toInt64(value: number): bigint {
  return Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : -(1n << 63n);
}

/** Seconds as days, hours, minutes and seconds. */
export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return short(value);
  if (value === 0) return `${short(value)}s`;
  if (Math.abs(value) < 1) return `${shrink(value)}s`;
  const sign = value < 0 ? "-" : "";
  const whole = toInt64(Math.abs(value));
  const seconds = whole % 60n;
  const minutes = (whole / 60n) % 60n;
  const hours = (whole / 3600n) % 24n;
  const days = whole / 86400n;
  if (days !== 0n) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours !== 0n) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes !== 0n) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${short(Math.abs(value))}s`;
}

export function humanizePercentage(value: number): string {
  return `${short(value * 100)}%`;
}

/** Seconds since 1970 as a time of millisecond precision. */
export function toMoment(value: number): Moment {
  if (!Number.isFinite(value)) throw new Error("value is NaN or Inf");
  const nanos = value * 1e9;
  if (nanos > MAX_INT64 || nanos < -MAX_INT64) {
    throw new Error(
      `${sprintf("%v", [float(value)])} cannot be represented as a nanoseconds timestamp since it overflows int64`,
    );
  }
  return Moment.fromMillis(Number(toInt64(nanos) / 1_000_000n));
}

/** Seconds as a time.Duration; one out of range, or no number, is the smallest there is, as on amd64. */
export function toNanoseconds(value: number): bigint {
  return toInt64(value * 1e9);
}

export function shortFloat(value: number): Value {
  return string(short(value));
}
