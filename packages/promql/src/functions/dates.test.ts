import { describe, expect, test } from "vitest";
import { civilTime, DATE_FUNCTIONS } from "./dates.ts";

describe("civilTime", () => {
  test.each([0, 951_782_400, 1_709_164_800, -1, 1_700_000_000.9, -62_135_596_801, -62_000_000_000])(
    "agrees with Date at %d",
    (seconds) => {
      const date = new Date(Math.trunc(seconds) * 1000);
      const time = civilTime(seconds);
      expect([time.year, time.month, time.day, time.weekday, time.hour, time.minute]).toEqual([
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCDay(),
        date.getUTCHours(),
        date.getUTCMinutes(),
      ]);
    },
  );

  test("what no int64 can hold is the least one, whose year wraps around", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300]) {
      const time = civilTime(value);
      expect(time).toMatchObject({ year: 292_277_026_596, month: 12, day: 4, dayOfYear: 339, hour: 15, minute: 30 });
      expect(DATE_FUNCTIONS.get("days_in_month")!(time)).toBe(31);
    }
  });

  test("far years keep the calendar of the years they repeat", () => {
    const era = 400 * 365.2425 * 86_400;
    const near = civilTime(1_709_164_800);
    expect(civilTime(1_709_164_800 + era * 1e6)).toEqual({ ...near, year: near.year + 400e6 });
    expect(DATE_FUNCTIONS.get("days_in_month")!(civilTime(1_709_164_800))).toBe(29);
  });
});
