/** Field configuration: overrides, thresholds, value mappings. */
import { formatValue } from "../core/units.ts";
import { namedColor } from "../viz/colors.ts";
import type { FieldConfig, Json, Mapping, Panel } from "./model.ts";

/** The configuration of one series, its overrides laid over the panel's. */
export function fieldOf(panel: Panel, name: string, refId: string): FieldConfig {
  const field: FieldConfig = { ...panel.field, custom: { ...panel.field.custom } };
  for (const { matcher, properties } of panel.overrides) {
    const { id, options } = matcher;
    let matches = false;
    if (id === "byName") matches = options === name;
    else if (id === "byFrameRefID") matches = options === refId;
    else if (id === "byRegexp" && typeof options === "string") {
      const pattern = /^\/(.*)\/([a-z]*)$/s.exec(options);
      try {
        matches = new RegExp(pattern ? pattern[1] : options, pattern?.[2]).test(name);
      } catch {
        matches = false;
      }
    }
    if (!matches) continue;
    for (const { id: property, value } of properties) {
      if (property.startsWith("custom.")) field.custom[property.slice(7)] = value;
      else if (property === "color") field.color = (value as Json | undefined)?.fixedColor as string | undefined;
      else if (["unit", "decimals", "min", "max", "displayName", "mappings"].includes(property))
        Object.assign(field, { [property]: value });
    }
  }
  return field;
}

export function thresholdColor(value: number | null, field: FieldConfig): string | undefined {
  const { thresholds, thresholdsAreRelative, min = 0, max = 100 } = field;
  if (thresholds.length === 0) return undefined;
  const scale = (step: number): number => (thresholdsAreRelative ? min + ((max - min) * step) / 100 : step);
  let color = thresholds[0].color;
  for (const step of thresholds) if (value !== null && value >= scale(step.value)) color = step.color;
  return namedColor(color);
}

interface Mapped {
  text?: string;
  color?: string;
}

function mapped(value: number | null, mappings: readonly Mapping[]): Mapped | undefined {
  for (const { type, options } of mappings) {
    if (type === "value") {
      const hit = options[String(value)] as Mapped | undefined;
      if (hit) return hit;
    } else if (type === "range" && value !== null) {
      const { from, to, result } = options as { from?: number | null; to?: number | null; result: Mapped };
      if (value >= (from ?? Number.NEGATIVE_INFINITY) && value <= (to ?? Number.POSITIVE_INFINITY)) return result;
    } else if (type === "special") {
      const { match, result } = options as { match: string; result: Mapped };
      if ((match === "null" || match === "null+nan" || match === "empty") && value === null) return result;
    }
  }
  return undefined;
}

/** A value as text and colour, mappings first. */
export function display(value: number | null, field: FieldConfig): { text: string; color: string | undefined } {
  const hit = mapped(value, field.mappings);
  return {
    text: hit?.text ?? formatValue(value, field.unit, field.decimals),
    color: hit?.color
      ? namedColor(hit.color)
      : (thresholdColor(value, field) ?? (field.color ? namedColor(field.color) : undefined)),
  };
}
