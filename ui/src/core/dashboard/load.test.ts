import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { expandRepeats } from "./layout.ts";
import { loadDashboard, saveDashboard } from "./load.ts";

const panel = (over: object): JsonObject => ({
  type: "timeseries",
  title: "p",
  targets: [{ expr: "up", refId: "A" }],
  ...over,
});
const titles = (json: JsonObject): string[][] =>
  loadDashboard(json).rows.map((row) => row.panels.map((each) => each.title));

test("holes close, overlaps move down, missing places get one", () => {
  const { rows } = loadDashboard({
    panels: [
      panel({ id: 1, title: "a", gridPos: { x: 0, y: 0, w: 12, h: 3 } }),
      panel({ id: 2, title: "b", gridPos: { x: 0, y: 6, w: 12, h: 4 } }),
      panel({ id: 2, title: "c", gridPos: { x: 6, y: 7, w: 12, h: 4 } }),
      panel({ title: "d" }),
    ],
  });
  const y = Object.fromEntries(rows[0]!.panels.map((each) => [each.title, each.gridPos.y]));
  expect(y).toEqual({ a: 0, b: 3, c: 7, d: 11 });
  expect(new Set(rows[0]!.panels.map((each) => each.id)).size).toBe(4);
});

test("panels belong to the row above them, a collapsed row carries its own", () => {
  const json = {
    panels: [
      panel({ id: 1, title: "top", gridPos: { x: 0, y: 0, w: 24, h: 4 } }),
      { type: "row", title: "open", gridPos: { x: 0, y: 4, w: 24, h: 1 }, panels: [] },
      panel({ id: 2, title: "in", gridPos: { x: 0, y: 5, w: 24, h: 4 } }),
      {
        type: "row",
        title: "shut",
        collapsed: true,
        gridPos: { x: 0, y: 9, w: 24, h: 1 },
        panels: [panel({ id: 9, title: "hidden" })],
      },
    ],
  };
  expect(titles(json)).toEqual([["top"], ["in"], ["hidden"]]);
  expect(loadDashboard(json).rows.map((row) => row.collapsed)).toEqual([false, false, true]);
});

test("rows[] with spans become a grid", () => {
  const { rows } = loadDashboard({
    rows: [
      {
        height: "250px",
        showTitle: true,
        title: "R",
        panels: [panel({ span: 4 }), panel({ span: 8 }), panel({ span: 12 })],
      },
    ],
  });
  expect(rows[0]!.panels.map((each) => each.gridPos)).toEqual([
    { x: 0, y: 0, w: 8, h: 7 },
    { x: 8, y: 0, w: 16, h: 7 },
    { x: 0, y: 7, w: 24, h: 7 },
  ]);
});

test("a graph is drawn as a time series", () => {
  const [migrated] = loadDashboard({
    panels: [
      panel({
        type: "graph",
        stack: true,
        fill: 3,
        yaxes: [{ format: "bytes", min: "0" }, { format: "percent" }],
        seriesOverrides: [{ alias: "/^cpu/", yaxis: 2, color: "#ff0000" }],
        legend: { alignAsTable: true, rightSide: true, avg: true, values: true },
      }),
    ],
  }).rows[0]!.panels;
  expect(migrated!.type).toBe("timeseries");
  expect(migrated!.fieldConfig.defaults).toMatchObject({
    unit: "bytes",
    min: 0,
    custom: { fillOpacity: 30, stacking: { mode: "normal" } },
  });
  expect(migrated!.fieldConfig.overrides[0]!.properties.map((each) => each.id)).toEqual([
    "color",
    "unit",
    "custom.axisPlacement",
  ]);
  expect(migrated!.options.legend).toMatchObject({ displayMode: "table", placement: "right", calcs: ["mean"] });
});

test("a panel repeats by its variable", () => {
  const { rows } = loadDashboard({ panels: [panel({ id: 1, repeat: "n", gridPos: { x: 0, y: 0, w: 24, h: 5 } })] });
  const [row] = expandRepeats(rows, new Map([["n", { values: ["a", "b", "c"] }]]));
  expect(row!.panels.map((each) => [each.scoped.n, each.gridPos.x, each.gridPos.w])).toEqual([
    ["a", 0, 8],
    ["b", 8, 8],
    ["c", 16, 8],
  ]);
});

test("whatever comes in goes out again, with only the wanted change", () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<never>;
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("title", "panels", "rows", "templating", "time", "x", "spec", "dashboard"), json),
      (value) => {
        const before = JSON.stringify(value);
        const loaded = loadDashboard(value);
        expect(JSON.stringify(saveDashboard(loaded))).toBe(before);
        saveDashboard(loaded, { title: "other", from: "now-1h", to: "now" });
        expect(JSON.stringify(value)).toBe(before);
      },
    ),
    { numRuns: 200, seed: 11 },
  );
});

test("filters that are not applied are told", () => {
  const filters = [{ key: "job", operator: "=", value: "x" }];
  const { problems } = loadDashboard({
    title: "t",
    panels: [{ type: "text", title: "p" }],
    templating: { list: [{ type: "adhoc", name: "Filters", filters }] },
  });
  expect(problems).toEqual(['The ad hoc filters of "Filters" are kept but not applied to the queries.']);
});
