/** The same request as JSON: protobuf's JSON form, with ids in hexadecimal and numbers of 64 bits as texts or numbers. */
import { UserError } from "@pharos/model";
import { type Value, valueText } from "./decode-protobuf.ts";
import {
  type Attributes,
  type Buckets,
  MAX_DEPTH,
  type OtlpData,
  type OtlpExemplar,
  type OtlpMetric,
  type OtlpResource,
  type OtlpScope,
} from "./model.ts";

type Json = Readonly<Record<string, unknown>>;

function malformed(what: string): UserError {
  return new UserError("remote.otlp", `the request is not OTLP: ${what}`);
}

/** A field under its JSON or its protobuf name. */
function field(json: Json, name: string): unknown {
  const value = json[name];
  return value !== undefined ? value : json[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
}

function object(value: unknown): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw malformed("an object was expected");
  return value as Json;
}

function list(json: Json, name: string): readonly unknown[] {
  const value = field(json, name) ?? [];
  if (!Array.isArray(value)) throw malformed(`${name} must be a list`);
  return value;
}

function text(json: Json, name: string): string {
  const value = field(json, name) ?? "";
  if (typeof value !== "string") throw malformed(`${name} must be a text`);
  return value;
}

function number(json: Json, name: string): number {
  return toNumber(field(json, name) ?? 0, name);
}

function toNumber(value: unknown, name: string): number {
  const out =
    typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
  if (Number.isNaN(out) && value !== "NaN") throw malformed(`${name} must be a number`);
  return out;
}

/** Nanoseconds as ms. */
function time(json: Json, name: string): number {
  const value = field(json, name) ?? 0;
  if ((typeof value !== "string" || !/^\d{1,20}$/.test(value)) && !Number.isFinite(value)) {
    throw malformed(`${name} must be a number of nanoseconds`);
  }
  return Number(BigInt(typeof value === "string" ? value : Math.trunc(value as number)) / 1_000_000n);
}

function readValue(json: Json, depth: number): Value {
  if (depth > MAX_DEPTH) throw malformed("attributes are nested too deeply");
  const get = (name: string): unknown => field(json, name);
  const string = get("stringValue");
  if (typeof string === "string") return string;
  const bool = get("boolValue");
  if (typeof bool === "boolean") return bool;
  const int = get("intValue");
  if (int !== undefined) {
    const whole = String(int);
    if (!/^-?\d{1,20}$/.test(whole)) throw malformed("intValue must be a whole number");
    return BigInt(whole);
  }
  if (get("doubleValue") !== undefined) return number(json, "doubleValue");
  if (get("arrayValue") !== undefined) {
    return list(object(get("arrayValue")), "values").map((each) => readValue(object(each), depth + 1));
  }
  if (get("kvlistValue") !== undefined) {
    const pairs = list(object(get("kvlistValue")), "values").map(object);
    return new Map(pairs.map((pair) => [text(pair, "key"), readValue(object(field(pair, "value")), depth + 1)]));
  }
  const bytes = get("bytesValue");
  return typeof bytes === "string" ? Buffer.from(bytes, "base64") : null;
}

function attributes(json: Json, name = "attributes"): Attributes {
  return list(json, name).map((each) => {
    const pair = object(each);
    return [text(pair, "key"), valueText(readValue(object(field(pair, "value")), 0))];
  });
}

function id(json: Json, name: string): string {
  const value = text(json, name).toLowerCase();
  if (!/^[0-9a-f]*$/.test(value)) throw malformed(`${name} must be hexadecimal`);
  return /^0*$/.test(value) ? "" : value;
}

const intOrDouble = (json: Json): number =>
  field(json, "asInt") === undefined ? number(json, "asDouble") : number(json, "asInt");

function exemplars(json: Json): OtlpExemplar[] {
  return list(json, "exemplars").map((each) => {
    const exemplar = object(each);
    return {
      time: time(exemplar, "timeUnixNano"),
      value: intOrDouble(exemplar),
      traceId: id(exemplar, "traceId"),
      spanId: id(exemplar, "spanId"),
      attributes: attributes(exemplar, "filteredAttributes"),
    };
  });
}

const base = (json: Json) => ({
  attributes: attributes(json),
  start: time(json, "startTimeUnixNano"),
  time: time(json, "timeUnixNano"),
  noValue: number(json, "flags") % 2 === 1,
});

const numberPoint = (json: Json) => ({ ...base(json), value: intOrDouble(json), exemplars: exemplars(json) });
const numbers = (json: Json, name: string): number[] => list(json, name).map((each) => toNumber(each, name));
const optional = (json: Json, name: string): number | undefined =>
  field(json, name) === undefined ? undefined : number(json, name);

const histogramPoint = (json: Json) => ({
  ...base(json),
  count: number(json, "count"),
  sum: optional(json, "sum"),
  bucketCounts: numbers(json, "bucketCounts"),
  bounds: numbers(json, "explicitBounds"),
  exemplars: exemplars(json),
});

function buckets(json: Json): Buckets {
  return { offset: Math.trunc(number(json, "offset")), counts: numbers(json, "bucketCounts") };
}

const exponentialPoint = (json: Json) => ({
  ...base(json),
  count: number(json, "count"),
  sum: optional(json, "sum"),
  scale: Math.trunc(number(json, "scale")),
  zeroCount: number(json, "zeroCount"),
  positive: buckets(object(field(json, "positive"))),
  negative: buckets(object(field(json, "negative"))),
  exemplars: exemplars(json),
});

const summaryPoint = (json: Json) => ({
  ...base(json),
  count: number(json, "count"),
  sum: number(json, "sum"),
  quantiles: list(json, "quantileValues").map((each) => {
    const entry = object(each);
    return { quantile: number(entry, "quantile"), value: number(entry, "value") };
  }),
});

const TEMPORALITIES: Readonly<Record<string, number>> = {
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
};

function dataOf(json: Json): OtlpData | undefined {
  const points = <T>(data: Json, read: (point: Json) => T): T[] =>
    list(data, "dataPoints").map((each) => read(object(each)));
  const temporalityOf = (data: Json): number => {
    const value = field(data, "aggregationTemporality") ?? 0;
    return typeof value === "string" && value in TEMPORALITIES
      ? TEMPORALITIES[value]
      : toNumber(value, "aggregationTemporality");
  };
  const of = (name: string): Json | undefined => {
    const value = field(json, name);
    return value === undefined || value === null ? undefined : object(value);
  };
  const gauge = of("gauge");
  if (gauge) return { type: "gauge", points: points(gauge, numberPoint) };
  const sum = of("sum");
  if (sum) {
    const monotonic = field(sum, "isMonotonic") === true;
    return { type: "sum", points: points(sum, numberPoint), temporality: temporalityOf(sum), monotonic };
  }
  const histogram = of("histogram");
  if (histogram) {
    return { type: "histogram", points: points(histogram, histogramPoint), temporality: temporalityOf(histogram) };
  }
  const exponential = of("exponentialHistogram");
  if (exponential) {
    return {
      type: "exponential",
      points: points(exponential, exponentialPoint),
      temporality: temporalityOf(exponential),
    };
  }
  const summary = of("summary");
  return summary && { type: "summary", points: points(summary, summaryPoint) };
}

function metricOf(value: unknown): OtlpMetric {
  const json = object(value);
  return {
    name: text(json, "name"),
    description: text(json, "description"),
    unit: text(json, "unit"),
    data: dataOf(json),
  };
}

function scopeOf(value: unknown): OtlpScope {
  const json = object(value);
  const scope = object(field(json, "scope"));
  return {
    name: text(scope, "name"),
    version: text(scope, "version"),
    schemaUrl: text(json, "schemaUrl"),
    attributes: attributes(scope),
    metrics: list(json, "metrics").map(metricOf),
  };
}

/** Throws a UserError where the text is no request. */
export function decodeOtlpJson(bytes: Buffer): OtlpResource[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new UserError("remote.otlp", `the request is not JSON: ${(error as Error).message}`, { cause: error });
  }
  return list(object(parsed), "resourceMetrics").map((each) => {
    const json = object(each);
    return { attributes: attributes(object(field(json, "resource"))), scopes: list(json, "scopeMetrics").map(scopeOf) };
  });
}
