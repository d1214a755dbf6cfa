/**
 * Real Grafana dashboards: each must load into panels without a throw, with every panel of the file found and placed
 * without overlap, and must come out of saving exactly as it went in; and every Prometheus query in them must parse once
 * its variables are filled in.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseExpr } from "@pharos/promql";
import {
  type Dashboard,
  type GridPos,
  interpolate,
  type JsonObject,
  loadDashboard,
  object,
  objects,
  saveDashboard,
  unwrap,
  type Value,
  type Variable,
} from "@pharos/ui/core";
import type { Suite } from "./suite.ts";

function panelCount(model: JsonObject): number {
  const rows = Array.isArray(model.panels) ? [] : objects(model.rows);
  return (
    rows.reduce((sum, row) => sum + objects(row.panels).length, 0) +
    objects(model.panels).reduce((sum, panel) => sum + (panel.type === "row" ? objects(panel.panels).length : 1), 0)
  );
}

function overlap(a: GridPos, b: GridPos): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function check(text: string): string | undefined {
  const source = object(JSON.parse(text));
  const before = JSON.stringify(source);
  const dashboard = loadDashboard(source);
  const loaded = dashboard.rows.reduce((sum, row) => sum + row.panels.length, 0);
  const written = panelCount(unwrap(source));
  if (loaded !== written) return `${written} panels in the file, ${loaded} loaded`;
  for (const { panels } of dashboard.rows) {
    for (const [index, panel] of panels.entries()) {
      const other = panels.slice(index + 1).find((candidate) => overlap(panel.gridPos, candidate.gridPos));
      if (other) return `panels "${panel.title}" and "${other.title}" overlap`;
      if (panel.type === "graph" || panel.type === "singlestat") return `panel "${panel.title}" was not migrated`;
    }
  }
  if (JSON.stringify(saveDashboard(dashboard)) !== before) return "saving changed it";
  if (JSON.stringify(source) !== before) return "loading changed it";
  return undefined;
}

/** A value that could stand where the variable is used: a duration inside brackets, else the given one. */
function standIn({ name, type, current, query }: Variable, exprs: string, other: string): Value {
  const saved = current.filter((value) => value !== "" && !value.startsWith("$__"));
  const isDuration = type === "interval" || new RegExp(`\\[[^\\]]*\\$\\{?${name}\\b`).test(exprs);
  if (isDuration) return { values: [saved.find((value) => /^\d+[smhdwy]/.test(value)) ?? "5m"] };
  if (type === "custom" || type === "constant" || type === "textbox")
    return { values: [saved[0] ?? (query.split(",")[0]!.split(" : ").at(-1)!.trim() || "1")] };
  return { values: [other] };
}

const BUILT_IN: [string, string][] = [
  ["__rate_interval", "5m"],
  ["__interval", "1m"],
  ["__range", "1h"],
  ["__auto", "1m"],
  ["__range_s", "3600"],
  ["__interval_ms", "60000"],
  ["__range_ms", "3600000"],
];

/** The queries of a dashboard, each filled in twice: with a number and with a name for what the server would tell. */
function queriesOf(dashboard: Dashboard): { written: string; filled: string[] }[] {
  const targets = dashboard.rows
    .flatMap((row) => row.panels)
    .flatMap((panel) => panel.targets)
    .filter(({ supported, expr }) => supported && expr.trim() !== "");
  const all = targets.map(({ expr }) => expr).join("\n");
  const scopes = ["1", "x"].map((other) => {
    const values = new Map<string, Value>(BUILT_IN.map(([name, value]) => [name, { values: [value] }]));
    for (const variable of dashboard.variables) values.set(variable.name, standIn(variable, all, other));
    return values;
  });
  return targets.map(({ expr }) => ({
    written: expr,
    filled: scopes.map((values) => interpolate(expr, values, "promql")),
  }));
}

function parseError(filled: readonly string[]): string | undefined {
  let first: string | undefined;
  for (const expr of filled) {
    try {
      parseExpr(expr);
      return undefined;
    } catch (error) {
      first ??= error instanceof Error ? error.message : String(error);
    }
  }
  return first;
}

export const suites: Suite[] = [
  {
    name: "dashboards-queries",
    data: "dashboards",
    run(dataPath) {
      const seen = new Set<string>();
      const failures: string[] = [];
      for (const file of globSync("*/**/*.json", { cwd: dataPath }).sort()) {
        const source = object(JSON.parse(readFileSync(join(dataPath, file), "utf8")));
        for (const { written, filled } of queriesOf(loadDashboard(source))) {
          if (seen.has(filled[0]!)) continue;
          seen.add(filled[0]!);
          const problem = parseError(filled);
          if (problem) failures.push(`${file}: ${problem}: ${written.slice(0, 160)}`);
        }
      }
      return { passed: seen.size - failures.length, total: seen.size, failures };
    },
  },
  {
    name: "dashboards",
    data: "dashboards",
    run(dataPath) {
      const failures: string[] = [];
      const files = globSync("*/**/*.json", { cwd: dataPath }).sort();
      for (const file of files) {
        let problem: string | undefined;
        try {
          problem = check(readFileSync(join(dataPath, file), "utf8"));
        } catch (error) {
          problem = String(error);
        }
        if (problem) failures.push(`${file}: ${problem}`);
      }
      return { passed: files.length - failures.length, total: files.length, failures };
    },
  },
];
