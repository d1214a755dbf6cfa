/**
 * Schedules of CronJobs: five fields or a descriptor, optionally behind `CRON_TZ=zone `. Rules are those of the parser
 * upstream uses (go-cron 0.15): ranges may wrap around, a step must be smaller than its range, and day of month and day
 * of week must both match.
 */
import { TimeZone } from "./time-zone.ts";

export interface Schedule {
  /** The first time after `time`, in Unix seconds; undefined when there is none within five years. */
  next(time: number): number | undefined;
}

interface Bounds {
  min: number;
  max: number;
  names?: readonly string[];
}

const MINUTES: Bounds = { min: 0, max: 59 };
const HOURS: Bounds = { min: 0, max: 23 };
const DAYS: Bounds = { min: 1, max: 31 };
const MONTHS: Bounds = {
  min: 1,
  max: 12,
  names: ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds = { min: 0, max: 7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
/** They never fire by themselves. */
const UNTIMED = new Set(["@triggered", "@manual", "@none"]);
const EVERY = "@every ";

const MAX_LENGTH = 1024;
const SEARCH_YEARS = 5;

type Field = ReadonlySet<number>;

function parseNumber(text: string, names?: readonly string[]): number | undefined {
  const named = names ? names.indexOf(text.toLowerCase()) : -1;
  if (named >= 0 && text !== "") return named;
  return /^\+?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Adds what one item of a list means; false when it means nothing. */
function addRange(item: string, { min, max, names }: Bounds, values: Set<number>): boolean {
  const [range, stepText, ...more] = item.split("/");
  const [low, high, ...rest] = range.split("-");
  const star = low === "*" || low === "?";
  if (more.length > 0 || (!star && rest.length > 0)) return false;
  const start = star ? min : parseNumber(low, names);
  let end = star ? max : high === undefined ? start : parseNumber(high, names);
  let step: number | undefined = 1;
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    if (high === undefined) end = max;
  }
  if (start === undefined || end === undefined || !step || start < min || end > max) return false;
  const count = max - min + 1;
  const size = start > end ? max - start + 1 + (end - min + 1) : end - start + 1;
  if (step > 1 && step >= size) return false;
  for (let at = start; at <= (start > end ? end + count : end); at += step) {
    values.add(at > max ? ((at - min) % count) + min : at);
  }
  return true;
}

function parseField(text: string, bounds: Bounds): Field | undefined {
  const values = new Set<number>();
  for (const item of text.split(",")) if (item !== "" && !addRange(item, bounds, values)) return undefined;
  // Seven is another name of Sunday.
  if (bounds === WEEKDAYS && values.delete(7)) values.add(0);
  return values;
}

class FieldSchedule implements Schedule {
  readonly #minutes: Field;
  readonly #hours: Field;
  readonly #days: Field;
  readonly #months: Field;
  readonly #weekdays: Field;
  readonly #zone: TimeZone;

  constructor([minutes, hours, days, months, weekdays]: readonly Field[], zone: TimeZone) {
    this.#minutes = minutes;
    this.#hours = hours;
    this.#days = days;
    this.#months = months;
    this.#weekdays = weekdays;
    this.#zone = zone;
  }

  next(after: number): number | undefined {
    const zone = this.#zone;
    let time = Math.floor(after) + 1;
    const lastYear = zone.wallClock(time).year + SEARCH_YEARS;
    // The first field that does not match sets all smaller ones to their start.
    let moved = false;
    search: for (;;) {
      let now = zone.wallClock(time);
      if (now.year > lastYear) return undefined;
      while (!this.#months.has(now.month)) {
        time = zone.timeOf(now.year, now.month + 1, moved ? now.day : 1);
        moved = true;
        now = zone.wallClock(time);
        if (now.month === 1) continue search;
      }
      while (!(this.#days.has(now.day) && this.#weekdays.has(now.weekday))) {
        time = zone.timeOf(now.year, now.month, now.day + 1);
        moved = true;
        now = zone.wallClock(time);
        // Where midnight does not exist, the day begins at its first hour.
        if (now.hour !== 0) {
          time += (now.hour > 12 ? 24 - now.hour : -now.hour) * 3600;
          now = zone.wallClock(time);
        }
        if (now.day === 1) continue search;
      }
      while (!this.#hours.has(now.hour)) {
        const before = now.hour;
        if (!moved) time = zone.timeOf(now.year, now.month, now.day, now.hour);
        moved = true;
        time += 3600;
        now = zone.wallClock(time);
        // An hour that the change of clocks leaves out is made up for at once.
        if (now.hour - before === 2 && this.#hours.has(now.hour - 1)) break;
        if (now.hour === 0) continue search;
      }
      while (!this.#minutes.has(now.minute)) {
        if (!moved) time -= time % 60;
        moved = true;
        time += 60;
        now = zone.wallClock(time);
        if (now.minute === 0) continue search;
      }
      if (time % 60 === 0) return time;
      time += 60 - (time % 60);
      moved = true;
    }
  }
}

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Seconds of a Go duration: `1h30m`. */
function parseGoDuration(text: string): number | undefined {
  if (!/^[+-]?((\d+(\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)/g)) {
    seconds += Number(number) * UNITS[unit];
  }
  return text.startsWith("-") ? -seconds : seconds;
}

function parseDescriptor(text: string, zone: TimeZone): Schedule | undefined {
  if (UNTIMED.has(text)) return { next: () => undefined };
  if (text.startsWith(EVERY)) {
    const seconds = parseGoDuration(text.slice(EVERY.length));
    if (seconds === undefined || seconds < 1) return undefined;
    return { next: (time) => Math.floor(time) + Math.floor(seconds) };
  }
  const fields = DESCRIPTORS[text];
  return fields === undefined ? undefined : parseFields(fields, zone);
}

function parseFields(text: string, zone: TimeZone): Schedule | undefined {
  const texts = text.split(/\s+/).filter((field) => field !== "");
  if (texts.length !== 5) return undefined;
  const fields: Field[] = [];
  for (const [i, bounds] of [MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS].entries()) {
    const field = parseField(texts[i], bounds);
    if (!field) return undefined;
    fields.push(field);
  }
  return new FieldSchedule(fields, zone);
}

/** Undefined when the schedule or its zone cannot be understood. */
export function parseSchedule(schedule: string, timeZone?: string | null): Schedule | undefined {
  let text = timeZone === undefined || timeZone === null ? schedule : `CRON_TZ=${timeZone} ${schedule}`;
  if (text.length > MAX_LENGTH) return undefined;
  let zone = TimeZone.named("Local");
  const prefix = /^(?:CRON_)?TZ=(\S*) (.*)$/s.exec(text);
  if (prefix) {
    zone = TimeZone.named(prefix[1].replace(/^(["'])(.*)\1$/, "$2"));
    text = prefix[2].trim();
  }
  if (!zone) return undefined;
  return text.startsWith("@") ? parseDescriptor(text, zone) : parseFields(text, zone);
}
