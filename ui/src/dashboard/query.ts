/** Runs a panel's queries and brings the answers into frames. */

import type { Panel } from "../core/dashboard/types.ts";
import type { Frame } from "../core/frames/frame.ts";
import {
  type MatrixSeries,
  matrixFrames,
  sampleValue,
  type VectorSample,
  vectorFrames,
} from "../core/frames/prometheus.ts";
import { transform } from "../core/frames/transform.ts";
import { type Json, object, string } from "../core/json.ts";
import { formatSeconds, parseInterval, roundStep } from "../core/time.ts";
import { interpolate, type Value, type Values } from "../core/vars/interpolate.ts";
import { askPrometheus, getJson, prometheus } from "../data/http.ts";

export interface Datasource {
  uid: string;
  name: string;
  type: string;
  isDefault: boolean;
}

export interface PanelData {
  frames: Frame[];
  /** Seconds between points of the range queries. */
  step: number;
  /** Unix ms. */
  from: number;
  to: number;
  /** Queries as they were sent, variables filled in. */
  sent: { refId: string; expr: string }[];
  notes: string[];
}

/** Assumed of a server that does not tell its configuration, as Grafana does. */
const SCRAPE_SECONDS = 15;
const MAX_POINTS = 1500;
/** Even a small panel asks for so many: what began a moment ago is otherwise not yet on the grid of its steps. */
const MIN_POINTS = 240;
/** Requests at a time: browsers open six connections to one server. */
const IN_FLIGHT = 6;

const waiting: (() => void)[] = [];
let running = 0;

async function inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  while (running >= IN_FLIGHT) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

const scrapeIntervals = new Map<string, Promise<number>>();

/** Seconds between scrapes as the server's configuration says globally; asked for once a page. */
export function scrapeSeconds(uid: string): Promise<number> {
  const known = scrapeIntervals.get(uid);
  if (known) return known;
  const asked = prometheus<{ yaml?: string }>("/api/v1/status/config", {}, undefined, uid).then(
    ({ yaml }) => {
      const text = /^\s*scrape_interval:\s*(\S+)/m.exec(yaml ?? "")?.[1];
      return (parseInterval(text ?? "") ?? SCRAPE_SECONDS * 1000) / 1000;
    },
    () => SCRAPE_SECONDS,
  );
  scrapeIntervals.set(uid, asked);
  return asked;
}

/**
 * Values of the variables that Grafana itself provides, for one range, step and scrape interval (both in seconds). A rate
 * needs two samples in its window: `$__interval` is at least a scrape interval, `$__rate_interval` four.
 */
export function builtIns(from: number, to: number, step: number, scrape: number): [string, Value][] {
  const range = Math.max(1, Math.round((to - from) / 1000));
  const one = (text: string): Value => ({ values: [text] });
  const interval = Math.max(step, scrape);
  const rate = Math.max(interval + scrape, 4 * scrape);
  return [
    ["__interval", one(formatSeconds(interval))],
    ["__interval_ms", one(String(interval * 1000))],
    ["__rate_interval", one(formatSeconds(rate))],
    ["__rate_interval_ms", one(String(rate * 1000))],
    ["__auto", one(formatSeconds(interval))],
    ["__range", one(`${range}s`)],
    ["__range_s", one(String(range))],
    ["__range_ms", one(String(range * 1000))],
    ["__from", one(String(Math.round(from)))],
    ["__to", one(String(Math.round(to)))],
  ];
}

/** The Prometheus that a reference names: by uid, name or variable; an import placeholder or nothing is the default one. */
export function resolveDatasource(
  reference: Json | undefined,
  sources: readonly Datasource[],
  values: Values,
): Datasource | string {
  const raw = typeof reference === "string" ? reference : string(object(reference).uid);
  const wanted = interpolate(raw, values, "text");
  const ofType = sources.filter((source) => source.type === "prometheus");
  const fallback = ofType.find((source) => source.isDefault) ?? ofType[0];
  if (!fallback) return "No Prometheus data source is configured.";
  const byVariable = /^\$\{?(\w+)\}?$/.exec(raw);
  const uid = byVariable ? values.get(byVariable[1]!)?.values[0] : undefined;
  return ofType.find((source) => source.uid === (uid ?? wanted) || source.name === wanted) ?? fallback;
}

let sourcesOnce: Promise<Datasource[]> | undefined;
export function datasources(): Promise<Datasource[]> {
  sourcesOnce ??= getJson<Datasource[]>("/api/datasources").catch((error: unknown) => {
    sourcesOnce = undefined;
    throw error;
  });
  return sourcesOnce;
}

type QueryData =
  | { resultType: "matrix"; result: MatrixSeries[] }
  | { resultType: "vector"; result: VectorSample[] }
  | { resultType: "scalar" | "string"; result: [number, string] };

/** Minimum step in seconds: `>=30s`, `30s` or a variable; 1 when there is none. */
function minimumStep(text: string, values: Values): number {
  const ms = parseInterval(interpolate(text, values, "text").replace(/^>=?\s*/, ""));
  return ms === undefined ? 1 : Math.max(1, ms / 1000);
}

export async function loadPanel(
  panel: Panel,
  values: Values,
  range: { from: number; to: number },
  width: number,
  signal: AbortSignal,
): Promise<PanelData> {
  const sources = await datasources();
  let { from, to } = range;
  const own = parseInterval(interpolate(panel.timeFrom, values, "text").replace(/^now-/, ""));
  if (own) from = to - own;
  const shift = parseInterval(panel.timeShift) ?? 0;
  from -= shift;
  to -= shift;
  const points = Math.min(MAX_POINTS, panel.maxDataPoints ?? Math.max(MIN_POINTS, Math.round(width / 3)));
  const sent: PanelData["sent"] = [];
  const notes: string[] = [];
  let panelStep = roundStep(to - from, points, minimumStep(panel.interval, values));
  const shown = panel.targets.filter((target) => !target.hidden && target.expr !== "");
  const parts = await Promise.all(
    shown.map(async (target) => {
      if (!target.supported) {
        notes.push(`Query ${target.refId} is not for Prometheus and is left out.`);
        return [];
      }
      const step =
        roundStep(
          to - from,
          points,
          Math.max(minimumStep(panel.interval, values), minimumStep(target.interval, values)),
        ) * Math.max(1, target.intervalFactor);
      panelStep = Math.max(panelStep, step);
      const source = resolveDatasource(target.datasource, sources, values);
      if (typeof source === "string") throw new Error(source);
      const full = new Map([...values, ...builtIns(from, to, step, await scrapeSeconds(source.uid))]);
      const expr = interpolate(target.expr, full, "promql");
      sent.push({ refId: target.refId, expr });
      // Ends on the grid of steps, so that a refresh asks for the same points again.
      const end = Math.floor(to / 1000 / step) * step;
      const start = Math.floor(from / 1000 / step) * step;
      const options = { refId: target.refId, legend: interpolate(target.legend, full, "text"), format: target.format };
      const ask = async (instant: boolean): Promise<Frame[]> => {
        const { data, notes: found } = await inTurn(signal, () =>
          askPrometheus<QueryData>(
            instant ? "/api/v1/query" : "/api/v1/query_range",
            instant
              ? { query: expr, time: String(to / 1000) }
              : { query: expr, start: String(start), end: String(end), step: String(step) },
            signal,
            source.uid,
          ),
        );
        notes.push(...(found.warnings ?? []), ...(found.infos ?? []));
        if (data.resultType === "matrix") return matrixFrames(data.result, options);
        if (data.resultType === "vector") return vectorFrames(data.result, options);
        return vectorFrames([{ metric: {}, value: data.result }], {
          ...options,
          legend: options.legend || expr,
        }).filter(() => !Number.isNaN(sampleValue(data.result[1])));
      };
      const frames: Frame[] = [];
      if (target.range && !target.instant) frames.push(...(await ask(false)));
      else frames.push(...(await ask(true)));
      return frames;
    }),
  );
  const { frames, unknown } = transform(parts.flat(), panel.transformations);
  for (const id of new Set(unknown)) notes.push(`The transformation "${id}" is not applied.`);
  return { frames, step: panelStep, from, to, sent, notes };
}
