/** Go's time.Duration: nanoseconds in an int64, printed as 1h2m3.5s. */

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
export const SECOND = UNITS.s;
const MAX = (1n << 63n) - 1n;

function decimal(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(value % unit)
    .padStart(digits, "0")
    .replace(/0+$/, "");
  return `${value / unit}${digits === 0 || fraction === "" ? "" : `.${fraction}`}`;
}

export function formatGoDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size < SECOND) {
    const unit = size < 1_000n ? "ns" : size < 1_000_000n ? "µs" : "ms";
    return sign + decimal(size, UNITS[unit]) + unit;
  }
  const hours = size / UNITS.h;
  const minutes = (size % UNITS.h) / UNITS.m;
  const seconds = `${decimal(size % UNITS.m, SECOND)}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : sign + seconds;
}

/** time.ParseDuration; undefined when the text is none or too long for an int64. */
export function parseGoDuration(text: string): bigint | undefined {
  const match = /^([+-]?)(.+)$/s.exec(text);
  if (!match) return undefined;
  let rest = match[2];
  if (rest === "0") return 0n;
  let total = 0n;
  while (rest !== "") {
    const part = /^(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/.exec(rest);
    if (!part || (part[1] === "" && !part[2])) return undefined;
    const unit = UNITS[part[3]];
    total += BigInt(part[1] || "0") * unit;
    const fraction = (part[2] ?? "").slice(0, 18);
    if (fraction !== "") total += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
    rest = rest.slice(part[0].length);
  }
  if (total > MAX) return undefined;
  return match[1] === "-" ? -total : total;
}
