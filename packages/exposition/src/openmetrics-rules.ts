/**
 * What OpenMetrics 1.0 demands beyond its grammar: names that do not clash, samples of one metric together and in order of
 * time, values that fit the type, complete histograms, exemplars only where they may be.
 */
import { type Labels, METRIC_NAME, type MetricType, UserError } from "@pharos/model";
import { parseGoFloat } from "./go-syntax.ts";
import type { ReadSample } from "./parse-families.ts";

function invalid(message: string): UserError {
  return new UserError("exposition.openmetrics", message);
}

/** Suffixes by which a family of the type lays claim to further names. */
const CLAIMS: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ["_total", "_created"],
  gauge: [],
  histogram: ["_bucket", "_sum", "_count", "_created"],
  gaugehistogram: ["_bucket", "_gsum", "_gcount"],
  summary: ["_sum", "_count", "_created"],
  info: ["_info"],
  stateset: [],
  unknown: [],
};

/** Suffixes the samples of a type must have one of. */
const REQUIRED: Partial<Record<MetricType, readonly string[]>> = {
  counter: ["_total", "_created"],
  histogram: ["_bucket", "_sum", "_count", "_created"],
  gaugehistogram: ["_bucket", "_gsum", "_gcount"],
  info: ["_info"],
};

const MAX_EXEMPLAR_RUNES = 128;
const SUMMED = new Set(["_sum", "_count", "_gcount", "_total"]);

/** The samples of one metric seen so far. */
interface Group {
  key: string;
  timestamp: number | undefined;
  buckets: { bound: number; count: number }[];
  count: number | undefined;
  sum: number | undefined;
}

export class OpenMetricsRules {
  /** Which family a name belongs to. */
  readonly #claimed = new Map<string, string>();
  readonly #finishedFamilies = new Set<string>();
  readonly #finishedGroups = new Set<string>();
  #family = "";
  #type: MetricType = "unknown";
  #group: Group | undefined;

  metadata(kind: "help" | "type" | "unit", metric: string, value: string): void {
    this.#enter(metric);
    if (kind === "type") {
      this.#type = value as MetricType;
      for (const suffix of ["", ...CLAIMS[this.#type]]) this.#claim(metric + suffix, metric);
    }
    if (kind === "unit" && value !== "" && (this.#type === "info" || this.#type === "stateset")) {
      throw invalid(`${this.#type} ${metric} must not have a unit`);
    }
  }

  sample(family: string, type: MetricType, sample: ReadSample): void {
    this.#enter(family);
    this.#type = type;
    const { labels, value, exemplar, timestamp } = sample;
    const suffix = labels.metricName.slice(family.length);
    this.#claim(labels.metricName, family);
    const required = REQUIRED[type];
    if (required && !required.includes(suffix)) {
      throw invalid(`a sample of the ${type} ${family} must be named ${family}${required.join(` or ${family}`)}`);
    }
    this.#checkValue(family, suffix, labels, value);
    if (exemplar) {
      if (suffix !== "_total" && suffix !== "_bucket") throw invalid(`${labels.metricName} must not have an exemplar`);
      let runes = 0;
      for (const pair of exemplar.labels) for (const text of pair) runes += [...text].length;
      if (runes > MAX_EXEMPLAR_RUNES) {
        throw invalid(`the labels of an exemplar have ${runes} characters, more than ${MAX_EXEMPLAR_RUNES}`);
      }
    }
    this.#enterGroup(labels, timestamp);
    this.#collect(suffix, labels, value);
  }

  end(): void {
    this.#finishGroup();
  }

  #claim(name: string, family: string): void {
    const owner = this.#claimed.get(name);
    if (owner !== undefined && owner !== family) throw invalid(`the name ${name} clashes with that of ${owner}`);
    this.#claimed.set(name, family);
  }

  #enter(family: string): void {
    if (family === this.#family) return;
    this.#finishGroup();
    if (this.#family !== "") this.#finishedFamilies.add(this.#family);
    if (this.#finishedFamilies.has(family)) throw invalid(`the metric family ${family} is interrupted by another`);
    this.#family = family;
    this.#type = "unknown";
    this.#finishedGroups.clear();
  }

  #enterGroup(labels: Labels, timestamp: number | undefined): void {
    const type = this.#type;
    const bound =
      type === "histogram" || type === "gaugehistogram"
        ? "le"
        : type === "summary"
          ? "quantile"
          : type === "stateset"
            ? this.#family
            : "";
    const key = labels.filter((name) => name !== bound && name !== METRIC_NAME).key();
    const current = this.#group;
    if (current?.key === key) {
      if ((current.timestamp === undefined) !== (timestamp === undefined)) {
        throw invalid(`samples of ${this.#family} have timestamps only in part`);
      }
      if (timestamp !== undefined && current.timestamp !== undefined) {
        if (timestamp < current.timestamp) throw invalid(`timestamps of ${this.#family} go backwards`);
        // A later time is the next point of the same metric.
        if (timestamp > current.timestamp) this.#startGroup(key, timestamp);
      }
      return;
    }
    this.#finishGroup();
    if (this.#finishedGroups.has(key))
      throw invalid(`samples of one metric of ${this.#family} are interrupted by another's`);
    this.#startGroup(key, timestamp);
  }

  #startGroup(key: string, timestamp: number | undefined): void {
    this.#checkHistogram();
    this.#group = { key, timestamp, buckets: [], count: undefined, sum: undefined };
  }

  #finishGroup(): void {
    if (!this.#group) return;
    this.#checkHistogram();
    this.#finishedGroups.add(this.#group.key);
    this.#group = undefined;
  }

  #collect(suffix: string, labels: Labels, value: number): void {
    const group = this.#group!;
    if (suffix === "_bucket") group.buckets.push({ bound: parseGoFloat(labels.get("le")), count: value });
    else if (suffix === "_count" || suffix === "_gcount") group.count = value;
    else if (suffix === "_sum" || suffix === "_gsum") group.sum = value;
  }

  #checkValue(family: string, suffix: string, labels: Labels, value: number): void {
    const type = this.#type;
    const name = labels.metricName;
    if (type === "counter" || type === "histogram" || type === "summary" || type === "gaugehistogram") {
      const counted = SUMMED.has(suffix) || suffix === "_bucket";
      if (counted && Number.isNaN(value)) throw invalid(`${name} must not be NaN`);
      if (counted && value < 0) throw invalid(`${name} must not be negative`);
      if (suffix === "_gsum" && Number.isNaN(value)) throw invalid(`${name} must not be NaN`);
    }
    switch (type) {
      case "summary":
        if (suffix === "") this.#checkQuantile(name, labels.get("quantile"), value);
        break;
      case "histogram":
      case "gaugehistogram":
        if (suffix === "_bucket") this.#checkBound(name, labels.get("le"));
        break;
      case "stateset":
        if (!labels.has(family)) throw invalid(`a sample of the stateset ${family} needs the label ${family}`);
        if (value !== 0 && value !== 1) throw invalid(`the stateset ${family} must be 0 or 1`);
        break;
      case "info":
        if (value !== 1) throw invalid(`the info ${family} must be 1`);
        break;
    }
  }

  #checkQuantile(name: string, text: string, value: number): void {
    const quantile = boundOf(text);
    if (quantile === undefined || !(quantile >= 0 && quantile <= 1)) {
      throw invalid(`${name} needs a quantile between 0 and 1, not ${JSON.stringify(text)}`);
    }
    if (value < 0) throw invalid(`${name} must not be negative`);
  }

  #checkBound(name: string, text: string): void {
    const bound = boundOf(text);
    if (bound === undefined || Number.isNaN(bound) || (bound === Number.POSITIVE_INFINITY && text !== "+Inf")) {
      throw invalid(`${name} needs a bound in le, not ${JSON.stringify(text)}`);
    }
  }

  #checkHistogram(): void {
    const type = this.#type;
    if (!this.#group || (type !== "histogram" && type !== "gaugehistogram")) return;
    const { buckets, count, sum } = this.#group;
    if (buckets.length === 0 && count === undefined && sum === undefined) return;
    const family = this.#family;
    buckets.forEach(({ bound, count: cumulative }, i) => {
      if (i === 0) return;
      if (bound <= buckets[i - 1].bound) throw invalid(`the buckets of ${family} are out of order`);
      if (cumulative < buckets[i - 1].count) throw invalid(`the buckets of ${family} are not cumulative`);
    });
    const last = buckets.at(-1);
    if (last?.bound !== Number.POSITIVE_INFINITY) throw invalid(`${family} has no +Inf bucket`);
    if (count !== undefined && count !== last.count)
      throw invalid(`the count of ${family} is not that of its +Inf bucket`);
    if ((count === undefined) !== (sum === undefined)) throw invalid(`${family} has only one of count and sum`);
    if (sum === undefined) return;
    const negative = buckets[0].bound < 0;
    if (type === "histogram" && negative)
      throw invalid(`${family} has buckets below zero and a sum, which could then fall`);
    if (type === "gaugehistogram" && !negative && sum < 0)
      throw invalid(`the sum of ${family} is negative, its buckets are not`);
  }
}

function boundOf(text: string): number | undefined {
  try {
    return parseGoFloat(text);
  } catch {
    return undefined;
  }
}
