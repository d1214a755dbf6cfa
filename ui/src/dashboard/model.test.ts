import { expect, test } from "vitest";
import { readBoard } from "./model.ts";

test("reads panels, rows, variables; panels of collapsed rows too", () => {
  const board = readBoard({
    uid: "u",
    title: "T",
    panels: [
      {
        id: 1,
        type: "stat",
        title: "S",
        gridPos: { x: 0, y: 0, w: 6, h: 4 },
        targets: [
          { expr: "up", instant: true },
          { expr: "hidden", hide: true },
        ],
        fieldConfig: {
          defaults: {
            unit: "bytes",
            thresholds: {
              steps: [
                { color: "green", value: null },
                { color: "red", value: 5 },
              ],
            },
          },
        },
      },
      {
        type: "row",
        title: "R",
        collapsed: true,
        gridPos: { x: 0, y: 4, w: 24, h: 1 },
        panels: [{ id: 2, type: "timeseries", gridPos: { x: 0, y: 5, w: 12, h: 8 } }],
      },
    ],
    templating: {
      list: [
        {
          name: "job",
          type: "query",
          query: { query: "label_values(up, job)" },
          includeAll: true,
          current: { value: "$__all" },
        },
        { name: "i", type: "interval", query: "1m,5m" },
      ],
    },
  });
  expect(board.panels.map(({ id, type }) => [id, type])).toEqual([
    [1, "stat"],
    [2, "timeseries"],
  ]);
  expect(board.panels[0].targets).toMatchObject([{ expr: "up", instant: true, refId: "A" }]);
  expect(board.panels[0].field).toMatchObject({
    unit: "bytes",
    thresholds: [
      { value: Number.NEGATIVE_INFINITY, color: "green" },
      { value: 5, color: "red" },
    ],
  });
  expect(board.rows).toEqual([{ title: "R", collapsed: true, y: 4 }]);
  expect(board.variables[0]).toMatchObject({ query: "label_values(up, job)", current: ["$__all"] });
  expect(board.variables[1].options).toEqual(["1m", "5m"]);
});

test("brings old panels and old rows into today's form", () => {
  const board = readBoard({
    title: "Old",
    rows: [
      {
        title: "First",
        height: "250px",
        panels: [
          { type: "graph", span: 6, fill: 2, stack: true, yaxes: [{ format: "Bps" }], targets: [{ expr: "a" }] },
          {
            type: "singlestat",
            span: 6,
            format: "percent",
            thresholds: "50,80",
            colors: ["g", "y", "r"],
            valueName: "avg",
            gauge: { show: true },
          },
        ],
      },
    ],
  });
  expect(board.panels.map(({ type, grid }) => [type, grid.x, grid.w])).toEqual([
    ["timeseries", 0, 12],
    ["gauge", 12, 12],
  ]);
  expect(board.panels[0].field).toMatchObject({
    unit: "Bps",
    custom: { fillOpacity: 20, stacking: { mode: "normal" } },
  });
  expect(board.panels[1].field.thresholds.map(({ value }) => value)).toEqual([Number.NEGATIVE_INFINITY, 50, 80]);
  expect(board.panels[1].options).toMatchObject({ reduceOptions: { calcs: ["mean"] } });
});

test("anything that is JSON can be read", () => {
  for (const json of [
    {},
    { panels: [null, 1, "x"] },
    { panels: [{ type: 1, gridPos: 5, targets: {} }], templating: [] },
    { rows: [{}] },
  ])
    expect(() => readBoard(json as never)).not.toThrow();
});
