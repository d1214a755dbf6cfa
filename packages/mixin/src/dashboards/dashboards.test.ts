import { describe, expect, test } from "vitest";
import { dashboardConfigMaps } from "../manifests.ts";
import { type Components, LOCAL, MANAGED_CLUSTER } from "../params.ts";
import { dashboard, lines, query } from "./dsl.ts";
import { makeDashboards } from "./index.ts";

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; legendFormat: string }[];
  panels?: Panel[];
}
interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; query: string | { query: string } }[] };
}

const components = Object.fromEntries(
  Object.keys(MANAGED_CLUSTER).map((name) => [name, true]),
) as unknown as Components;
const all = makeDashboards({ components });

test("names, uids and titles are each dashboard's own", () => {
  const parsed = all.map(({ json }) => json as unknown as Dashboard);
  for (const of of [parsed.map(({ uid }) => uid), parsed.map(({ title }) => title), all.map(({ name }) => name)])
    expect(new Set(of).size).toBe(all.length);
});

test("without a cluster only what one machine has is shown", () => {
  expect(makeDashboards({ components: LOCAL }).map(({ name }) => name)).toEqual([
    "prometheus.json",
    "remote-write.json",
    "alertmanager.json",
    "operator.json",
    "node.json",
    "nodes.json",
  ]);
});

describe.each(all)("$name", ({ json }) => {
  const { templating, panels: top } = json as unknown as Dashboard;
  const panels = top.flatMap((panel) => [panel, ...(panel.panels ?? [])]);

  test("each panel has an id of its own and a place that no other has", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  test("queries and links use only variables that exist", () => {
    const known = new Set(templating.list.map(({ name }) => name));
    const used = (text: string) => [...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
    const check = (text: string, where: string): void => {
      for (const name of used(text)) expect(known.has(name) || name.startsWith("__"), `${where}: $${name}`).toBe(true);
    };
    for (const panel of panels) {
      for (const { expr } of panel.targets ?? []) expect(expr.trim(), panel.title).not.toBe("");
      check(JSON.stringify(panel), panel.title);
    }
    for (const { name, query: definition } of templating.list)
      check(typeof definition === "string" ? definition : definition.query, name);
  });
});

test("links lead to dashboards that are there", () => {
  const uids = new Set(all.map(({ json }) => json.uid));
  const links = [...JSON.stringify(all).matchAll(/\/d\/([\w-]+)\/[\w-]+\?([^"\\]*)/g)];
  expect(links.length).toBeGreaterThan(8);
  for (const [, uid, variables] of links) {
    expect(uids).toContain(uid);
    const { templating } = all.find(({ json }) => json.uid === uid)!.json as unknown as Dashboard;
    for (const [, name] of variables.matchAll(/var-(\w+)=/g))
      expect(
        templating.list.map((variable) => variable.name),
        `${uid} takes`,
      ).toContain(name);
  }
});

test("a row that is full goes on below, and a folded one keeps its panels inside", () => {
  const panel = lines("a", "short", [query("up")]);
  const rows = [
    { title: "r", panels: [panel, panel, panel] },
    { title: "s", panels: [panel], collapsed: true },
  ];
  const { panels } = dashboard({
    name: "x",
    title: "X",
    description: "",
    tags: [],
    variables: [],
    rows,
  }) as unknown as Dashboard;
  expect(panels.map(({ gridPos: { x, y } }) => [x, y])).toEqual([
    [0, 0],
    [0, 1],
    [12, 1],
    [0, 10],
    [0, 19],
  ]);
  expect(panels.at(-1)?.panels).toHaveLength(1);
});

test("as ConfigMaps they are found by their label, and far smaller than an object may be", () => {
  const maps = dashboardConfigMaps({ components, namespace: "watch" });
  for (const { metadata, data } of maps) {
    expect(metadata).toMatchObject({ namespace: "watch", labels: { grafana_dashboard: "1" } });
    expect(JSON.stringify(data).length).toBeLessThan(200_000);
    for (const text of Object.values(data)) expect(JSON.parse(text)).toHaveProperty("uid");
  }
});
