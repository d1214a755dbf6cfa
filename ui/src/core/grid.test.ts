import { expect, test } from "vitest";
import { rowText, toGrid, uniqueNames } from "./grid.ts";

test("a grid has every step, with gaps where a series has none", () => {
  const { times, rows } = toGrid(
    [
      {
        metric: { a: "1" },
        values: [
          [10, "1"],
          [30, "+Inf"],
          [40, "2.5"],
        ],
      },
    ],
    10,
    40,
    10,
  );
  expect(times).toEqual([10, 20, 30, 40]);
  expect(rows[0].values).toEqual([1, null, null, 2.5]);
});

test("later twins of a name get a number", () => {
  expect(uniqueNames(["a", "b", "a"])).toEqual(["a", "b", "a 2"]);
});

test("rows as text: one value, samples with their times, native histograms", () => {
  const histogram = {
    count: "5",
    sum: "1.5",
    buckets: [
      [3, "-0.001", "0.001", "2"],
      [0, "0.5", "1", "3"],
    ] as [number, string, string, string][],
  };
  expect(rowText({ metric: {}, value: [1, "NaN"] })).toBe("NaN");
  expect(rowText({ metric: {}, values: [[1, "2"]], histograms: [[0, { count: "1", sum: "2" }]] })).toBe(
    "count:1, sum:2 @0\n2 @1",
  );
  expect(rowText({ metric: {}, histogram: [1, histogram] })).toBe("count:5, sum:1.5, [-0.001,0.001]:2, (0.5,1]:3");
});
