import { expect, test } from "vitest";
import { align, scalesOf, stackValues } from "./plot-data.ts";

test("series of one group stand on each other, hidden ones do not count", () => {
  const series = [
    { name: "a", values: [1, null, 3], stack: "A" },
    { name: "b", values: [1, 1, 1], stack: "A" },
    { name: "c", values: [-1, -2, -1], stack: "A" },
    { name: "d", values: [9, 9, 9] },
  ];
  expect(stackValues(series, new Set())).toEqual([
    [1, null, 3],
    [2, 1, 4],
    [-1, -2, -1],
    [9, 9, 9],
  ]);
  expect(stackValues(series, new Set(["a"]))[1]).toEqual([1, 1, 1]);
});

test("percent stacks end at one", () => {
  const series = [
    { name: "a", values: [1, 0], stack: "A", percent: true },
    { name: "b", values: [3, 0], stack: "A", percent: true },
  ];
  expect(stackValues(series, new Set())).toEqual([
    [0.25, 0],
    [1, 0],
  ]);
});

test("each unit has its axis, the second one at the right", () => {
  const { scales, keys } = scalesOf([
    { name: "a", values: [], unit: "bytes", min: 0 },
    { name: "b", values: [], unit: "percent" },
    { name: "c", values: [], unit: "bytes", side: "right" },
  ]);
  expect(scales.map(({ unit, side }) => [unit, side])).toEqual([
    ["bytes", "left"],
    ["percent", "right"],
    ["bytes", "right"],
  ]);
  expect(new Set(keys).size).toBe(3);
});

test("columns share one time axis and a hole in the data breaks the line", () => {
  const { times, values } = align(
    [
      { times: Float64Array.from([1000, 2000, 6000]), values: Float64Array.from([1, 2, 3]) },
      { times: Float64Array.from([2000]), values: Float64Array.from([Number.NaN]) },
    ],
    1,
  );
  expect(times).toEqual([1, 2, 3, 6]);
  expect(values).toEqual([
    [1, 2, null, 3],
    [null, null, null, null],
  ]);
});
