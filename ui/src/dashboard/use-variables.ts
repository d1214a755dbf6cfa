/** Options and chosen values of a dashboard's variables, asked for in the order they depend on each other. */
import { useEffect, useState } from "react";
import type { Dashboard } from "../core/dashboard/types.ts";
import { seriesText } from "../core/frames/prometheus.ts";
import { interpolate, type Value } from "../core/vars/interpolate.ts";
import {
  applyRegex,
  chosen,
  inOrder,
  type Option,
  parseVariableQuery,
  sortOptions,
  staticOptions,
  type Variable,
  valueFor,
} from "../core/vars/variables.ts";
import { prometheus } from "../data/http.ts";
import { builtIns, datasources, resolveDatasource, scrapeSeconds } from "./query.ts";

export interface VariableState {
  variable: Variable;
  options: Option[];
  selected: string[];
  error: string;
}
export interface Scope {
  states: VariableState[];
  values: Map<string, Value>;
}

async function ask(
  variable: Variable,
  values: Map<string, Value>,
  range: { from: number; to: number },
  signal: AbortSignal,
): Promise<Option[]> {
  const sources = await datasources();
  if (variable.type !== "query")
    return staticOptions({ ...variable, query: interpolate(variable.query, values) }, sources);
  const source = resolveDatasource(variable.datasource, sources, values);
  if (typeof source === "string") throw new Error(source);
  const full = new Map([...values, ...builtIns(range.from, range.to, 1, await scrapeSeconds(source.uid))]);
  const query = parseVariableQuery(interpolate(variable.query, full, "promql"));
  const window = { start: String(range.from / 1000), end: String(range.to / 1000) };
  const get = <T>(path: string, params: Record<string, string>): Promise<T> =>
    prometheus<T>(path, params, signal, source.uid);
  const plain = (texts: string[]): Option[] => texts.map((text) => ({ text, value: text }));
  const matching = (texts: string[], pattern: string): string[] => {
    const regex = applyRegex(plain(texts), pattern === "" ? "" : `/${pattern}/`);
    return regex.map((option) => option.text);
  };
  let options: Option[];
  switch (query.kind) {
    case "label_values":
      options = plain(
        await get<string[]>(`/api/v1/label/${encodeURIComponent(query.label)}/values`, {
          ...window,
          ...(query.selector ? { "match[]": query.selector } : {}),
        }),
      );
      break;
    case "label_names":
      options = plain(matching(await get<string[]>("/api/v1/labels", window), query.pattern));
      break;
    case "metrics":
      options = plain(matching(await get<string[]>("/api/v1/label/__name__/values", window), query.pattern));
      break;
    case "query_result": {
      const data = await get<{
        resultType: string;
        result: { metric: Record<string, string>; value: [number, string] }[];
      }>("/api/v1/query", { query: query.expr, time: window.end });
      options = plain(
        data.resultType === "vector"
          ? data.result.map(({ metric, value }) => `${seriesText(metric)} ${value[1]} ${value[0] * 1000}`)
          : [],
      );
      break;
    }
    case "series": {
      if (query.selector === "") return [];
      const series = await get<Record<string, string>[]>("/api/v1/series", { ...window, "match[]": query.selector });
      options = plain(series.map(seriesText));
    }
  }
  const unique = [
    ...new Map(
      applyRegex(options, interpolate(variable.regex, full, "regex")).map((option) => [option.value, option]),
    ).values(),
  ];
  return sortOptions(unique, variable.sort);
}

export function useVariables(
  board: Dashboard,
  params: URLSearchParams,
  range: { from: number; to: number; version: number; raw: { from: string; to: string } },
): Scope | undefined {
  const [scope, setScope] = useState<Scope>();
  const chosenText = [...params].filter(([name]) => name.startsWith("var-")).join("&");
  const needsRange = board.variables.some((variable) => variable.refreshOnRange);
  const rangeKey = needsRange ? `${range.raw.from} ${range.raw.to}` : "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the texts stand for the objects
  useEffect(() => {
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      const values = new Map<string, Value>();
      const states = new Map<string, VariableState>();
      for (const variable of inOrder(board.variables)) {
        if (variable.type === "adhoc") continue;
        let options: Option[] = [];
        let error = "";
        try {
          options = await ask(variable, values, range, abort.signal);
        } catch (failure) {
          if (abort.signal.aborted) return;
          error = failure instanceof Error ? failure.message : String(failure);
        }
        const selected = chosen(variable, options, params.getAll(`var-${variable.name}`));
        values.set(variable.name, valueFor(variable, options, selected, range));
        states.set(variable.name, { variable, options, selected, error });
      }
      if (abort.signal.aborted) return;
      const inPageOrder = board.variables.map(({ name }) => states.get(name)).filter((state) => state !== undefined);
      setScope({ states: inPageOrder, values });
    };
    void load();
    return () => abort.abort();
  }, [board, chosenText, rangeKey]);
  return scope;
}
