/**
 * Records of the write-ahead log (Prometheus' tsdb/record): a type byte, then
 *
 *   1 series    (u64 ref, labels)*                         labels: uvarint n, n × (string name, string value)
 *   2 samples   u64 ref0, i64 t0, (varint Δref, varint Δt, f64)*   deltas to the first
 *   3 tombstones (u64 ref, varint mint, varint maxt)*
 *   4 exemplars  as 2, each followed by labels
 *   5 markers    (u64 ref, u32 head chunk file, u32 offset)*; only in the log of late samples
 *   7 to 10, 12, 13 histograms: see histogram-records.ts
 *   11 samples with start timestamps: see start-entries.ts, f64 each
 *   6 metadata  (uvarint ref, u8 type, uvarint n, n × (string key, string value))*
 */
import {
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  Labels,
  LOW_WORD,
  type MetricMetadata,
  type MetricType,
} from "@pharos/model";
import { Decoder, type Encoder, Truncated } from "./encoding.ts";
import { decodeHistograms, hasHistogramStarts, isHistogramRecord } from "./histogram-records.ts";
import { SampleColumns } from "./sample-columns.ts";
import { StartEntries, StartEntryWriter } from "./start-entries.ts";

export const RecordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  markers: 5,
  metadata: 6,
  samplesWithStart: 11,
} as const;

const METRIC_TYPES: readonly MetricType[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];

export interface SeriesRecord {
  ref: number;
  labels: Labels;
}

export function writeLabels(out: Encoder, labels: Labels): void {
  out.uvarint(labels.size);
  for (const text of labels.pairs) out.string(text);
}

export function readLabels(input: Decoder): Labels {
  const count = input.uvarint();
  const pairs: string[] = [];
  for (let i = 0; i < 2 * count; i++) pairs.push(input.string());
  return Labels.fromSortedPairs(pairs);
}

export function encodeSeries(out: Encoder, series: readonly SeriesRecord[]): void {
  out.byte(RecordType.series);
  for (const { ref, labels } of series) {
    out.u64(ref);
    writeLabels(out, labels);
  }
}

/** Rows `[from, to)`, as a record with start timestamps where the columns have them. */
export function encodeSamples(out: Encoder, samples: SampleColumns, from: number, to: number): void {
  const { refs, times, words, starts } = samples;
  if (samples.hasStarts) {
    out.byte(RecordType.samplesWithStart);
    const entries = new StartEntryWriter(out);
    for (let i = from; i < to; i++) {
      entries.next(refs[i], times[i], starts[i]);
      out.f64(words, i);
    }
    return;
  }
  out.byte(RecordType.samples);
  out.u64(refs[from]);
  out.i64(times[from]);
  out.samples(samples, from, to);
}

export function encodeMetadata(out: Encoder, entries: readonly { ref: number; metadata: MetricMetadata }[]): void {
  out.byte(RecordType.metadata);
  for (const { ref, metadata } of entries) {
    out.uvarint(ref);
    out.byte(METRIC_TYPES.indexOf(metadata.type));
    out.uvarint(2);
    out.string("UNIT");
    out.string(metadata.unit);
    out.string("HELP");
    out.string(metadata.help);
  }
}

export function encodeTombstones(out: Encoder, entries: readonly { ref: number; mint: number; maxt: number }[]): void {
  out.byte(RecordType.tombstones);
  for (const { ref, mint, maxt } of entries) {
    out.u64(ref);
    out.varint(mint);
    out.varint(maxt);
  }
}

/** Late samples of a series logged before this are in that head chunk. */
export interface MarkerRecord {
  ref: number;
  file: number;
  offset: number;
}

export function encodeMarkers(out: Encoder, markers: readonly MarkerRecord[]): void {
  out.byte(RecordType.markers);
  for (const { ref, file, offset } of markers) {
    out.u64(ref);
    out.u32(file);
    out.u32(offset);
  }
}

export interface ExemplarRecord {
  ref: number;
  timestamp: number;
  value: number;
  labels: Labels;
}

const number = new Float64Array(1);
const numberWords = new Uint32Array(number.buffer);

export function encodeExemplars(out: Encoder, entries: readonly ExemplarRecord[]): void {
  out.byte(RecordType.exemplars);
  encodeExemplarEntries(out, entries);
}

/** The record without its type. */
export function encodeExemplarEntries(out: Encoder, entries: readonly ExemplarRecord[]): void {
  out.u64(entries[0].ref);
  out.i64(entries[0].timestamp);
  for (const { ref, timestamp, value, labels } of entries) {
    out.varint(ref - entries[0].ref);
    out.varint(timestamp - entries[0].timestamp);
    number[0] = value;
    out.f64(numberWords, 0);
    writeLabels(out, labels);
  }
}

/** What replay does with each kind of entry. */
export interface RecordHandlers {
  series(ref: number, labels: Labels): void;
  /** Valid during the call. */
  samples(samples: SampleColumns): void;
  /** `start` 0 when unknown. */
  histogram(ref: number, time: number, histogram: IntHistogram | FloatHistogram, start: number): void;
  metadata(ref: number, metadata: MetricMetadata): void;
  tombstone(ref: number, mint: number, maxt: number): void;
  exemplar(ref: number, exemplar: Exemplar): void;
  marker(ref: number, file: number, offset: number): void;
}

const columns = new SampleColumns();

function decodeSamples(input: Decoder, out: SampleColumns): void {
  out.count = 0;
  out.hasStarts = false;
  if (input.done) return;
  const ref0 = input.u64();
  const time0 = input.i64();
  // What replay spends much of its time in. The smallest varints are taken by themselves; what ends too early is found behind each.
  const { bytes } = input;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let { at } = input;
  while (at < bytes.length) {
    out.reserve();
    const row = out.count++;
    const first = bytes[at];
    const second = bytes[at + 1];
    let difference: number;
    if (first < 0x80) {
      difference = (first >>> 1) ^ -(first & 1);
      at++;
    } else if (second < 0x80) {
      const both = (first & 0x7f) | (second << 7);
      difference = (both >>> 1) ^ -(both & 1);
      at += 2;
    } else {
      input.at = at;
      difference = input.varint();
      at = input.at;
    }
    out.refs[row] = ref0 + difference;
    if (bytes[at] === 0) {
      out.times[row] = time0;
      at++;
    } else {
      input.at = at;
      out.times[row] = time0 + input.varint();
      at = input.at;
    }
    if (at + 8 > bytes.length) throw new Truncated("unexpected end of record");
    out.signed[2 * row + 1 - LOW_WORD] = view.getInt32(at);
    out.signed[2 * row + LOW_WORD] = view.getInt32(at + 4);
    at += 8;
  }
  input.at = at;
}

function decodeSamplesWithStart(input: Decoder, out: SampleColumns): void {
  out.count = 0;
  out.hasStarts = true;
  for (const { ref, time, start } of new StartEntries(input)) {
    out.reserve();
    const row = out.count++;
    out.refs[row] = ref;
    out.times[row] = time;
    out.starts[row] = start;
    out.words[2 * row + 1 - LOW_WORD] = input.u32();
    out.words[2 * row + LOW_WORD] = input.u32();
  }
}

/** `input` stands behind the type. */
export function decodeExemplars(input: Decoder, take: (ref: number, exemplar: Exemplar) => void): void {
  if (input.done) return;
  const ref0 = input.u64();
  const time0 = input.i64();
  while (!input.done) {
    const ref = ref0 + input.varint();
    const timestamp = time0 + input.varint();
    const value = input.bytes.readDoubleBE(input.at);
    input.at += 8;
    take(ref, { labels: readLabels(input), value, timestamp });
  }
}

/** Whether it is a record of samples or histograms with start timestamps. */
export function hasStartTimestamps(record: Uint8Array): boolean {
  return record[0] === RecordType.samplesWithStart || hasHistogramStarts(record[0]);
}

/** Decodes one record; types that are not ours are skipped, as upstream does. */
export function decodeRecord(bytes: Buffer, handlers: RecordHandlers): void {
  const input = new Decoder(bytes);
  const type = input.byte();
  if (isHistogramRecord(type)) {
    decodeHistograms(type, input, handlers.histogram);
    return;
  }
  switch (type) {
    case RecordType.series:
      while (!input.done) handlers.series(input.u64(), readLabels(input));
      break;
    case RecordType.samplesWithStart:
      decodeSamplesWithStart(input, columns);
      handlers.samples(columns);
      break;
    case RecordType.samples:
      decodeSamples(input, columns);
      handlers.samples(columns);
      break;
    case RecordType.tombstones:
      while (!input.done) handlers.tombstone(input.u64(), input.varint(), input.varint());
      break;
    case RecordType.exemplars:
      decodeExemplars(input, handlers.exemplar);
      break;
    case RecordType.markers:
      while (!input.done) handlers.marker(input.u64(), input.u32(), input.u32());
      break;
    case RecordType.metadata:
      while (!input.done) {
        const ref = input.uvarint();
        const metadata: MetricMetadata = { type: METRIC_TYPES[input.byte()] ?? "unknown", help: "", unit: "" };
        const fields = input.uvarint();
        for (let i = 0; i < fields; i++) {
          const key = input.string();
          const value = input.string();
          if (key === "UNIT") metadata.unit = value;
          if (key === "HELP") metadata.help = value;
        }
        handlers.metadata(ref, metadata);
      }
      break;
  }
}
