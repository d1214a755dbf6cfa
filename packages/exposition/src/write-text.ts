/** Writing text 0.0.4 and OpenMetrics 1.0.0, as upstream's expfmt does. */
import type { Exemplar } from "@pharos/model";
import type { HistogramMetric, LabelRun, MetricFamily, SimpleMetric, SummaryMetric } from "./family.ts";
import { type EscapingScheme, escapeName, isLegacyLabelName, isLegacyMetricName } from "./names.ts";
import { formatFloat, formatOpenMetricsFloat } from "./number.ts";

function escapeHelp(text: string): string {
  return /[\\\n]/.test(text) ? text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n") : text;
}

function escapeValue(text: string): string {
  return /[\\"\n]/.test(text) ? escapeHelp(text).replaceAll('"', '\\"') : text;
}

/** A name as it stands in metadata lines: quoted when it is not of the classic characters. */
function writtenName(name: string): string {
  return isLegacyMetricName(name) ? name : `"${escapeValue(name)}"`;
}

/** Value of a counter or count: whole numbers that large come without an exponent, as Go prints integers. */
function formatCount(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : formatFloat(value);
}

interface Style {
  float: (value: number) => string;
  /** Counts of histograms and summaries. */
  count: (value: number) => string;
  time: (ms: number | undefined) => string;
  exemplar: (exemplar: Exemplar | undefined) => string;
}

const TEXT: Style = {
  float: formatFloat,
  count: formatFloat,
  time: (ms) => (ms === undefined ? "" : ` ${ms}`),
  exemplar: () => "",
};

const OPENMETRICS: Style = {
  float: formatOpenMetricsFloat,
  count: formatCount,
  time: (ms) => (ms === undefined ? "" : ` ${formatOpenMetricsFloat(ms / 1000)}`),
  exemplar(exemplar) {
    if (!exemplar || exemplar.labels.size === 0) return "";
    const { labels, value, timestamp } = exemplar;
    const pairs = [...labels].map(([name, text]) => `${writtenName(name)}="${escapeValue(text)}"`).join(",");
    return ` # {${pairs}} ${formatOpenMetricsFloat(value)}${OPENMETRICS.time(timestamp)}`;
  },
};

class FamilyWriter {
  readonly #style: Style;
  readonly #escaping: EscapingScheme;
  text = "";

  constructor(style: Style, escaping: EscapingScheme) {
    this.#style = style;
    this.#escaping = escaping;
  }

  /** Name and labels of a series; `extra` is a bound. */
  #series(name: string, labels: LabelRun, extra?: readonly [string, string]): string {
    const inside = !isLegacyMetricName(name);
    let out = inside ? writtenName(name) : "";
    for (let i = 0; i < labels.length; i += 2) {
      const label = isLegacyLabelName(labels[i]) ? labels[i] : this.#labelName(labels[i]);
      out += `${out === "" ? "" : ","}${label}="${escapeValue(labels[i + 1])}"`;
    }
    if (extra) out += `${out === "" ? "" : ","}${extra[0]}="${extra[1]}"`;
    return `${inside ? "" : name}${out === "" ? "" : `{${out}}`}`;
  }

  #labelName(name: string): string {
    const escaped = escapeName(name, this.#escaping);
    return isLegacyLabelName(escaped) ? escaped : `"${escapeValue(escaped)}"`;
  }

  simple(name: string, metrics: readonly SimpleMetric[], created: string | undefined): void {
    const { float, time, exemplar: writeExemplar } = this.#style;
    for (const { labels, value, timestamp, exemplar, startTimestamp } of metrics) {
      this.text += `${this.#series(name, labels)} ${float(value)}${time(timestamp)}${writeExemplar(exemplar)}\n`;
      this.#created(created, labels, startTimestamp);
    }
  }

  histogram(name: string, metrics: readonly HistogramMetric[], gauge: boolean, created: string | undefined): void {
    const { float, count: formatTotal, time, exemplar: writeExemplar } = this.#style;
    const prefix = gauge ? "_g" : "_";
    for (const { labels, buckets, count, sum, timestamp, startTimestamp } of metrics) {
      const at = time(timestamp);
      let infinite = false;
      for (const { upperBound, cumulativeCount, exemplar } of buckets) {
        infinite ||= upperBound === Number.POSITIVE_INFINITY;
        const series = this.#series(`${name}_bucket`, labels, ["le", float(upperBound)]);
        this.text += `${series} ${formatTotal(cumulativeCount)}${at}${writeExemplar(exemplar)}\n`;
      }
      if (!infinite)
        this.text += `${this.#series(`${name}_bucket`, labels, ["le", "+Inf"])} ${formatTotal(count)}${at}\n`;
      this.text += `${this.#series(`${name}${prefix}sum`, labels)} ${float(sum)}${at}\n`;
      this.text += `${this.#series(`${name}${prefix}count`, labels)} ${formatTotal(count)}${at}\n`;
      this.#created(created, labels, startTimestamp);
    }
  }

  summary(name: string, metrics: readonly SummaryMetric[], created: string | undefined): void {
    const { float, count: formatTotal, time } = this.#style;
    for (const { labels, quantiles, count, sum, timestamp, startTimestamp } of metrics) {
      const at = time(timestamp);
      for (const { quantile, value } of quantiles) {
        this.text += `${this.#series(name, labels, ["quantile", float(quantile)])} ${float(value)}${at}\n`;
      }
      this.text += `${this.#series(`${name}_sum`, labels)} ${float(sum)}${at}\n`;
      this.text += `${this.#series(`${name}_count`, labels)} ${formatTotal(count)}${at}\n`;
      this.#created(created, labels, startTimestamp);
    }
  }

  #created(name: string | undefined, labels: LabelRun, startTimestamp: number | undefined): void {
    if (name === undefined || startTimestamp === undefined) return;
    this.text += `${this.#series(name, labels)} ${formatOpenMetricsFloat(startTimestamp / 1000)}\n`;
  }
}

/** Types text 0.0.4 does not have. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  unknown: "untyped",
  info: "gauge",
  stateset: "gauge",
  gaugehistogram: "histogram",
};

export function writeText(families: Iterable<MetricFamily>, escaping: EscapingScheme = "underscores"): string {
  const writer = new FamilyWriter(TEXT, escaping);
  for (const family of families) {
    const name = escapeName(family.name, escaping);
    const written = writtenName(name);
    if (family.help !== "") writer.text += `# HELP ${written} ${escapeHelp(family.help)}\n`;
    writer.text += `# TYPE ${written} ${TEXT_TYPES[family.type] ?? family.type}\n`;
    switch (family.type) {
      case "histogram":
      case "gaugehistogram":
        writer.histogram(name, family.metrics, false, undefined);
        break;
      case "summary":
        writer.summary(name, family.metrics, undefined);
        break;
      default:
        writer.simple(name, family.metrics, undefined);
    }
  }
  return writer.text;
}

/** Suffix the samples of a family must have where its own name must not. */
const SAMPLE_SUFFIXES: Readonly<Record<string, string>> = { counter: "_total", info: "_info" };

export function writeOpenMetrics(families: Iterable<MetricFamily>, escaping: EscapingScheme = "underscores"): string {
  const writer = new FamilyWriter(OPENMETRICS, escaping);
  for (const family of families) {
    const name = escapeName(family.name, escaping);
    const suffix = SAMPLE_SUFFIXES[family.type];
    // A counter without its suffix would not be a valid one; it is still the same series.
    const valid = suffix === undefined || name.endsWith(suffix);
    const base = suffix !== undefined && valid ? name.slice(0, -suffix.length) : name;
    const written = writtenName(base);
    if (family.help !== "") writer.text += `# HELP ${written} ${escapeValue(family.help)}\n`;
    writer.text += `# TYPE ${written} ${valid ? family.type : "unknown"}\n`;
    if (family.unit) writer.text += `# UNIT ${written} ${escapeValue(family.unit)}\n`;
    const created = `${base}_created`;
    switch (family.type) {
      case "histogram":
        writer.histogram(base, family.metrics, false, created);
        break;
      case "gaugehistogram":
        writer.histogram(base, family.metrics, true, undefined);
        break;
      case "summary":
        writer.summary(base, family.metrics, created);
        break;
      default:
        writer.simple(name, family.metrics, family.type === "counter" && valid ? created : undefined);
    }
  }
  return `${writer.text}# EOF\n`;
}
