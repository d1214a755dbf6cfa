/** Template variables: their values, and putting them into queries and texts in Grafana's formats. */
import { prometheus } from "../data/http.ts";
import type { Variable } from "./model.ts";

export const ALL = "$__all";

/** Chosen values by variable; [ALL] stands for all of `options`. */
export interface Scope {
  values: Readonly<Record<string, readonly string[]>>;
  options: Readonly<Record<string, readonly string[]>>;
  allValues: Readonly<Record<string, string | undefined>>;
  /** Built-in ones such as __rate_interval. */
  builtIn: Readonly<Record<string, string>>;
}

const escapeRegex = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

function format(values: readonly string[], kind: string | undefined, many: boolean): string {
  switch (kind) {
    case "csv":
      return values.join(",");
    case "pipe":
      return values.join("|");
    case "raw":
      return values.length === 1 ? values[0] : `{${values.join(",")}}`;
    case "json":
      return JSON.stringify(values);
    case "doublequote":
      return values.map((value) => JSON.stringify(value)).join(",");
    case "singlequote":
      return values.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(",");
    case "glob":
      return values.length === 1 ? values[0] : `{${values.join(",")}}`;
    case "text":
      return values.join(" + ");
    case "regex":
      return values.length === 1 ? escapeRegex(values[0]) : `(${values.map(escapeRegex).join("|")})`;
    default:
      // In PromQL one value goes in as it is; several become an alternation, for which people write =~.
      return many ? `(${values.map(escapeRegex).join("|")})` : (values[0] ?? "");
  }
}

/** Replaces `$name`, `${name}`, `${name:format}` and `[[name]]`; unknown names stay. */
export function interpolate(text: string, scope: Scope): string {
  return text.replace(
    /\$(\w+)|\$\{(\w+)(?:\.[^:}]+)?(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]/g,
    (whole, bare, braced, kind, old, oldKind) => {
      const name = (bare ?? braced ?? old) as string;
      const builtIn = scope.builtIn[name];
      if (builtIn !== undefined) return builtIn;
      const chosen = scope.values[name];
      if (!chosen) return whole;
      if (chosen.includes(ALL)) {
        const all = scope.allValues[name];
        if (all !== undefined) return all;
        const options = scope.options[name] ?? [];
        return options.length === 0 ? ".*" : format(options, kind ?? oldKind, true);
      }
      return format(chosen, (kind ?? oldKind) as string | undefined, chosen.length > 1);
    },
  );
}

/** Grafana's filter: a bare text or /pattern/; a group takes only its part. */
function applyRegex(values: readonly string[], regex: string): string[] {
  const match = /^\/(.*)\/([gimsu]*)$/s.exec(regex);
  if (regex === "") return [...values];
  let pattern: RegExp;
  try {
    pattern = match ? new RegExp(match[1], match[2].replace("g", "")) : new RegExp(regex);
  } catch {
    return [...values];
  }
  return values.flatMap((value) => {
    const found = pattern.exec(value);
    return found ? [found[1] ?? found[0]] : [];
  });
}

interface Range {
  start: string;
  end: string;
}

/** Values a query variable can have: label_values(…), label_names(), metrics(…), query_result(…). */
async function queryValues(query: string, { start, end }: Range, signal: AbortSignal): Promise<string[]> {
  const labelValues = /^\s*label_values\(\s*(?:(.+)\s*,\s*)?([a-zA-Z_][\w]*)\s*\)\s*$/s.exec(query);
  if (labelValues) {
    const [, selector, label] = labelValues;
    const params: Record<string, string> = { start, end };
    if (selector) params["match[]"] = selector.trim();
    return Object.values(await prometheus<string[]>(`/api/v1/label/${label}/values`, params, signal)).filter(
      (value) => typeof value === "string",
    );
  }
  const names = /^\s*label_names\(\s*(.*?)\s*\)\s*$/s.exec(query);
  if (names)
    return Object.values(await prometheus<string[]>("/api/v1/labels", { start, end }, signal)).filter(
      (value) => typeof value === "string",
    );
  const metrics = /^\s*metrics\(\s*(.*?)\s*\)\s*$/s.exec(query);
  if (metrics) {
    const all = Object.values(
      await prometheus<string[]>("/api/v1/label/__name__/values", { start, end }, signal),
    ).filter((value) => typeof value === "string");
    return all.filter((name) => new RegExp(metrics[1]).test(name));
  }
  const result = /^\s*query_result\(\s*(.*)\s*\)\s*$/s.exec(query);
  const expr = result ? result[1] : query;
  const { result: rows } = await prometheus<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
    "/api/v1/query",
    { query: expr, time: end },
    signal,
  );
  return rows.map(({ metric, value }) => {
    const { __name__: name = "", ...labels } = metric;
    const parts = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${name}{${parts.join(",")}} ${value[1]} ${value[0] * 1000}`;
  });
}

/** The variable's possible values, given what was chosen for those before it. */
export async function optionsOf(
  variable: Variable,
  scope: Scope,
  range: Range,
  signal: AbortSignal,
): Promise<string[]> {
  switch (variable.type) {
    case "query": {
      const values = await queryValues(interpolate(variable.query, scope), range, signal);
      return [...new Set(applyRegex(values, interpolate(variable.regex, scope)))].sort((a, b) =>
        a.localeCompare(b, undefined, { numeric: true }),
      );
    }
    case "datasource":
      return ["prometheus"];
    case "constant":
    case "textbox":
      return [variable.query];
    default:
      return variable.options;
  }
}

/** What is chosen: the URL's choice where it is possible, else the JSON's, else the first. */
export function chosenValues(variable: Variable, options: readonly string[], fromUrl: readonly string[]): string[] {
  const canAll = variable.includeAll;
  const normal = (value: string): string => (value === "All" && canAll && !options.includes("All") ? ALL : value);
  const possible = (value: string): boolean =>
    options.includes(value) || (canAll && value === ALL) || variable.type === "textbox";
  const url = fromUrl.map(normal).filter(possible);
  if (url.length > 0) return url;
  const current = variable.current.map(normal).filter(possible);
  if (current.length > 0) return current;
  if (canAll) return [ALL];
  return options.length > 0 ? [options[0]] : [];
}
