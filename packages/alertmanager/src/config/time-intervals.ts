/** Time intervals: when a route is active or muted. Start inclusive, end exclusive. */
import type { YamlNode } from "@pharos/kit";

interface Range {
  begin: number;
  end: number;
}

export interface TimePeriod {
  /** Minutes of the day, end exclusive. */
  times: Range[];
  /** 0 is Sunday. */
  weekdays: Range[];
  /** Negative days count from the month's end. */
  daysOfMonth: Range[];
  months: Range[];
  years: Range[];
  location: string;
}

export interface TimeInterval {
  name: string;
  periods: TimePeriod[];
}

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];

function minutes(node: YamlNode, end: boolean): number {
  const match = /^([01]?\d|2[0-3]|24):([0-5]\d)$/.exec(node.string());
  const value = match ? Number(match[1]) * 60 + Number(match[2]) : Number.NaN;
  if (Number.isNaN(value) || value > 1440 || (value === 1440 && !end))
    throw node.error(`couldn't parse timestamp ${node.string()}, invalid format`, {
      code: "alertmanager.time-interval",
    });
  return value;
}

function ranges(node: YamlNode | undefined, read: (text: string) => number | undefined, what: string): Range[] {
  return (node?.items() ?? []).map((item) => {
    const [first, last = first] = item.string().toLowerCase().split(":");
    const begin = read(first.trim());
    const end = read(last.trim());
    if (begin === undefined || end === undefined)
      throw item.error(`${item.string()} is not a valid ${what}`, { code: "alertmanager.time-interval" });
    if (begin > end && !(begin < 0) === !(end < 0))
      throw item.error(`start ${what} cannot be after end ${what}`, { code: "alertmanager.time-interval" });
    return { begin, end };
  });
}

const whole =
  (low: number, high: number) =>
  (text: string): number | undefined => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= low && value <= high ? value : undefined;
  };
const named =
  (names: readonly string[], base: number, numeric: (text: string) => number | undefined) =>
  (text: string): number | undefined => {
    const at = names.indexOf(text);
    return at >= 0 ? at + base : numeric(text);
  };

function readPeriod(node: YamlNode): TimePeriod {
  const map = node.map();
  const period: TimePeriod = {
    times: (map.get("times")?.items() ?? []).map((item) => {
      const inner = item.map();
      const begin = minutes(inner.required("start_time"), false);
      const end = minutes(inner.required("end_time"), true);
      inner.done("timeinterval.yamlTimeRange");
      if (begin >= end)
        throw item.error("start time cannot be equal or greater than end time", { code: "alertmanager.time-interval" });
      return { begin, end };
    }),
    weekdays: ranges(
      map.get("weekdays"),
      named(WEEKDAYS, 0, () => undefined),
      "weekday",
    ),
    daysOfMonth: ranges(
      map.get("days_of_month"),
      (text) => (whole(-31, 31)(text) === 0 ? undefined : whole(-31, 31)(text)),
      "day of the month",
    ),
    months: ranges(map.get("months"), named(MONTHS, 1, whole(1, 12)), "month"),
    years: ranges(map.get("years"), whole(1, 9999), "year"),
    location: map.get("location")?.string() || "UTC",
  };
  map.done("timeinterval.TimeInterval");
  try {
    if (period.location !== "Local") new Intl.DateTimeFormat("en", { timeZone: period.location });
  } catch {
    throw node.error(`unknown time zone ${period.location}`, { code: "alertmanager.time-interval" });
  }
  return period;
}

export function readTimeInterval(node: YamlNode): TimeInterval {
  const map = node.map();
  const name = map.get("name")?.string() ?? "";
  const periods = (map.get("time_intervals")?.items() ?? []).map(readPeriod);
  map.done("config.TimeInterval");
  if (name === "") throw node.error("missing name in time interval", { code: "alertmanager.config" });
  return { name, periods };
}

function contains(list: readonly Range[], value: number): boolean {
  return list.length === 0 || list.some(({ begin, end }) => value >= begin && value <= end);
}

/** Year, month, day, weekday and minute of a moment in a time zone. */
function local(ms: number, location: string) {
  const timeZone = location === "Local" ? undefined : location;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    weekday: "long",
  });
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  return {
    year: Number(parts.year),
    month: Number(parts.month),
    day: Number(parts.day),
    weekday: WEEKDAYS.indexOf(parts.weekday.toLowerCase()),
    minute: Number(parts.hour) * 60 + Number(parts.minute),
  };
}

export function intervalContains({ periods }: TimeInterval, ms: number): boolean {
  return periods.some((period) => {
    const { year, month, day, weekday, minute } = local(ms, period.location);
    if (!contains(period.years, year) || !contains(period.months, month) || !contains(period.weekdays, weekday))
      return false;
    if (period.times.length > 0 && !period.times.some(({ begin, end }) => minute >= begin && minute < end))
      return false;
    if (period.daysOfMonth.length === 0) return true;
    const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
    return period.daysOfMonth.some(({ begin, end }) => {
      const from = begin < 0 ? length + begin + 1 : begin;
      const to = end < 0 ? length + end + 1 : end;
      // A range that lies beyond a short month does not match in it.
      return from <= length && day >= Math.max(1, from) && day <= Math.min(length, to);
    });
  });
}
