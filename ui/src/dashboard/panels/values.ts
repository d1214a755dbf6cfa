/** What single-value panels show: one entry per column that their options pick. */

import type { Panel } from "../../core/dashboard/types.ts";
import {
  displayValue,
  type FieldConfig,
  fraction,
  mapValue,
  pattern,
  resolveField,
  thresholdColor,
} from "../../core/frames/field-config.ts";
import { cell, type Field, type Frame, fieldTitle } from "../../core/frames/frame.ts";
import { reduce } from "../../core/frames/reduce.ts";
import { at, boolean, object, string, strings } from "../../core/json.ts";
import { namedColor, seriesColor } from "../../viz/colors.ts";

export interface PanelValue {
  key: string;
  name: string;
  value: number | string;
  text: string;
  color: string;
  config: FieldConfig;
  min: number;
  max: number;
  /** The column over time, for a sparkline. */
  history: Float64Array | undefined;
}

/** Scale of a panel without min and max of its own: all values of the column. */
function limits(field: Field, config: FieldConfig, all: readonly number[]): { min: number; max: number } {
  const isShare = config.unit === "percent" ? 100 : config.unit === "percentunit" ? 1 : undefined;
  const known = field.type === "string" ? [] : all.filter((value) => Number.isFinite(value));
  return {
    min: config.min ?? Math.min(0, ...known),
    max:
      config.max ??
      isShare ??
      (Math.max(...known, Number.NEGATIVE_INFINITY) === Number.NEGATIVE_INFINITY ? 100 : Math.max(...known)),
  };
}

export function colorOf(value: number | string, config: FieldConfig, index: number, min: number, max: number): string {
  const mapped = mapValue(value, config.mappings)?.color;
  if (mapped) return namedColor(mapped);
  const { mode, fixed } = config.color;
  if (mode === "fixed" || mode === "shades") return namedColor(fixed);
  if (mode.startsWith("continuous-"))
    return continuous(mode, typeof value === "number" ? fraction(value, min, max) : 0);
  if (mode.startsWith("palette")) return seriesColor(index);
  return typeof value === "number" && !Number.isNaN(value)
    ? namedColor(thresholdColor(value, config.thresholds, min, max))
    : namedColor("text");
}

const SCHEMES: Record<string, readonly string[]> = {
  "continuous-GrYlRd": ["green", "yellow", "red"],
  "continuous-RdYlGr": ["red", "yellow", "green"],
  "continuous-BlYlRd": ["blue", "yellow", "red"],
  "continuous-YlRd": ["yellow", "red"],
  "continuous-BlPu": ["blue", "purple"],
  "continuous-YlBl": ["yellow", "blue"],
  "continuous-blues": ["text", "blue"],
  "continuous-reds": ["text", "red"],
  "continuous-greens": ["text", "green"],
  "continuous-purples": ["text", "purple"],
};

function continuous(mode: string, share: number): string {
  const colors = (SCHEMES[mode] ?? SCHEMES["continuous-GrYlRd"]!).map(namedColor);
  const place = share * (colors.length - 1);
  const low = Math.min(colors.length - 2, Math.floor(place));
  return `color-mix(in srgb, ${colors[low + 1]} ${Math.round((place - low) * 100)}%, ${colors[low]})`;
}

export function panelValues(panel: Panel, frames: readonly Frame[], defaultColor = "thresholds"): PanelValue[] {
  const reduceOptions = object(panel.options.reduceOptions);
  const calc = strings(reduceOptions.calcs)[0] ?? "lastNotNull";
  const wanted = string(reduceOptions.fields);
  const everyRow = boolean(reduceOptions.values);
  const defaults = at(panel.fieldConfig.defaults, "color", "mode")
    ? panel.fieldConfig.defaults
    : { ...panel.fieldConfig.defaults, color: { mode: defaultColor } };
  const fieldConfig = { ...panel.fieldConfig, defaults };
  const found: { field: Field; config: FieldConfig; value: number | string; name: string; history?: Float64Array }[] =
    [];
  for (const frame of frames) {
    for (const field of frame.fields) {
      const config = resolveField(field, frame, fieldConfig);
      if (config.custom.hidden === true) continue;
      const fits =
        wanted === ""
          ? field.type === "number"
          : wanted.startsWith("/")
            ? (pattern(wanted)?.test(fieldTitle(field)) ?? false)
            : wanted === fieldTitle(field) || wanted === field.name;
      if (!fits) continue;
      if (
        everyRow ||
        (frame.length > 1 &&
          !frame.fields.some(
            (other) => other.type === "time" && other.values.length > 1 && other.values[0] !== other.values[1],
          ))
      ) {
        const label = frame.fields.find((other) => other.type === "string");
        for (let row = 0; row < Math.min(frame.length, 100); row++) {
          found.push({
            field,
            config,
            value: cell(field, row),
            name: label ? String(cell(label, row)) : config.displayName,
          });
        }
      } else if (field.type === "string")
        found.push({ field, config, value: field.values.at(-1) ?? "", name: config.displayName });
      else
        found.push({
          field,
          config,
          value: reduce(field.values, calc),
          name: config.displayName,
          history: field.values,
        });
    }
  }
  const all = found.map(({ value }) => value).filter((value) => typeof value === "number");
  return found.map(({ field, config, value, name, history }, index) => {
    const { min, max } = limits(field, config, all);
    return {
      key: `${index} ${name}`,
      name,
      value,
      text: string(panel.options.prefix) + displayValue(value, config) + string(panel.options.postfix),
      color: colorOf(value, config, index, min, max),
      config,
      min,
      max,
      history,
    };
  });
}
