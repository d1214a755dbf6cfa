/**
 * Requests of remote write, decoded series by series.
 *
 *   1.0  WriteRequest     1 timeseries*   TimeSeries 1 labels* (1 name, 2 value), 2 samples*, 3 exemplars*, 4 histograms*
 *   2.0  Request          4 symbols*, 5 timeseries*   TimeSeries 1 label refs (pairs of numbers of symbols), 2 samples*,
 *                         3 histograms*, 4 exemplars*, 5 metadata, 6 created timestamp
 *        Sample           1 double value, 2 int64 timestamp, 3 int64 start timestamp (2.0 only)
 *        Exemplar         1.0: 1 labels*, 2 value, 3 timestamp · 2.0: 1 label refs, 2 value, 3 timestamp
 *        Histogram        1/2 count int/float, 3 sum, 4 sint32 schema, 5 zero threshold, 6/7 zero count int/float,
 *                         8 negative spans*, 9 negative deltas, 10 negative counts, 11 positive spans*, 12 positive deltas,
 *                         13 positive counts, 14 reset hint, 15 timestamp, 16 bounds of custom buckets,
 *                         17 start timestamp (2.0 only)
 *        Span             1 sint32 offset, 2 uint32 length
 *        Metadata         1 type, 3 number of the help, 4 number of the unit
 */
import { ProtoReader } from "@pharos/exposition";
import {
  type CounterResetHint,
  type FloatHistogram,
  type HistogramBase,
  type IntHistogram,
  LOW_WORD,
  type MetricMetadata,
  type MetricType,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
  UserError,
} from "@pharos/model";

export type WriteVersion = 1 | 2;

export interface WrittenSample {
  timestamp: number;
  value: number;
  stale: boolean;
  /** Unix ms, 0 when unknown. */
  start: number;
}

export interface WrittenHistogram {
  timestamp: number;
  /** Unix ms, 0 when unknown. */
  start: number;
  histogram: IntHistogram | FloatHistogram;
}

export interface WrittenExemplar {
  labels: [string, string][];
  value: number;
  timestamp: number;
}

export interface WrittenSeries {
  /** As they came: neither sorted nor checked. */
  labels: [string, string][];
  samples: WrittenSample[];
  histograms: WrittenHistogram[];
  exemplars: WrittenExemplar[];
  metadata: MetricMetadata | undefined;
  /** Why it is not what its version promises: only its samples and histograms can be counted then. */
  problem?: string;
  /** Unix ms, 0 when unknown. */
  created: number;
}

const CODE = "remote.write";
const HINTS: readonly CounterResetHint[] = ["unknown", "reset", "not_reset", "gauge"];
const TYPES: readonly MetricType[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** Yields the series of a request. Throws a UserError where it is not what its version promises. */
export function* readWriteRequest(bytes: Buffer, version: WriteVersion): Generator<WrittenSeries> {
  if (version === 1) {
    const request = new ProtoReader(bytes);
    while (request.next()) {
      if (request.field === 1) yield readSeries(request.message(), undefined);
      else request.skip();
    }
    return;
  }
  // Series may refer to symbols that stand behind them.
  const symbols: string[] = [];
  const table = new ProtoReader(bytes);
  while (table.next()) {
    if (table.field === 4) symbols.push(table.string("symbol"));
    else table.skip();
  }
  if (symbols.length > 0 && symbols[0] !== "") throw malformed("the first symbol is not empty");
  const request = new ProtoReader(bytes);
  while (request.next()) {
    if (request.field === 5) yield readSeriesV2(request.message(), symbols);
    else request.skip();
  }
}

/** A series whose references are wrong does not take the others of its request with it. */
function readSeriesV2(input: ProtoReader, symbols: readonly string[]): WrittenSeries {
  try {
    return readSeries(input, symbols);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== CODE) throw error;
    const problem = error.message;
    return { labels: [], samples: [], histograms: [], exemplars: [], metadata: undefined, created: 0, problem };
  }
}

/** A TimeSeries message of 1.0, as it stands in answers to remote read as well. */
export function readTimeSeries(input: ProtoReader): WrittenSeries {
  return readSeries(input, undefined);
}

/** `symbols`: those of a 2.0 request; undefined reads the fields of 1.0. */
function readSeries(input: ProtoReader, symbols: readonly string[] | undefined): WrittenSeries {
  const out: WrittenSeries = {
    labels: [],
    samples: [],
    histograms: [],
    exemplars: [],
    metadata: undefined,
    created: 0,
  };
  const refs: number[] = [];
  while (input.next()) {
    switch (symbols ? input.field : (V1_FIELDS[input.field] ?? 0)) {
      case 1:
        if (symbols) input.repeated(refs, ProtoReader.varint);
        else out.labels.push(readLabel(input.message()));
        break;
      case 2:
        out.samples.push(readSample(input.message()));
        break;
      case 3:
        out.histograms.push(readHistogram(input.message()));
        break;
      case 4:
        out.exemplars.push(readExemplar(input.message(), symbols));
        break;
      case 5:
        out.metadata = readMetadata(input.message(), symbols!);
        break;
      case 6:
        out.created = input.int64();
        break;
      default:
        input.skip();
    }
  }
  if (symbols) out.labels = fromRefs(refs, symbols);
  return out;
}

/** Numbers of fields of 1.0 as 2.0 numbers them. */
const V1_FIELDS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 4, 4: 3 };

function fromRefs(refs: readonly number[], symbols: readonly string[]): [string, string][] {
  if (refs.length % 2 !== 0) throw malformed(`invalid labelRefs length ${refs.length}`);
  const labels: [string, string][] = [];
  for (let i = 0; i < refs.length; i += 2) labels.push([symbolAt(symbols, refs[i]), symbolAt(symbols, refs[i + 1])]);
  return labels;
}

function symbolAt(symbols: readonly string[], ref: number): string {
  const text = symbols[ref];
  if (text === undefined) throw malformed(`labelRefs ${ref} outside of symbols table (size ${symbols.length})`);
  return text;
}

function readLabel(input: ProtoReader): [string, string] {
  const label: [string, string] = ["", ""];
  while (input.next()) {
    if (input.field === 1) label[0] = input.string("label name");
    else if (input.field === 2) label[1] = input.string("label value");
    else input.skip();
  }
  return label;
}

function readSample(input: ProtoReader): WrittenSample {
  const sample: WrittenSample = { timestamp: 0, value: 0, stale: false, start: 0 };
  while (input.next()) {
    if (input.field === 1) {
      const [high, low] = input.words();
      words[1 - LOW_WORD] = high;
      words[LOW_WORD] = low;
      sample.value = float[0];
      sample.stale = high === STALE_NAN_HIGH && low === STALE_NAN_LOW;
    } else if (input.field === 2) sample.timestamp = input.int64();
    else if (input.field === 3) sample.start = input.int64();
    else input.skip();
  }
  return sample;
}

function readExemplar(input: ProtoReader, symbols: readonly string[] | undefined): WrittenExemplar {
  const exemplar: WrittenExemplar = { labels: [], value: 0, timestamp: 0 };
  const refs: number[] = [];
  while (input.next()) {
    if (input.field === 1) {
      if (symbols) input.repeated(refs, ProtoReader.varint);
      else exemplar.labels.push(readLabel(input.message()));
    } else if (input.field === 2) exemplar.value = input.double();
    else if (input.field === 3) exemplar.timestamp = input.int64();
    else input.skip();
  }
  if (symbols) exemplar.labels = fromRefs(refs, symbols);
  return exemplar;
}

function readMetadata(input: ProtoReader, symbols: readonly string[]): MetricMetadata {
  const metadata: MetricMetadata = { type: "unknown", help: "", unit: "" };
  while (input.next()) {
    if (input.field === 1) metadata.type = TYPES[input.varint()] ?? "unknown";
    else if (input.field === 3) metadata.help = symbolAt(symbols, input.varint());
    else if (input.field === 4) metadata.unit = symbolAt(symbols, input.varint());
    else input.skip();
  }
  return metadata;
}

function readSpan(input: ProtoReader): Span {
  const span: Span = { offset: 0, length: 0 };
  while (input.next()) {
    if (input.field === 1) span.offset = input.sint();
    else if (input.field === 2) span.length = input.varint();
    else input.skip();
  }
  return span;
}

function readHistogram(input: ProtoReader): WrittenHistogram {
  const base: HistogramBase = {
    counterResetHint: "unknown",
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    customValues: [],
  };
  const spans = { positive: [] as Span[], negative: [] as Span[] };
  const customValues: number[] = [];
  const positive: number[] = [];
  const negative: number[] = [];
  let isFloat = false;
  let timestamp = 0;
  let start = 0;
  while (input.next()) {
    switch (input.field) {
      case 1:
        base.count = input.varint();
        break;
      case 2:
        base.count = input.double();
        isFloat = true;
        break;
      case 3: {
        const [high, low] = input.words();
        words[1 - LOW_WORD] = high;
        words[LOW_WORD] = low;
        base.sum = float[0];
        if (high === STALE_NAN_HIGH && low === STALE_NAN_LOW) base.stale = true;
        break;
      }
      case 4:
        base.schema = input.sint();
        break;
      case 5:
        base.zeroThreshold = input.double();
        break;
      case 6:
        base.zeroCount = input.varint();
        break;
      case 7:
        base.zeroCount = input.double();
        break;
      case 8:
        spans.negative.push(readSpan(input.message()));
        break;
      case 9:
        input.repeated(negative, ProtoReader.sint);
        break;
      case 10:
        input.repeated(negative, ProtoReader.fixed64);
        break;
      case 11:
        spans.positive.push(readSpan(input.message()));
        break;
      case 12:
        input.repeated(positive, ProtoReader.sint);
        break;
      case 13:
        input.repeated(positive, ProtoReader.fixed64);
        break;
      case 14:
        base.counterResetHint = HINTS[input.varint()] ?? "unknown";
        break;
      case 15:
        timestamp = input.int64();
        break;
      case 16:
        input.repeated(customValues, ProtoReader.fixed64);
        break;
      case 17:
        start = input.int64();
        break;
      default:
        input.skip();
    }
  }
  const shared = { ...base, positiveSpans: spans.positive, negativeSpans: spans.negative, customValues };
  return {
    timestamp,
    start,
    histogram: isFloat
      ? { ...shared, kind: "float", positiveBuckets: positive, negativeBuckets: negative }
      : { ...shared, kind: "int", positiveDeltas: positive, negativeDeltas: negative },
  };
}

function malformed(what: string): UserError {
  return new UserError(CODE, `the write request cannot be read: ${what}`);
}
