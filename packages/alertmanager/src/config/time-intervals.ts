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
  /** IANA name, "Local", or "" for UTC. */
  location: string;
}

export interface TimeInterval {
  name: string;
  periods: TimePeriod[];
}

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = [
  "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
]; // biome-ignore format: a list

function fault(node: YamlNode, message: string): Error {
  return node.error(message, { code: "alertmanager.time-interval" });
}

function minutes(node: YamlNode): number {
  const text = node.string();
  const match = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/.exec(text);
  if (!match) throw fault(node, `couldn't parse timestamp ${text}, invalid format`);
  return match[1] === undefined ? 24 * 60 : Number(match[1]) * 60 + Number(match[2]);
}

function readTime(node: YamlNode): Range {
  const map = node.map();
  const start = map.get("start_time");
  const stop = map.get("end_time");
  map.done("timeinterval.yamlTimeRange");
  if (!start || !stop || start.string() === "" || stop.string() === "")
    throw fault(node, "both start and end times must be provided");
  const begin = minutes(start);
  const end = minutes(stop);
  if (begin >= end) throw fault(node, "start time cannot be equal or greater than end time");
  return { begin, end };
}

type Member = (text: string, node: YamlNode) => number;

const whole: Member = (text, node) => {
  if (!/^[-+]?\d+$/.test(text)) throw fault(node, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
};
const weekday: Member = (text, node) => {
  const day = WEEKDAYS.indexOf(text);
  if (day < 0) throw fault(node, `${text} is not a valid weekday`);
  return day;
};
const month: Member = (text, node) => {
  const at = MONTHS.indexOf(text);
  if (at >= 0) return at + 1;
  if (!/^[-+]?\d+$/.test(text)) throw fault(node, `${text} is not a valid month`);
  return Number(text);
};

function ranges(node: YamlNode | undefined, member: Member, check: (range: Range, item: YamlNode) => void): Range[] {
  return (node?.items() ?? []).map((item) => {
    const text = item.string().toLowerCase();
    const parts = text.split(":");
    if (parts.length > 2) throw fault(item, `couldn't parse range ${text}, invalid format`);
    const begin = member(parts[0], item);
    const range = { begin, end: parts.length === 2 ? member(parts[1], item) : begin };
    check(range, item);
    return range;
  });
}

function checkDays({ begin, end }: Range, item: YamlNode): void {
  for (const day of [begin, end]) {
    if (day === 0 || day < -31 || day > 31) throw fault(item, `${day} is not a valid day of the month: out of range`);
  }
  if (begin < 0 && end > 0) throw fault(item, "end day must be negative if start day is negative");
  // What is wrong in the shortest month is always wrong.
  const inShortest = (day: number): number => (day < 0 ? 28 + day : day);
  if (inShortest(begin) > inShortest(end)) throw fault(item, `end day ${end} is always before start day ${begin}`);
}

function readLocation(node: YamlNode | undefined): string {
  if (!node || node.isNull) return "";
  const name = node.string();
  try {
    if (name !== "Local" && name !== "") new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    throw fault(node, `unknown time zone ${name}`);
  }
  return name;
}

export function readTimePeriod(node: YamlNode): TimePeriod {
  const map = node.map();
  const period: TimePeriod = {
    times: (map.get("times")?.items() ?? []).map(readTime),
    weekdays: ranges(map.get("weekdays"), weekday, ({ begin, end }, item) => {
      if (begin > end) throw fault(item, "start day cannot be before end day");
    }),
    daysOfMonth: ranges(map.get("days_of_month"), whole, checkDays),
    months: ranges(map.get("months"), month, ({ begin, end }, item) => {
      const name = (at: number): string => MONTHS[at - 1] ?? "";
      if (begin > end) throw fault(item, `end month ${name(end)} is before start month ${name(begin)}`);
    }),
    years: ranges(map.get("years"), whole, ({ begin, end }, item) => {
      if (begin > end) throw fault(item, `end year ${end} is before start year ${begin}`);
    }),
    location: readLocation(map.get("location")),
  };
  map.done("timeinterval.TimeInterval");
  return period;
}

/** `kind` is what upstream calls it when the name is missing. */
export function readTimeInterval(node: YamlNode, kind: "time interval" | "mute time interval"): TimeInterval {
  const map = node.map();
  const name = map.get("name")?.string() ?? "";
  const periods = (map.get("time_intervals")?.items() ?? []).map(readTimePeriod);
  map.done("config.plain");
  if (name === "") throw node.error(`missing name in ${kind}`, { code: "alertmanager.config" });
  return { name, periods };
}

function contains(list: readonly Range[], value: number): boolean {
  return list.length === 0 || list.some(({ begin, end }) => value >= begin && value <= end);
}

/** A formatter takes long to make. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(location: string): Intl.DateTimeFormat {
  let formatter = formatters.get(location);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: location === "Local" ? undefined : location || "UTC",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      weekday: "long",
    });
    formatters.set(location, formatter);
  }
  return formatter;
}

/** Year, month, day, weekday and minute of a moment in a time zone. */
function local(ms: number, location: string) {
  const parts = Object.fromEntries(
    formatterOf(location)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
  return {
    year: Number(parts.year),
    month: Number(parts.month),
    day: Number(parts.day),
    weekday: WEEKDAYS.indexOf(parts.weekday.toLowerCase()),
    minute: Number(parts.hour) * 60 + Number(parts.minute),
  };
}

/** Whether a moment (Unix ms) is within. */
export function periodContains(period: TimePeriod, ms: number): boolean {
  const { year, month, day, weekday: dayOfWeek, minute } = local(ms, period.location);
  if (!contains(period.years, year) || !contains(period.months, month) || !contains(period.weekdays, dayOfWeek))
    return false;
  if (period.times.length > 0 && !period.times.some(({ begin, end }) => minute >= begin && minute < end)) return false;
  if (period.daysOfMonth.length === 0) return true;
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return period.daysOfMonth.some(({ begin, end }) => {
    const from = begin < 0 ? length + begin + 1 : begin;
    const to = end < 0 ? length + end + 1 : end;
    // A range that lies beyond a short month does not match in it.
    return from <= length && day >= from && day <= Math.min(length, to);
  });
}

export function intervalContains({ periods }: TimeInterval, ms: number): boolean {
  return periods.some((period) => periodContains(period, ms));
}
