/** Writing text 0.0.4 and OpenMetrics 1.0.0. */
import type { Exemplar, Labels } from "@pharos/model";
import type { HistogramMetric, LabelRun, MetricFamily, SimpleMetric, SummaryMetric } from "./family.ts";
import { formatFloat, formatOpenMetricsFloat } from "./number.ts";

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : text;
}

function labelBody(labels: LabelRun, extra?: readonly [string, string]): string {
  let out = "";
  for (let i = 0; i < labels.length; i += 2)
    out += `${out === "" ? "" : ","}${labels[i]}="${escapeValue(labels[i + 1])}"`;
  if (extra) out += `${out === "" ? "" : ","}${extra[0]}="${extra[1]}"`;
  return out === "" ? "" : `{${out}}`;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (!exemplar) return "";
  const pairs = [...(exemplar.labels as Labels)].map(([name, value]) => `${name}="${escapeValue(value)}"`).join(",");
  const time = exemplar.timestamp === undefined ? "" : ` ${exemplar.timestamp / 1000}`;
  return ` # {${pairs}} ${formatFloat(exemplar.value)}${time}`;
}

interface Style {
  float: (value: number) => string;
  /** Form of `le` and `quantile`. */
  bound: (value: number) => string;
  time: (ms: number | undefined) => string;
  exemplar: (exemplar: Exemplar | undefined) => string;
}

const TEXT: Style = {
  float: formatFloat,
  bound: formatFloat,
  time: (ms) => (ms === undefined ? "" : ` ${ms}`),
  exemplar: () => "",
};

const OPENMETRICS: Style = {
  float: formatOpenMetricsFloat,
  bound: formatOpenMetricsFloat,
  time: (ms) => (ms === undefined ? "" : ` ${ms / 1000}`),
  exemplar: exemplarText,
};

function writeSimple(name: string, metrics: readonly SimpleMetric[], style: Style): string {
  let out = "";
  for (const { labels, value, timestamp, exemplar } of metrics) {
    out += `${name}${labelBody(labels)} ${style.float(value)}${style.time(timestamp)}${style.exemplar(exemplar)}\n`;
  }
  return out;
}

function writeHistogram(name: string, metrics: readonly HistogramMetric[], style: Style, gauge: boolean): string {
  let out = "";
  for (const { labels, buckets, count, sum, timestamp } of metrics) {
    const time = style.time(timestamp);
    let infinite = false;
    for (const { upperBound, cumulativeCount, exemplar } of buckets) {
      infinite ||= upperBound === Number.POSITIVE_INFINITY;
      const le = labelBody(labels, ["le", style.bound(upperBound)]);
      out += `${name}_bucket${le} ${formatFloat(cumulativeCount)}${time}${style.exemplar(exemplar)}\n`;
    }
    if (!infinite) out += `${name}_bucket${labelBody(labels, ["le", "+Inf"])} ${formatFloat(count)}${time}\n`;
    const prefix = gauge ? "_g" : "_";
    out += `${name}${prefix}sum${labelBody(labels)} ${style.float(sum)}${time}\n`;
    out += `${name}${prefix}count${labelBody(labels)} ${formatFloat(count)}${time}\n`;
  }
  return out;
}

function writeSummary(name: string, metrics: readonly SummaryMetric[], style: Style): string {
  let out = "";
  for (const { labels, quantiles, count, sum, timestamp } of metrics) {
    const time = style.time(timestamp);
    for (const { quantile, value } of quantiles) {
      out += `${name}${labelBody(labels, ["quantile", style.bound(quantile)])} ${style.float(value)}${time}\n`;
    }
    out += `${name}_sum${labelBody(labels)} ${style.float(sum)}${time}\n`;
    out += `${name}_count${labelBody(labels)} ${formatFloat(count)}${time}\n`;
  }
  return out;
}

function writeMetrics(name: string, family: MetricFamily, style: Style): string {
  switch (family.type) {
    case "histogram":
    case "gaugehistogram":
      return writeHistogram(name, family.metrics, style, family.type === "gaugehistogram" && style === OPENMETRICS);
    case "summary":
      return writeSummary(name, family.metrics, style);
    default:
      return writeSimple(name, family.metrics, style);
  }
}

/** Types text 0.0.4 does not have. */
const TEXT_TYPES: Record<string, string> = {
  unknown: "untyped",
  info: "gauge",
  stateset: "gauge",
  gaugehistogram: "histogram",
};

export function writeText(families: Iterable<MetricFamily>): string {
  let out = "";
  for (const family of families) {
    if (family.help !== "") out += `# HELP ${family.name} ${escapeHelp(family.help)}\n`;
    out += `# TYPE ${family.name} ${TEXT_TYPES[family.type] ?? family.type}\n`;
    out += writeMetrics(family.name, family, TEXT);
  }
  return out;
}

export function writeOpenMetrics(families: Iterable<MetricFamily>): string {
  let out = "";
  for (const family of families) {
    // A counter's family is named without the suffix its samples must have.
    const base = family.type === "counter" ? family.name.replace(/_total$/, "") : family.name;
    out += `# TYPE ${base} ${family.type}\n`;
    if (family.unit) out += `# UNIT ${base} ${family.unit}\n`;
    if (family.help !== "") out += `# HELP ${base} ${escapeHelp(family.help).replaceAll('"', '\\"')}\n`;
    out += writeMetrics(family.type === "counter" ? `${base}_total` : base, family, OPENMETRICS);
    for (const { labels, startTimestamp } of family.metrics) {
      if (startTimestamp !== undefined && ["counter", "histogram", "summary"].includes(family.type)) {
        out += `${base}_created${labelBody(labels)} ${formatOpenMetricsFloat(startTimestamp / 1000)}\n`;
      }
    }
  }
  return `${out}# EOF\n`;
}
