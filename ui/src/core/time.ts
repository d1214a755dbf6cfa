/** Ranges as URLs have them: `now-6h`, `now/d`, Unix ms, or a date. */

const UNITS: Record<string, number> = {
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 86_400e3,
  w: 7 * 86_400e3,
  M: 30 * 86_400e3,
  y: 365 * 86_400e3,
};

function floorTo(ms: number, unit: string, end: boolean): number {
  const date = new Date(ms);
  if (unit === "d" || unit === "w" || unit === "M" || unit === "y") date.setHours(0, 0, 0, 0);
  if (unit === "w") date.setDate(date.getDate() - ((date.getDay() + 6) % 7));
  if (unit === "M" || unit === "y") date.setDate(1);
  if (unit === "y") date.setMonth(0);
  if (unit === "h" || unit === "m" || unit === "s") date.setTime(Math.floor(ms / UNITS[unit]) * UNITS[unit]);
  return end ? date.getTime() + UNITS[unit] - 1 : date.getTime();
}

/** Unix ms of a point in time; undefined when it is none. `end`: `/d` means the end of the day. */
export function parseTime(text: string, now = Date.now(), end = false): number | undefined {
  const trimmed = text.trim();
  const match = /^now((?:[+-]\d+[smhdwMy])*)(?:\/([smhdwMy]))?$/.exec(trimmed);
  if (match) {
    let ms = now;
    for (const [, sign, count, unit] of match[1].matchAll(/([+-])(\d+)([smhdwMy])/g))
      ms += (sign === "-" ? -1 : 1) * Number(count) * UNITS[unit];
    return match[2] ? floorTo(ms, match[2], end) : ms;
  }
  if (/^\d{10,}$/.test(trimmed)) return trimmed.length <= 10 ? Number(trimmed) * 1000 : Number(trimmed);
  const date = Date.parse(trimmed.includes("T") ? trimmed : trimmed.replace(" ", "T"));
  return Number.isNaN(date) ? undefined : date;
}

/** ms of `30s`, `1m30s`, or a bare number of seconds. */
export function parseInterval(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  let total = 0;
  let rest = text;
  while (rest !== "") {
    const match = /^(\d+)(ms|[smhdwy])/.exec(rest);
    if (!match) return undefined;
    total += Number(match[1]) * (match[2] === "ms" ? 1 : UNITS[match[2]]);
    rest = rest.slice(match[0].length);
  }
  return text === "" ? undefined : total;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Seconds between points: the next round number that gives about `points` of them, and not less than `minimum`. */
export function roundStep(rangeMs: number, points: number, minimum = 1): number {
  const wanted = Math.max(rangeMs / 1000 / points, minimum);
  return STEPS.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
}

/** Seconds as Prometheus writes a duration. */
export function formatSeconds(seconds: number): string {
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
  ] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  return `${seconds}s`;
}

/** `2026-11-24 08:00:00` of Unix ms, local; what `parseTime` reads back. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
