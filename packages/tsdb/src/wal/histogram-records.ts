/**
 * Histogram records of the write-ahead log: 7 integer, 8 float, 9 and 10 the same with custom bucket bounds.
 *
 *   u64 ref0, i64 t0, (varint Δref, varint Δt, u8 hint, varint schema, f64 zero threshold, zero count, count, f64 sum,
 *     positive spans, negative spans: uvarint n, n × (varint offset, uvarint length)
 *     positive buckets, negative buckets: uvarint n, n × bucket
 *     9 and 10: uvarint n, n × f64 bound)*
 *
 * Counts are uvarint and buckets varint (deltas) in integer records, f64 in float ones.
 */
import {
  type CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogram,
  type IntHistogram,
  LOW_WORD,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@pharos/model";
import type { Decoder, Encoder } from "./encoding.ts";
import { StartEntries, StartEntryWriter } from "./start-entries.ts";

const HINTS: readonly CounterResetHint[] = ["unknown", "reset", "not_reset", "gauge"];
const INT = 7;
const FLOAT = 8;
const INT_CUSTOM = 9;
const FLOAT_CUSTOM = 10;
/** With start timestamps. */
const INT_START = 12;
const FLOAT_START = 13;

export interface HistogramRecord {
  ref: number;
  time: number;
  histogram: IntHistogram | FloatHistogram;
  /** Unix ms, 0 when unknown; undefined where none are kept. */
  start?: number;
}

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

function f64(out: Encoder, value: number): void {
  float[0] = value;
  out.f64(words, 0);
}

function readF64(input: Decoder): number {
  words[1 - LOW_WORD] = input.u32();
  words[LOW_WORD] = input.u32();
  return float[0];
}

function typeOf({ start, histogram: { kind, schema } }: HistogramRecord): number {
  if (start !== undefined) return kind === "int" ? INT_START : FLOAT_START;
  if (schema === CUSTOM_BUCKETS_SCHEMA) return kind === "int" ? INT_CUSTOM : FLOAT_CUSTOM;
  return kind === "int" ? INT : FLOAT;
}

export function isHistogramRecord(type: number): boolean {
  return (type >= INT && type <= FLOAT_CUSTOM) || hasHistogramStarts(type);
}

export function hasHistogramStarts(type: number): boolean {
  return type === INT_START || type === FLOAT_START;
}

/**
 * The entries by type of record, each group to be written by `encodeHistograms`. Where a series occurs more than once its
 * order in time counts: then only neighbours go together.
 */
export function groupHistograms(
  entries: readonly HistogramRecord[],
): readonly (readonly [number, HistogramRecord[]])[] {
  const groups: (readonly [number, HistogramRecord[]])[] = [];
  const repeated = new Set(entries.map(({ ref }) => ref)).size < entries.length;
  for (const entry of entries) {
    const type = typeOf(entry);
    const group = repeated ? groups.at(-1) : groups.find(([known]) => known === type);
    if (group?.[0] === type) group[1].push(entry);
    else groups.push([type, [entry]]);
  }
  return groups;
}

export function encodeHistograms(out: Encoder, type: number, entries: readonly HistogramRecord[]): void {
  out.byte(type);
  if (hasHistogramStarts(type)) {
    const heads = new StartEntryWriter(out);
    for (const { ref, time, histogram, start = 0 } of entries) {
      heads.next(ref, time, start);
      encodeHistogram(out, histogram, histogram.schema === CUSTOM_BUCKETS_SCHEMA);
    }
    return;
  }
  out.u64(entries[0].ref);
  out.i64(entries[0].time);
  for (const { ref, time, histogram } of entries) {
    out.varint(ref - entries[0].ref);
    out.varint(time - entries[0].time);
    encodeHistogram(out, histogram, type >= INT_CUSTOM);
  }
}

/** One histogram, with the bounds of its buckets behind it where it is of that kind. */
export function encodeHistogram(out: Encoder, histogram: IntHistogram | FloatHistogram, custom: boolean): void {
  out.byte(HINTS.indexOf(histogram.counterResetHint));
  out.varint(histogram.schema);
  f64(out, histogram.zeroThreshold);
  const isInt = histogram.kind === "int";
  for (const count of [histogram.zeroCount, histogram.count]) {
    if (isInt) out.uvarint(count);
    else f64(out, count);
  }
  if (histogram.stale) {
    words[1 - LOW_WORD] = STALE_NAN_HIGH;
    words[LOW_WORD] = STALE_NAN_LOW;
    out.f64(words, 0);
  } else f64(out, histogram.sum);
  for (const spans of [histogram.positiveSpans, histogram.negativeSpans]) {
    out.uvarint(spans.length);
    for (const { offset, length } of spans) {
      out.varint(offset);
      out.uvarint(length);
    }
  }
  const buckets = isInt
    ? [histogram.positiveDeltas, histogram.negativeDeltas]
    : [histogram.positiveBuckets, histogram.negativeBuckets];
  for (const values of buckets) {
    out.uvarint(values.length);
    for (const value of values) {
      if (isInt) out.varint(value);
      else f64(out, value);
    }
  }
  if (!custom) return;
  out.uvarint(histogram.customValues.length);
  for (const bound of histogram.customValues) f64(out, bound);
}

function readSpans(input: Decoder): Span[] {
  const spans: Span[] = [];
  for (let left = input.uvarint(); left > 0; left--) {
    const offset = input.varint();
    spans.push({ offset, length: input.uvarint() });
  }
  return spans;
}

function readList(input: Decoder, read: () => number): number[] {
  const values: number[] = [];
  for (let left = input.uvarint(); left > 0; left--) values.push(read());
  return values;
}

/** `input` stands behind the type byte; `start` is 0 when unknown. */
export function decodeHistograms(
  type: number,
  input: Decoder,
  take: (ref: number, time: number, histogram: IntHistogram | FloatHistogram, start: number) => void,
): void {
  if (input.done) return;
  const isInt = type === INT || type === INT_CUSTOM || type === INT_START;
  if (hasHistogramStarts(type)) {
    for (const entry of new StartEntries(input)) {
      const { ref, time, start } = entry;
      take(ref, time, readHistogram(input, isInt, undefined), start);
    }
    return;
  }
  const ref0 = input.u64();
  const time0 = input.i64();
  while (!input.done) {
    const ref = ref0 + input.varint();
    const time = time0 + input.varint();
    take(ref, time, readHistogram(input, isInt, type >= INT_CUSTOM), 0);
  }
}

/** `custom`: whether bounds of buckets follow; undefined leaves it to the schema. */
export function readHistogram(
  input: Decoder,
  isInt: boolean,
  custom: boolean | undefined,
): IntHistogram | FloatHistogram {
  const readCount = (): number => (isInt ? input.uvarint() : readF64(input));
  const readBucket = (): number => (isInt ? input.varint() : readF64(input));
  const counterResetHint = HINTS[input.byte()] ?? "unknown";
  const schema = input.varint();
  const zeroThreshold = readF64(input);
  const zeroCount = readCount();
  const count = readCount();
  const sum = readF64(input);
  const stale = words[1 - LOW_WORD] === STALE_NAN_HIGH && words[LOW_WORD] === STALE_NAN_LOW;
  const positiveSpans = readSpans(input);
  const negativeSpans = readSpans(input);
  const positive = readList(input, readBucket);
  const negative = readList(input, readBucket);
  const hasBounds = custom ?? schema === CUSTOM_BUCKETS_SCHEMA;
  const customValues = hasBounds ? readList(input, () => readF64(input)) : [];
  const base = { counterResetHint, schema, zeroThreshold, zeroCount, count, sum, positiveSpans, negativeSpans, customValues, ...(stale ? { stale } : {}) }; // biome-ignore format: one record
  return isInt
    ? { kind: "int", ...base, positiveDeltas: positive, negativeDeltas: negative }
    : { kind: "float", ...base, positiveBuckets: positive, negativeBuckets: negative };
}
