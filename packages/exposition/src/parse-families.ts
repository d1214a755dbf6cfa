/**
 * A whole exposition as metric families, read strictly: what a good exporter writes and nothing else. For checks
 * (`promtool check metrics`) and tests; scraping is more lenient and does not go through this form.
 */
import {
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  METRIC_NAME,
  type MetricType,
  UserError,
} from "@pharos/model";
import type { HistogramMetric, LabelRun, MetricFamily, SimpleMetric, SummaryMetric } from "./family.ts";
import { parseGoFloat } from "./go-syntax.ts";
import type { ExpositionFormat } from "./negotiate.ts";
import { OpenMetricsRules } from "./openmetrics-rules.ts";
import { OpenMetricsReader } from "./read-openmetrics.ts";
import { ProtobufReader } from "./read-protobuf.ts";
import { TextReader } from "./read-text.ts";

/** One sample as read. */
export interface ReadSample {
  labels: Labels;
  value: number;
  timestamp: number | undefined;
  exemplar: Exemplar | undefined;
  native: IntHistogram | FloatHistogram | undefined;
}

/** Suffixes of sample names a family of the type has; "" is its own name. */
export const SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ["", "_total", "_created"],
  gauge: [""],
  histogram: ["", "_bucket", "_sum", "_count", "_created"],
  gaugehistogram: ["", "_bucket", "_sum", "_count", "_gsum", "_gcount"],
  summary: ["", "_sum", "_count", "_created"],
  info: ["", "_info"],
  stateset: [""],
  unknown: [""],
};

interface Family {
  name: string;
  help: string | undefined;
  type: MetricType | undefined;
  unit: string | undefined;
  samples: ReadSample[];
}

function invalid(message: string): UserError {
  return new UserError("exposition.families", message);
}

class FamilyCollector {
  readonly families = new Map<string, Family>();
  readonly #openMetrics: boolean;

  constructor(openMetrics: boolean) {
    this.#openMetrics = openMetrics;
  }

  metadata(kind: "help" | "type" | "unit", name: string, value: string): void {
    const family = this.#family(name);
    if (family[kind] !== undefined)
      throw invalid(`second ${kind.toUpperCase()} line for metric name ${JSON.stringify(name)}`);
    if (family.samples.length > 0 && (kind === "type" || this.#openMetrics)) {
      throw invalid(`${kind.toUpperCase()} reported after samples for metric name ${JSON.stringify(name)}`);
    }
    Object.assign(family, { [kind]: value });
  }

  /** The family a sample of this name belongs to, made when there is none. */
  of(name: string): Family {
    const own = this.families.get(name);
    if (own) return own;
    for (const suffix of ["_bucket", "_sum", "_count", "_gsum", "_gcount", "_total", "_created", "_info"]) {
      if (!name.endsWith(suffix)) continue;
      const family = this.families.get(name.slice(0, -suffix.length));
      if (family?.type && SUFFIXES[family.type].includes(suffix)) return family;
    }
    return this.#family(name);
  }

  #family(name: string): Family {
    let family = this.families.get(name);
    if (!family) {
      family = { name, help: undefined, type: undefined, unit: undefined, samples: [] };
      this.families.set(name, family);
    }
    return family;
  }
}

function run(labels: Labels, without: string): LabelRun {
  const out: string[] = [];
  for (const [name, value] of labels) if (name !== METRIC_NAME && name !== without) out.push(name, value);
  return out;
}

/** Samples that are one metric: same labels but for a bound, and same timestamp. */
function groups(samples: readonly ReadSample[], bound: string): Map<string, ReadSample[]> {
  const out = new Map<string, ReadSample[]>();
  for (const sample of samples) {
    const key = `${sample.timestamp}\u0000${run(sample.labels, bound).join("\u0000")}`;
    const group = out.get(key);
    if (group) group.push(sample);
    else out.set(key, [sample]);
  }
  return out;
}

function base({ labels, timestamp }: ReadSample, bound: string): { labels: LabelRun; timestamp?: number } {
  return timestamp === undefined ? { labels: run(labels, bound) } : { labels: run(labels, bound), timestamp };
}

const suffixOf = (sample: ReadSample, family: string): string => sample.labels.metricName.slice(family.length);
const createdOf = (value: number): number => Math.round(value * 1000);

function toHistogram(samples: readonly ReadSample[], family: string): HistogramMetric {
  const metric: HistogramMetric = { ...base(samples[0], "le"), buckets: [], count: 0, sum: 0 };
  for (const sample of samples) {
    const { labels, value, exemplar, native } = sample;
    if (native) metric.native = native;
    switch (suffixOf(sample, family)) {
      case "_bucket":
        metric.buckets.push({
          upperBound: parseGoFloat(labels.get("le")),
          cumulativeCount: value,
          ...(exemplar && { exemplar }),
        });
        break;
      case "_sum":
      case "_gsum":
        metric.sum = value;
        break;
      case "_count":
      case "_gcount":
        metric.count = value;
        break;
      case "_created":
        metric.startTimestamp = createdOf(value);
        break;
    }
  }
  return metric;
}

function toSummary(samples: readonly ReadSample[], family: string): SummaryMetric {
  const metric: SummaryMetric = { ...base(samples[0], "quantile"), quantiles: [], count: 0, sum: 0 };
  for (const sample of samples) {
    const { labels, value } = sample;
    switch (suffixOf(sample, family)) {
      case "":
        metric.quantiles.push({ quantile: parseGoFloat(labels.get("quantile")), value });
        break;
      case "_sum":
        metric.sum = value;
        break;
      case "_count":
        metric.count = value;
        break;
      case "_created":
        metric.startTimestamp = createdOf(value);
        break;
    }
  }
  return metric;
}

function toSimple(samples: readonly ReadSample[], family: string): SimpleMetric[] {
  const metrics: SimpleMetric[] = [];
  for (const group of groups(samples, "").values()) {
    const created = group.find((sample) => suffixOf(sample, family) === "_created");
    for (const sample of group) {
      if (sample === created && group.length > 1) continue;
      const metric: SimpleMetric = { ...base(sample, ""), value: sample.value };
      if (sample.exemplar) metric.exemplar = sample.exemplar;
      if (created && created !== sample) metric.startTimestamp = createdOf(created.value);
      metrics.push(metric);
    }
  }
  return metrics;
}

/** Name as in text 0.0.4, where a counter's suffix is part of it. */
function classicName({ name, type, samples }: Family): string {
  const suffix = type === "counter" ? "_total" : type === "info" ? "_info" : "";
  return suffix !== "" && samples.some(({ labels }) => labels.metricName === name + suffix) ? name + suffix : name;
}

function finish(family: Family): MetricFamily {
  const { help = "", type = "unknown", unit, samples, name } = family;
  const common = { name: classicName(family), help, ...(unit && { unit }) };
  switch (type) {
    case "histogram":
    case "gaugehistogram":
      return { ...common, type, metrics: [...groups(samples, "le").values()].map((group) => toHistogram(group, name)) };
    case "summary":
      return {
        ...common,
        type,
        metrics: [...groups(samples, "quantile").values()].map((group) => toSummary(group, name)),
      };
    default:
      return { ...common, type, metrics: toSimple(samples, name) };
  }
}

function open(bytes: Buffer, format: ExpositionFormat): TextReader | OpenMetricsReader | ProtobufReader {
  switch (format) {
    case "text":
      return new TextReader(bytes);
    case "openmetrics":
      return new OpenMetricsReader(bytes, { strict: true });
    case "protobuf":
      return new ProtobufReader(bytes, { keepClassic: true });
  }
}

/** All families of a body, in the order they appear. A UserError when it is not in the format or breaks its rules. */
export function parseFamilies(bytes: Uint8Array, format: ExpositionFormat): MetricFamily[] {
  const reader = open(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), format);
  const collector = new FamilyCollector(format === "openmetrics");
  const rules = format === "openmetrics" ? new OpenMetricsRules() : undefined;
  const seen = new Set<string>();
  for (let kind = reader.next(); kind !== "end"; kind = reader.next()) {
    if (kind === "comment") continue;
    if (kind === "help" || kind === "type" || kind === "unit") {
      const value = kind === "type" ? reader.type : reader.text;
      collector.metadata(kind, reader.metric, value);
      rules?.metadata(kind, reader.metric, value);
      continue;
    }
    const labels = reader.labels();
    const sample: ReadSample = {
      labels,
      value: reader.value,
      timestamp: reader.timestamp,
      exemplar: reader.exemplars?.[0],
      native: reader.histogram,
    };
    const identity = `${sample.timestamp}\u0000${labels.key()}\u0000${kind}`;
    if (seen.has(identity) && (format !== "openmetrics" || sample.timestamp === undefined)) {
      throw invalid(`the series ${labels} is given twice`);
    }
    seen.add(identity);
    const family = collector.of(labels.metricName);
    rules?.sample(family.name, family.type ?? "unknown", sample);
    family.samples.push(sample);
  }
  rules?.end();
  return [...collector.families.values()].map(finish);
}
