import { expect, test } from "vitest";
import { formatSeconds, formatTime, parseInterval, parseTime, roundStep } from "./time.ts";

const NOW = Date.parse("2026-11-24T10:30:45.000Z");

test("points in time", () => {
  expect(parseTime("now", NOW)).toBe(NOW);
  expect(parseTime("now-1h30m", NOW)).toBeUndefined();
  expect(parseTime("now-6h", NOW)).toBe(NOW - 6 * 3600e3);
  expect(parseTime("now-1d+2h", NOW)).toBe(NOW - 22 * 3600e3);
  expect(parseTime("now/h", NOW)).toBe(Date.parse("2026-11-24T10:00:00.000Z"));
  expect(parseTime("now/h", NOW, true)).toBe(Date.parse("2026-11-24T10:59:59.999Z"));
  expect(parseTime("1700000000000", NOW)).toBe(1_700_000_000_000);
  expect(parseTime("1700000000", NOW)).toBe(1_700_000_000_000);
  expect(parseTime("2026-11-24T00:00:00Z", NOW)).toBe(Date.parse("2026-11-24T00:00:00Z"));
  expect(parseTime("nonsense", NOW)).toBeUndefined();
});

test("intervals and steps", () => {
  expect([
    parseInterval("1m30s"),
    parseInterval("5"),
    parseInterval("250ms"),
    parseInterval("x"),
    parseInterval(""),
  ]).toEqual([90_000, 5000, 250, undefined, undefined]);
  expect([roundStep(3600e3, 300), roundStep(3600e3, 300, 15), roundStep(86_400e3 * 7, 300)]).toEqual([15, 15, 3600]);
  expect([formatSeconds(90), formatSeconds(120), formatSeconds(7200)]).toEqual(["90s", "2m", "2h"]);
});

test("a written time is read back", () => {
  const whole = Math.floor(NOW / 1000) * 1000;
  expect(parseTime(formatTime(whole))).toBe(whole);
});
