import { useMemo } from "react";
import type { Panel } from "../../core/dashboard/types.ts";
import { resolveField } from "../../core/frames/field-config.ts";
import type { Frame, NumberField } from "../../core/frames/frame.ts";
import { uniqueNames } from "../../core/grid.ts";
import { at, boolean, number, object, string, strings } from "../../core/json.ts";
import { zoomTo } from "../../shell/time-range.tsx";
import { namedColor } from "../../viz/colors.ts";
import { align, type PlotSeries } from "../../viz/plot-data.ts";
import { type PlotLegend, TimeSeries } from "../../viz/time-series.tsx";
import type { PanelView } from "./index.tsx";
import { colorOf } from "./values.ts";

const STEPS: Record<string, PlotSeries["steps"]> = { stepBefore: "before", stepAfter: "after", smooth: "smooth" };

/** Frames as columns over one time axis, each with what defaults and overrides say about it. */
export function plotOf(
  panel: Panel,
  frames: readonly Frame[],
  step: number,
): { times: number[]; series: PlotSeries[] } {
  const columns: { times: Float64Array; values: Float64Array; frame: Frame; field: NumberField }[] = [];
  for (const frame of frames) {
    const time = frame.fields.find((field) => field.type === "time");
    if (!time || time.type === "string") continue;
    for (const field of frame.fields)
      if (field.type === "number") columns.push({ times: time.values, values: field.values, frame, field });
  }
  const { times, values } = align(columns, step);
  const configs = columns.map(({ frame, field }) => resolveField(field, frame, panel.fieldConfig));
  const names = uniqueNames(configs.map((config) => config.displayName));
  const series = configs.map((config, i): PlotSeries => {
    const { custom } = config;
    const stacking = object(custom.stacking);
    const mode = string(stacking.mode);
    const placement = string(custom.axisPlacement);
    const scale = object(custom.scaleDistribution);
    const draw = string(custom.drawStyle);
    const transform = string(custom.transform);
    const line = object(custom.lineStyle);
    const dash = Array.isArray(line.dash) ? line.dash.filter((each) => typeof each === "number") : [];
    let column = values[i]!;
    if (config.noValue === "0" && config.custom.spanNulls !== true) column = column.map((value) => value ?? 0);
    if (transform === "negative-Y") column = column.map((value) => (value === null ? null : -value));
    if (transform === "constant") {
      const first = column.find((value) => value !== null) ?? null;
      column = column.map(() => first);
    }
    const numbers = columns[i]!.values;
    return {
      name: names[i]!,
      values: column,
      color: config.color.mode.startsWith("palette")
        ? undefined
        : colorOf(numbers.at(-1) ?? Number.NaN, config, i, config.min ?? 0, config.max ?? 100),
      unit: config.unit || undefined,
      decimals: config.decimals,
      min: config.min ?? number(custom.axisSoftMin),
      max: config.max ?? number(custom.axisSoftMax),
      fill: number(custom.fillOpacity) ?? 0,
      gradient: string(custom.gradientMode, "none") !== "none",
      width: number(custom.lineWidth) ?? 1.5,
      draw: draw === "bars" || draw === "points" ? draw : "line",
      steps: STEPS[string(custom.lineInterpolation)],
      dash: line.fill === "dash" ? (dash.length > 0 ? dash : [10, 10]) : line.fill === "dot" ? [1, 6] : undefined,
      points: custom.showPoints === "always",
      spanGaps: custom.spanNulls === true || typeof custom.spanNulls === "number",
      // A group of `false` takes a series out of the stack.
      stack:
        (mode === "normal" || mode === "percent") && stacking.group !== false && stacking.group !== ""
          ? string(stacking.group, "A")
          : undefined,
      percent: mode === "percent",
      side: placement === "right" || placement === "left" || placement === "hidden" ? placement : undefined,
      axisLabel: string(custom.axisLabel) || undefined,
      log: scale.type === "log" ? (number(scale.log) ?? 10) : undefined,
      hideInLegend: boolean(at(custom, "hideFrom", "legend")),
      hideInTip: boolean(at(custom, "hideFrom", "tooltip")),
      hidden: boolean(at(custom, "hideFrom", "viz")),
    };
  });
  return { times, series };
}

export function TimeSeriesPanel({ panel, data, syncKey, zoomOut }: PanelView) {
  const { times, series } = useMemo(() => plotOf(panel, data.frames, data.step), [panel, data]);
  const { thresholds, style } = useMemo(() => {
    const raw = object(panel.fieldConfig.defaults.thresholds);
    const mode = string(at(panel.fieldConfig.defaults, "custom", "thresholdsStyle", "mode"));
    if (mode === "" || mode === "off" || raw.mode === "percentage")
      return { thresholds: undefined, style: "line" as const };
    const steps = (Array.isArray(raw.steps) ? raw.steps : []).map((step) => ({
      value: number(at(step, "value")) ?? Number.NEGATIVE_INFINITY,
      color: namedColor(string(at(step, "color"))),
    }));
    return {
      thresholds: steps,
      style: mode === "area" ? ("area" as const) : mode.endsWith("area") ? ("line+area" as const) : ("line" as const),
    };
  }, [panel]);
  const legend = useMemo((): PlotLegend | false => {
    const raw = object(panel.options.legend);
    if (raw.showLegend === false || raw.displayMode === "hidden") return false;
    return {
      mode: raw.displayMode === "table" ? "table" : "list",
      placement: raw.placement === "right" ? "right" : "bottom",
      calcs: strings(raw.calcs),
      sortBy: string(raw.sortBy),
      sortDesc: boolean(raw.sortDesc, true),
    };
  }, [panel]);
  const range = useMemo(() => ({ from: data.from / 1000, to: data.to / 1000 }), [data]);
  const mode = string(at(panel.options, "tooltip", "mode"));
  return (
    <TimeSeries
      label={panel.title}
      times={times}
      series={series}
      unit={string(panel.fieldConfig.defaults.unit) || "short"}
      thresholds={thresholds}
      thresholdStyle={style}
      legend={legend}
      range={range}
      onZoom={zoomTo}
      onZoomOut={zoomOut}
      syncKey={syncKey}
      tip={mode === "single" ? "single" : mode === "none" ? "none" : "multi"}
    />
  );
}
