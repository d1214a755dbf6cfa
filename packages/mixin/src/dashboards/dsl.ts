/** A small language of dashboards: rows of panels that place themselves, with one look for all. Gives Grafana's JSON. */

export type Unit = string;

/** Colours from a value on; the first has no value. */
export type Steps = readonly (readonly [value: number | null, color: string])[];

export interface Query {
  expr: string;
  legend?: string;
  /** Only the last value is asked for. */
  instant?: boolean;
  /** Buckets of a histogram by `le`. */
  heatmap?: boolean;
}

export interface Panel {
  type: "timeseries" | "stat" | "gauge" | "table" | "heatmap" | "bargauge";
  title: string;
  description: string;
  /** Columns of 24, and lines of 30 px. */
  w: number;
  h: number;
  queries: Query[];
  fieldConfig: object;
  options: object;
  transformations?: object[];
}

export interface Row {
  title: string;
  panels: Panel[];
  collapsed?: boolean;
}

export interface Variable {
  name: string;
  label: string;
  /** `label_values(…)` */
  query: string;
  /** Several values, or all of them. */
  many?: boolean;
}

export interface DashboardSpec {
  /** Last part of the uid, which never changes: links and bookmarks are made of it. */
  name: string;
  title: string;
  description: string;
  tags: string[];
  variables: Variable[];
  rows: Row[];
  /** Start of the time range, such as `now-1h`. */
  from?: string;
}

export const query = (expr: string, legend = "__auto"): Query => ({ expr: expr.trim().replace(/\s+/g, " "), legend });

const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

const GREEN: Steps = [[null, "green"]];
export const FILLING: Steps = [
  [null, "green"],
  [0.8, "orange"],
  [0.9, "red"],
];
/** Anything but zero is bad. */
export const NONE_IS_GOOD: Steps = [
  [null, "green"],
  [1, "red"],
];
/** The more the better, 1 at most. */
export const ALL_IS_GOOD: Steps = [
  [null, "red"],
  [0.99, "orange"],
  [0.999, "green"],
];

const thresholds = (steps: Steps) => ({
  mode: "absolute",
  steps: steps.map(([value, color]) => ({ color, value })),
});

export interface Look {
  description?: string;
  w?: number;
  h?: number;
  min?: number;
  max?: number;
  decimals?: number;
  steps?: Steps;
}

function defaults(unit: Unit, look: Look, color: object, custom: object = {}) {
  const { min, max, decimals, steps = GREEN } = look;
  return {
    color,
    custom,
    mappings: [],
    thresholds: thresholds(steps),
    unit,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(decimals === undefined ? {} : { decimals }),
  };
}

export interface LineLook extends Look {
  stack?: boolean;
  /** Series whose name matches are drawn below zero: what goes out, beside what comes in. */
  below?: string;
  /** Series whose name matches are dashed lines: what there may be, beside what there is. */
  limits?: string;
  /** No table of figures below the panel. */
  plain?: boolean;
}

export function lines(title: string, unit: Unit, queries: readonly Query[], look: LineLook = {}): Panel {
  const { description = "", w = 12, h = 9, stack, below, limits, plain } = look;
  const overrides = [
    ...(below
      ? [{ matcher: { id: "byRegexp", options: below }, properties: [{ id: "custom.transform", value: "negative-Y" }] }]
      : []),
    ...(limits
      ? [
          {
            matcher: { id: "byRegexp", options: limits },
            properties: [
              { id: "custom.lineStyle", value: { dash: [8, 6], fill: "dash" } },
              { id: "custom.fillOpacity", value: 0 },
              { id: "custom.stacking", value: { group: "A", mode: "none" } },
            ],
          },
        ]
      : []),
  ];
  const custom = {
    drawStyle: "line",
    fillOpacity: stack ? 45 : 10,
    gradientMode: "none",
    lineInterpolation: "linear",
    lineWidth: 1.5,
    showPoints: "never",
    spanNulls: false,
    stacking: { group: "A", mode: stack ? "normal" : "none" },
    ...(look.steps ? { thresholdsStyle: { mode: "dashed" } } : {}),
  };
  return {
    type: "timeseries",
    title,
    description,
    w,
    h,
    queries: [...queries],
    fieldConfig: {
      defaults: defaults(unit, { ...(below ? {} : { min: 0 }), ...look }, { mode: "palette-classic" }, custom),
      overrides,
    },
    options: {
      legend: {
        calcs: plain ? [] : ["mean", "lastNotNull", "max"],
        displayMode: plain ? "list" : "table",
        placement: "bottom",
        showLegend: true,
      },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

export interface StatLook extends Look {
  /** A line of the past behind the figure. */
  spark?: boolean;
  /** Words for values. */
  words?: Readonly<Record<string, readonly [text: string, color: string]>>;
}

export function stat(title: string, unit: Unit, expr: string, look: StatLook = {}): Panel {
  const { description = "", w = 4, h = 5, spark, words, steps } = look;
  const options = Object.fromEntries(
    Object.entries(words ?? {}).map(([value, [text, color]], index) => [value, { text, color, index }]),
  );
  return {
    type: "stat",
    title,
    description,
    w,
    h,
    queries: [{ ...query(expr), ...(spark ? {} : { instant: true }) }],
    fieldConfig: {
      defaults: {
        ...defaults(unit, look, steps || words ? { mode: "thresholds" } : { mode: "fixed", fixedColor: "blue" }),
        mappings: words ? [{ type: "value", options }] : [],
      },
      overrides: [],
    },
    options: {
      colorMode: words ? "background" : "value",
      graphMode: spark ? "area" : "none",
      justifyMode: "auto",
      orientation: "auto",
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
      textMode: "auto",
    },
  };
}

/** A share, 0-1. */
export function gauge(title: string, expr: string, look: Look = {}): Panel {
  const { description = "", w = 4, h = 5 } = look;
  return {
    type: "gauge",
    title,
    description,
    w,
    h,
    queries: [query(expr)],
    fieldConfig: {
      defaults: defaults(
        "percentunit",
        { min: 0, max: 1, decimals: 1, steps: FILLING, ...look },
        { mode: "thresholds" },
      ),
      overrides: [],
    },
    options: { reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false }, showThresholdMarkers: true },
  };
}

/** Buckets of a histogram over time; `expr` gives rates by `le`. */
export function heatmap(title: string, unit: Unit, expr: string, look: Look = {}): Panel {
  const { description = "", w = 12, h = 9 } = look;
  return {
    type: "heatmap",
    title,
    description,
    w,
    h,
    queries: [{ ...query(expr, "{{le}}"), heatmap: true }],
    fieldConfig: { defaults: { custom: {}, unit }, overrides: [] },
    options: {
      calculate: false,
      color: { mode: "scheme", scheme: "Oranges", exponent: 0.5, steps: 64 },
      yAxis: { unit, axisPlacement: "left" },
      tooltip: { mode: "single" },
      legend: { show: false },
    },
  };
}

export interface Column {
  name: string;
  expr: string;
  unit?: Unit;
  decimals?: number;
  /** The value is a share, and drawn as a bar. */
  share?: boolean;
}

/** A label that rows are told apart by, the head of its column, and the dashboard that tells more of it. */
export interface Key {
  label: string;
  name: string;
  link?: string;
}

export interface TableLook extends Look {
  /** Name of the column that rows are sorted by, the largest first. */
  sort?: string;
}

/** A row for each combination of keys; every column's expression has these labels and no others. */
export function table(title: string, keys: readonly Key[], columns: readonly Column[], look: TableLook = {}): Panel {
  const { description = "", w = 24, h = 9, sort } = look;
  const value = (i: number): string => `Value #${refId(i)}`;
  const overrides = [
    ...keys.flatMap(({ name, link }) =>
      link
        ? [
            {
              matcher: { id: "byName", options: name },
              properties: [{ id: "links", value: [{ title: `More of this ${name.toLowerCase()}`, url: link }] }],
            },
          ]
        : [],
    ),
    ...columns.map(({ name, unit = "short", decimals, share }) => ({
      matcher: { id: "byName", options: name },
      properties: share
        ? [
            { id: "unit", value: "percentunit" },
            { id: "decimals", value: 1 },
            { id: "min", value: 0 },
            { id: "max", value: 1 },
            { id: "color", value: { mode: "thresholds" } },
            { id: "thresholds", value: thresholds(FILLING) },
            { id: "custom.cellOptions", value: { type: "gauge" } },
          ]
        : [{ id: "unit", value: unit }, ...(decimals === undefined ? [] : [{ id: "decimals", value: decimals }])],
    })),
  ];
  return {
    type: "table",
    title,
    description,
    w,
    h,
    queries: columns.map(({ expr }) => ({ ...query(expr, ""), instant: true })),
    fieldConfig: { defaults: defaults("short", {}, { mode: "palette-classic" }), overrides },
    options: {
      showHeader: true,
      ...(sort === undefined ? {} : { sortBy: [{ desc: true, displayName: sort }] }),
    },
    transformations: [
      { id: "merge", options: {} },
      {
        id: "organize",
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries([
            ...keys.map(({ label }, i) => [label, i] as const),
            ...columns.map((_, i) => [value(i), keys.length + i] as const),
          ]),
          renameByName: Object.fromEntries([
            ...keys.map(({ label, name }) => [label, name] as const),
            ...columns.map(({ name }, i) => [value(i), name] as const),
          ]),
        },
      },
    ],
  };
}

const refId = (i: number): string => String.fromCharCode(65 + i);

function target({ expr, legend, instant, heatmap: buckets }: Query, i: number, format: "table" | undefined) {
  return {
    datasource: DATASOURCE,
    editorMode: "code",
    expr,
    ...(format ? { format } : buckets ? { format: "heatmap" } : {}),
    ...(instant ? { instant: true, range: false } : { range: true }),
    legendFormat: legend ?? "__auto",
    refId: refId(i),
  };
}

function variable({ name, label, query: definition, many }: Variable) {
  return {
    current: many ? { selected: true, text: ["All"], value: ["$__all"] } : {},
    datasource: DATASOURCE,
    definition,
    includeAll: many ?? false,
    label,
    multi: many ?? false,
    name,
    query: { query: definition, refId: name },
    // When the time range changes.
    refresh: 2,
    regex: "",
    sort: 1,
    type: "query",
  };
}

/** The JSON of a dashboard. Panels of a row stand side by side, and go on below when the row is full. */
export function dashboard(spec: DashboardSpec): Record<string, unknown> {
  let id = 1;
  let y = 0;
  const panels: object[] = [];
  for (const row of spec.rows) {
    const inside: object[] = [];
    const head = {
      collapsed: row.collapsed ?? false,
      gridPos: { h: 1, w: 24, x: 0, y: y++ },
      id: id++,
      title: row.title,
      type: "row",
    };
    let x = 0;
    let height = 0;
    for (const { w, h, queries, type, title, description, fieldConfig, options, transformations } of row.panels) {
      if (x + w > 24) {
        x = 0;
        y += height;
        height = 0;
      }
      inside.push({
        datasource: DATASOURCE,
        description,
        fieldConfig,
        gridPos: { h, w, x, y },
        id: id++,
        options,
        targets: queries.map((one, i) => target(one, i, type === "table" ? "table" : undefined)),
        title,
        ...(transformations ? { transformations } : {}),
        type,
      });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
    // What is folded away lies inside its row, and else after it.
    panels.push({ ...head, panels: row.collapsed ? inside : [] }, ...(row.collapsed ? [] : inside));
  }
  return {
    annotations: { list: [] },
    description: spec.description,
    editable: true,
    graphTooltip: 1,
    links: [
      { asDropdown: true, includeVars: true, keepTime: true, tags: ["pharos"], title: "Pharos", type: "dashboards" },
    ],
    panels,
    refresh: "30s",
    schemaVersion: 39,
    tags: ["pharos", ...spec.tags],
    templating: {
      list: [
        {
          current: {},
          hide: 0,
          label: "Data source",
          name: "datasource",
          query: "prometheus",
          refresh: 1,
          regex: "",
          type: "datasource",
        },
        ...spec.variables.map(variable),
      ],
    },
    time: { from: spec.from ?? "now-1h", to: "now" },
    timezone: "browser",
    title: spec.title,
    uid: uidOf(spec.name),
    version: 1,
  };
}

export const uidOf = (name: string): string => `pharos-${name}`;

/** A link to another dashboard that keeps the time and these variables; a cell's own value is `${__value.text}`. */
export function linkTo(name: string, variables: Readonly<Record<string, string>>): string {
  const query = Object.entries(variables).map(([variableName, value]) => `var-${variableName}=${value}`);
  return `/d/${uidOf(name)}/${name}?${[...query, "${__url_time_range}"].join("&")}`;
}
