/** muteTimeIntervals of an AlertmanagerConfig → time intervals of alertmanager.yml, as Alertmanager prints them. */
import { UserError } from "@pharos/model";
import type { Yaml } from "../prometheus/http-client.ts";
import type { Origin } from "./scope.ts";

interface TimePeriod {
  times?: { startTime: string; endTime: string }[];
  weekdays?: string[];
  daysOfMonth?: { start: number; end?: number }[];
  months?: string[];
  years?: string[];
}

export interface CrdTimeInterval {
  name: string;
  timeIntervals?: TimePeriod[];
}

const MONTHS = [
  "january", "february", "march", "april", "may", "june",
  "july", "august", "september", "october", "november", "december",
]; // biome-ignore format: a table

/** Names become numbers. */
function months(range: string): string {
  return range
    .toLowerCase()
    .split(":")
    .map((part) => (MONTHS.includes(part) ? String(MONTHS.indexOf(part) + 1) : part))
    .join(":");
}

/** Days count from the end of the month when they are negative, so only days of one sign have an order here. */
function days({ start, end }: { start: number; end?: number }, name: string): string {
  const last = end || start;
  if (Math.sign(start) === Math.sign(last) && start > last) {
    throw new UserError("operator.invalid", `day ${start} of the month is after day ${last}`, {
      where: { field: `spec.muteTimeIntervals ${name}` },
      fix: "Swap start and end",
    });
  }
  return last === start ? String(start) : `${start}:${last}`;
}

export function convertTimeInterval({ name, timeIntervals }: CrdTimeInterval, { prefix }: Origin): Yaml {
  return {
    name: prefix + name,
    time_intervals: (timeIntervals ?? []).map((period) => {
      const out: Yaml = {};
      if (period.times?.length) {
        out.times = period.times.map(({ startTime, endTime }) => ({ start_time: startTime, end_time: endTime }));
      }
      if (period.weekdays?.length) out.weekdays = period.weekdays.map((day) => day.toLowerCase());
      if (period.daysOfMonth?.length) out.days_of_month = period.daysOfMonth.map((range) => days(range, name));
      if (period.months?.length) out.months = period.months.map(months);
      if (period.years?.length) out.years = period.years;
      return out;
    }),
  };
}
