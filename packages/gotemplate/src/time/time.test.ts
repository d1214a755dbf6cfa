import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatGoDuration, parseGoDuration } from "./duration.ts";
import { formatTime } from "./layout.ts";
import { Moment } from "./moment.ts";
import { parseTime } from "./parse.ts";
import { fixedZone, loadZone, UTC } from "./zone.ts";

const MOMENT = new Moment(Date.UTC(2026, 1, 3, 4, 5, 6) / 1000, 7_008_000);

describe("formatTime", () => {
  test.each([
    ["2006-01-02T15:04:05.999999999Z07:00", "2026-02-03T04:05:06.007008Z"],
    ["2006-01-02 15:04:05.000 -0700 MST", "2026-02-03 04:05:06.007 +0000 UTC"],
    ["Mon Jan _2 3:04PM 06", "Tue Feb  3 4:05AM 26"],
    ["Monday, January 2, 002", "Tuesday, February 3, 034"],
    ["15h 3pm 5.00s", "04h 4am 6.00s"],
    ["01/02 03:04:05PM '06 -07", "02/03 04:05:06AM '26 +00"],
    ["no layout", "no layout"],
  ])("%s", (layout, want) => {
    expect(formatTime(MOMENT, layout)).toBe(want);
  });

  test("in zones", () => {
    const berlin = loadZone("Europe/Berlin");
    expect(formatTime(MOMENT.in(berlin), "15:04 -0700 MST")).toBe("05:05 +0100 CET");
    expect(formatTime(new Moment(Date.UTC(2026, 6, 1) / 1000).in(berlin), "15:04 -07:00 MST")).toBe(
      "02:00 +02:00 CEST",
    );
    expect(formatTime(MOMENT.in(fixedZone("X", -5400)), "15:04 -0700 MST")).toBe("02:35 -0130 X");
    expect(loadZone("")).toBe(UTC);
    for (const name of ["No/Where", "europe/berlin", "+01:00"]) {
      expect(() => loadZone(name)).toThrow(`unknown time zone ${name}`);
    }
    expect(() => loadZone("../etc")).toThrow("time: invalid location name");
  });

  test("years before and after the usual", () => {
    expect(formatTime(Moment.zero, "2006-01-02 Mon")).toBe("0001-01-01 Mon");
    expect(Moment.zero.isZero).toBe(true);
    expect(formatTime(new Moment(253_402_300_800), "2006-01-02")).toBe("10000-01-01");
  });
});

describe("parseTime", () => {
  test("reads back what was written", () => {
    const layout = "2006-01-02T15:04:05.999999999Z07:00";
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), fc.nat(999_999_999), (seconds, nanos) => {
        const moment = new Moment(seconds, nanos);
        expect(parseTime(layout, formatTime(moment, layout)).equals(moment)).toBe(true);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test.each([
    ["2006-01-02", "2026-02-30", 'parsing time "2026-02-30": day out of range'],
    ["2006-01-02", "2026-13-01", 'parsing time "2026-13-01": month out of range'],
    ["15:04", "25:00", 'parsing time "25:00": hour out of range'],
    ["2006", "x", 'parsing time "x" as "2006": cannot parse "x" as "2006"'],
    ["2006-", "2026", 'parsing time "2026" as "2006-": cannot parse "" as "-"'],
    ["2006", "2026x", 'parsing time "2026x": extra text: "x"'],
  ])("%s refuses %s", (layout, text, want) => {
    expect(() => parseTime(layout, text)).toThrow(want);
  });
});

describe("durations", () => {
  test.each([
    [0n, "0s"],
    [1n, "1ns"],
    [1_500n, "1.5µs"],
    [2_000_000n, "2ms"],
    [61_500_000_000n, "1m1.5s"],
    [-3_600_000_000_000n, "-1h0m0s"],
    [-(1n << 63n), "-2562047h47m16.854775808s"],
  ])("%s", (nanoseconds, want) => {
    expect(formatGoDuration(nanoseconds)).toBe(want);
  });

  test("are read back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }), (nanoseconds) => {
        expect(parseGoDuration(formatGoDuration(nanoseconds))).toBe(nanoseconds);
      }),
      { seed: 5, numRuns: 300 },
    );
    for (const bad of ["", "1", "s", "1x", ".s", "1h-1m", "9999999h"]) expect(parseGoDuration(bad)).toBeUndefined();
  });
});
