/** Panels of older Grafana versions as the panels that took their place. The JSON itself is left as it is. */
import { at, boolean, type Json, type JsonObject, number, object, objects, string, strings } from "../json.ts";

export interface Migrated {
  type: string;
  options: JsonObject;
  defaults: JsonObject;
  overrides: JsonObject[];
  transformations?: JsonObject[];
}

const CALC: Record<string, string> = {
  avg: "mean",
  current: "lastNotNull",
  total: "sum",
  min: "min",
  max: "max",
  first: "firstNotNull",
  delta: "delta",
  diff: "diff",
  range: "range",
};

const slashed = (name: string): boolean => name.length > 1 && name.startsWith("/") && name.lastIndexOf("/") > 0;
const matcherFor = (name: string): JsonObject => ({ id: slashed(name) ? "byRegexp" : "byName", options: name });

function graph(panel: JsonObject): Migrated {
  const [left, right] = objects(panel.yaxes);
  const legend = object(panel.legend);
  const stack = boolean(panel.stack);
  const bars = boolean(panel.bars);
  const lines = boolean(panel.lines, true);
  const points = boolean(panel.points);
  const nullMode = string(panel.nullPointMode);
  const calcs = ["min", "max", "avg", "current", "total"]
    .filter((name) => legend[name] === true)
    .map((name) => CALC[name]!);
  const thresholds = objects(panel.thresholds).filter((threshold) => number(threshold.value) !== undefined);
  const custom: JsonObject = {
    drawStyle: bars ? "bars" : lines ? "line" : points ? "points" : "line",
    lineInterpolation: boolean(panel.steppedLine) ? "stepAfter" : "linear",
    lineWidth: number(panel.linewidth) ?? 1,
    fillOpacity: bars ? 80 : (number(panel.fill) ?? 1) * 10,
    gradientMode: (number(panel.fillGradient) ?? 0) > 0 ? "opacity" : "none",
    showPoints: points ? "always" : "never",
    pointSize: (number(panel.pointradius) ?? 2) * 2,
    spanNulls: nullMode === "connected",
    stacking: { mode: stack ? (boolean(panel.percentage) ? "percent" : "normal") : "none", group: "A" },
    axisLabel: string(left?.label),
    axisPlacement: left?.show === false ? "hidden" : "auto",
    scaleDistribution:
      (number(left?.logBase) ?? 1) > 1 ? { type: "log", log: number(left?.logBase) ?? 10 } : { type: "linear" },
    thresholdsStyle: {
      mode: thresholds.length > 0 ? (thresholds.some((each) => each.fill === true) ? "line+area" : "line") : "off",
    },
  };
  const defaults: JsonObject = { unit: string(left?.format) || "short", custom, color: { mode: "palette-classic" } };
  for (const [key, value] of [
    ["min", number(left?.min)],
    ["max", number(left?.max)],
    ["decimals", number(panel.decimals) ?? number(left?.decimals)],
  ] as const) {
    if (value !== undefined) defaults[key] = value;
  }
  if (nullMode === "null as zero") defaults.noValue = "0";
  if (thresholds.length > 0) {
    const steps: JsonObject[] = [{ value: null, color: "transparent" }];
    for (const threshold of thresholds) {
      const mode = string(threshold.colorMode);
      const color =
        mode === "critical"
          ? "red"
          : mode === "warning"
            ? "orange"
            : mode === "ok"
              ? "green"
              : string(threshold.lineColor) || "orange";
      steps.push({ value: number(threshold.value)!, color });
    }
    defaults.thresholds = { mode: "absolute", steps };
  }
  const overrides: JsonObject[] = [];
  for (const [name, color] of Object.entries(object(panel.aliasColors))) {
    overrides.push({
      matcher: matcherFor(name),
      properties: [{ id: "color", value: { mode: "fixed", fixedColor: string(color) } }],
    });
  }
  for (const series of objects(panel.seriesOverrides)) {
    const properties: JsonObject[] = [];
    const set = (id: string, value: Json): void => void properties.push({ id, value });
    if (typeof series.color === "string") set("color", { mode: "fixed", fixedColor: series.color });
    if (number(series.fill) !== undefined) set("custom.fillOpacity", number(series.fill)! * 10);
    if (number(series.linewidth) !== undefined) set("custom.lineWidth", number(series.linewidth)!);
    if (series.transform === "negative-Y") set("custom.transform", "negative-Y");
    if (series.transform === "constant") set("custom.transform", "constant");
    if (number(series.yaxis) === 2) {
      set("unit", string(right?.format) || "short");
      set("custom.axisPlacement", "right");
      if (number(right?.min) !== undefined) set("min", number(right!.min)!);
      if (number(right?.max) !== undefined) set("max", number(right!.max)!);
      if (string(right?.label)) set("custom.axisLabel", string(right!.label));
    }
    if (series.stack === false) set("custom.stacking", { mode: "none", group: "" });
    else if (series.stack === true || typeof series.stack === "string") {
      set("custom.stacking", { mode: "normal", group: typeof series.stack === "string" ? series.stack : "A" });
    }
    if (series.dashes === true) {
      set("custom.lineStyle", {
        fill: "dash",
        dash: [number(series.dashLength) ?? 10, number(series.spaceLength) ?? 10],
      });
    }
    if (series.bars === true) set("custom.drawStyle", "bars");
    if (series.lines === false && series.points === true) set("custom.drawStyle", "points");
    else if (series.lines === false && series.bars !== true) set("custom.lineWidth", 0);
    if (series.hiddenSeries === true || series.hideTooltip === true) {
      set("custom.hideFrom", {
        viz: series.hiddenSeries === true,
        tooltip: series.hideTooltip === true,
        legend: false,
      });
    }
    if (series.legend === false) set("custom.hideFrom", { viz: false, tooltip: false, legend: true });
    if (typeof series.fillBelowTo === "string") set("custom.fillBelowTo", series.fillBelowTo);
    if (string(series.alias) && properties.length > 0)
      overrides.push({ matcher: matcherFor(string(series.alias)), properties });
  }
  const tooltip = object(panel.tooltip);
  return {
    type: "timeseries",
    defaults,
    overrides,
    options: {
      legend: {
        showLegend: legend.show !== false,
        displayMode: boolean(legend.alignAsTable) ? "table" : "list",
        placement: boolean(legend.rightSide) ? "right" : "bottom",
        calcs: legend.values === false ? [] : calcs,
        sortBy: string(legend.sort) ? legendSortName(string(legend.sort)) : "",
        sortDesc: boolean(legend.sortDesc, true),
        hideEmpty: boolean(legend.hideEmpty),
        hideZero: boolean(legend.hideZero),
      },
      tooltip: {
        mode: tooltip.shared === false ? "single" : "multi",
        sort: number(tooltip.sort) === 2 ? "desc" : number(tooltip.sort) === 1 ? "asc" : "none",
      },
    },
  };
}

function legendSortName(sort: string): string {
  return { avg: "Mean", current: "Last *", total: "Total", min: "Min", max: "Max" }[sort] ?? sort;
}

function singlestat(panel: JsonObject): Migrated {
  const gauge = object(panel.gauge);
  const colors = strings(panel.colors);
  const limits = string(panel.thresholds)
    .split(",")
    .map((part) => Number(part.trim()))
    .filter((value, index, all) => !Number.isNaN(value) && string(panel.thresholds) !== "" && index < all.length);
  const calc = CALC[string(panel.valueName)] ?? "mean";
  const defaults: JsonObject = { unit: string(panel.format) || "none", mappings: [] };
  if (number(panel.decimals) !== undefined) defaults.decimals = number(panel.decimals)!;
  if (colors.length > 0 && limits.length > 0) {
    defaults.thresholds = {
      mode: "absolute",
      steps: [
        { value: null, color: colors[0]! },
        ...limits.map((value, index) => ({ value, color: colors[index + 1] ?? colors.at(-1)! })),
      ],
    };
  }
  const mappings: JsonObject[] = [];
  for (const map of objects(panel.valueMaps)) {
    if (map.value === "null")
      mappings.push({ type: "special", options: { match: "null", result: { text: string(map.text) } } });
    else mappings.push({ type: "value", options: { [string(map.value)]: { text: string(map.text) } } });
  }
  for (const map of objects(panel.rangeMaps)) {
    if (map.from !== "null") {
      mappings.push({
        type: "range",
        options: { from: number(map.from) ?? null, to: number(map.to) ?? null, result: { text: string(map.text) } },
      });
    }
  }
  defaults.mappings = mappings;
  if (string(panel.nullText)) defaults.noValue = string(panel.nullText);
  const isGauge = boolean(gauge.show);
  if (isGauge) {
    defaults.min = number(gauge.minValue) ?? 0;
    defaults.max = number(gauge.maxValue) ?? 100;
  }
  return {
    type: isGauge ? "gauge" : "stat",
    defaults,
    overrides: [],
    options: {
      reduceOptions: { calcs: [string(panel.valueName) === "name" ? "lastNotNull" : calc], values: false, fields: "" },
      graphMode: at(panel, "sparkline", "show") === true ? "area" : "none",
      colorMode: boolean(panel.colorBackground) ? "background" : boolean(panel.colorValue) ? "value" : "none",
      textMode: string(panel.valueName) === "name" ? "name" : "auto",
      prefix: string(panel.prefix),
      postfix: string(panel.postfix),
      showThresholdLabels: boolean(gauge.thresholdLabels),
      showThresholdMarkers: boolean(gauge.thresholdMarkers, true),
    },
  };
}

function oldTable(panel: JsonObject): Migrated {
  const overrides: JsonObject[] = [];
  for (const style of objects(panel.styles)) {
    const properties: JsonObject[] = [];
    const set = (id: string, value: Json): void => void properties.push({ id, value });
    if (string(style.alias)) set("displayName", string(style.alias));
    if (style.type === "hidden") set("custom.hidden", true);
    if (style.type === "date") set("unit", "dateTimeAsIso");
    if (style.type === "number" && string(style.unit)) set("unit", string(style.unit));
    if (number(style.decimals) !== undefined) set("decimals", number(style.decimals)!);
    if (string(style.align)) set("custom.align", string(style.align) === "auto" ? "auto" : string(style.align));
    const limits = strings(style.thresholds)
      .map(Number)
      .filter((value) => !Number.isNaN(value));
    const colors = strings(style.colors);
    if (string(style.colorMode) && limits.length > 0) {
      set("thresholds", {
        mode: "absolute",
        steps: [
          { value: null, color: colors[0] ?? "green" },
          ...limits.map((value, index) => ({ value, color: colors[index + 1] ?? "red" })),
        ],
      });
      set("custom.cellOptions", { type: style.colorMode === "value" ? "color-text" : "color-background" });
    }
    const maps = objects(style.valueMaps);
    if (number(style.mappingType) === 1 && maps.length > 0) {
      set(
        "mappings",
        maps.map((map) => ({ type: "value", options: { [string(map.value)]: { text: string(map.text) } } })),
      );
    }
    if (style.link === true && string(style.linkUrl)) {
      // The old link's ${__cell_N} stood for the N-th column; the field link of today has the row's own value.
      set("links", [
        {
          title: string(style.linkTooltip),
          url: string(style.linkUrl).replace(/\$__cell\b|\$\{__cell\}/g, "$${__value.raw}".slice(1)),
          targetBlank: boolean(style.linkTargetBlank),
        },
      ]);
    }
    if (string(style.pattern) && properties.length > 0)
      overrides.push({ matcher: matcherFor(string(style.pattern)), properties });
  }
  const transform = string(panel.transform);
  const transformations: JsonObject[] =
    transform === "timeseries_to_columns"
      ? [{ id: "joinByField", options: {} }]
      : transform === "timeseries_to_rows"
        ? [{ id: "seriesToRows", options: {} }]
        : transform === "timeseries_aggregations"
          ? [
              {
                id: "reduce",
                options: {
                  reducers: objects(panel.columns).map((column) => CALC[string(column.value)] ?? string(column.value)),
                },
              },
            ]
          : [{ id: "merge", options: {} }];
  return {
    type: "table",
    defaults: { custom: {} },
    overrides,
    options: { showHeader: panel.showHeader !== false },
    transformations,
  };
}

/** undefined when the panel's type is one of today. */
export function migratePanel(panel: JsonObject): Migrated | undefined {
  switch (panel.type) {
    case "graph":
      return graph(panel);
    case "singlestat":
    case "grafana-singlestat-panel":
      return singlestat(panel);
    case "table-old":
      return oldTable(panel);
    case "table":
      return Array.isArray(panel.styles) && !panel.fieldConfig ? oldTable(panel) : undefined;
    case "grafana-piechart-panel": {
      const show = string(panel.valueName) || "current";
      return {
        type: "piechart",
        defaults: { unit: string(panel.format) || "short" },
        overrides: Object.entries(object(panel.aliasColors)).map(([name, color]) => ({
          matcher: matcherFor(name),
          properties: [{ id: "color", value: { mode: "fixed", fixedColor: string(color) } }],
        })),
        options: {
          pieType: string(panel.pieType) === "donut" ? "donut" : "pie",
          reduceOptions: { calcs: [CALC[show] ?? "lastNotNull"], values: false, fields: "" },
          legend: {
            showLegend: at(panel, "legend", "show") !== false,
            displayMode: "table",
            placement: "right",
            values: ["value", "percent"],
          },
        },
      };
    }
    default:
      return undefined;
  }
}
