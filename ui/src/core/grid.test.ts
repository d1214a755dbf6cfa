import { expect, test } from "vitest";
import { toGrid, uniqueNames } from "./grid.ts";

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
