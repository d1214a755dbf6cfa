import { expect, test } from "vitest";
import { legendName, reduce, seriesName, toFrame, uniqueNames } from "./frames.ts";

test("a frame has every step, with gaps where a series has none", () => {
  const { times, rows } = toFrame(
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

test("names", () => {
  expect(seriesName({ __name__: "up", job: "a" })).toBe('up{job="a"}');
  expect(legendName({ job: "a", x: "y" }, "{{job}} of {{ x }}{{nothing}}")).toBe("a of y");
  expect(uniqueNames(["a", "b", "a"])).toEqual(["a", "b", "a 2"]);
});

test("reducers", () => {
  const values = [null, 1, 3, null];
  expect(
    ["lastNotNull", "last", "firstNotNull", "min", "max", "mean", "sum", "range", "count"].map((calc) =>
      reduce(values, calc),
    ),
  ).toEqual([3, null, 1, 1, 3, 2, 4, 2, 2]);
  expect(reduce([], "mean")).toBeNull();
});
