/**
 * Grafana's dashboard JSON, of any age, as what the page draws. The JSON is never changed: what is missing or doubled
 * (ids, places, holes in the grid) is put right in the drawing only, and saving gives back what came in.
 */
import { boolean, isObject, type JsonObject, number, object, objects, string, strings } from "../json.ts";
import { loadVariables } from "../vars/variables.ts";
import { compact } from "./layout.ts";
import { migratePanel } from "./migrate.ts";
import type { Dashboard, GridPos, Panel, Row, Target } from "./types.ts";

const PROMETHEUS_LIKE = new Set([
  "",
  "prometheus",
  "victoriametrics-metrics-datasource",
  "grafana-amazonprometheus-datasource",
]);

/** The dashboard inside the API's answer, an exported envelope or a Kubernetes resource. */
export function unwrap(source: JsonObject): JsonObject {
  if (isObject(source.dashboard) && !Array.isArray(source.panels)) return source.dashboard;
  if (isObject(source.spec) && string(source.apiVersion).startsWith("dashboard.grafana.app/")) return source.spec;
  return source;
}

function loadTargets(panel: JsonObject): Target[] {
  return objects(panel.targets).map((raw, index) => {
    const source = raw.datasource ?? panel.datasource;
    const type = string(object(source).type);
    const expr = string(raw.expr);
    const format = string(raw.format);
    const instant = boolean(raw.instant);
    return {
      refId: string(raw.refId) || String.fromCharCode(65 + (index % 26)),
      expr,
      legend: string(raw.legendFormat),
      format: format === "table" || format === "heatmap" ? format : "time_series",
      instant,
      range: boolean(raw.range, !instant),
      interval: string(raw.interval),
      intervalFactor: number(raw.intervalFactor) ?? 1,
      hidden: boolean(raw.hide),
      datasource: source,
      supported: PROMETHEUS_LIKE.has(type) || type === "datasource",
    };
  });
}

function loadGridPos(panel: JsonObject): GridPos | undefined {
  const raw = panel.gridPos;
  if (!isObject(raw)) return undefined;
  const w = Math.min(24, Math.max(1, number(raw.w) ?? 12));
  return {
    x: Math.min(24 - w, Math.max(0, number(raw.x) ?? 0)),
    y: Math.max(0, number(raw.y) ?? 0),
    w,
    h: Math.max(1, number(raw.h) ?? 8),
  };
}

function loadPanel(raw: JsonObject, gridPos: GridPos, key: string, id: number): Panel {
  const migrated = migratePanel(raw);
  const fieldConfig = object(raw.fieldConfig);
  const overrides = migrated
    ? [...migrated.overrides, ...objects(fieldConfig.overrides)]
    : objects(fieldConfig.overrides);
  return {
    id,
    key,
    type: migrated?.type ?? string(raw.type),
    title: string(raw.title),
    description: string(raw.description),
    gridPos,
    transparent: boolean(raw.transparent),
    datasource: raw.datasource,
    targets: loadTargets(raw),
    fieldConfig: {
      defaults: migrated ? { ...object(fieldConfig.defaults), ...migrated.defaults } : object(fieldConfig.defaults),
      overrides: overrides.map((override) => ({
        matcher: object(override.matcher),
        properties: objects(override.properties),
      })),
    },
    options: migrated ? { ...object(raw.options), ...migrated.options } : object(raw.options),
    transformations: migrated?.transformations ?? objects(raw.transformations),
    repeat: string(raw.repeat),
    repeatDirection: raw.repeatDirection === "v" ? "v" : "h",
    maxPerRow: number(raw.maxPerRow) ?? 4,
    interval: string(raw.interval),
    maxDataPoints: number(raw.maxDataPoints),
    timeFrom: string(raw.timeFrom),
    timeShift: string(raw.timeShift),
    links: objects(raw.links),
    scoped: {},
    source: raw,
  };
}

/** Height of a panel of the `rows[]` layout in grid units: "250px", 250 or "". */
function legacyHeight(...values: unknown[]): number {
  for (const value of values) {
    const px = typeof value === "number" ? value : Number.parseFloat(string(value as string));
    if (px > 0) return Math.max(3, Math.ceil((px + 8) / 38));
  }
  return 7;
}

export function loadDashboard(source: JsonObject): Dashboard {
  const model = unwrap(source);
  const problems: string[] = [];
  const used = new Set<number>();
  const takeId = (raw: JsonObject): number => {
    let id = number(raw.id) ?? 0;
    if (id <= 0 || used.has(id)) {
      id = 1;
      while (used.has(id)) id++;
      // Wanted by a later panel or not: ids of the drawing need only differ.
      if (number(raw.id)) problems.push(`Panel "${string(raw.title)}": its id ${number(raw.id)} is used twice`);
    }
    used.add(id);
    return id;
  };
  const rows: Row[] = [];
  let sequence = 0;
  const startRow = (raw: JsonObject | undefined): Row => {
    const row: Row = {
      key: `row-${rows.length}`,
      title: string(raw?.title),
      collapsed: boolean(raw?.collapsed) || boolean(raw?.collapse),
      repeat: string(raw?.repeat),
      panels: [],
      header: raw !== undefined,
      scoped: {},
    };
    rows.push(row);
    return row;
  };
  const add = (row: Row, raw: JsonObject, fallback: GridPos): void => {
    row.panels.push(loadPanel(raw, loadGridPos(raw) ?? fallback, `panel-${sequence++}`, takeId(raw)));
  };

  if (isObject(model.elements) && isObject(model.layout)) {
    problems.push(
      "This dashboard has Grafana's schema v2, which is kept but not drawn. Export it in the classic format.",
    );
  } else if (Array.isArray(model.rows) && !Array.isArray(model.panels)) {
    for (const rawRow of objects(model.rows)) {
      const row = startRow(
        rawRow.showTitle === true || boolean(rawRow.collapse) || string(rawRow.repeat) ? rawRow : undefined,
      );
      let x = 0;
      let y = 0;
      let tallest = 0;
      for (const raw of objects(rawRow.panels)) {
        const w = Math.min(24, Math.max(2, Math.round((number(raw.span) ?? 12) * 2)));
        const h = legacyHeight(raw.height, rawRow.height);
        if (x + w > 24) {
          x = 0;
          y += tallest;
          tallest = 0;
        }
        add(row, raw, { x, y, w, h });
        x += w;
        tallest = Math.max(tallest, h);
      }
    }
  } else {
    const sorted = objects(model.panels)
      .map((raw, index) => ({ raw, index, pos: loadGridPos(raw) }))
      .sort(
        (a, b) =>
          (a.pos?.y ?? Number.MAX_SAFE_INTEGER) - (b.pos?.y ?? Number.MAX_SAFE_INTEGER) ||
          (a.pos?.x ?? 0) - (b.pos?.x ?? 0) ||
          a.index - b.index,
      );
    let row: Row | undefined;
    let bottom = 0;
    for (const { raw, pos } of sorted) {
      if (raw.type === "row") {
        row = startRow(raw);
        takeId(raw);
        for (const inner of objects(raw.panels)) add(row, inner, { x: 0, y: 0, w: 12, h: 8 });
        // An open row's panels follow it; those it still carries inside are of a collapsed one.
        continue;
      }
      row ??= startRow(undefined);
      add(row, raw, { x: 0, y: bottom, w: 12, h: 8 });
      bottom = Math.max(bottom, (pos?.y ?? bottom) + (pos?.h ?? 8));
    }
  }
  const variables = loadVariables(model);
  for (const { type, label, source: raw } of variables) {
    if (type === "adhoc" && objects(raw.filters).length > 0)
      problems.push(`The ad hoc filters of "${label}" are kept but not applied to the queries.`);
  }
  for (const row of rows) row.panels = compact(row.panels);
  if (rows.every((row) => row.panels.length === 0) && problems.length === 0)
    problems.push("This dashboard has no panels.");
  const time = object(model.time);
  return {
    uid: string(model.uid),
    title: string(model.title) || "Untitled dashboard",
    description: string(model.description),
    tags: strings(model.tags),
    from: string(time.from) || "now-6h",
    to: string(time.to) || "now",
    refresh: string(model.refresh),
    timezone: string(model.timezone),
    sharedCrosshair: (number(model.graphTooltip) ?? 0) > 0 || model.sharedCrosshair === true,
    variables,
    rows,
    links: objects(model.links),
    problems,
    source,
    model,
  };
}

export interface DashboardChanges {
  title?: string;
  from?: string;
  to?: string;
  /** Chosen values by variable name. */
  variables?: Record<string, { text: string | string[]; value: string | string[] }>;
}

/** The dashboard's JSON with the changes in it and every other byte of meaning as it was. */
export function saveDashboard(dashboard: Dashboard, changes: DashboardChanges = {}): JsonObject {
  const saved = structuredClone(dashboard.source);
  const model = unwrap(saved);
  if (changes.title !== undefined) model.title = changes.title;
  if (changes.from !== undefined && changes.to !== undefined)
    model.time = { ...object(model.time), from: changes.from, to: changes.to };
  if (changes.variables) {
    for (const raw of objects(object(model.templating).list)) {
      const value = changes.variables[string(raw.name)];
      if (value) raw.current = { ...object(raw.current), ...value };
    }
  }
  return saved;
}
