/**
 * Query results as they go between threads: structured cloning drops the classes of label sets and costs much for many small
 * arrays, so labels go as their pairs and all numbers of a result as one transferable array.
 */
import { type FloatHistogram, Labels } from "@pharos/model";
import type { QueryResult } from "../engine/engine.ts";
import { QueryError, type QueryErrorKind } from "../engine/error.ts";
import type { MatrixSeries, QueryValue, VectorSample } from "../engine/result.ts";

type Pairs = readonly string[];

export type WireValue =
  | Extract<QueryValue, { type: "scalar" | "string" }>
  | {
      type: "vector";
      labels: Pairs[];
      /** Time and value of each sample. */
      numbers: Float64Array;
      /** By index of the sample. */
      histograms: Map<number, FloatHistogram>;
    }
  | {
      type: "matrix";
      labels: Pairs[];
      /** Samples of each series. */
      counts: Int32Array;
      /** Of each series its times, then its values. */
      numbers: Float64Array;
      /** By index of the series. */
      histograms: Map<number, (FloatHistogram | undefined)[]>;
    };

export type WireResult = Omit<QueryResult, "value"> & { value: WireValue };

export interface WireError {
  /** Undefined: not the query's fault. */
  kind: QueryErrorKind | undefined;
  message: string;
  fix: string | undefined;
}

/** `transfer` are the buffers that change hands. */
export function encodeResult(result: QueryResult): { result: WireResult; transfer: ArrayBuffer[] } {
  const value = encodeValue(result.value);
  const transfer = "numbers" in value ? [value.numbers.buffer as ArrayBuffer] : [];
  return { result: { ...result, value }, transfer };
}

export function decodeResult(result: WireResult): QueryResult {
  return { ...result, value: decodeValue(result.value) };
}

function encodeValue(value: QueryValue): WireValue {
  if (value.type === "vector") {
    const numbers = new Float64Array(2 * value.samples.length);
    const histograms = new Map<number, FloatHistogram>();
    for (const [i, { t, v, h }] of value.samples.entries()) {
      numbers[2 * i] = t;
      numbers[2 * i + 1] = v;
      if (h) histograms.set(i, h);
    }
    return { type: "vector", labels: value.samples.map(({ labels }) => labels.pairs), numbers, histograms };
  }
  if (value.type !== "matrix") return value;
  const counts = Int32Array.from(value.series, ({ timestamps }) => timestamps.length);
  const numbers = new Float64Array(2 * counts.reduce((a, b) => a + b, 0));
  const histograms = new Map<number, (FloatHistogram | undefined)[]>();
  let at = 0;
  for (const [i, series] of value.series.entries()) {
    numbers.set(series.timestamps, at);
    numbers.set(series.values, at + counts[i]);
    at += 2 * counts[i];
    if (series.histograms) histograms.set(i, series.histograms);
  }
  return { type: "matrix", labels: value.series.map(({ labels }) => labels.pairs), counts, numbers, histograms };
}

function decodeValue(value: WireValue): QueryValue {
  if (value.type === "vector") {
    const { numbers, histograms } = value;
    const samples = value.labels.map((pairs, i): VectorSample => {
      const sample = { labels: Labels.fromSortedPairs(pairs), t: numbers[2 * i], v: numbers[2 * i + 1] };
      const h = histograms.get(i);
      return h ? { ...sample, h } : sample;
    });
    return { type: "vector", samples };
  }
  if (value.type !== "matrix") return value;
  const { counts, numbers, histograms } = value;
  let at = 0;
  const series = value.labels.map((pairs, i): MatrixSeries => {
    const middle = at + counts[i];
    const end = middle + counts[i];
    const timestamps = numbers.subarray(at, middle);
    const values = numbers.subarray(middle, end);
    at = end;
    const own = { labels: Labels.fromSortedPairs(pairs), timestamps, values };
    const natives = histograms.get(i);
    return natives ? { ...own, histograms: natives } : own;
  });
  return { type: "matrix", series };
}

export function encodeError(error: unknown): WireError {
  if (error instanceof QueryError) return { kind: error.kind, message: error.message, fix: error.fix };
  return { kind: undefined, message: error instanceof Error ? error.message : String(error), fix: undefined };
}

export function decodeError({ kind, message, fix }: WireError): Error {
  return kind ? new QueryError(kind, message, fix === undefined ? {} : { fix }) : new Error(message);
}
