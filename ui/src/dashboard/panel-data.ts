/** Runs a panel's queries. */
import { legendName, type QueryData, toFrame, toNumber, uniqueNames } from "../core/frames.ts";
import { formatSeconds, parseInterval, roundStep } from "../core/time.ts";
import { prometheus } from "../data/http.ts";
import type { Panel } from "./model.ts";
import { interpolate, type Scope } from "./variables.ts";

export interface PanelSeries {
  name: string;
  refId: string;
  metric: Record<string, string>;
  /** One value a time; a single one for instant queries. */
  values: (number | null)[];
}

export interface PanelData {
  times: number[];
  series: PanelSeries[];
  start: number;
  end: number;
}

/** Grafana's default: twice as wide as it is high, a point every few pixels. */
const MAX_POINTS = 360;
/** The scrape interval assumed for $__rate_interval, as Grafana's data source setting. */
const SCRAPE_SECONDS = 15;

/** Built-in variables for one range and step. */
export function builtIns(fromMs: number, toMs: number, step: number): Record<string, string> {
  const range = Math.max(1, Math.round((toMs - fromMs) / 1000));
  return {
    __interval: formatSeconds(step),
    __interval_ms: String(step * 1000),
    __rate_interval: formatSeconds(Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)),
    __range: `${range}s`,
    __range_s: String(range),
    __range_ms: String(range * 1000),
    __from: String(Math.round(fromMs)),
    __to: String(Math.round(toMs)),
  };
}

export async function loadPanel(
  panel: Panel,
  scope: Scope,
  fromMs: number,
  toMs: number,
  signal: AbortSignal,
): Promise<PanelData> {
  const minimum = Math.max(1, ...panel.targets.map(({ interval }) => (parseInterval(interval ?? "") ?? 0) / 1000));
  const step = roundStep(toMs - fromMs, MAX_POINTS, minimum);
  const end = Math.floor(toMs / 1000 / step) * step;
  const start = Math.ceil(fromMs / 1000 / step) * step;
  const full: Scope = { ...scope, builtIn: { ...scope.builtIn, ...builtIns(fromMs, toMs, step) } };
  const parts = await Promise.all(
    panel.targets.map(async ({ expr, instant, legendFormat, refId }) => {
      const query = interpolate(expr, full);
      const params: Record<string, string> = instant
        ? { query, time: String(toMs / 1000) }
        : { query, start: String(start), end: String(end), step: String(step) };
      const data = (await prometheus<QueryData>(
        instant ? "/api/v1/query" : "/api/v1/query_range",
        params,
        signal,
      )) as QueryData;
      const format = legendFormat && interpolate(legendFormat, full);
      if (data.resultType === "matrix") {
        return toFrame(data.result, start, end, step).rows.map(({ metric, values }) => ({
          name: legendName(metric, format),
          refId,
          metric,
          values,
        }));
      }
      if (data.resultType === "vector") {
        return data.result.map(({ metric, value }) => ({
          name: legendName(metric, format),
          refId,
          metric,
          values: [value ? toNumber(value[1]) : null],
        }));
      }
      return [{ name: query, refId, metric: {}, values: [toNumber(data.result[1])] }];
    }),
  );
  const series = parts.flat();
  const names = uniqueNames(series.map(({ name }) => name));
  const count = Math.floor((end - start) / step + 1e-6) + 1;
  return {
    times: Array.from({ length: count }, (_, i) => start + i * step),
    series: series.map((entry, i) => ({ ...entry, name: names[i] })),
    start,
    end,
  };
}
