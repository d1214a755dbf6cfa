/** Prometheus durations: `1h30m`, units y w d h m s ms in this order, each at most once; `0` alone is allowed. */
import { UserError } from "./error.ts";

const UNITS: readonly (readonly [string, number])[] = [
  ["y", 365 * 24 * 3600e3],
  ["w", 7 * 24 * 3600e3],
  ["d", 24 * 3600e3],
  ["h", 3600e3],
  ["m", 60e3],
  ["s", 1e3],
  ["ms", 1],
];
/** Go's time.Duration is an int64 of nanoseconds. */
const MAX_MS = 9223372036854;

/** Milliseconds of a duration; a UserError with upstream's wording when it is none. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (text === "") throw new UserError("model.duration", "empty duration string");
  const invalid = () => new UserError("model.duration", `not a valid duration string: ${JSON.stringify(text)}`);
  let total = 0;
  let last = -1;
  let rest = text;
  while (rest !== "") {
    const part = /^([0-9]+)([^0-9]+)/.exec(rest);
    if (!part) throw invalid();
    const unit = UNITS.findIndex(([name]) => name === part[2]);
    if (unit < 0) {
      throw new UserError(
        "model.duration",
        `unknown unit ${JSON.stringify(part[2])} in duration ${JSON.stringify(text)}`,
      );
    }
    // From the largest to the smallest, each once.
    if (unit <= last) throw invalid();
    last = unit;
    total += Number(part[1]) * UNITS[unit][1];
    rest = rest.slice(part[0].length);
  }
  if (total > MAX_MS) throw new UserError("model.duration", "duration out of range");
  return total;
}

/** The shortest exact form, as upstream's model.Duration.String(): weeks and years only when nothing remains. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.abs(ms);
  let out = ms < 0 ? "-" : "";
  for (const [unit, size] of UNITS) {
    const exactOnly = unit === "y" || unit === "w";
    if (exactOnly && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) {
      out += `${count}${unit}`;
      rest -= count * size;
    }
  }
  return out;
}

/** As Go's time.Duration writes itself: `0s`, `1.5s`, `2m0s`, `26h3m0s`. Not below zero. */
export function formatGoDuration(ms: number): string {
  if (ms === 0) return "0s";
  const seconds = (ms % 60_000) / 1000;
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return ms < 1000 ? `${ms}ms` : `${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds}s` : `${hours}h${minutes % 60}m${seconds}s`;
}
