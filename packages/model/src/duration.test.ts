import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, formatGoDuration, parseDuration } from "./duration.ts";

test.each([
  ["0", 0],
  ["1ms", 1],
  ["1h30m", 5_400_000],
  ["1d", 86_400_000],
  ["1w", 604_800_000],
  ["1y1w1d1h1m1s1ms", 31_536_000_000 + 604_800_000 + 86_400_000 + 3_600_000 + 60_000 + 1_000 + 1],
])("parses %s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ["", "empty duration string"],
  ["1", 'not a valid duration string: "1"'],
  ["1m1h", 'not a valid duration string: "1m1h"'],
  ["-1s", 'not a valid duration string: "-1s"'],
  ["1.5h", 'unknown unit "." in duration "1.5h"'],
  ["999999y", "duration out of range"],
])("refuses %j", (text, message) => {
  expect(() => parseDuration(text)).toThrow(message);
});

test.each([
  [0, "0s"],
  [86_400_000, "1d"],
  [604_800_000, "1w"],
  [691_200_000, "8d"],
  [90_061_001, "1d1h1m1s1ms"],
])("formats %d ms as upstream: years and weeks only when they are exact", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("property: what is formatted parses back to the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
    { seed: 1 },
  );
});

test.each([
  [0, "0s"],
  [1, "1ms"],
  [1500, "1.5s"],
  [120_000, "2m0s"],
  [93_780_000, "26h3m0s"],
])("Go's form of %d ms", (ms, text) => {
  expect(formatGoDuration(ms)).toBe(text);
});
