/** Time intervals: how they read, and what they contain. */

import { periodContains, readTimePeriod, type TimePeriod } from "@pharos/alertmanager";
import { parseYaml } from "@pharos/kit";
import { suite } from "./cases.ts";

interface GoRange {
  InclusiveRange: { Begin: number; End: number };
}
interface GoInterval {
  Times: { StartMinute: number; EndMinute: number }[] | null;
  Weekdays: GoRange[] | null;
  DaysOfMonth: GoRange[] | null;
  Months: GoRange[] | null;
  Years: GoRange[] | null;
  Location: { Location: string } | null;
}

const inclusive = (list: GoRange[] | null) =>
  (list ?? []).map(({ InclusiveRange: range }) => ({ begin: range.Begin, end: range.End }));

function periodOf(interval: GoInterval): TimePeriod {
  return {
    times: (interval.Times ?? []).map(({ StartMinute, EndMinute }) => ({ begin: StartMinute, end: EndMinute })),
    weekdays: inclusive(interval.Weekdays),
    daysOfMonth: inclusive(interval.DaysOfMonth),
    months: inclusive(interval.Months),
    years: inclusive(interval.Years),
    location: interval.Location?.Location ?? "",
  };
}

/** `02 Jan 06 15:04 -0700`. */
function goMoment(text: string): number {
  const match = /^(\d\d) (\w{3}) (\d\d) (\d\d:\d\d) ([+-]\d\d)(\d\d)$/.exec(text);
  if (!match) return Date.parse(text);
  const [, day, month, year, time, hours, minutes] = match;
  return Date.parse(`${day} ${month} 20${year} ${time}:00 GMT${hours}${minutes}`);
}

/** What a list of YAML errors says, without the line. */
const lastLine = (error: string) =>
  error
    .split("\n")
    .at(-1)!
    .replace(/^ *line \d+: /, "");

const readPeriod = (yaml: string) => readTimePeriod(parseYaml(yaml.replace(/^\s*---/, "")));
const readPeriods = (yaml: string) =>
  parseYaml(yaml.replace(/^\s*---/, ""))
    .items()
    .map(readTimePeriod);

export const timeIntervals = suite("alertmanager-timeinterval", "timeinterval", (cases, read) => {
  for (const [i, row] of read<{ timeInterval: GoInterval; validTimeStrings: string[]; invalidTimeStrings: string[] }[]>(
    "contains.json",
  ).entries()) {
    const period = periodOf(row.timeInterval);
    for (const text of row.validTimeStrings ?? [])
      cases.check(`contains ${i} ${text}`, periodContains(period, goMoment(text)), true);
    for (const text of row.invalidTimeStrings ?? [])
      cases.check(`contains ${i} ${text}`, periodContains(period, goMoment(text)), false);
  }
  interface YamlRow {
    in: string;
    contains: string[] | null;
    excludes: string[] | null;
    expectError?: boolean;
    err?: string;
    intervals?: GoInterval[] | null;
  }
  for (const row of read<YamlRow[]>("yaml.json")) {
    if (row.expectError) {
      cases.error(`yaml ${row.in}`, () => readPeriods(row.in), [row.err ?? ""]);
      continue;
    }
    let periods: TimePeriod[] = [];
    cases.error(`yaml ${row.in}`, () => (periods = readPeriods(row.in)), undefined);
    if (row.intervals) cases.check(`yaml ${row.in}`, periods, row.intervals.map(periodOf));
    for (const text of row.contains ?? [])
      cases.check(
        `yaml contains ${text}`,
        periods.every((period) => periodContains(period, goMoment(text))),
        true,
      );
    for (const text of row.excludes ?? [])
      cases.check(
        `yaml excludes ${text}`,
        periods.every((period) => periodContains(period, goMoment(text))),
        false,
      );
  }
  for (const row of read<YamlRow[]>("end-to-end.json")) {
    const period = readPeriod(row.in);
    for (const text of row.contains ?? [])
      cases.check(`end to end contains ${text}`, periodContains(period, goMoment(text)), true);
    for (const text of row.excludes ?? [])
      cases.check(`end to end excludes ${text}`, periodContains(period, goMoment(text)), false);
  }
  for (const row of read<
    { timeString: string; expectError: boolean; TimeRange: { StartMinute: number; EndMinute: number } }[]
  >("time-range-yaml.json")) {
    const run = () => readPeriod(`times: [${row.timeString}]`);
    if (row.expectError) cases.error(row.timeString, run, [""]);
    else cases.check(row.timeString, run().times, [{ begin: row.TimeRange.StartMinute, end: row.TimeRange.EndMinute }]);
  }
  const intervener = read<{
    time_intervals: Record<string, unknown[]>;
    cases: { name: string; now: string; muted_by: string[] | null }[];
  }>("intervener.json");
  const named = Object.entries(intervener.time_intervals).map(([name, list]) => ({
    name,
    periods: list.map((one) => readTimePeriod(parseYaml(JSON.stringify(one)))),
  }));
  for (const { name, now, muted_by: mutedBy } of intervener.cases) {
    const got = named
      .filter(({ periods }) => periods.some((period) => periodContains(period, Date.parse(now))))
      .map((one) => one.name);
    cases.check(name, got.sort(), [...(mutedBy ?? [])].sort());
  }
  for (const row of read<{ yaml: string; error?: string; checks?: { time: string; contains: boolean }[] }[]>(
    "oracle-cases.json",
  )) {
    if (row.error) cases.error(row.yaml, () => readPeriod(row.yaml), [lastLine(row.error)]);
    else
      for (const { time, contains } of row.checks ?? [])
        cases.check(`${row.yaml} ${time}`, periodContains(readPeriod(row.yaml), Date.parse(time)), contains);
  }
});
