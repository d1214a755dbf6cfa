/**
 * ExportMetricsServiceRequest of OpenTelemetry, as protobuf:
 *
 *   Request 1 resources* · ResourceMetrics 1 resource (1 attributes*), 2 scopes*
 *   ScopeMetrics 1 scope (1 name, 2 version, 3 attributes*), 2 metrics*, 3 schema URL
 *   Metric 1 name, 2 description, 3 unit, 5 gauge, 7 sum, 9 histogram, 10 exponential histogram, 11 summary;
 *          each of these 1 points*, 2 temporality, 3 monotonic
 *   points: 2 start (ns, fixed64), 3 time, and
 *     number       4 double, 5 exemplars*, 6 int (sfixed64), 7 attributes*, 8 flags
 *     histogram    4 count (fixed64), 5 sum, 6 counts* (fixed64), 7 bounds*, 8 exemplars*, 9 attributes*, 10 flags
 *     exponential  1 attributes*, 4 count, 5 sum, 6 scale (sint32), 7 zero count (fixed64), 8/9 positive/negative buckets
 *                  (1 offset sint32, 2 counts* uint64), 10 flags, 11 exemplars*
 *     summary      4 count, 5 sum, 6 quantiles* (1 quantile, 2 value), 7 attributes*, 8 flags
 *   Exemplar 2 time, 3 double, 4 span id, 5 trace id, 6 int, 7 attributes*
 *   KeyValue 1 key, 2 value (1 string, 2 bool, 3 int, 4 double, 5 array (1 values*), 6 map (1 KeyValue*), 7 bytes)
 */
import { ProtoReader } from "@pharos/exposition";
import { UserError } from "@pharos/model";
import {
  type Buckets,
  type ExponentialPoint,
  type HistogramPoint,
  jsonNumber,
  MAX_DEPTH,
  type NumberPoint,
  type OtlpExemplar,
  type OtlpMetric,
  type OtlpResource,
  type OtlpScope,
  type SummaryPoint,
} from "./model.ts";

const NANOS = 1_000_000;
const WORD = 2 ** 32;

/** An attribute's value before it is a text. */
type Value = string | boolean | number | bigint | Buffer | null | readonly Value[] | ReadonlyMap<string, Value>;

/** Nanoseconds as ms, without the rounding a double of them would bring. */
function readTime(input: ProtoReader): number {
  const [high, low] = input.words();
  const rest = (high % NANOS) * WORD + low;
  return Math.floor(high / NANOS) * WORD + Math.floor(rest / NANOS);
}

function readFixed(input: ProtoReader): number {
  const [high, low] = input.words();
  return high * WORD + low;
}

function readSignedFixed(input: ProtoReader): number {
  const [high, low] = input.words();
  return (high | 0) * WORD + low;
}

function toJson(value: Value): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return jsonNumber(value);
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString("base64"));
  if (value instanceof Map) {
    const entries = [...value].sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${toJson(each)}`).join(",")}}`;
  }
  return `[${(value as readonly Value[]).map(toJson).join(",")}]`;
}

/** As OpenTelemetry's own libraries write a value where a text is wanted. */
export function valueText(value: Value): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (Buffer.isBuffer(value)) return value.toString("base64");
  return toJson(value);
}

function readInt(input: ProtoReader): bigint {
  const value = input.int64();
  return BigInt(Number.isSafeInteger(value) ? value : Math.trunc(value));
}

function readValue(input: ProtoReader, bytes: Buffer, depth: number): Value {
  if (depth > MAX_DEPTH) throw new UserError("remote.otlp", "attributes are nested too deeply");
  let value: Value = null;
  while (input.next()) {
    switch (input.field) {
      case 1:
        value = input.string("attribute value");
        break;
      case 2:
        value = input.varint() !== 0;
        break;
      case 3:
        value = readInt(input);
        break;
      case 4:
        value = input.double();
        break;
      case 5: {
        const list: Value[] = [];
        const array = input.message();
        while (array.next()) {
          if (array.field === 1) list.push(readValue(array.message(), bytes, depth + 1));
          else array.skip();
        }
        value = list;
        break;
      }
      case 6: {
        const map = new Map<string, Value>();
        const list = input.message();
        while (list.next()) {
          if (list.field !== 1) {
            list.skip();
            continue;
          }
          const [key, each] = readPair(list.message(), bytes, depth + 1);
          map.set(key, each);
        }
        value = map;
        break;
      }
      case 7: {
        const [start, end] = input.range();
        value = bytes.subarray(start, end);
        break;
      }
      default:
        input.skip();
    }
  }
  return value;
}

function readPair(input: ProtoReader, bytes: Buffer, depth: number): [string, Value] {
  let key = "";
  let value: Value = null;
  while (input.next()) {
    if (input.field === 1) key = input.string("attribute key");
    else if (input.field === 2) value = readValue(input.message(), bytes, depth);
    else input.skip();
  }
  return [key, value];
}

class RequestReader {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  resources(): OtlpResource[] {
    const out: OtlpResource[] = [];
    const input = new ProtoReader(this.#bytes);
    while (input.next()) {
      if (input.field === 1) out.push(this.#resource(input.message()));
      else input.skip();
    }
    return out;
  }

  #attribute(input: ProtoReader): readonly [string, string] {
    const [key, value] = readPair(input, this.#bytes, 0);
    return [key, valueText(value)];
  }

  #hex(input: ProtoReader): string {
    const [start, end] = input.range();
    const id = this.#bytes.toString("hex", start, end);
    return /^0*$/.test(id) ? "" : id;
  }

  #resource(input: ProtoReader): OtlpResource {
    const resource = { attributes: [] as (readonly [string, string])[], scopes: [] as OtlpScope[] };
    while (input.next()) {
      if (input.field === 2) resource.scopes.push(this.#scope(input.message()));
      else if (input.field === 1) {
        const inner = input.message();
        while (inner.next()) {
          if (inner.field === 1) resource.attributes.push(this.#attribute(inner.message()));
          else inner.skip();
        }
      } else input.skip();
    }
    return resource;
  }

  #scope(input: ProtoReader): OtlpScope {
    const attributes: (readonly [string, string])[] = [];
    const scope: OtlpScope = { name: "", version: "", schemaUrl: "", attributes, metrics: [] };
    while (input.next()) {
      if (input.field === 2) scope.metrics.push(this.#metric(input.message()));
      else if (input.field === 3) scope.schemaUrl = input.string("schema URL");
      else if (input.field === 1) {
        const inner = input.message();
        while (inner.next()) {
          if (inner.field === 1) scope.name = inner.string("scope name");
          else if (inner.field === 2) scope.version = inner.string("scope version");
          else if (inner.field === 3) attributes.push(this.#attribute(inner.message()));
          else inner.skip();
        }
      } else input.skip();
    }
    return scope;
  }

  #metric(input: ProtoReader): OtlpMetric {
    const metric: OtlpMetric = { name: "", description: "", unit: "", data: undefined };
    while (input.next()) {
      switch (input.field) {
        case 1:
          metric.name = input.string("metric name");
          break;
        case 2:
          metric.description = input.string("description");
          break;
        case 3:
          metric.unit = input.string("unit");
          break;
        case 5:
          metric.data = { type: "gauge", ...this.#data(input.message(), (point) => this.#number(point)) };
          break;
        case 7:
          metric.data = { type: "sum", ...this.#data(input.message(), (point) => this.#number(point)) };
          break;
        case 9:
          metric.data = { type: "histogram", ...this.#data(input.message(), (point) => this.#histogram(point)) };
          break;
        case 10:
          metric.data = { type: "exponential", ...this.#data(input.message(), (point) => this.#exponential(point)) };
          break;
        case 11:
          metric.data = { type: "summary", ...this.#data(input.message(), (point) => this.#summary(point)) };
          break;
        default:
          input.skip();
      }
    }
    return metric;
  }

  #data<T>(input: ProtoReader, read: (point: ProtoReader) => T) {
    const data = { points: [] as T[], temporality: 0, monotonic: false };
    while (input.next()) {
      if (input.field === 1) data.points.push(read(input.message()));
      else if (input.field === 2) data.temporality = input.varint();
      else if (input.field === 3) data.monotonic = input.varint() !== 0;
      else input.skip();
    }
    return data;
  }

  #exemplar(input: ProtoReader): OtlpExemplar {
    const attributes: (readonly [string, string])[] = [];
    const exemplar: OtlpExemplar = { time: 0, value: 0, traceId: "", spanId: "", attributes };
    while (input.next()) {
      switch (input.field) {
        case 2:
          exemplar.time = readTime(input);
          break;
        case 3:
          exemplar.value = input.double();
          break;
        case 4:
          exemplar.spanId = this.#hex(input);
          break;
        case 5:
          exemplar.traceId = this.#hex(input);
          break;
        case 6:
          exemplar.value = readSignedFixed(input);
          break;
        case 7:
          attributes.push(this.#attribute(input.message()));
          break;
        default:
          input.skip();
      }
    }
    return exemplar;
  }

  #number(input: ProtoReader): NumberPoint {
    const attributes: (readonly [string, string])[] = [];
    const point: NumberPoint = { attributes, start: 0, time: 0, noValue: false, value: 0, exemplars: [] };
    while (input.next()) {
      switch (input.field) {
        case 2:
          point.start = readTime(input);
          break;
        case 3:
          point.time = readTime(input);
          break;
        case 4:
          point.value = input.double();
          break;
        case 5:
          point.exemplars.push(this.#exemplar(input.message()));
          break;
        case 6:
          point.value = readSignedFixed(input);
          break;
        case 7:
          attributes.push(this.#attribute(input.message()));
          break;
        case 8:
          point.noValue = input.varint() % 2 === 1;
          break;
        default:
          input.skip();
      }
    }
    return point;
  }

  #histogram(input: ProtoReader): HistogramPoint {
    const attributes: (readonly [string, string])[] = [];
    const point: HistogramPoint = {
      attributes,
      start: 0,
      time: 0,
      noValue: false,
      count: 0,
      sum: undefined,
      bucketCounts: [],
      bounds: [],
      exemplars: [],
    };
    while (input.next()) {
      switch (input.field) {
        case 2:
          point.start = readTime(input);
          break;
        case 3:
          point.time = readTime(input);
          break;
        case 4:
          point.count = readFixed(input);
          break;
        case 5:
          point.sum = input.double();
          break;
        case 6:
          this.#fixedList(input, point.bucketCounts);
          break;
        case 7:
          input.repeated(point.bounds, ProtoReader.fixed64);
          break;
        case 8:
          point.exemplars.push(this.#exemplar(input.message()));
          break;
        case 9:
          attributes.push(this.#attribute(input.message()));
          break;
        case 10:
          point.noValue = input.varint() % 2 === 1;
          break;
        default:
          input.skip();
      }
    }
    return point;
  }

  /** Fixed64 integers, packed or not. */
  #fixedList(input: ProtoReader, out: number[]): void {
    if (input.kind !== 2) {
      out.push(readFixed(input));
      return;
    }
    const [start, end] = input.range();
    if ((end - start) % 8 !== 0) throw new UserError("remote.otlp", "a packed list ends inside a number");
    for (let at = start; at < end; at += 8) {
      out.push(this.#bytes.readUInt32LE(at + 4) * WORD + this.#bytes.readUInt32LE(at));
    }
  }

  #buckets(input: ProtoReader): Buckets {
    const buckets: Buckets = { offset: 0, counts: [] };
    while (input.next()) {
      if (input.field === 1) buckets.offset = input.sint();
      else if (input.field === 2) input.repeated(buckets.counts, ProtoReader.varint);
      else input.skip();
    }
    return buckets;
  }

  #exponential(input: ProtoReader): ExponentialPoint {
    const attributes: (readonly [string, string])[] = [];
    const point: ExponentialPoint = {
      attributes,
      start: 0,
      time: 0,
      noValue: false,
      count: 0,
      sum: undefined,
      scale: 0,
      zeroCount: 0,
      positive: { offset: 0, counts: [] },
      negative: { offset: 0, counts: [] },
      exemplars: [],
    };
    while (input.next()) {
      switch (input.field) {
        case 1:
          attributes.push(this.#attribute(input.message()));
          break;
        case 2:
          point.start = readTime(input);
          break;
        case 3:
          point.time = readTime(input);
          break;
        case 4:
          point.count = readFixed(input);
          break;
        case 5:
          point.sum = input.double();
          break;
        case 6:
          point.scale = input.sint();
          break;
        case 7:
          point.zeroCount = readFixed(input);
          break;
        case 8:
          point.positive = this.#buckets(input.message());
          break;
        case 9:
          point.negative = this.#buckets(input.message());
          break;
        case 10:
          point.noValue = input.varint() % 2 === 1;
          break;
        case 11:
          point.exemplars.push(this.#exemplar(input.message()));
          break;
        default:
          input.skip();
      }
    }
    return point;
  }

  #summary(input: ProtoReader): SummaryPoint {
    const attributes: (readonly [string, string])[] = [];
    const point: SummaryPoint = { attributes, start: 0, time: 0, noValue: false, count: 0, sum: 0, quantiles: [] };
    while (input.next()) {
      switch (input.field) {
        case 2:
          point.start = readTime(input);
          break;
        case 3:
          point.time = readTime(input);
          break;
        case 4:
          point.count = readFixed(input);
          break;
        case 5:
          point.sum = input.double();
          break;
        case 6: {
          const inner = input.message();
          const quantile = { quantile: 0, value: 0 };
          while (inner.next()) {
            if (inner.field === 1) quantile.quantile = inner.double();
            else if (inner.field === 2) quantile.value = inner.double();
            else inner.skip();
          }
          point.quantiles.push(quantile);
          break;
        }
        case 7:
          attributes.push(this.#attribute(input.message()));
          break;
        case 8:
          point.noValue = input.varint() % 2 === 1;
          break;
        default:
          input.skip();
      }
    }
    return point;
  }
}

/** Throws a UserError where the bytes are no request. */
export function decodeOtlpProtobuf(bytes: Buffer): OtlpResource[] {
  return new RequestReader(bytes).resources();
}

export type { Value };
