/** Whether an answer of Pharos' engine is the peer's answer: same series, times, values and kinds, or same error. */
import { type FloatHistogram, formatValue, type Labels, parseValue } from "@pharos/model";
import { histogramBuckets, QueryError, type QueryResult, type QueryValue } from "@pharos/promql";
import { commonAnnotation, commonError } from "./newer.ts";
import type { PeerAnswer } from "./peer.ts";

export type Outcome = { result: QueryResult } | { error: unknown };

type JsonHistogram = { count: string; sum: string; buckets?: [number, string, string, string][] };
type JsonSeries = {
  metric: Record<string, string>;
  value?: [number, string];
  histogram?: [number, JsonHistogram];
  values?: [number, string][];
  histograms?: [number, JsonHistogram][];
};

/** Samples of one series by time in ms; a histogram as the peer's JSON writes it. */
type Points = Map<number, number | JsonHistogram>;

function keyOf(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

function peerPoints(series: JsonSeries): Points {
  const out: Points = new Map();
  if (series.value) out.set(toMs(series.value[0]), parseNumber(series.value[1]));
  if (series.histogram) out.set(toMs(series.histogram[0]), series.histogram[1]);
  for (const [t, v] of series.values ?? []) out.set(toMs(t), parseNumber(v));
  for (const [t, h] of series.histograms ?? []) out.set(toMs(t), h);
  return out;
}

function parseNumber(text: string): number {
  return text === "NaN" ? Number.NaN : parseValue(text);
}

function histogramJson(histogram: FloatHistogram): JsonHistogram {
  const buckets: [number, string, string, string][] = [];
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of histogramBuckets(histogram)) {
    if (count === 0) continue;
    const rule = lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2;
    buckets.push([rule, formatValue(lower), formatValue(upper), formatValue(count)]);
  }
  return { count: formatValue(histogram.count), sum: formatValue(histogram.sum), buckets };
}

interface Row {
  labels: Labels;
  points: Points;
}

function ownRows(value: QueryValue): Row[] {
  if (value.type === "vector") {
    return value.samples.map(({ labels, t, v, h }) => ({ labels, points: new Map([[t, h ? histogramJson(h) : v]]) }));
  }
  if (value.type !== "matrix") throw new Error("no rows");
  return value.series.map(({ labels, timestamps, values, histograms }) => {
    const points: Points = new Map();
    timestamps.forEach((t, i) => {
      const histogram = histograms?.[i];
      points.set(t, histogram ? histogramJson(histogram) : values[i]);
    });
    return { labels, points };
  });
}

/** Equal, or within the relative tolerance. */
export function sameNumber(a: number, b: number, tolerance: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return tolerance > 0 || Object.is(a, b) || a !== 0;
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}

function sameHistogram(a: JsonHistogram, b: JsonHistogram, tolerance: number): boolean {
  const same = (x: string, y: string) => sameNumber(parseNumber(x), parseNumber(y), tolerance);
  const [left, right] = [a.buckets ?? [], b.buckets ?? []];
  if (!same(a.count, b.count) || !same(a.sum, b.sum) || left.length !== right.length) return false;
  return left.every(
    ([rule, lower, upper, count], i) =>
      rule === right[i][0] && same(lower, right[i][1]) && same(upper, right[i][2]) && same(count, right[i][3]),
  );
}

function samePoint(a: number | JsonHistogram, b: number | JsonHistogram, tolerance: number): boolean {
  if (typeof a === "number") return typeof b === "number" && sameNumber(a, b, tolerance);
  return typeof b !== "number" && sameHistogram(a, b, tolerance);
}

function show(point: number | JsonHistogram): string {
  return typeof point === "number" ? formatValue(point) : JSON.stringify(point);
}

function compareRows(own: readonly Row[], peer: readonly JsonSeries[], tolerance: number): string | undefined {
  const rest = new Map(peer.map((series) => [keyOf(series.metric), peerPoints(series)]));
  for (const { labels, points } of own) {
    const key = keyOf(labels.toObject());
    const wanted = rest.get(key);
    if (!wanted) return `series ${key} is only here`;
    rest.delete(key);
    for (const [t, point] of points) {
      const other = wanted.get(t);
      if (other === undefined) return `${key} at ${t}: ${show(point)} is only here`;
      if (!samePoint(point, other, tolerance)) return `${key} at ${t}: ${show(point)}, peer ${show(other)}`;
    }
    for (const [t, point] of wanted) if (!points.has(t)) return `${key} at ${t}: ${show(point)} is missing`;
  }
  for (const key of rest.keys()) return `series ${key} is missing`;
  return undefined;
}

/** Type and text of an error as the API would give them. */
function errorOf(error: unknown): { errorType: string; message: string } {
  if (error instanceof QueryError) return { errorType: error.kind, message: error.message };
  if (error instanceof Error && "code" in error && error.code === "promql.parse") {
    return { errorType: "bad_data", message: `invalid parameter "query": ${error.message}` };
  }
  return { errorType: "internal", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function compareErrors(error: unknown, peer: PeerAnswer): string | undefined {
  const own = errorOf(error);
  if (own.errorType === "internal") return `broke: ${own.message}`;
  if (peer.status === "success") return `error only here: ${own.message}`;
  if (own.errorType !== peer.errorType) return `error ${own.errorType}, peer ${peer.errorType}: ${peer.error}`;
  if (commonError(own.message) === commonError(peer.error ?? "")) return undefined;
  return `error text: ${own.message}\n    peer: ${peer.error}`;
}

/** What differs; undefined when nothing does. A tolerance of 0 asks for the same bits. */
export function compareAnswers(outcome: Outcome, peer: PeerAnswer, tolerance: number): string | undefined {
  if ("error" in outcome) return compareErrors(outcome.error, peer);
  if (peer.status === "error") return `error missing: ${peer.error}`;
  const { value } = outcome.result;
  const { resultType, result } = peer.data!;
  if (value.type !== resultType) return `type ${value.type}, peer ${resultType}`;
  if (value.type === "string") return value.s === (result as [number, string])[1] ? undefined : "another string";
  if (value.type === "scalar") {
    const wanted = parseNumber((result as [number, string])[1]);
    return sameNumber(value.v, wanted, tolerance) ? undefined : `${value.v}, peer ${wanted}`;
  }
  return compareRows(ownRows(value), result as JsonSeries[], tolerance);
}

/** Warnings and infos of which only one side knows; upstream shows at most ten of a kind. */
export function compareAnnotations(
  query: string,
  { warnings, infos }: QueryResult,
  peer: PeerAnswer,
): string | undefined {
  const common = (text: string) => commonAnnotation(text, query);
  for (const [all, others] of [
    [warnings, peer.warnings ?? []],
    [infos, peer.infos ?? []],
  ]) {
    if (all.length > 10 || others.length > 10) continue;
    const own = all.map(common);
    const other = others.map(common);
    const only = own.find((text) => !other.includes(text));
    if (only !== undefined) return `annotation only here: ${only}\n    peer: ${JSON.stringify(other)}`;
    const missing = other.find((text) => !own.includes(text));
    if (missing !== undefined) return `annotation missing: ${missing}\n    own: ${JSON.stringify(own)}`;
  }
  return undefined;
}
