/**
 * Records of a snapshot of the head (upstream's tsdb/head_wal.go), framed as those of the log:
 *
 *   1 series     u64 ref · labels · i64 0 · uvarint 0, or 1 and the open chunk:
 *                i64 mint · i64 maxt · u8 encoding · uvarint length, data ·
 *                floats: 7 × 8 zero bytes, f64 last value · histograms: the last one, as in the log
 *   2 tombstones uvarint length · u8 1 · (uvarint ref, varint mint, varint maxt)*
 *   3 exemplars  as the body of a record of exemplars in the log
 */
import {
  CUSTOM_BUCKETS_SCHEMA,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  UserError,
} from "@pharos/model";
import { Encoding, isFloat } from "../chunk/encoding.ts";
import { Decoder, type Encoder } from "./encoding.ts";
import { encodeHistogram, readHistogram } from "./histogram-records.ts";
import { decodeExemplars, type ExemplarRecord, encodeExemplarEntries, readLabels, writeLabels } from "./records.ts";

const SERIES = 1;
const TOMBSTONES = 2;
const EXEMPLARS = 3;
const TOMBSTONE_VERSION = 1;
/** Upstream kept the last four samples once; their places are still there, all but that of the last value unused. */
const OLD_SAMPLES = 7;

/** The open chunk of a series, with its last value: by its words, or as a histogram. */
export interface SnapshotChunk {
  mint: number;
  maxt: number;
  encoding: number;
  data: Uint8Array;
  lastHigh: number;
  lastLow: number;
  lastHistogram: IntHistogram | FloatHistogram | undefined;
}

export interface SnapshotHandlers {
  /** `chunk.data` is valid during the call. */
  series(ref: number, labels: Labels, chunk: SnapshotChunk | undefined): void;
  tombstone(ref: number, mint: number, maxt: number): void;
  exemplar(ref: number, exemplar: Exemplar): void;
}

export function encodeSnapshotSeries(
  out: Encoder,
  ref: number,
  labels: Labels,
  chunk: SnapshotChunk | undefined,
): void {
  out.byte(SERIES);
  out.u64(ref);
  writeLabels(out, labels);
  out.i64(0);
  if (!chunk) {
    out.uvarint(0);
    return;
  }
  out.uvarint(1);
  out.i64(chunk.mint);
  out.i64(chunk.maxt);
  out.byte(chunk.encoding);
  out.uvarint(chunk.data.length);
  out.raw(chunk.data);
  const { lastHistogram } = chunk;
  if (lastHistogram) {
    encodeHistogram(out, lastHistogram, lastHistogram.schema === CUSTOM_BUCKETS_SCHEMA);
    return;
  }
  for (let i = 0; i < OLD_SAMPLES; i++) out.i64(0);
  out.u32(chunk.lastHigh);
  out.u32(chunk.lastLow);
}

export function encodeSnapshotTombstones(
  out: Encoder,
  body: Encoder,
  entries: Iterable<{ ref: number; mint: number; maxt: number }>,
): void {
  body.reset();
  body.byte(TOMBSTONE_VERSION);
  for (const { ref, mint, maxt } of entries) {
    body.uvarint(ref);
    body.varint(mint);
    body.varint(maxt);
  }
  out.byte(TOMBSTONES);
  out.uvarint(body.length);
  out.raw(body.view());
}

export function encodeSnapshotExemplars(out: Encoder, entries: readonly ExemplarRecord[]): void {
  out.byte(EXEMPLARS);
  encodeExemplarEntries(out, entries);
}

/** Throws when the record is not what its type says, or of a type that is not known. */
export function decodeSnapshotRecord(bytes: Buffer, handlers: SnapshotHandlers): void {
  const input = new Decoder(bytes);
  const type = input.byte();
  if (type === SERIES) {
    const ref = input.u64();
    const labels = readLabels(input);
    input.i64();
    handlers.series(ref, labels, input.uvarint() === 0 ? undefined : readChunk(input));
  } else if (type === TOMBSTONES) {
    const end = input.uvarint() + input.at;
    if (input.byte() !== TOMBSTONE_VERSION) throw unreadable("its deleted ranges are of an unknown version");
    while (input.at < end) handlers.tombstone(input.uvarint(), input.varint(), input.varint());
  } else if (type === EXEMPLARS) decodeExemplars(input, handlers.exemplar);
  else throw unreadable(`it has a record of the unknown type ${type}`);
}

function readChunk(input: Decoder): SnapshotChunk {
  const mint = input.i64();
  const maxt = input.i64();
  const encoding = input.byte();
  const data = input.raw(input.uvarint());
  if (data.length < 4) throw unreadable("a chunk in it is too short");
  const chunk: SnapshotChunk = { mint, maxt, encoding, data, lastHigh: 0, lastLow: 0, lastHistogram: undefined };
  if (isFloat(encoding)) {
    for (let i = 0; i < OLD_SAMPLES; i++) input.i64();
    chunk.lastHigh = input.u32();
    chunk.lastLow = input.u32();
  } else if (encoding >= Encoding.histogram && encoding <= Encoding.floatHistogramStart) {
    const isInt = encoding === Encoding.histogram || encoding === Encoding.histogramStart;
    chunk.lastHistogram = readHistogram(input, isInt, undefined);
  } else throw unreadable(`it has a chunk of the unknown encoding ${encoding}`);
  return chunk;
}

function unreadable(what: string): UserError {
  return new UserError("tsdb.snapshot", `the snapshot of the head cannot be read: ${what}`, {
    fix: "Nothing: the write-ahead log is read instead",
  });
}
