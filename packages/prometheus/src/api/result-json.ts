/** Query results as JSON, piece by piece: see json-bytes.ts. */

import type { FloatHistogram, Labels } from "@pharos/model";
import { histogramBuckets, type MatrixSeries, type QueryValue } from "@pharos/promql";
import { JsonBytes } from "./json-bytes.ts";

const COMMA = 0x2c;

function writeLabels(out: JsonBytes, { pairs }: Labels): void {
  out.raw("{");
  for (let i = 0; i < pairs.length; i += 2) {
    if (i > 0) out.byte(COMMA);
    out.string(pairs[i]);
    out.raw(":");
    out.string(pairs[i + 1]);
  }
  out.raw("}");
}

function writeText(out: JsonBytes, value: number): void {
  out.raw('"');
  out.value(value);
  out.raw('"');
}

/** `[time, {count, sum, buckets: [[boundary rule, lower, upper, count], …]}]`; empty buckets are left out. */
function writeHistogram(out: JsonBytes, ms: number, histogram: FloatHistogram): void {
  out.raw("[");
  out.time(ms);
  out.raw(',{"count":');
  writeText(out, histogram.count);
  out.raw(',"sum":');
  writeText(out, histogram.sum);
  let first = true;
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of histogramBuckets(histogram)) {
    if (count === 0) continue;
    out.raw(first ? ',"buckets":[[' : ",[");
    first = false;
    out.value(lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2);
    for (const bound of [lower, upper, count]) {
      out.byte(COMMA);
      writeText(out, bound);
    }
    out.raw("]");
  }
  out.raw(first ? "}]" : "]}]");
}

function writeSeries(out: JsonBytes, { labels, timestamps, values, histograms }: MatrixSeries): void {
  out.raw('{"metric":');
  writeLabels(out, labels);
  let floats = 0;
  for (let i = 0; i < timestamps.length; i++) {
    if (histograms?.[i]) continue;
    out.raw(floats++ === 0 ? ',"values":[' : ",");
    out.point(timestamps[i], values[i]);
  }
  if (floats > 0) out.raw("]");
  if (histograms) {
    let natives = 0;
    for (let i = 0; i < timestamps.length; i++) {
      const histogram = histograms[i];
      if (!histogram) continue;
      out.raw(natives++ === 0 ? ',"histograms":[' : ",");
      writeHistogram(out, timestamps[i], histogram);
    }
    if (natives > 0) out.raw("]");
  }
  out.raw("}");
}

/** The `resultType` and `result` of a value; pieces that are full are yielded while the rest is written. */
export function* writeResult(out: JsonBytes, value: QueryValue): Generator<Buffer> {
  out.raw(`"resultType":"${value.type}","result":`);
  switch (value.type) {
    case "scalar":
      out.point(value.t, value.v);
      return;
    case "string":
      out.raw("[");
      out.time(value.t);
      out.raw(",");
      out.string(value.s);
      out.raw("]");
      return;
    case "vector":
      for (const [i, { labels, t, v, h }] of value.samples.entries()) {
        out.raw(i === 0 ? '[{"metric":' : ',{"metric":');
        writeLabels(out, labels);
        if (h) {
          out.raw(',"histogram":');
          writeHistogram(out, t, h);
        } else {
          out.raw(',"value":');
          out.point(t, v);
        }
        out.raw("}");
        yield* out.take();
      }
      out.raw(value.samples.length === 0 ? "[]" : "]");
      return;
    case "matrix":
      for (const [i, series] of value.series.entries()) {
        out.raw(i === 0 ? "[" : ",");
        writeSeries(out, series);
        yield* out.take();
      }
      out.raw(value.series.length === 0 ? "[]" : "]");
  }
}

/** An answer of label sets, whole; `rest` is what follows them. */
export function* labelSetPieces(all: readonly Labels[], rest: string): Generator<Buffer> {
  const out = new JsonBytes();
  out.raw('{"status":"success","data":[');
  for (const [i, labels] of all.entries()) {
    if (i > 0) out.byte(COMMA);
    writeLabels(out, labels);
    yield* out.take();
  }
  out.raw("]");
  out.json(rest);
  yield* out.finish();
}
