/** Recurring silences as Alertmanager's API has them, and their rules in words. */
import type { SilenceMatcher } from "../core/matchers.ts";

export interface Series {
  id: string;
  status: { state: "active" | "pending" | "expired" };
  /** `sat,sun 22:00-06:00 Europe/Berlin until 2026-12-31T00:00:00.000Z` */
  recurrence: string;
  matchers: SilenceMatcher[];
  createdBy: string;
  comment: string;
  silences: string[];
  windows: { startsAt: string; endsAt: string; skipped: boolean }[];
}

export interface SeriesAnswer {
  /** Whether this Alertmanager takes recurring silences. */
  enabled: boolean;
  series: Series[];
}

export const RECURRING = "/api/v1/pharos/recurring-silences";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export interface Rule {
  days: string[];
  from: string;
  to: string;
  timeZone: string;
  /** Dates with times, "" for none. */
  since: string;
  until: string;
}

/** undefined where the text is no rule that this page knows. */
export function readRule(text: string): Rule | undefined {
  const match = /^(\S+) (\d\d:\d\d)-(\d\d:\d\d) (\S+)(?: since (\S+))?(?: until (\S+))?$/.exec(text);
  if (!match) return undefined;
  const [, days, from, to, timeZone, since = "", until = ""] = match;
  return {
    days: days === "daily" ? [...DAYS] : days!.split(","),
    from: from!,
    to: to!,
    timeZone: timeZone!,
    since,
    until,
  };
}

function dayNames(days: readonly string[]): string {
  if (days.length === DAYS.length) return "every day";
  const at = days.map((day) => DAYS.indexOf(day as (typeof DAYS)[number]));
  const capital = (day: string): string => day[0]!.toUpperCase() + day.slice(1);
  const isRow = at.length > 2 && at.every((day, i) => i === 0 || day === at[i - 1]! + 1);
  return isRow ? `${capital(days[0]!)}–${capital(days.at(-1)!)}` : days.map(capital).join(", ");
}

/** `every day 22:00–06:00 (Europe/Berlin)` */
export function ruleText(text: string): string {
  const rule = readRule(text);
  if (!rule) return text;
  const until = rule.until === "" ? "" : `, until ${rule.until.slice(0, 10)}`;
  const since = rule.since === "" ? "" : `, from ${rule.since.slice(0, 10)}`;
  return `${dayNames(rule.days)} ${rule.from}–${rule.to} (${rule.timeZone})${since}${until}`;
}
