/** Histogram messages, the same in both versions of remote write and in remote read; see write-request.ts for their layout. */
import {
  type CounterResetHint,
  type FloatHistogram,
  type IntHistogram,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@pharos/model";
import type { WireWriter } from "./wire-writer.ts";

const HINTS: readonly CounterResetHint[] = ["unknown", "reset", "not_reset", "gauge"];

function writeSpans(out: WireWriter, field: number, spans: readonly Span[]): void {
  for (const { offset, length } of spans) {
    const start = out.begin(field);
    if (offset !== 0) out.sint(1, offset);
    if (length !== 0) out.uint(2, length);
    out.end(start);
  }
}

/** `start`: start timestamp in ms, 0 for none; only 2.0 has it. */
export function writeHistogram(
  out: WireWriter,
  field: number,
  time: number,
  histogram: IntHistogram | FloatHistogram,
  start = 0,
): void {
  const message = out.begin(field);
  if (histogram.kind === "int") out.uint(1, histogram.count);
  else out.double(2, histogram.count);
  if (histogram.stale) out.words(3, STALE_NAN_HIGH, STALE_NAN_LOW);
  else out.double(3, histogram.sum);
  out.sint(4, histogram.schema);
  out.double(5, histogram.zeroThreshold);
  if (histogram.kind === "int") out.uint(6, histogram.zeroCount);
  else out.double(7, histogram.zeroCount);
  writeSpans(out, 8, histogram.negativeSpans);
  if (histogram.kind === "int") out.packedSints(9, histogram.negativeDeltas);
  else out.packedDoubles(10, histogram.negativeBuckets);
  writeSpans(out, 11, histogram.positiveSpans);
  if (histogram.kind === "int") out.packedSints(12, histogram.positiveDeltas);
  else out.packedDoubles(13, histogram.positiveBuckets);
  out.uint(14, HINTS.indexOf(histogram.counterResetHint));
  out.int64(15, time);
  out.packedDoubles(16, histogram.customValues);
  if (start !== 0) out.int64(17, start);
  out.end(message);
}
