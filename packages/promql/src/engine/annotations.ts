/** Warnings and infos that accompany a result: values with a position in the query, never logs. */
import type { Position } from "../parser/ast.ts";
import { describePosition, formatGeneral, formatSignificant, quote } from "../parser/text.ts";

export type Severity = "warning" | "info";

/** Plain data. */
export interface Annotation {
  severity: Severity;
  text: string;
  start: number;
  /** Completes the text with what was gathered over all occurrences. */
  details: Details | undefined;
}

type Details =
  | { kind: "monotonicity"; minT: number; maxT: number; min: number; max: number; difference: number; count: number }
  | { kind: "occurrences"; count: number };

export type HistogramOperation = "addition" | "subtraction" | "aggregation";

function mergeDetails(a: Details, b: Details): Details {
  if (a.kind === "monotonicity" && b.kind === "monotonicity") {
    return {
      kind: "monotonicity",
      minT: Math.min(a.minT, b.minT),
      maxT: Math.max(a.maxT, b.maxT),
      min: Math.min(a.min, b.min),
      max: Math.max(a.max, b.max),
      difference: Math.max(a.difference, b.difference),
      count: a.count + b.count,
    };
  }
  if (a.kind === "occurrences" && b.kind === "occurrences") return { kind: "occurrences", count: a.count + b.count };
  return b;
}

function rfc3339(ms: number): string {
  return new Date(Math.trunc(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

function describe(details: Details | undefined): string {
  if (!details) return "";
  if (details.kind === "occurrences") return details.count > 1 ? ` (${details.count} occurrences)` : "";
  const { minT, maxT, min, max, difference, count } = details;
  return (
    `, from buckets ${formatGeneral(min)} to ${formatGeneral(max)}, with a max diff of ` +
    `${formatSignificant(difference, 2)}, over ${count} samples from ${rfc3339(minT)} to ${rfc3339(maxT)}`
  );
}

const forName = (metric: string) => (metric === "" ? "" : ` for metric name ${quote(metric)}`);

/** Collects the annotations of one query; the same text at several places counts once, the last place is shown. */
export class Annotations {
  readonly #byText = new Map<string, Annotation>();

  #add(severity: Severity, text: string, pos: Position, details?: Details): void {
    const key = `${severity} ${text}`;
    const known = this.#byText.get(key);
    const merged = known?.details && details ? mergeDetails(known.details, details) : details;
    this.#byText.set(key, { severity, text, start: pos.start, details: merged });
  }

  #warn(text: string, pos: Position): void {
    this.#add("warning", `PromQL warning: ${text}`, pos);
  }

  #inform(text: string, pos: Position): void {
    this.#add("info", `PromQL info: ${text}`, pos);
  }

  /** What the storage told, with no place in the query. */
  storage(text: string): void {
    this.#add("warning", text, { start: -1, end: -1 });
  }

  /** The texts with their positions in the query, in order of their first occurrence. */
  texts(severity: Severity, query: string): string[] {
    const out: string[] = [];
    for (const annotation of this.#byText.values()) {
      if (annotation.severity !== severity) continue;
      const place = query === "" || annotation.start < 0 ? "" : ` (${describePosition(query, annotation.start)})`;
      out.push(`${annotation.text}${describe(annotation.details)}${place}`);
    }
    return out;
  }

  entries(): Annotation[] {
    return [...this.#byText.values()];
  }

  /** Adds those of another evaluation of the same query. */
  take(entries: readonly Annotation[]): void {
    for (const { severity, text, start, details } of entries) this.#add(severity, text, { start, end: start }, details);
  }

  invalidQuantile(q: number, pos: Position): void {
    this.#warn(`quantile value should be between 0 and 1, got ${formatGeneral(q)}`, pos);
  }
  invalidRatio(ratio: number, capped: number, pos: Position): void {
    const text = `ratio value should be between -1 and 1, got ${formatGeneral(ratio)}, capping to ${capped}`;
    this.#warn(text, pos);
  }
  badBucketLabel(metric: string, label: string, pos: Position): void {
    this.#warn(`bucket label "le" is missing or has a malformed value of ${quote(label)}${forName(metric)}`, pos);
  }
  mixedFloatsHistograms(metric: string, pos: Position): void {
    this.#warn(`encountered a mix of histograms and floats for metric name ${quote(metric)}`, pos);
  }
  mixedFloatsHistogramsAggregation(pos: Position): void {
    this.#warn("encountered a mix of histograms and floats for aggregation", pos);
  }
  mixedClassicNative(metric: string, pos: Position): void {
    this.#warn(`vector contains a mix of classic and native histograms${forName(metric)}`, pos);
  }
  nativeHistogramNotCounter(metric: string, pos: Position): void {
    this.#warn(`this native histogram metric is not a counter: ${quote(metric)}`, pos);
  }
  nativeHistogramNotGauge(metric: string, pos: Position): void {
    this.#warn(`this native histogram metric is not a gauge: ${quote(metric)}`, pos);
  }
  mixedExponentialCustom(metric: string, pos: Position): void {
    const text = "vector contains a mix of histograms with exponential and custom buckets schemas for metric name";
    this.#warn(`${text} ${quote(metric)}`, pos);
  }
  incompatibleBucketLayout(op: string, pos: Position): void {
    this.#warn(`incompatible bucket layout encountered for binary operator ${op}`, pos);
  }
  sortInRangeQuery(pos: Position): void {
    this.#warn("sort is ineffective for range queries since results are always ordered by labels", pos);
  }
  counterResetCollision(operation: HistogramOperation, pos: Position): void {
    this.#warn(`conflicting counter resets during histogram ${operation}`, pos);
  }
  startTimeOverlap(metric: string, pos: Position): void {
    const text = "PromQL warning: sample has start time that overlaps with previous sample timestamp for metric";
    this.#add("warning", `${text} ${quote(metric)}`, pos, { kind: "occurrences", count: 1 });
  }
  possibleNonCounter(metric: string, pos: Position): void {
    this.#inform(
      `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(metric)}`,
      pos,
    );
  }
  possibleNonCounterLabel(metric: string, type: string, pos: Position): void {
    this.#inform(
      `metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ${quote(type)}: ${quote(metric)}`,
      pos,
    );
  }
  forcedMonotonicity(
    metric: string,
    t: number,
    forced: { minBucket: number; maxBucket: number; maxDifference: number },
    pos: Position,
  ): void {
    const text =
      "PromQL info: input to histogram_quantile needed to be fixed for monotonicity " +
      `(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${forName(metric)}`;
    this.#add("info", text, pos, {
      kind: "monotonicity",
      minT: t,
      maxT: t,
      min: forced.minBucket,
      max: forced.maxBucket,
      difference: forced.maxDifference,
      count: 1,
    });
  }
  incompatibleTypes(left: string, op: string, right: string, pos: Position): void {
    this.#inform(`incompatible sample types encountered for binary operator ${quote(op)}: ${left} ${op} ${right}`, pos);
  }
  histogramIgnoredInAggregation(op: string, pos: Position): void {
    this.#inform(`ignored histogram in ${op} aggregation`, pos);
  }
  histogramIgnoredInMixedRange(metric: string, pos: Position): void {
    this.#inform(
      `ignored histograms in a range containing both floats and histograms for metric name ${quote(metric)}`,
      pos,
    );
  }
  quantileNaNResult(metric: string, pos: Position): void {
    this.#inform(`input to histogram_quantile has NaN observations, result is NaN${forName(metric)}`, pos);
  }
  quantileNaNSkew(metric: string, pos: Position): void {
    this.#inform(`input to histogram_quantile has NaN observations, result is skewed higher${forName(metric)}`, pos);
  }
  fractionNaN(metric: string, pos: Position): void {
    this.#inform(
      `input to histogram_fraction has NaN observations, which are excluded from all fractions${forName(metric)}`,
      pos,
    );
  }
  customBucketsReconciled(operation: HistogramOperation, pos: Position): void {
    this.#inform(`mismatched custom buckets were reconciled during ${operation}`, pos);
  }
}
