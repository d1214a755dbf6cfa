/**
 * When a recurring silence holds: windows of local time on days of the week. Written as people say it, so that whoever lists the
 * annotations of a silence can read it: `sat,sun 22:00-06:00 Europe/Berlin until 2026-12-31T00:00:00.000Z`.
 */
import { UserError } from "@pharos/model";

export interface Recurrence {
  /** 1 is Monday, 7 Sunday; sorted, at least one. A window belongs to the day it begins on. */
  days: number[];
  /** Minutes of the local day. A window whose `to` is not after its `from` ends on the next day. */
  from: number;
  to: number;
  /** IANA name. */
  timeZone: string;
  /** Unix ms; no window begins before. 0: any may. */
  since: number;
  /** Unix ms; no window begins then or later. 0: it has no end. */
  until: number;
}

/** Unix ms; the end is no longer within. */
export interface Window {
  startsAt: number;
  endsAt: number;
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES = 24 * 60;
/** The longest rule is well below; what is longer is none. */
const MAX_LENGTH = 300;
const TEXT = /^(daily|[a-z]{3}(?:,[a-z]{3})*) (\d{2}:\d{2})-(\d{2}:\d{2}) (\S+)(?: since (\S+))?(?: until (\S+))?$/;
const ZONE = /^[A-Za-z][\w+\-/]*$/;
/** A week and the days around it: every rule has a window in there, unless a change of the clock swallows it. */
const SEARCH_DAYS = 30;

function fault(message: string, fix: string): UserError {
  return new UserError("alertmanager.recurrence", message, { fix });
}

/** Minutes of `22:00`; `24:00` is the day's end. */
function minutes(text: string): number {
  const match = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/.exec(text);
  if (!match) throw fault(`not a time of day: ${JSON.stringify(text)}`, "Write it like 22:00");
  return match[1] === undefined ? DAY_MINUTES : Number(match[1]) * 60 + Number(match[2]);
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

function moment(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw fault(`not a date-time: ${JSON.stringify(text)}`, "Write it like 2026-12-31T00:00:00Z");
  return ms;
}

function daysOf(names: readonly string[]): number[] {
  const days = names.map((name) => {
    const at = DAYS.indexOf(name.slice(0, 3).toLowerCase());
    if (at < 0) throw fault(`not a day of the week: ${JSON.stringify(name)}`, `Use one of ${DAYS.join(", ")}`);
    return at + 1;
  });
  if (days.length === 0) throw fault("a recurrence needs a day of the week", "Name one, such as sat, or daily");
  return [...new Set(days)].sort((a, b) => a - b);
}

/** Puts a rule together from its parts as people give them; throws a UserError. */
export function makeRecurrence(parts: {
  /** `sat` or `Saturday`; `daily` is all of them. */
  days: readonly string[];
  from: string;
  to: string;
  timeZone: string;
  since?: string;
  until?: string;
}): Recurrence {
  const { days, from, to, timeZone, since, until } = parts;
  if (!ZONE.test(timeZone) || !isZone(timeZone))
    throw fault(`unknown time zone ${JSON.stringify(timeZone)}`, "Use a name such as Europe/Berlin or UTC");
  const rule = {
    days: days.length === 1 && days[0] === "daily" ? [1, 2, 3, 4, 5, 6, 7] : daysOf(days),
    from: minutes(from),
    to: minutes(to),
    timeZone,
    since: moment(since),
    until: moment(until),
  };
  if (rule.from === DAY_MINUTES) throw fault("a window cannot begin at 24:00", "Begin it at 00:00 of the next day");
  if (rule.until !== 0 && rule.until <= rule.since)
    throw fault("a recurrence cannot end before it begins", "Give a later end");
  return rule;
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Throws a UserError when the text is no rule. */
export function parseRecurrence(text: string): Recurrence {
  const match = text.length <= MAX_LENGTH ? TEXT.exec(text) : null;
  if (!match)
    throw fault(
      `not a recurrence: ${JSON.stringify(text.slice(0, MAX_LENGTH))}`,
      "Write it like sat,sun 22:00-06:00 Europe/Berlin",
    );
  const [, days, from, to, timeZone, since, until] = match;
  return makeRecurrence({ days: days.split(","), from, to, timeZone, since, until });
}

/** What `parseRecurrence` reads. */
export function formatRecurrence({ days, from, to, timeZone, since, until }: Recurrence): string {
  const names = days.length === DAYS.length ? "daily" : days.map((day) => DAYS[day - 1]).join(",");
  const limits = [
    since === 0 ? "" : ` since ${new Date(since).toISOString()}`,
    until === 0 ? "" : ` until ${new Date(until).toISOString()}`,
  ];
  return `${names} ${clock(from)}-${clock(to)} ${timeZone}${limits.join("")}`;
}

/**
 * Unix ms of a local time. What the clock leaves out in spring is taken when the clock has moved on; of the hour that comes twice
 * in autumn a window has both.
 */
function instant(day: Temporal.PlainDate, minute: number, timeZone: string, isEnd: boolean): number {
  const isNextDay = minute >= DAY_MINUTES;
  const date = isNextDay ? day.add({ days: 1 }) : day;
  const rest = isNextDay ? minute - DAY_MINUTES : minute;
  const time = date.toPlainDateTime({ hour: Math.floor(rest / 60), minute: rest % 60 });
  return time.toZonedDateTime(timeZone, { disambiguation: isEnd ? "later" : "compatible" }).epochMilliseconds;
}

/** The next windows that are not over at the given moment (Unix ms), in order; fewer when the rule ends. */
export function nextWindows(rule: Recurrence, now: number, count: number): Window[] {
  const { days, from, to, timeZone, since, until } = rule;
  const found: Window[] = [];
  const earliest = Math.max(now, since);
  const first = Temporal.Instant.fromEpochMilliseconds(earliest).toZonedDateTimeISO(timeZone).toPlainDate();
  const length = to > from ? to : to + DAY_MINUTES;
  // A window of the day before yesterday may still hold where the clock was moved.
  for (let i = -2; i < SEARCH_DAYS * Math.max(1, count) && found.length < count; i++) {
    const day = first.add({ days: i });
    if (!days.includes(day.dayOfWeek)) continue;
    const startsAt = instant(day, from, timeZone, false);
    const endsAt = instant(day, length, timeZone, true);
    if (until !== 0 && startsAt >= until) break;
    if (startsAt < since || endsAt <= now || endsAt <= startsAt) continue;
    found.push({ startsAt, endsAt });
  }
  return found;
}
