import fc from "fast-check";
import { expect, test } from "vitest";
import { bucketSeries, bucketValues, histogramOf } from "./buckets.ts";
import { frameOf } from "./frame.ts";
import { stretches } from "./states.ts";

const series = (name: string, le: string | undefined, times: number[], values: number[]) =>
  frameOf("A", [
    { name: "Time", type: "time", values: Float64Array.from(times) },
    {
      name: "Value",
      type: "number",
      values: Float64Array.from(values),
      labels: le === undefined ? {} : { le },
      displayName: name,
    },
  ]);

test("cumulative buckets are sorted by bound and taken apart", () => {
  const map = bucketSeries(
    [
      series("+Inf", "+Inf", [1, 2], [10, 12]),
      series("0.5", "0.5", [1, 2], [7, 12]),
      series("0.1", "0.1", [1, 2], [3, 2]),
    ],
    true,
  );
  expect(map.rows).toEqual([
    { label: "0.1", low: Number.NEGATIVE_INFINITY, high: 0.1 },
    { label: "0.5", low: 0.1, high: 0.5 },
    { label: "+Inf", low: 0.5, high: Number.POSITIVE_INFINITY },
  ]);
  expect([...map.counts]).toEqual([3, 2, 4, 10, 3, 0]);
  expect(map.max).toBe(10);
});

test("series with other names are rows as they come; a missing point is unknown", () => {
  const map = bucketSeries([series("low", undefined, [1], [5]), series("high", undefined, [1, 2], [1, 2])], true);
  expect(map.rows.map(({ label }) => label)).toEqual(["low", "high"]);
  expect([...map.counts]).toEqual([5, Number.NaN, 1, 2]);
});

test("every finite value is counted exactly once", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { maxLength: 60 }), (values) => {
      const frames = [
        series(
          "a",
          undefined,
          values.map((_, i) => i),
          values,
        ),
      ];
      const map = bucketValues(frames);
      expect(map.counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
      const { series: counted } = histogramOf(frames);
      expect(counted[0]!.counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
    }),
    { numRuns: 200, seed: 5 },
  );
});

test("buckets have round bounds and hold what they say", () => {
  const { buckets, series: counted } = histogramOf([series("a", undefined, [1, 2, 3], [0.5, 9.5, 9.9])], 10);
  expect(buckets.map(({ low }) => low)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(counted[0]!.counts).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
});

test("states merge while they last, holes and missing values end them", () => {
  const times = [0, 10, 20, 30, 60, 70];
  const values = [1, 1, 0, Number.NaN, 1, 1];
  const merged = stretches(times, values, 10, String, true);
  expect(merged).toEqual([
    { from: 0, to: 20, value: 1 },
    { from: 20, to: 30, value: 0 },
    { from: 60, to: 80, value: 1 },
  ]);
  expect(stretches(times, values, 10, String, false)).toHaveLength(5);
});
