import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string }[];
  panels?: Panel[];
}
interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; query: string | { query: string } }[] };
}

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".json"));

test("the two that other parts name are there", () => {
  expect(files).toEqual(expect.arrayContaining(["node.json", "prometheus.json"]));
});

describe.each(files)("%s", (file) => {
  const dashboard = JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")) as Dashboard;
  const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);

  test("has a uid by its file's name, a title, and each panel an id of its own and a place in the grid", () => {
    expect([dashboard.uid, dashboard.title === ""]).toEqual([`pharos-${file.replace(".json", "")}`, false]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { gridPos, title } of panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
  });

  test("queries use only variables that exist", () => {
    const known = new Set(dashboard.templating.list.map(({ name }) => name));
    const used = (text: string) => [...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
    for (const { targets = [], title } of panels) {
      for (const { expr } of targets) {
        expect(expr.trim(), title).not.toBe("");
        for (const name of used(expr))
          expect(known.has(name) || name.startsWith("__"), `${title}: $${name}`).toBe(true);
      }
    }
    for (const { query } of dashboard.templating.list)
      for (const name of used(typeof query === "string" ? query : query.query))
        expect(known.has(name), name).toBe(true);
  });
});
