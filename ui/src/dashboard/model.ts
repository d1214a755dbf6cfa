/**
 * Grafana's dashboard JSON, as far as it is shown. The JSON itself is never changed: this is a reading of it, with older
 * forms (rows with spans, graph and singlestat panels) brought into today's.
 */

export type Json = Record<string, unknown>;

export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant: boolean;
  format?: string;
  interval?: string;
}

export interface Threshold {
  value: number;
  color: string;
}

export interface Mapping {
  type: "value" | "range" | "special" | "regex";
  options: Json;
}

export interface FieldConfig {
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  displayName?: string;
  thresholds: Threshold[];
  thresholdsAreRelative: boolean;
  mappings: Mapping[];
  custom: Json;
  color?: string;
}

export interface Override {
  matcher: { id: string; options?: unknown };
  properties: { id: string; value?: unknown }[];
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description: string;
  grid: { x: number; y: number; w: number; h: number };
  targets: Target[];
  field: FieldConfig;
  overrides: Override[];
  options: Json;
  /** Value of `repeat`: the variable it is repeated for. */
  repeat?: string;
}

export interface Row {
  title: string;
  collapsed: boolean;
  y: number;
}

export interface Variable {
  name: string;
  label: string;
  type: string;
  query: string;
  regex: string;
  multi: boolean;
  includeAll: boolean;
  allValue?: string;
  hidden: boolean;
  /** Values given in the JSON itself (custom, interval, constant, textbox). */
  options: string[];
  current: string[];
}

export interface Board {
  uid: string;
  title: string;
  panels: Panel[];
  rows: Row[];
  variables: Variable[];
  time: { from: string; to: string };
  refresh: string;
}

const object = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const list = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "object" && item !== null) : [];
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | undefined =>
  typeof value === "number"
    ? value
    : typeof value === "string" && value !== "" && !Number.isNaN(Number(value))
      ? Number(value)
      : undefined;

function readThresholds(value: unknown): Threshold[] {
  return list(object(value).steps).map((step) => ({
    value: number(step.value) ?? Number.NEGATIVE_INFINITY,
    color: text(step.color),
  }));
}

function readField(panel: Json): FieldConfig {
  const defaults = object(object(panel.fieldConfig).defaults);
  const thresholds = object(defaults.thresholds);
  return {
    unit: text(defaults.unit) || undefined,
    decimals: number(defaults.decimals),
    min: number(defaults.min),
    max: number(defaults.max),
    displayName: text(defaults.displayName) || undefined,
    thresholds: readThresholds(thresholds),
    thresholdsAreRelative: thresholds.mode === "percentage",
    mappings: list(defaults.mappings).filter(({ type }) => typeof type === "string") as unknown as Mapping[],
    custom: object(defaults.custom),
    color: text(object(defaults.color).fixedColor) || undefined,
  };
}

/** Panels of before Grafana 7, in today's words. */
function migrate(panel: Json, type: string, field: FieldConfig, options: Json): { type: string; options: Json } {
  if (type === "graph") {
    const axis = list(panel.yaxes)[0] ?? {};
    field.unit ??= text(axis.format) || undefined;
    field.min ??= number(axis.min);
    field.max ??= number(axis.max);
    field.custom = {
      fillOpacity: panel.fill === undefined ? 10 : Number(panel.fill) * 10,
      lineWidth: panel.linewidth ?? 1,
      ...(panel.stack ? { stacking: { mode: "normal" } } : {}),
      ...(panel.bars ? { drawStyle: "bars" } : {}),
    };
    const legend = object(panel.legend);
    return { type: "timeseries", options: { legend: { showLegend: legend.show !== false } } };
  }
  if (type === "singlestat") {
    field.unit ??= text(panel.format) || undefined;
    field.decimals ??= number(panel.decimals);
    const colors = Array.isArray(panel.colors) ? (panel.colors as string[]) : [];
    const limits = text(panel.thresholds).split(",").filter(Boolean).map(Number);
    if (field.thresholds.length === 0 && colors.length > 0) {
      field.thresholds = [
        { value: Number.NEGATIVE_INFINITY, color: colors[0] },
        ...limits.map((value, i) => ({ value, color: colors[i + 1] ?? colors[0] })),
      ];
    }
    const calcs: Record<string, string> = {
      current: "lastNotNull",
      avg: "mean",
      total: "sum",
      min: "min",
      max: "max",
      first: "firstNotNull",
      delta: "delta",
    };
    return {
      type: object(panel.gauge).show === true ? "gauge" : "stat",
      options: {
        reduceOptions: { calcs: [calcs[text(panel.valueName)] ?? "lastNotNull"] },
        graphMode: object(panel.sparkline).show === true ? "area" : "none",
      },
    };
  }
  return { type: type === "table-old" ? "table" : type, options };
}

function readPanel(panel: Json, grid: Panel["grid"]): Panel {
  const field = readField(panel);
  const migrated = migrate(panel, text(panel.type), field, object(panel.options));
  return {
    id: number(panel.id) ?? 0,
    title: text(panel.title),
    description: text(panel.description),
    grid,
    targets: list(panel.targets)
      .filter((target) => target.hide !== true && text(target.expr) !== "")
      .map((target, i) => ({
        refId: text(target.refId) || String.fromCharCode(65 + i),
        expr: text(target.expr),
        legendFormat: text(target.legendFormat) || undefined,
        instant: target.instant === true || target.format === "table",
        format: text(target.format) || undefined,
        interval: text(target.interval) || undefined,
      })),
    field,
    overrides: list(object(panel.fieldConfig).overrides) as unknown as Override[],
    repeat: text(panel.repeat) || undefined,
    ...migrated,
  };
}

function gridOf(panel: Json): Panel["grid"] {
  const { x, y, w, h } = object(panel.gridPos);
  return { x: number(x) ?? 0, y: number(y) ?? 0, w: number(w) ?? 12, h: number(h) ?? 8 };
}

/** Grafana before 5 had rows of panels with spans of twelfths. */
function readOldRows(rows: readonly Json[]): { panels: Panel[]; rows: Row[] } {
  const panels: Panel[] = [];
  const out: Row[] = [];
  let y = 0;
  for (const row of rows) {
    const pixels = typeof row.height === "string" ? Number.parseInt(row.height, 10) : (number(row.height) ?? 250);
    const h = Math.max(3, Math.round(pixels / 38));
    if (text(row.title) && row.showTitle !== false)
      out.push({ title: text(row.title), collapsed: row.collapse === true, y: y++ });
    let x = 0;
    for (const panel of list(row.panels)) {
      const w = (number(panel.span) ?? 4) * 2;
      if (x + w > 24) {
        x = 0;
        y += h;
      }
      panels.push(readPanel(panel, { x, y, w, h }));
      x += w;
    }
    y += h;
  }
  return { panels, rows: out };
}

function readVariable(variable: Json): Variable {
  const type = text(variable.type);
  const query = typeof variable.query === "string" ? variable.query : text(object(variable.query).query);
  const current = object(variable.current).value;
  const given = list(variable.options).map(({ value }) => String(value ?? ""));
  return {
    name: text(variable.name),
    label: text(variable.label) || text(variable.name),
    type,
    query: query || text(variable.definition),
    regex: text(variable.regex),
    multi: variable.multi === true,
    includeAll: variable.includeAll === true,
    allValue: text(variable.allValue) || undefined,
    hidden: variable.hide === 2 || type === "constant",
    options:
      type === "custom" || type === "interval"
        ? (given.length > 0 ? given : query.split(",").map((part) => part.trim())).filter((value) => value !== "$__all")
        : given,
    current: (Array.isArray(current) ? current : current === undefined || current === null ? [] : [current]).map(
      String,
    ),
  };
}

export function readBoard(json: Json): Board {
  const panels: Panel[] = [];
  const rows: Row[] = [];
  for (const panel of list(json.panels)) {
    const grid = gridOf(panel);
    if (panel.type !== "row") {
      panels.push(readPanel(panel, grid));
      continue;
    }
    const collapsed = panel.collapsed === true;
    rows.push({ title: text(panel.title), collapsed, y: grid.y });
    // Panels of a collapsed row lie inside it, with the places they take when it is opened.
    for (const inner of list(panel.panels)) panels.push(readPanel(inner, gridOf(inner)));
  }
  if (Array.isArray(json.rows) && panels.length === 0) {
    const old = readOldRows(list(json.rows));
    panels.push(...old.panels);
    rows.push(...old.rows);
  }
  const time = object(json.time);
  return {
    uid: text(json.uid),
    title: text(json.title),
    panels,
    rows,
    variables: list(object(json.templating).list).map(readVariable),
    time: { from: text(time.from) || "now-6h", to: text(time.to) || "now" },
    refresh: text(json.refresh),
  };
}
