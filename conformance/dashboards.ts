/**
 * Real Grafana dashboards: each must load into panels without a throw, with every panel of the file found and placed
 * without overlap, and must come out of saving exactly as it went in.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type GridPos, type JsonObject, loadDashboard, object, objects, saveDashboard, unwrap } from "@pharos/ui/core";
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

export const suites: Suite[] = [
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
