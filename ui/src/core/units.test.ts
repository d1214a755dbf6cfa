import { expect, test } from "vitest";
import { formatTicks, formatValue, fromNow } from "./units.ts";

test.each([
  [1536, "bytes", undefined, "1.5 KiB"],
  [1500, "decbytes", undefined, "1.5 kB"],
  [12_340, "short", undefined, "12.3 K"],
  [1_234_567, "short", 2, "1.23 Mil"],
  [0.4567, "percentunit", undefined, "45.7%"],
  [45.67, "percent", 1, "45.7%"],
  [0.0023, "s", undefined, "2.3 ms"],
  [90, "s", undefined, "1.5 min"],
  [172_800, "s", undefined, "2 days"],
  [0, "s", undefined, "0 s"],
  [1e6, "bps", undefined, "1 Mb/s"],
  [2500, "reqps", undefined, "2.5K req/s"],
  [93_784, "dtdurations", undefined, "1 day, 2 hours"],
  [1, "bool_yes_no", undefined, "Yes"],
  [3, "cores", undefined, "3 cores"],
  [5, "suffix:pods", undefined, "5 pods"],
  [Number.POSITIVE_INFINITY, "s", undefined, "∞"],
  [Number.NaN, "s", undefined, "–"],
])("%s in %s", (value, unit, decimals, text) => {
  expect(formatValue(value, unit, decimals)).toBe(text);
});

test("the ticks of an axis share one count of decimals", () => {
  expect(formatTicks([0, 0.25, 0.5, 1], "percentunit")).toEqual(["0%", "25%", "50%", "100%"]);
  expect(formatTicks([0, 0.5, 1, 1.5], "none")).toEqual(["0", "0.5", "1.0", "1.5"]);
});

test("ages", () => {
  expect([fromNow(0), fromNow(1000, 1500), fromNow(1000, 13_000)]).toEqual(["never", "now", "12 s ago"]);
});
