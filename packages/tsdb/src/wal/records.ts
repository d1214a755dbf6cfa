/**
 * Records of the write-ahead log (Prometheus' tsdb/record): a type byte, then
 *
 *   1 series    (u64 ref, labels)*                         labels: uvarint n, n × (string name, string value)
 *   2 samples   u64 ref0, i64 t0, (varint Δref, varint Δt, f64)*   deltas to the first
 *   3 tombstones (u64 ref, varint mint, varint maxt)*
 *   4 exemplars  as 2, each followed by labels
 *   7, 8, 9, 10 histograms: see histogram-records.ts
 *   6 metadata  (uvarint ref, u8 type, uvarint n, n × (string key, string value))*
 */
import {
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  Labels,
  type MetricMetadata,
  type MetricType,
} from "@pharos/model";
import { Decoder, type Encoder } from "./encoding.ts";
import { decodeHistograms, isHistogramRecord } from "./histogram-records.ts";

export const RecordType = { series: 1, samples: 2, tombstones: 3, exemplars: 4, metadata: 6 } as const;

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

function writeLabels(out: Encoder, labels: Labels): void {
  out.uvarint(labels.size);
  for (const text of labels.pairs) out.string(text);
}

function readLabels(input: Decoder): Labels {
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

/** Columns of samples; values by their words. */
export interface SampleColumns {
  count: number;
  refs: Float64Array;
  times: Float64Array;
  values: Float64Array;
  words: Uint32Array;
}

export function encodeSamples(out: Encoder, { count, refs, times, words }: SampleColumns): void {
  out.byte(RecordType.samples);
  out.u64(refs[0]);
  out.i64(times[0]);
  for (let i = 0; i < count; i++) {
    out.varint(refs[i] - refs[0]);
    out.varint(times[i] - times[0]);
    out.f64(words, i);
  }
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
  sample(ref: number, time: number, high: number, low: number): void;
  histogram(ref: number, time: number, histogram: IntHistogram | FloatHistogram): void;
  metadata(ref: number, metadata: MetricMetadata): void;
  tombstone(ref: number, mint: number, maxt: number): void;
  exemplar(ref: number, exemplar: Exemplar): void;
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
    case RecordType.samples: {
      if (input.done) break;
      const ref0 = input.u64();
      const time0 = input.i64();
      while (!input.done) handlers.sample(ref0 + input.varint(), time0 + input.varint(), input.u32(), input.u32());
      break;
    }
    case RecordType.tombstones:
      while (!input.done) handlers.tombstone(input.u64(), input.varint(), input.varint());
      break;
    case RecordType.exemplars: {
      if (input.done) break;
      const ref0 = input.u64();
      const time0 = input.i64();
      while (!input.done) {
        const ref = ref0 + input.varint();
        const timestamp = time0 + input.varint();
        const value = input.bytes.readDoubleBE(input.at);
        input.at += 8;
        handlers.exemplar(ref, { labels: readLabels(input), value, timestamp });
      }
      break;
    }
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
