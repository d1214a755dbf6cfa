/** muteTimeIntervals of an AlertmanagerConfig → time intervals of alertmanager.yml. */
import type { Yaml } from "../prometheus/http-client.ts";

interface TimePeriod {
  times?: { startTime: string; endTime: string }[];
  weekdays?: string[];
  daysOfMonth?: { start: number; end?: number }[];
  months?: string[];
  years?: string[];
}

const MONTHS = [
  "january", "february", "march", "april", "may", "june",
  "july", "august", "september", "october", "november", "december",
]; // biome-ignore format: a table

/** Names become numbers, as Alertmanager prints them. */
function months(range: string): string {
  return range
    .toLowerCase()
    .split(":")
    .map((part) => (MONTHS.includes(part) ? String(MONTHS.indexOf(part) + 1) : part))
    .join(":");
}

export function convertTimeInterval(
  { name, timeIntervals }: { name: string; timeIntervals?: TimePeriod[] },
  prefix: string,
): Yaml {
  return {
    name: prefix + name,
    time_intervals: (timeIntervals ?? []).map((period) => {
      const out: Yaml = {};
      if (period.times?.length) {
        out.times = period.times.map(({ startTime, endTime }) => ({ start_time: startTime, end_time: endTime }));
      }
      if (period.weekdays?.length) out.weekdays = period.weekdays.map((day) => day.toLowerCase());
      if (period.daysOfMonth?.length) {
        out.days_of_month = period.daysOfMonth.map(({ start, end }) =>
          end && end !== start ? `${start}:${end}` : String(start),
        );
      }
      if (period.months?.length) out.months = period.months.map(months);
      if (period.years?.length) out.years = period.years;
      return out;
    }),
  };
}
