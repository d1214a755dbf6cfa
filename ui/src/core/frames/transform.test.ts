import { expect, test } from "vitest";
import { mapValue, readThresholds, resolveField, thresholdColor } from "./field-config.ts";
import { cell, type Frame } from "./frame.ts";
import { matrixFrames, vectorFrames } from "./prometheus.ts";
import { reduce } from "./reduce.ts";
import { transform } from "./transform.ts";

const table = (refId: string, rows: [string, number][]): Frame =>
  vectorFrames(
    rows.map(([pod, value]) => ({ metric: { pod }, value: [1, String(value)] as const })),
    { refId, legend: "", format: "table" },
  )[0]!;
const rowsOf = (frame: Frame): unknown[][] =>
  Array.from({ length: frame.length }, (_, row) => frame.fields.map((field) => cell(field, row)));
const names = (frame: Frame): string[] => frame.fields.map((field) => field.name);

test("series get their names from the legend or from what tells them apart", () => {
  const result = [
    { metric: { __name__: "up", job: "a", zone: "x" }, values: [[1, "1"]] as const },
    { metric: { __name__: "up", job: "b", zone: "x" }, values: [[1, "+Inf"]] as const },
  ];
  const titles = (legend: string) =>
    matrixFrames(result, { refId: "A", legend, format: "time_series" }).map((frame) => frame.name);
  expect(titles("__auto")).toEqual(["a", "b"]);
  expect(titles("job {{ job }}")).toEqual(["job a", "job b"]);
  expect(titles("")[0]).toBe('up{job="a", zone="x"}');
});

test("queries merge into one table and columns are organised", () => {
  const { frames, unknown } = transform(
    [
      table("A", [
        ["x", 1],
        ["y", 2],
      ]),
      table("B", [
        ["y", 20],
        ["x", 10],
      ]),
    ],
    [
      { id: "merge", options: {} },
      {
        id: "organize",
        options: {
          excludeByName: { Time: true },
          renameByName: { "Value #A": "CPU", pod: "Pod" },
          indexByName: { "Value #B": 0, pod: 1 },
        },
      },
      { id: "nonsense" },
    ],
  );
  expect(unknown).toEqual(["nonsense"]);
  expect(names(frames[0]!)).toEqual(["Value #B", "Pod", "CPU"]);
  expect(rowsOf(frames[0]!)).toEqual([
    [10, "x", 1],
    [20, "y", 2],
  ]);
});

test("join, group, sort, calculate, filter", () => {
  const joined = transform(
    [
      table("A", [
        ["x", 1],
        ["y", 4],
      ]),
      table("B", [["x", 2]]),
    ],
    [
      { id: "joinByField", options: { byField: "pod", mode: "outer" } },
      {
        id: "calculateField",
        options: { mode: "binary", alias: "sum", binary: { left: "Value #A", operator: "+", right: "Value #B" } },
      },
      { id: "filterFieldsByName", options: { include: { names: ["pod", "sum"] } } },
      { id: "sortBy", options: { sort: [{ field: "pod", desc: true }] } },
    ],
  ).frames[0]!;
  expect(names(joined)).toEqual(["pod", "sum"]);
  expect(rowsOf(joined)).toEqual([
    ["y", Number.NaN],
    ["x", 3],
  ]);
  const grouped = transform(
    [
      table("A", [
        ["x", 1],
        ["x", 3],
        ["y", 5],
      ]),
    ],
    [
      {
        id: "groupBy",
        options: {
          fields: { pod: { operation: "groupby" }, Value: { operation: "aggregate", aggregations: ["mean"] } },
        },
      },
      {
        id: "filterByValue",
        options: {
          type: "include",
          match: "all",
          filters: [{ fieldName: "pod", config: { id: "equal", options: { value: "x" } } }],
        },
      },
    ],
  ).frames[0]!;
  expect(rowsOf(grouped)).toEqual([["x", 2]]);
});

test("overrides win over defaults in their order", () => {
  const [frame] = matrixFrames([{ metric: { job: "a" }, values: [[1, "5"]] }], {
    refId: "B",
    legend: "cpu {{job}}",
    format: "time_series",
  });
  const config = resolveField(frame!.fields[1]!, frame!, {
    defaults: { unit: "short", custom: { lineWidth: 1, fillOpacity: 5 } },
    overrides: [
      {
        matcher: { id: "byRegexp", options: "/^cpu/" },
        properties: [
          { id: "unit", value: "bytes" },
          { id: "custom.lineWidth", value: 3 },
        ],
      },
      { matcher: { id: "byFrameRefID", options: "B" }, properties: [{ id: "unit", value: "s" }] },
      { matcher: { id: "byName", options: "other" }, properties: [{ id: "unit", value: "ms" }] },
    ],
  });
  expect(config.unit).toBe("s");
  expect(config.custom).toEqual({ lineWidth: 3, fillOpacity: 5 });
});

test("mappings and thresholds", () => {
  const mappings = [
    { type: "value", options: { "1": { text: "Up", color: "green" } } },
    { type: "range", options: { from: 5, to: 9, result: { text: "Some" } } },
    { type: "special", options: { match: "null", result: { text: "N/A" } } },
  ];
  expect(mapValue(1, mappings)).toEqual({ text: "Up", color: "green" });
  expect(mapValue(6, mappings)?.text).toBe("Some");
  expect(mapValue(Number.NaN, mappings)?.text).toBe("N/A");
  expect(mapValue(2, mappings)).toBeUndefined();
  const thresholds = readThresholds({
    mode: "absolute",
    steps: [
      { value: null, color: "green" },
      { value: 80, color: "red" },
    ],
  });
  expect(thresholdColor(79, thresholds)).toBe("green");
  expect(thresholdColor(80, thresholds)).toBe("red");
});

test("reducers pass over missing values", () => {
  const values = Float64Array.from([1, Number.NaN, 5, 3]);
  expect(["mean", "max", "min", "lastNotNull", "sum", "delta", "range"].map((id) => reduce(values, id))).toEqual([
    3, 5, 1, 3, 9, 7, 4,
  ]);
  expect(reduce(new Float64Array(0), "mean")).toBeNaN();
});
