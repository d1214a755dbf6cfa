/**
 * Puts metrics of OpenTelemetry into a storage, as upstream's otlptranslator does: names and labels by the configured strategy,
 * histograms as classic series, custom buckets or native ones, a `target_info` for each resource. What may not go in is left
 * out and reported, the rest is kept.
 */
import { validateNative } from "@pharos/exposition";
import {
  type Appendable,
  type Appender,
  AppendResult,
  compareStrings,
  describeError,
  Labels,
  METRIC_NAME,
  type MetricMetadata,
  type MetricType,
  type SeriesRef,
} from "@pharos/model";
import type { OtlpConfig } from "./config.ts";
import { customBucketsHistogram, nativeHistogram } from "./histograms.ts";
import type { Attributes, HistogramPoint, OtlpExemplar, OtlpMetric, OtlpResource, SummaryPoint } from "./model.ts";
import { Temporality } from "./model.ts";
import { type LabelNaming, labelName, metricName, unitName } from "./naming.ts";

export interface OtlpOptions {
  config: OtlpConfig;
  /** Delta metrics are stored as they are. */
  allowDelta: boolean;
  typeAndUnitLabels: boolean;
  /** ms; a `target_info` is there at least every half of it. */
  lookbackMs: number;
  /** Samples after this are refused, Unix ms. */
  maxTime: number;
}

export type WarningCategory = "empty_data_points" | "label_name_collision" | "histogram_zero_count_non_zero_sum";

export interface OtlpOutcome {
  samples: number;
  /** Without metadata. */
  bare: number;
  /** Exemplars out of order. */
  lateExemplars: number;
  warnings: { category: WarningCategory; text: string }[];
  /** Samples the storage did not take. */
  refusals: string[];
  refused: number;
  /** Metrics that could not be translated. */
  faults: string[];
}

const TOLD = 5;
const SOURCE = "(OTLP)";
const MAX_EXEMPLAR_CHARS = 128;
const IDENTIFYING = ["service.namespace", "service.name", "service.instance.id"];

const REASONS: Readonly<Record<number, string>> = {
  [AppendResult.outOfOrder]: "out of order sample",
  [AppendResult.outOfBounds]: "out of bounds",
  [AppendResult.tooOld]: "too old sample",
  [AppendResult.duplicate]: "duplicate sample for timestamp",
  [AppendResult.unknownSeries]: "the series was refused: the memory budget is used up",
  [AppendResult.overBudget]: "the series was refused: the memory budget is used up",
};

/** What all points of a resource have. */
interface Context {
  job: string;
  instance: string;
  promoted: readonly (readonly [string, string])[];
  scope: readonly (readonly [string, string])[];
}

function typeOf({ data }: OtlpMetric): MetricType {
  switch (data?.type) {
    case "gauge":
      return "gauge";
    case "sum":
      if (data.temporality === Temporality.delta) return "unknown";
      return data.monotonic ? "counter" : "gauge";
    case "histogram":
    case "exponential":
      return data.temporality === Temporality.delta ? "unknown" : "histogram";
    case "summary":
      return "summary";
    default:
      return "unknown";
  }
}

/** As strconv.FormatFloat(v, 'f', -1, 64). */
function plainNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, first, rest = "", exponent] = match;
  const shift = Number(exponent);
  const digits = first + rest;
  if (shift < 0) return `${sign}0.${"0".repeat(-shift - 1)}${digits}`;
  return `${sign}${digits.padEnd(shift + 1, "0")}`;
}

export class OtlpTranslator {
  readonly #options: OtlpOptions;
  readonly #naming: LabelNaming;
  readonly #suffixes: boolean;
  readonly #names = new Map<string, string>();
  readonly #collisions = new Set<string>();
  readonly #targets = new Set<string>();
  readonly #appender: Appender;
  readonly outcome: OtlpOutcome = {
    samples: 0,
    bare: 0,
    lateExemplars: 0,
    warnings: [],
    refusals: [],
    refused: 0,
    faults: [],
  };

  constructor(appender: Appender, options: OtlpOptions) {
    this.#appender = appender;
    this.#options = options;
    const { translationStrategy, labelNameUnderscoreSanitization, labelNamePreserveMultipleUnderscores } =
      options.config;
    this.#suffixes = translationStrategy.endsWith("WithSuffixes");
    this.#naming = {
      utf8: !translationStrategy.startsWith("Underscore"),
      underscoreSanitization: labelNameUnderscoreSanitization,
      preserveMultipleUnderscores: labelNamePreserveMultipleUnderscores,
    };
  }

  take(resources: readonly OtlpResource[]): void {
    for (const resource of resources) this.#try(() => this.#resource(resource));
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.outcome.faults.push(describeError(error));
    }
  }

  #warn(category: WarningCategory, text: string): void {
    this.outcome.warnings.push({ category, text });
  }

  #label(name: string): string {
    let made = this.#names.get(name);
    if (made === undefined) this.#names.set(name, (made = labelName(name, this.#naming)));
    return made;
  }

  #resource({ attributes, scopes }: OtlpResource): void {
    const found = new Map(attributes);
    const name = found.get("service.name");
    const namespace = found.get("service.namespace");
    const {
      promoteAllResourceAttributes: all,
      promoteResourceAttributes,
      ignoreResourceAttributes,
    } = this.#options.config;
    const listed = new Set(all ? ignoreResourceAttributes : promoteResourceAttributes);
    const context: Context = {
      job: name === undefined ? "" : namespace === undefined ? name : `${namespace}/${name}`,
      instance: found.get("service.instance.id") ?? "",
      promoted: attributes.flatMap(([key, value]) =>
        listed.has(key) !== all ? [[this.#label(key), value] as const] : [],
      ),
      scope: [],
    };
    let first = Number.POSITIVE_INFINITY;
    let last = 0;
    for (const scope of scopes) {
      this.#try(() => {
        const inside = { ...context, scope: this.#scopeLabels(scope) };
        for (const metric of scope.metrics) {
          for (const { time } of metric.data?.points ?? []) {
            first = Math.min(first, time);
            last = Math.max(last, time);
          }
          this.#try(() => this.#metric(metric, inside));
        }
      });
    }
    if (first !== Number.POSITIVE_INFINITY) this.#targetInfo(attributes, context, first, last);
  }

  #scopeLabels({ name, version, schemaUrl, attributes }: OtlpResource["scopes"][number]): Context["scope"] {
    if (!this.#options.config.promoteScopeMetadata || name === "") return [];
    return [
      ...attributes.map(([key, value]) => [this.#label(`otel_scope_${key}`), value] as const),
      ["otel_scope_name", name],
      ["otel_scope_version", version],
      ["otel_scope_schema_url", schemaUrl],
    ];
  }

  #metric(metric: OtlpMetric, context: Context): void {
    const { data } = metric;
    if (!data) throw new Error("unsupported metric type");
    if ("temporality" in data) {
      const { temporality } = data;
      const valid =
        temporality === Temporality.cumulative || (this.#options.allowDelta && temporality === Temporality.delta);
      if (!valid) {
        throw new Error(`invalid temporality and type combination for metric ${JSON.stringify(metric.name)}`);
      }
    }
    const named = data.type === "gauge" ? "gauge" : data.type === "sum" && data.monotonic ? "counter" : "other";
    const name = metricName(
      { name: metric.name, unit: metric.unit, type: named },
      { utf8: this.#naming.utf8, suffixes: this.#suffixes },
    );
    const metadata: MetricMetadata = { type: typeOf(metric), help: metric.description, unit: unitName(metric.unit) };
    if (data.points.length === 0) this.#warn("empty_data_points", `empty data points. ${metric.name} is dropped`);
    const labelsOf = (attributes: Attributes): Map<string, string> =>
      this.#labels(attributes, context, [METRIC_NAME], metadata, true);
    switch (data.type) {
      case "gauge":
      case "sum":
        for (const point of data.points) {
          const labels = labelsOf(point.attributes);
          labels.set(METRIC_NAME, name);
          const exemplars = data.type === "sum" ? point.exemplars : [];
          this.#float(labels, point, point.value, metadata, exemplars);
        }
        break;
      case "histogram":
        for (const point of data.points) {
          const labels = labelsOf(point.attributes);
          if (this.#options.config.convertHistogramsToNhcb) {
            labels.set(METRIC_NAME, name);
            this.#zeroCount("histogram", point);
            this.#histogram(labels, point, customBucketsHistogram(point, data.temporality), metadata);
          } else this.#classic(name, labels, point, metadata);
        }
        break;
      case "exponential":
        for (const point of data.points) {
          const histogram = nativeHistogram(point, data.temporality);
          const labels = labelsOf(point.attributes);
          labels.set(METRIC_NAME, name);
          this.#zeroCount("exponential histogram", point);
          this.#histogram(labels, point, histogram, metadata);
        }
        break;
      case "summary":
        for (const point of data.points) this.#summary(name, labelsOf(point.attributes), point, metadata);
    }
  }

  #zeroCount(
    kind: string,
    { noValue, count, sum = 0 }: { noValue: boolean; count: number; sum: number | undefined },
  ): void {
    if (noValue || count !== 0 || sum === 0) return;
    this.#warn(
      "histogram_zero_count_non_zero_sum",
      `${kind} data point has zero count, but non-zero sum: ${sum.toFixed(6)}`,
    );
  }

  /** Labels of a point, without its name. Attributes whose names become the same have their values joined, in order. */
  #labels(
    attributes: Attributes,
    context: Context,
    ignored: readonly string[],
    metadata: MetricMetadata | undefined,
    promote: boolean,
    source = "data point",
  ): Map<string, string> {
    const labels = new Map<string, string>();
    // A key that is there twice has its last value.
    const sorted = [...new Map(attributes.filter(([key]) => !ignored.includes(key)))].sort(([a], [b]) =>
      compareStrings(a, b),
    );
    for (const [key, value] of sorted) {
      if (value === "") continue;
      const name = this.#naming.utf8 ? key : this.#label(key);
      const there = labels.get(name);
      if (there !== undefined) this.#collision(name, sorted, source);
      labels.set(name, there === undefined ? value : `${there};${value}`);
    }
    const fill = ([name, value]: readonly [string, string]): void => {
      if (!labels.get(name)) labels.set(name, value);
    };
    if (promote) context.promoted.forEach(fill);
    if (context.job !== "") labels.set("job", context.job);
    if (context.instance !== "") labels.set("instance", context.instance);
    for (const [name, value] of context.scope) labels.set(name, value);
    if (metadata && this.#options.typeAndUnitLabels) {
      if (metadata.type !== "unknown") labels.set("__type__", metadata.type);
      if (metadata.unit !== "") labels.set("__unit__", unitName(metadata.unit, this.#naming.utf8));
    }
    return labels;
  }

  #collision(name: string, sorted: readonly (readonly [string, string])[], source: string): void {
    if (this.#collisions.has(name)) return;
    this.#collisions.add(name);
    const keys = sorted.filter(([key]) => this.#label(key) === name).map(([key]) => JSON.stringify(key));
    this.#warn(
      "label_name_collision",
      `OTLP ${source} attributes ${keys.join(", ")} collide as label ${JSON.stringify(name)} after name sanitization, values are concatenated with ';'`,
    );
  }

  #classic(name: string, base: Map<string, string>, point: HistogramPoint, metadata: MetricMetadata): void {
    const series = (suffix: string, le?: string): Map<string, string> => {
      const labels = new Map(base);
      if (le !== undefined) labels.set("le", le);
      return labels.set(METRIC_NAME, name + suffix);
    };
    if (point.sum !== undefined) this.#float(series("_sum"), point, point.sum, metadata);
    this.#float(series("_count"), point, point.count, metadata);
    const { exemplars } = point;
    let next = 0;
    let cumulative = 0;
    for (let i = 0; i < point.bounds.length && i < point.bucketCounts.length; i++) {
      cumulative += point.bucketCounts[i];
      const from = next;
      while (next < exemplars.length && exemplars[next].value <= point.bounds[i]) next++;
      const le = plainNumber(point.bounds[i]);
      this.#float(series("_bucket", le), point, cumulative, metadata, exemplars.slice(from, next));
    }
    this.#float(series("_bucket", "+Inf"), point, point.count, metadata, exemplars.slice(next));
  }

  #summary(name: string, base: Map<string, string>, point: SummaryPoint, metadata: MetricMetadata): void {
    this.#float(new Map(base).set(METRIC_NAME, `${name}_sum`), point, point.sum, metadata);
    this.#float(new Map(base).set(METRIC_NAME, `${name}_count`), point, point.count, metadata);
    for (const { quantile, value } of point.quantiles) {
      const labels = new Map(base).set("quantile", plainNumber(quantile)).set(METRIC_NAME, name);
      this.#float(labels, point, value, metadata);
    }
  }

  #float(
    labels: Map<string, string>,
    { start, time, noValue }: { start: number; time: number; noValue: boolean },
    value: number,
    metadata: MetricMetadata,
    exemplars: readonly OtlpExemplar[] = [],
  ): void {
    this.#append(labels, start, time, metadata, exemplars, (ref) =>
      noValue ? this.#appender.appendStale(ref, time) : this.#appender.append(ref, time, value),
    );
  }

  #histogram(
    labels: Map<string, string>,
    { start, time, exemplars }: { start: number; time: number; exemplars: readonly OtlpExemplar[] },
    histogram: Parameters<Appender["appendHistogram"]>[2],
    metadata: MetricMetadata,
  ): void {
    if (!histogram.stale) validateNative(histogram);
    this.#append(labels, start, time, metadata, exemplars, (ref) =>
      this.#appender.appendHistogram(ref, time, histogram),
    );
  }

  #append(
    labels: Map<string, string>,
    start: number,
    time: number,
    metadata: MetricMetadata,
    exemplars: readonly OtlpExemplar[],
    put: (ref: SeriesRef) => AppendResult,
  ): void {
    const { outcome } = this;
    const set = Labels.fromEntries(labels);
    const refuse = (why: string): void => {
      outcome.refused++;
      if (outcome.refusals.length < TOLD) outcome.refusals.push(`${why}: ${set} at ${time}`);
    };
    if (time > this.#options.maxTime) {
      refuse("out of bounds: timestamp is too far in the future");
      return;
    }
    const ref = this.#appender.series(set);
    if (ref === 0) {
      refuse(REASONS[AppendResult.overBudget]);
      return;
    }
    if (start > 0) this.#appender.appendStartTimestamp(ref, time, start);
    const result = put(ref);
    if (result !== AppendResult.ok) {
      refuse(REASONS[result]);
      return;
    }
    outcome.samples++;
    if (metadata.type === "unknown" && metadata.help === "" && metadata.unit === "") outcome.bare++;
    else this.#appender.updateMetadata(ref, metadata);
    for (const exemplar of exemplars) this.#exemplar(ref, exemplar);
  }

  #exemplar(ref: SeriesRef, { time, value, traceId, spanId, attributes }: OtlpExemplar): void {
    const labels: [string, string][] = [];
    if (traceId !== "") labels.push(["trace_id", traceId]);
    if (spanId !== "") labels.push(["span_id", spanId]);
    const all = [...labels, ...attributes];
    const chars = all.reduce((sum, [name, text]) => sum + [...name].length + [...text].length, 0);
    const chosen = Labels.fromEntries(chars <= MAX_EXEMPLAR_CHARS ? all : labels);
    const result = this.#appender.appendExemplar(ref, {
      labels: chosen,
      value,
      timestamp: time === 0 ? undefined : time,
    });
    if (result === AppendResult.outOfOrder) this.outcome.lateExemplars++;
  }

  /** One sample per half of the lookback, so that a query finds one wherever the resource has metrics. */
  #targetInfo(attributes: Attributes, context: Context, first: number, last: number): void {
    const others = attributes.filter(([key]) => !IDENTIFYING.includes(key));
    if (others.length === 0) return;
    const ignored = this.#options.config.keepIdentifyingResourceAttributes ? [] : IDENTIFYING;
    const labels = this.#labels(attributes, { ...context, scope: [] }, ignored, undefined, false, "resource");
    if (!labels.get("job") && !labels.get("instance")) return;
    labels.set(METRIC_NAME, "target_info");
    const key = Labels.fromEntries(labels).key();
    const metadata: MetricMetadata = { type: "gauge", help: "Target metadata", unit: "" };
    const step = Math.max(1, Math.floor(this.#options.lookbackMs / 2));
    const put = (time: number): void => {
      const seen = `${time} ${key}`;
      if (this.#targets.has(seen)) return;
      this.#targets.add(seen);
      this.#float(labels, { start: 0, time, noValue: false }, 1, metadata);
    };
    // Points far apart would make any number of them.
    const from = Math.max(first, last - MAX_TARGET_INFOS * step);
    for (let time = from; time < last; time += step) put(time);
    put(last);
  }
}

const MAX_TARGET_INFOS = 10_000;

/** Takes a request in one transaction. Throws when the storage cannot be written. */
export function receiveOtlp(
  storage: Appendable,
  resources: readonly OtlpResource[],
  options: OtlpOptions,
): OtlpOutcome {
  const appender = storage.appender(SOURCE);
  const translator = new OtlpTranslator(appender, options);
  try {
    translator.take(resources);
  } catch (error) {
    appender.rollback();
    throw error;
  }
  appender.commit();
  return translator.outcome;
}
