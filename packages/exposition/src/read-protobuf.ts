/**
 * Reading delimited io.prometheus.client.MetricFamily messages, native histograms included. The entries come in the order
 * upstream's parser has them: help, unit and type of a family, then for each metric its native histogram and its classic
 * series (count, sum, bounds).
 */
import {
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  Labels,
  METRIC_NAME,
  type MetricType,
  type Span,
  UserError,
} from "@pharos/model";
import { compactNative, validateNative } from "./native.ts";
import { formatOpenMetricsFloat } from "./number.ts";
import { ProtoReader } from "./protobuf-wire.ts";
import { type EntryKind, type ExpositionReader, labelsOf } from "./reader.ts";

const TYPES: readonly MetricType[] = ["counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram"];

interface Bucket {
  bound: number;
  count: number;
  exemplar: Exemplar | undefined;
}

interface HistogramMessage {
  count: number;
  countFloat: number;
  sum: number;
  buckets: Bucket[];
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  zeroCountFloat: number;
  positiveSpans: Span[];
  positiveDeltas: number[];
  positiveCounts: number[];
  negativeSpans: Span[];
  negativeDeltas: number[];
  negativeCounts: number[];
  exemplars: Exemplar[];
}

/** What one Metric message says. */
interface Metric {
  labels: [string, string][];
  timestamp: number;
  startTimestamp: number;
  value: number;
  exemplar: Exemplar | undefined;
  summary: { count: number; sum: number; quantiles: { bound: number; value: number }[] } | undefined;
  histogram: HistogramMessage | undefined;
}

export interface ProtobufOptions {
  /** Leaves native histograms out and reads all of them as classic ones. */
  ignoreNative?: boolean;
  /** Reads the classic series of histograms that have a native form too. */
  keepClassic?: boolean;
}

function readTimestamp(reader: ProtoReader): number {
  let seconds = 0;
  let nanos = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.int64();
    else if (reader.field === 2) nanos = reader.int64();
    else reader.skip();
  }
  return seconds * 1000 + Math.trunc(nanos / 1e6);
}

function readPair(reader: ProtoReader): [string, string] {
  let name = "";
  let value = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string("label name");
    else if (reader.field === 2) value = reader.string("label value");
    else reader.skip();
  }
  if (name === "") throw new UserError("exposition.protobuf", "invalid label name: ");
  return [name, value];
}

function readExemplar(reader: ProtoReader): Exemplar {
  const labels: [string, string][] = [];
  let value = 0;
  let timestamp: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) labels.push(readPair(reader.message()));
    else if (reader.field === 2) value = reader.double();
    else if (reader.field === 3) timestamp = readTimestamp(reader.message());
    else reader.skip();
  }
  return { labels: Labels.fromEntries(labels), value, timestamp };
}

function readBucket(reader: ProtoReader): Bucket {
  const bucket: Bucket = { bound: 0, count: 0, exemplar: undefined };
  let float = 0;
  while (reader.next()) {
    if (reader.field === 1) bucket.count = reader.varint();
    else if (reader.field === 2) bucket.bound = reader.double();
    else if (reader.field === 3) bucket.exemplar = readExemplar(reader.message());
    else if (reader.field === 4) float = reader.double();
    else reader.skip();
  }
  if (float !== 0) bucket.count = float;
  return bucket;
}

function readSpan(reader: ProtoReader): Span {
  const span: Span = { offset: 0, length: 0 };
  while (reader.next()) {
    if (reader.field === 1) span.offset = reader.sint();
    else if (reader.field === 2) span.length = reader.varint();
    else reader.skip();
  }
  return span;
}

/** More buckets than any histogram has; a length field must not make us allocate at will. */
const MAX_BUCKETS = 1_000_000;

function readHistogram(reader: ProtoReader, metric: Metric): HistogramMessage {
  const out: HistogramMessage = {
    count: 0, countFloat: 0, sum: 0, buckets: [], schema: 0, zeroThreshold: 0, zeroCount: 0, zeroCountFloat: 0,
    positiveSpans: [], positiveDeltas: [], positiveCounts: [], negativeSpans: [], negativeDeltas: [], negativeCounts: [], exemplars: [],
  }; // biome-ignore format: a table
  while (reader.next()) {
    switch (reader.field) {
      case 1: out.count = reader.varint(); break;
      case 2: out.sum = reader.double(); break;
      case 3: out.buckets.push(readBucket(reader.message())); break;
      case 4: out.countFloat = reader.double(); break;
      case 5: out.schema = reader.sint(); break;
      case 6: out.zeroThreshold = reader.double(); break;
      case 7: out.zeroCount = reader.varint(); break;
      case 8: out.zeroCountFloat = reader.double(); break;
      case 9: out.negativeSpans.push(readSpan(reader.message())); break;
      case 10: reader.repeated(out.negativeDeltas, ProtoReader.sint); break;
      case 11: reader.repeated(out.negativeCounts, ProtoReader.fixed64); break;
      case 12: out.positiveSpans.push(readSpan(reader.message())); break;
      case 13: reader.repeated(out.positiveDeltas, ProtoReader.sint); break;
      case 14: reader.repeated(out.positiveCounts, ProtoReader.fixed64); break;
      case 15: metric.startTimestamp = readTimestamp(reader.message()); break;
      case 16: out.exemplars.push(readExemplar(reader.message())); break;
      default: reader.skip();
    } // biome-ignore format: a table
  }
  const buckets = [...out.positiveSpans, ...out.negativeSpans].reduce((sum, { length }) => sum + length, 0);
  if (buckets > MAX_BUCKETS) throw new UserError("exposition.protobuf", `a histogram has ${buckets} buckets`);
  return out;
}

function readSummary(reader: ProtoReader, metric: Metric): NonNullable<Metric["summary"]> {
  const out: NonNullable<Metric["summary"]> = { count: 0, sum: 0, quantiles: [] };
  while (reader.next()) {
    if (reader.field === 1) out.count = reader.varint();
    else if (reader.field === 2) out.sum = reader.double();
    else if (reader.field === 3) {
      const entry = { bound: 0, value: 0 };
      const inner = reader.message();
      while (inner.next()) {
        if (inner.field === 1) entry.bound = inner.double();
        else if (inner.field === 2) entry.value = inner.double();
        else inner.skip();
      }
      out.quantiles.push(entry);
    } else if (reader.field === 4) metric.startTimestamp = readTimestamp(reader.message());
    else reader.skip();
  }
  return out;
}

/** Gauge, Counter and Untyped: field 1 is the value; a Counter has an exemplar and a start as well. */
function readSimple(reader: ProtoReader, metric: Metric, counter: boolean): void {
  while (reader.next()) {
    if (reader.field === 1) metric.value = reader.double();
    else if (reader.field === 2 && counter) metric.exemplar = readExemplar(reader.message());
    else if (reader.field === 3 && counter) metric.startTimestamp = readTimestamp(reader.message());
    else reader.skip();
  }
}

function readMetric(reader: ProtoReader): Metric {
  const metric: Metric = {
    labels: [], timestamp: 0, startTimestamp: 0, value: 0, exemplar: undefined, summary: undefined, histogram: undefined,
  }; // biome-ignore format: a table
  while (reader.next()) {
    switch (reader.field) {
      case 1: metric.labels.push(readPair(reader.message())); break;
      case 2: case 5: readSimple(reader.message(), metric, false); break;
      case 3: readSimple(reader.message(), metric, true); break;
      case 4: metric.summary = readSummary(reader.message(), metric); break;
      case 6: metric.timestamp = reader.int64(); break;
      case 7: metric.histogram = readHistogram(reader.message(), metric); break;
      default: reader.skip();
    } // biome-ignore format: a table
  }
  return metric;
}

/** A histogram without observations is native when it has a span that spans nothing. */
function isNative(h: HistogramMessage): boolean {
  return h.positiveSpans.length > 0 || h.negativeSpans.length > 0 || h.zeroThreshold > 0 || h.zeroCount > 0;
}

function toNative(h: HistogramMessage, gauge: boolean, family: string): IntHistogram | FloatHistogram {
  const float = h.countFloat > 0 || h.zeroCountFloat > 0;
  const check = (side: string, spans: readonly Span[], buckets: readonly number[]): void => {
    const total = spans.reduce((sum, { length }) => sum + length, 0);
    if (total === buckets.length) return;
    throw new UserError(
      "exposition.histogram",
      `histogram ${JSON.stringify(family)}: ${side} side: spans require ${total} buckets, have ${buckets.length}`,
    );
  };
  check("positive", h.positiveSpans, float ? h.positiveCounts : h.positiveDeltas);
  check("negative", h.negativeSpans, float ? h.negativeCounts : h.negativeDeltas);
  const base = {
    counterResetHint: gauge ? ("gauge" as const) : ("unknown" as const),
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    sum: h.sum,
    positiveSpans: h.positiveSpans,
    negativeSpans: h.negativeSpans,
    customValues: [],
  };
  const histogram: IntHistogram | FloatHistogram = float
    ? {
        ...base,
        kind: "float",
        count: h.countFloat,
        zeroCount: h.zeroCountFloat,
        positiveBuckets: h.positiveCounts,
        negativeBuckets: h.negativeCounts,
      }
    : {
        ...base,
        kind: "int",
        count: h.count,
        zeroCount: h.zeroCount,
        positiveDeltas: h.positiveDeltas,
        negativeDeltas: h.negativeDeltas,
      };
  validateNative(histogram);
  return compactNative(histogram, 0);
}

/** One answer of `next`, made when the metric was decoded. */
interface Entry {
  kind: "series" | "histogram";
  name: string;
  bound: readonly [string, string] | undefined;
  value: number;
  exemplars: readonly Exemplar[] | undefined;
}

export class ProtobufReader implements ExpositionReader {
  readonly #bytes: Buffer;
  readonly #options: ProtobufOptions;
  #families: ProtoReader;
  /** Metric messages of the current family that are not decoded yet. */
  #metrics: ProtoReader[] = [];
  /** Metadata and samples that are decoded and not answered yet, last first. */
  #metadata: EntryKind[] = [];
  #entries: Entry[] = [];
  #entry: Entry | undefined;
  #current: Metric | undefined;
  #help = "";
  #unit = "";

  value = 0;
  histogram: IntHistogram | FloatHistogram | undefined;
  metric = "";
  type: MetricType = "unknown";
  text = "";

  constructor(bytes: Buffer, options: ProtobufOptions = {}) {
    this.#bytes = bytes;
    this.#options = options;
    this.#families = new ProtoReader(bytes);
  }

  get timestamp(): number | undefined {
    // As upstream: the wire does not tell 0 from absent.
    return this.#current?.timestamp || undefined;
  }

  get exemplars(): readonly Exemplar[] | undefined {
    return this.#entry?.exemplars;
  }

  startTimestamp(): number {
    return this.#current?.startTimestamp ?? 0;
  }

  key(): string {
    const { name, bound } = this.#entry!;
    let key = bound ? `${name}\u0000${bound[0]}\u0000${bound[1]}` : name;
    for (const [label, value] of this.#current!.labels) key += `\u0001${label}\u0000${value}`;
    return this.#entry!.kind === "histogram" ? `\u0002${key}` : key;
  }

  labels(): Labels {
    const { name, bound } = this.#entry!;
    const pairs: [string, string][] = [[METRIC_NAME, name], ...this.#current!.labels];
    if (bound) pairs.push([bound[0], bound[1]]);
    return labelsOf(pairs);
  }

  next(): EntryKind {
    this.#entry = undefined;
    this.histogram = undefined;
    for (;;) {
      const metadata = this.#metadata.pop();
      if (metadata) {
        this.text = metadata === "help" ? this.#help : metadata === "unit" ? this.#unit : "";
        return metadata;
      }
      const entry = this.#entries.pop();
      if (entry) {
        this.#entry = entry;
        this.value = entry.value;
        if (entry.kind === "series") return "series";
        this.histogram = toNative(this.#current!.histogram!, this.type === "gaugehistogram", this.metric);
        return "histogram";
      }
      const message = this.#metrics.pop();
      if (message) {
        this.#current = readMetric(message);
        this.#entries = this.#expand(this.#current).reverse();
        continue;
      }
      if (!this.#readFamily()) return "end";
    }
  }

  #readFamily(): boolean {
    if (this.#families.at >= this.#bytes.length) return false;
    this.#families.kind = 2;
    const family = this.#families.message();
    let type = 0;
    this.metric = "";
    this.#help = "";
    this.#unit = "";
    while (family.next()) {
      switch (family.field) {
        case 1: this.metric = family.string("metric name"); break;
        case 2: this.#help = family.string("help"); break;
        case 3: type = family.varint(); break;
        case 4: this.#metrics.push(family.message()); break;
        case 5: this.#unit = family.string("unit"); break;
        default: family.skip();
      } // biome-ignore format: a table
    }
    // A family without metrics says nothing.
    if (this.#metrics.length === 0) return true;
    if (this.metric === "") throw new UserError("exposition.protobuf", "invalid metric name: ");
    if (type >= TYPES.length) {
      throw new UserError(
        "exposition.protobuf",
        `unknown metric type for metric ${JSON.stringify(this.metric)}: ${type}`,
      );
    }
    this.type = TYPES[type];
    this.#metrics.reverse();
    this.#metadata = this.#unit === "" ? ["type", "help"] : ["type", "unit", "help"];
    return true;
  }

  /** The entries one metric makes. */
  #expand(metric: Metric): Entry[] {
    const name = this.metric;
    const series = (suffix: string, value: number, bound?: readonly [string, string], exemplar?: Exemplar): Entry => ({
      kind: "series",
      name: name + suffix,
      bound,
      value,
      exemplars: exemplar && [exemplar],
    });
    if (this.type === "summary") {
      const { count, sum, quantiles } = metric.summary ?? { count: 0, sum: 0, quantiles: [] };
      return [
        series("_count", count),
        series("_sum", sum),
        ...quantiles.map(({ bound, value }) => series("", value, ["quantile", formatOpenMetricsFloat(bound)])),
      ];
    }
    if (this.type !== "histogram" && this.type !== "gaugehistogram") {
      return [series("", metric.value, undefined, metric.exemplar)];
    }
    const entries: Entry[] = [];
    const { histogram = readHistogram(new ProtoReader(Buffer.alloc(0)), metric) } = metric;
    metric.histogram = histogram;
    if (!this.#options.ignoreNative && isNative(histogram)) {
      entries.push({ kind: "histogram", name, bound: undefined, value: 0, exemplars: nativeExemplars(histogram) });
      if (!this.#options.keepClassic || histogram.buckets.length === 0) return entries;
    }
    const count = histogram.countFloat || histogram.count;
    entries.push(series("_count", count), series("_sum", histogram.sum));
    let infinite = false;
    for (const { bound, count: value, exemplar } of histogram.buckets) {
      infinite = bound === Number.POSITIVE_INFINITY;
      entries.push(series("_bucket", value, ["le", formatOpenMetricsFloat(bound)], exemplar));
      if (infinite) break;
    }
    if (!infinite) entries.push(series("_bucket", count, ["le", "+Inf"]));
    return entries;
  }
}

/** A native histogram's own exemplars, else its classic buckets'; only those with a time can be put in order. */
function nativeExemplars({ exemplars, buckets }: HistogramMessage): Exemplar[] {
  const all = exemplars.length > 0 ? exemplars : buckets.flatMap(({ exemplar }) => exemplar ?? []);
  return all.filter(({ timestamp }) => timestamp !== undefined);
}
