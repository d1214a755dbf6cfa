import { expect, test } from "vitest";
import { formatValue, fromNow } from "./units.ts";

test.each([
  [1234, "short", undefined, "1.23 K"],
  [0, "short", undefined, "0"],
  [0.5, "percentunit", undefined, "50%"],
  [12.345, "percent", 1, "12.3%"],
  [1536, "bytes", undefined, "1.5 KiB"],
  [2e9, "Bps", undefined, "2 GB/s"],
  [0.0005, "s", undefined, "500 µs"],
  [90, "s", undefined, "1.5 min"],
  [172800, "s", undefined, "2 days"],
  [75, "celsius", undefined, "75 °C"],
  [Number.NaN, "s", undefined, "–"],
  [Number.POSITIVE_INFINITY, "short", undefined, "∞"],
  [5, "suffix:apples", undefined, "5 apples"],
])("%d as %s", (value, unit, decimals, text) => {
  expect(formatValue(value, unit, decimals)).toBe(text);
});

test("ages", () => {
  expect([fromNow(0), fromNow(1000, 1500), fromNow(0 + 1000, 13_000)]).toEqual(["never", "now", "12 s ago"]);
});
