/** A dashboard's template variables: what they ask, in which order, and which values are chosen. */
import { boolean, type Json, type JsonObject, number, object, objects, string } from "../json.ts";
import { formatSeconds, roundStep } from "../time.ts";
import { usedNames, type Value } from "./interpolate.ts";

export type VariableType = "query" | "custom" | "interval" | "datasource" | "constant" | "textbox" | "adhoc";

export interface Variable {
  name: string;
  label: string;
  type: VariableType;
  /** Nothing hidden, the label, or the whole picker. */
  hide: "none" | "label" | "all";
  multi: boolean;
  includeAll: boolean;
  allValue: string;
  query: string;
  datasource: Json | undefined;
  regex: string;
  sort: number;
  refreshOnRange: boolean;
  current: string[];
  description: string;
  source: JsonObject;
}

export interface Option {
  text: string;
  value: string;
}

export const ALL = "$__all";
const TYPES: readonly string[] = ["query", "custom", "interval", "datasource", "constant", "textbox", "adhoc"];

export function loadVariables(dashboard: JsonObject): Variable[] {
  return objects(object(dashboard.templating).list)
    .filter((raw) => TYPES.includes(string(raw.type)) && string(raw.name) !== "")
    .map((raw) => {
      const value = object(raw.current).value;
      const hide = number(raw.hide) ?? 0;
      const query = raw.query;
      return {
        name: string(raw.name),
        label: string(raw.label) || string(raw.name),
        type: string(raw.type) as VariableType,
        hide: raw.type === "constant" || hide === 2 ? "all" : hide === 1 ? "label" : "none",
        multi: boolean(raw.multi),
        includeAll: boolean(raw.includeAll),
        allValue: string(raw.allValue),
        query: typeof query === "string" ? query : string(object(query).query),
        datasource: raw.datasource,
        regex: string(raw.regex),
        sort: number(raw.sort) ?? 0,
        refreshOnRange: number(raw.refresh) === 2,
        current: Array.isArray(value)
          ? value.map((each) => string(each))
          : value === undefined || value === null || value === ""
            ? []
            : [string(value)],
        description: string(raw.description),
        source: raw,
      };
    });
}

/** A variable after those that its query uses; a circle keeps the order of the dashboard. */
export function inOrder(variables: readonly Variable[]): Variable[] {
  const byName = new Map(variables.map((variable) => [variable.name, variable]));
  const done: Variable[] = [];
  const seen = new Set<string>();
  const visit = (variable: Variable): void => {
    if (seen.has(variable.name)) return;
    seen.add(variable.name);
    const text = `${variable.query} ${variable.regex} ${JSON.stringify(variable.datasource ?? "")}`;
    for (const name of usedNames(text)) {
      const other = byName.get(name);
      if (other) visit(other);
    }
    done.push(variable);
  };
  variables.forEach(visit);
  return done;
}

export type VariableQuery =
  | { kind: "label_values"; label: string; selector: string }
  | { kind: "label_names"; pattern: string }
  | { kind: "metrics"; pattern: string }
  | { kind: "query_result"; expr: string }
  | { kind: "series"; selector: string };

export function parseVariableQuery(query: string): VariableQuery {
  const trimmed = query.trim();
  const call = /^(label_values|label_names|metrics|query_result)\(([\s\S]*)\)\s*$/.exec(trimmed);
  if (!call) return { kind: "series", selector: trimmed };
  const inner = call[2]!.trim();
  if (call[1] === "label_names") return { kind: "label_names", pattern: inner };
  if (call[1] === "metrics") return { kind: "metrics", pattern: inner };
  if (call[1] === "query_result") return { kind: "query_result", expr: inner };
  const comma = /^([\s\S]*),\s*([^,\s(){}]+)$/.exec(inner);
  return comma
    ? { kind: "label_values", label: comma[2]!, selector: comma[1]!.trim() }
    : { kind: "label_values", label: inner, selector: "" };
}

/** Options of the types that need no server. */
export function staticOptions(
  variable: Variable,
  datasources: readonly { uid: string; name: string; type: string }[],
): Option[] {
  switch (variable.type) {
    case "custom": {
      const parts = variable.query.match(/(?:\\,|[^,])+/g) ?? [];
      return parts.map((part) => {
        const clean = part.replaceAll("\\,", ",").trim();
        const pair = /^(.+?)\s:\s(.+)$/.exec(clean);
        return pair ? { text: pair[1]!.trim(), value: pair[2]!.trim() } : { text: clean, value: clean };
      });
    }
    case "interval": {
      const options = variable.query.split(",").map((part) => ({ text: part.trim(), value: part.trim() }));
      return boolean(variable.source.auto) ? [{ text: "auto", value: "$__auto" }, ...options] : options;
    }
    case "datasource":
      return applyRegex(
        datasources
          .filter((source) => source.type === variable.query)
          .map((source) => ({ text: source.name, value: source.uid })),
        variable.regex,
      );
    case "constant":
    case "textbox":
      return [{ text: variable.query, value: variable.query }];
    default:
      return [];
  }
}

function compile(pattern: string): RegExp | undefined {
  const slashed = /^\/([\s\S]*)\/([gimsuy]*)$/.exec(pattern);
  try {
    return slashed ? new RegExp(slashed[1]!, slashed[2]!.replace("g", "")) : new RegExp(`^${pattern}$`);
  } catch {
    return undefined;
  }
}

/** Keeps what the regexp matches; groups `text` and `value`, or the first one, say what of it. */
export function applyRegex(options: readonly Option[], pattern: string): Option[] {
  if (pattern === "") return [...options];
  const regex = compile(pattern);
  if (!regex) return [...options];
  const kept = new Map<string, Option>();
  for (const option of options) {
    const match = regex.exec(option.text);
    if (!match) continue;
    const value = match.groups?.value ?? match.groups?.text ?? match[1] ?? option.value;
    const text = match.groups?.text ?? match.groups?.value ?? match[1] ?? option.text;
    if (!kept.has(value)) kept.set(value, { text, value });
  }
  return [...kept.values()];
}

export function sortOptions(options: Option[], sort: number): Option[] {
  if (sort === 0) return options;
  const sign = sort % 2 === 0 ? -1 : 1;
  const numeric = (option: Option): number =>
    Number(/-?\d+(?:\.\d+)?/.exec(option.text)?.[0] ?? Number.NEGATIVE_INFINITY);
  const compare =
    sort === 3 || sort === 4
      ? (a: Option, b: Option) => numeric(a) - numeric(b)
      : sort === 5 || sort === 6
        ? (a: Option, b: Option) => a.text.toLowerCase().localeCompare(b.text.toLowerCase())
        : sort === 7 || sort === 8
          ? (a: Option, b: Option) => a.text.localeCompare(b.text, undefined, { numeric: true })
          : (a: Option, b: Option) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
  return [...options].sort((a, b) => sign * compare(a, b));
}

/** What is chosen: from the URL, else what the dashboard saved where it is still an option, else All or the first. */
export function chosen(variable: Variable, options: readonly Option[], fromUrl: readonly string[]): string[] {
  if (variable.type === "textbox" || variable.type === "constant")
    return [fromUrl[0] ?? variable.current[0] ?? variable.query];
  const wanted = fromUrl.length > 0 ? fromUrl : variable.current;
  const all = variable.includeAll && wanted.some((value) => value === ALL || value === "All");
  if (all) return [ALL];
  if (fromUrl.length > 0) {
    return fromUrl.map(
      (value) => options.find((option) => option.value === value || option.text === value)?.value ?? value,
    );
  }
  const kept = wanted
    .map((value) => options.find((option) => option.value === value || option.text === value)?.value)
    .filter((value) => value !== undefined);
  if (kept.length > 0) return variable.multi ? kept : kept.slice(0, 1);
  if (variable.includeAll && (variable.current.length === 0 || variable.current.includes(ALL))) return [ALL];
  return options.length > 0 ? [options[0]!.value] : [];
}

export function valueFor(
  variable: Variable,
  options: readonly Option[],
  selected: readonly string[],
  range: { from: number; to: number },
): Value {
  const textOf = (value: string): string => options.find((option) => option.value === value)?.text ?? value;
  if (selected.includes(ALL)) {
    if (variable.allValue !== "") return { values: [variable.allValue], text: "All", raw: true };
    return { values: options.map((option) => option.value), text: "All", multi: true };
  }
  if (variable.type === "interval" && selected[0]?.startsWith("$__auto")) {
    const step = roundStep(range.to - range.from, number(variable.source.auto_count) ?? 30, 10);
    return { values: [formatSeconds(step)], text: "auto" };
  }
  if (selected.length === 0) return { values: [""], text: "None" };
  const multi = variable.multi || variable.includeAll;
  return { values: selected, text: selected.map(textOf).join(" + "), multi };
}
