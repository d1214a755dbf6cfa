/** What a panel says about a column: defaults, then each override whose matcher takes it, in order. */
import { at, isObject, type Json, type JsonObject, number, object, objects, string, strings } from "../json.ts";
import { formatValue } from "../units.ts";
import { type Field, type Frame, fieldTitle } from "./frame.ts";
import { reduce } from "./reduce.ts";

export interface FieldConfig {
  displayName: string;
  unit: string;
  decimals: number | undefined;
  min: number | undefined;
  max: number | undefined;
  noValue: string | undefined;
  mappings: JsonObject[];
  thresholds: Thresholds;
  color: { mode: string; fixed: string };
  links: JsonObject[];
  custom: JsonObject;
}
export interface Thresholds {
  mode: "absolute" | "percentage";
  steps: { value: number; color: string }[];
}
export interface PanelFieldConfig {
  defaults: JsonObject;
  overrides: readonly { matcher: JsonObject; properties: JsonObject[] }[];
}

/** A regexp as Grafana writes it, `/x/i` or bare; undefined when it is none. */
export function pattern(text: string): RegExp | undefined {
  const slashed = /^\/([\s\S]*)\/([gimsuy]*)$/.exec(text);
  try {
    return slashed ? new RegExp(slashed[1]!, slashed[2]!.replace("g", "")) : new RegExp(text);
  } catch {
    return undefined;
  }
}

const compare: Record<string, (a: number, b: number) => boolean> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
  eq: (a, b) => a === b,
  neq: (a, b) => a !== b,
};

export function matches(matcher: JsonObject, field: Field, frame: Frame): boolean {
  const options = matcher.options;
  const title = fieldTitle(field);
  switch (matcher.id) {
    case "byName":
      return (
        title === options || field.name === options || (field.name === "Value" && `Value #${frame.refId}` === options)
      );
    case "byRegexp":
      return pattern(string(options))?.test(title) ?? false;
    case "byNames": {
      const names = strings(at(options, "names"));
      const inside = names.includes(title) || names.includes(field.name);
      return at(options, "mode") === "exclude" ? !inside : inside;
    }
    case "byFrameRefID":
      return frame.refId === options || field.name === `Value #${string(options)}`;
    case "byType":
      return field.type === options;
    case "byValue": {
      if (field.type === "string") return false;
      const value = reduce(field.values, string(at(options, "reducer"), "lastNotNull"));
      return compare[string(at(options, "op"))]?.(value, number(at(options, "value")) ?? 0) ?? false;
    }
    default:
      return false;
  }
}

function setPath(target: JsonObject, path: readonly string[], value: Json | undefined): void {
  let current = target;
  for (const key of path.slice(0, -1)) {
    const next: JsonObject = { ...object(current[key]) };
    current[key] = next;
    current = next;
  }
  current[path.at(-1)!] = value;
}

export function readThresholds(raw: Json | undefined): Thresholds {
  const steps = objects(at(raw, "steps")).map((step) => ({
    value: number(step.value) ?? Number.NEGATIVE_INFINITY,
    color: string(step.color, "green"),
  }));
  return {
    mode: at(raw, "mode") === "percentage" ? "percentage" : "absolute",
    steps:
      steps.length > 0
        ? steps.sort((a, b) => a.value - b.value)
        : [{ value: Number.NEGATIVE_INFINITY, color: "green" }],
  };
}

export function resolveField(field: Field, frame: Frame, config: PanelFieldConfig): FieldConfig {
  const merged: JsonObject = { ...config.defaults, custom: { ...object(config.defaults.custom) } };
  for (const override of config.overrides) {
    if (!matches(override.matcher, field, frame)) continue;
    for (const property of override.properties) setPath(merged, string(property.id).split("."), property.value);
  }
  const custom = object(merged.custom);
  // Older dashboards hide by `custom.hideFrom.viz` or by one boolean.
  const color = object(merged.color);
  const displayName = string(merged.displayName);
  return {
    displayName: displayName === "" ? fieldTitle(field) : fillFieldName(displayName, field),
    unit: string(merged.unit) || (field.type === "time" ? "dateTimeAsIso" : ""),
    decimals: number(merged.decimals),
    min: number(merged.min),
    max: number(merged.max),
    noValue: merged.noValue === undefined || merged.noValue === null ? undefined : string(merged.noValue),
    mappings: objects(merged.mappings),
    thresholds: readThresholds(merged.thresholds),
    color: { mode: string(color.mode, "palette-classic"), fixed: string(color.fixedColor) },
    links: objects(merged.links),
    custom,
  };
}

function fillFieldName(template: string, field: Field): string {
  return template.replace(/\$\{__(field|series)\.(labels\.)?(\w+)\}|\$__series_name/g, (whole, _kind, label, name) => {
    if (label) return field.labels?.[name as string] ?? "";
    if (whole === "$__series_name" || name === "name" || name === "displayName") return fieldTitle(field);
    return whole as string;
  });
}

/** Text and colour of the first mapping that takes the value. */
export function mapValue(
  value: number | string,
  mappings: readonly JsonObject[],
): { text?: string; color?: string } | undefined {
  const result = (raw: Json | undefined): { text?: string; color?: string } => ({
    text: typeof at(raw, "text") === "string" ? string(at(raw, "text")) : undefined,
    color: typeof at(raw, "color") === "string" ? string(at(raw, "color")) : undefined,
  });
  for (const mapping of mappings) {
    const options = mapping.options;
    switch (mapping.type) {
      case "value": {
        const found = at(options, String(value));
        if (isObject(found)) return result(found);
        break;
      }
      case "range": {
        const from = number(at(options, "from")) ?? Number.NEGATIVE_INFINITY;
        const to = number(at(options, "to")) ?? Number.POSITIVE_INFINITY;
        if (typeof value === "number" && value >= from && value <= to) return result(at(options, "result"));
        break;
      }
      case "regex":
        if (pattern(string(at(options, "pattern")))?.test(String(value))) return result(at(options, "result"));
        break;
      case "special": {
        const kind = at(options, "match");
        const empty = typeof value === "number" && Number.isNaN(value);
        const hit =
          kind === "null" || kind === "null+nan" || kind === "nan"
            ? empty
            : kind === "empty"
              ? value === ""
              : kind === "true"
                ? value === "true"
                : kind === "false" && value === "false";
        if (hit) return result(at(options, "result"));
        break;
      }
      // Mappings of Grafana before 8 have numbers as type.
      case 1:
        if (String(value) === string(mapping.value)) return { text: string(mapping.text) };
        break;
      case 2:
        if (typeof value === "number" && value >= (number(mapping.from) ?? 0) && value <= (number(mapping.to) ?? 0))
          return { text: string(mapping.text) };
        break;
    }
  }
  return undefined;
}

export function displayValue(value: number | string, config: FieldConfig): string {
  const mapped = mapValue(value, config.mappings);
  if (mapped?.text !== undefined && mapped.text !== "") return mapped.text;
  if (typeof value === "string") return value;
  if (Number.isNaN(value)) return config.noValue ?? "–";
  return formatValue(value, config.unit || "short", config.decimals);
}

/** Place of a value between min and max, 0 to 1. */
export function fraction(value: number, min: number, max: number): number {
  return max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
}

export function thresholdColor(value: number, thresholds: Thresholds, min = 0, max = 100): string {
  const compared = thresholds.mode === "percentage" ? fraction(value, min, max) * 100 : value;
  let color = thresholds.steps[0]!.color;
  for (const step of thresholds.steps) if (compared >= step.value) color = step.color;
  return color;
}
