import fc from "fast-check";
import { expect, test } from "vitest";
import { formatRecurrence, makeRecurrence, nextWindows, parseRecurrence } from "./recurrence.ts";

const at = (text: string): number => Date.parse(text);
const shown = (text: string, now: string, count = 3): string[] =>
  nextWindows(parseRecurrence(text), at(now), count).map(({ startsAt, endsAt }) =>
    [startsAt, endsAt].map((ms) => new Date(ms).toISOString().slice(0, 16)).join(" "),
  );

test("windows are those of local days, the one that holds comes first", () => {
  // A Saturday, 23:30 in Berlin.
  expect(shown("sat,sun 22:00-06:00 Europe/Berlin", "2026-11-28T22:30:00Z")).toEqual([
    "2026-11-28T21:00 2026-11-29T05:00",
    "2026-11-29T21:00 2026-11-30T05:00",
    "2026-12-05T21:00 2026-12-06T05:00",
  ]);
  // On Monday morning Sunday's window still holds; at its end it does not.
  expect(shown("sun 22:00-06:00 Europe/Berlin", "2026-11-30T04:59:00Z", 1)).toEqual([
    "2026-11-29T21:00 2026-11-30T05:00",
  ]);
  expect(shown("sun 22:00-06:00 Europe/Berlin", "2026-11-30T05:00:00Z", 1)).toEqual([
    "2026-12-06T21:00 2026-12-07T05:00",
  ]);
});

test("whole days follow each other without a gap", () => {
  expect(shown("daily 00:00-24:00 Asia/Kolkata", "2026-01-01T00:00:00Z")).toEqual([
    "2025-12-31T18:30 2026-01-01T18:30",
    "2026-01-01T18:30 2026-01-02T18:30",
    "2026-01-02T18:30 2026-01-03T18:30",
  ]);
  expect(shown("daily 12:00-12:00 UTC", "2026-01-01T12:00:00Z", 1)).toEqual(["2026-01-01T12:00 2026-01-02T12:00"]);
});

test("when the clock is moved, windows keep their local times", () => {
  // Berlin leaves out 02:00-03:00 on 2026-03-29 and has it twice on 2026-10-25.
  expect(shown("sun 02:30-04:00 Europe/Berlin", "2026-03-29T00:00:00Z", 1)).toEqual([
    "2026-03-29T01:30 2026-03-29T02:00",
  ]);
  expect(shown("sun 02:10-02:50 Europe/Berlin", "2026-03-29T00:00:00Z", 1)).toEqual([
    "2026-03-29T01:10 2026-03-29T01:50",
  ]);
  expect(shown("sun 01:30-02:30 Europe/Berlin", "2026-10-24T22:00:00Z", 1)).toEqual([
    "2026-10-24T23:30 2026-10-25T01:30",
  ]);
  expect(shown("sat 22:00-06:00 Europe/Berlin", "2026-10-24T12:00:00Z", 1)).toEqual([
    "2026-10-24T20:00 2026-10-25T05:00",
  ]);
});

test("nothing begins before since, nor at until or later", () => {
  const text = "daily 10:00-11:00 UTC since 2026-02-01T10:00:00.000Z until 2026-02-03T10:00:00.000Z";
  expect(shown(text, "2026-01-01T00:00:00Z", 9)).toEqual([
    "2026-02-01T10:00 2026-02-01T11:00",
    "2026-02-02T10:00 2026-02-02T11:00",
  ]);
  expect(shown(text, "2026-02-03T00:00:00Z")).toEqual([]);
});

test("what is no rule is refused with what is wrong", () => {
  const parts = { days: ["sat"], from: "22:00", to: "06:00", timeZone: "UTC" };
  for (const [change, message] of [
    [{ days: [] }, "needs a day"],
    [{ days: ["someday"] }, "not a day of the week"],
    [{ from: "24:00" }, "cannot begin at 24:00"],
    [{ from: "7:00" }, "not a time of day"],
    [{ to: "24:30" }, "not a time of day"],
    [{ timeZone: "Mars/Phobos" }, "unknown time zone"],
    [{ timeZone: "2026-01-01T00:00+01:00[UTC]" }, "unknown time zone"],
    [{ until: "tomorrow" }, "not a date-time"],
    [{ since: "2026-02-01T00:00:00Z", until: "2026-01-01T00:00:00Z" }, "cannot end before"],
  ] as const)
    expect(() => makeRecurrence({ ...parts, ...change })).toThrow(message);
  expect(() => parseRecurrence("every night")).toThrow("not a recurrence");
  expect(makeRecurrence({ ...parts, days: ["Sunday", "mon", "Monday"] }).days).toEqual([1, 7]);
});

test("any rule is read as it was written, and its windows are in order, of the right days, and not over", () => {
  const clock = fc.tuple(fc.nat(23), fc.nat(59)).map((pair) => pair.map((n) => String(n).padStart(2, "0")).join(":"));
  const rule = fc.record({
    days: fc.uniqueArray(fc.constantFrom("mon", "tue", "wed", "thu", "fri", "sat", "sun"), { minLength: 1 }),
    from: clock,
    to: fc.oneof(clock, fc.constant("24:00")),
    timeZone: fc.constantFrom(
      "UTC",
      "Europe/Berlin",
      "America/New_York",
      "Australia/Lord_Howe",
      "Asia/Kathmandu",
      "Africa/Casablanca",
    ),
  });
  fc.assert(
    fc.property(rule, fc.integer({ min: 0, max: 4e12 }), (parts, now) => {
      const made = makeRecurrence(parts);
      expect(parseRecurrence(formatRecurrence(made))).toEqual(made);
      const windows = nextWindows(made, now, 4);
      expect(windows).toHaveLength(4);
      for (const [i, { startsAt, endsAt }] of windows.entries()) {
        expect(endsAt).toBeGreaterThan(Math.max(startsAt, now));
        if (i > 0) expect(startsAt).toBeGreaterThan(windows[i - 1].startsAt);
        const day = Temporal.Instant.fromEpochMilliseconds(startsAt).toZonedDateTimeISO(made.timeZone).dayOfWeek;
        expect(made.days).toContain(day);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});
