import { type Components, MANAGED_CLUSTER, makeDashboards } from "@pharos/mixin";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { interpolate, type Value } from "../vars/interpolate.ts";
import { loadDashboard, saveDashboard } from "./load.ts";

const DRAWN = ["timeseries", "stat", "gauge", "bargauge", "table", "text", "heatmap", "piechart"];

const components = Object.fromEntries(
  Object.keys(MANAGED_CLUSTER).map((name) => [name, true]),
) as unknown as Components;

describe.each(makeDashboards({ components }))("$name out of the box", ({ json }) => {
  const source = json as JsonObject;
  const dashboard = loadDashboard(source);
  const panels = dashboard.rows.flatMap((row) => row.panels);

  test("loads without a problem, draws every panel, saves as it came", () => {
    expect(dashboard.problems).toEqual([]);
    for (const { type, title } of panels) expect(DRAWN, title).toContain(type);
    expect(saveDashboard(dashboard)).toEqual(source);
  });

  test("every query is PromQL once its variables are filled in", () => {
    const values = new Map<string, Value>(
      dashboard.variables.map(({ name, multi }) => [name, { values: ["x"], multi }]),
    );
    for (const name of ["__rate_interval", "__interval", "__range"]) values.set(name, { values: ["5m"] });
    const exprs = panels.flatMap(({ targets }) => targets.map(({ expr }) => interpolate(expr, values, "promql")));
    expect(exprs.length).toBeGreaterThan(3);
    for (const expr of exprs) {
      let errors = 0;
      parser.parse(expr).iterate({
        enter: ({ type }) => {
          if (type.isError) errors++;
        },
      });
      expect(errors, expr).toBe(0);
    }
  });
});
