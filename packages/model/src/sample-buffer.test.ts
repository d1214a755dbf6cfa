import { expect, test } from "vitest";
import type { FloatHistogram } from "./histogram.ts";
import { Labels } from "./labels.ts";
import { Matcher, matchesAll } from "./matcher.ts";
import { SampleBuffer } from "./sample-buffer.ts";

test("keeps staleness markers apart from ordinary NaN, across growth", () => {
  const buffer = new SampleBuffer(2);
  buffer.push(1, Number.NaN);
  buffer.pushStale(2);
  for (let t = 3; t < 40; t++) buffer.push(t, t);
  expect(buffer.isStale(0)).toBe(false);
  expect(buffer.isStale(1)).toBe(true);
  expect(Number.isNaN(buffer.values[1])).toBe(true);
  expect(buffer.values[38]).toBe(39);
});

test("histograms and start timestamps are sparse columns that clear() forgets", () => {
  const buffer = new SampleBuffer(1);
  const histogram = { kind: "float", stale: true } as FloatHistogram;
  buffer.push(1, 1);
  buffer.pushHistogram(2, histogram);
  buffer.setStartTimestamp(1);
  expect(buffer.isStale(1)).toBe(true);
  expect(buffer.histograms?.[0]).toBeUndefined();
  expect(buffer.startTimestamps?.[1]).toBe(1);
  buffer.clear();
  expect(buffer.histograms).toBeUndefined();
  expect(buffer.startTimestamps).toBeUndefined();
});

test("matchers treat an absent label as empty", () => {
  const labels = Labels.from({ job: "a" });
  expect(matchesAll([new Matcher("=", "zone", ""), new Matcher("!=", "job", "b")], labels)).toBe(true);
  expect(new Matcher("=~", "zone", ".*").matchesEmpty).toBe(true);
  expect(new Matcher("!~", "job", "a|b").matches("c")).toBe(true);
  expect(String(new Matcher("=~", "a.b", 'x"'))).toBe('"a.b"=~"x\\""');
});
