/** Prometheus' answers as frames. */
import { type Frame, frameOf, type NumberField } from "./frame.ts";

type Labels = Record<string, string>;
export interface MatrixSeries {
  metric: Labels;
  values?: readonly (readonly [number, string])[];
}
export interface VectorSample {
  metric: Labels;
  value?: readonly [number, string];
}

export interface FrameOptions {
  refId: string;
  legend: string;
  format: "time_series" | "table" | "heatmap";
}

/** Go's spelling of numbers, which `Number` knows but for the infinities. */
export function sampleValue(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

export function seriesText(labels: Labels): string {
  const { __name__: name = "", ...rest } = labels;
  const inner = Object.entries(rest).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return name + (inner.length > 0 || name === "" ? `{${inner.join(", ")}}` : "");
}

/** `{{label}}` filled in; `__auto` and "" leave the naming to what tells the series apart. */
export function legendText(template: string, labels: Labels): string {
  if (template === "" || template === "__auto") return seriesText(labels);
  return template.replace(/\{\{\s*([^}]+?)\s*\}\}/g, (_, name: string) => labels[name] ?? "");
}

/** With `__auto`: only the labels whose values differ between the series. */
function autoNames(metrics: readonly Labels[]): string[] {
  if (metrics.length === 1) return metrics.map(seriesText);
  const differing = new Set<string>();
  const [first] = metrics;
  for (const labels of metrics) {
    for (const name of new Set([...Object.keys(labels), ...Object.keys(first ?? {})]))
      if (labels[name] !== first?.[name]) differing.add(name);
  }
  return metrics.map((labels) => {
    const kept = [...differing].filter((name) => labels[name] !== undefined);
    if (kept.length === 1) return labels[kept[0]!]!;
    return kept.length === 0
      ? seriesText(labels)
      : seriesText(Object.fromEntries(kept.map((name) => [name, labels[name]!])));
  });
}

function names(metrics: readonly Labels[], legend: string): string[] {
  return legend === "__auto" ? autoNames(metrics) : metrics.map((labels) => legendText(legend, labels));
}

export function matrixFrames(result: readonly MatrixSeries[], options: FrameOptions): Frame[] {
  const series = result.filter((each) => each.values);
  if (options.format === "table") {
    const rows: { labels: Labels; time: number; value: number }[] = [];
    for (const { metric, values } of series) {
      for (const [time, value] of values!) rows.push({ labels: metric, time: time * 1000, value: sampleValue(value) });
    }
    return rows.length > 0 ? [tableFrame(rows, options.refId)] : [];
  }
  const titles = names(
    series.map((each) => each.metric),
    options.legend,
  );
  return series.map(({ metric, values }, index) => {
    const times = new Float64Array(values!.length);
    const numbers = new Float64Array(values!.length);
    for (let at = 0; at < times.length; at++) {
      const [time, value] = values![at]!;
      times[at] = time * 1000;
      numbers[at] = sampleValue(value);
    }
    const field: NumberField = {
      name: "Value",
      type: "number",
      values: numbers,
      labels: metric,
      displayName: titles[index],
    };
    return frameOf(options.refId, [{ name: "Time", type: "time", values: times }, field], titles[index]);
  });
}

export function vectorFrames(result: readonly VectorSample[], options: FrameOptions): Frame[] {
  const samples = result.filter((each) => each.value);
  if (options.format === "table") {
    const rows = samples.map(({ metric, value }) => ({
      labels: metric,
      time: value![0] * 1000,
      value: sampleValue(value![1]),
    }));
    return rows.length > 0 ? [tableFrame(rows, options.refId)] : [];
  }
  return matrixFrames(
    samples.map(({ metric, value }) => ({ metric, values: [value!] })),
    options,
  );
}

function tableFrame(rows: readonly { labels: Labels; time: number; value: number }[], refId: string): Frame {
  const labelNames = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))].sort();
  return frameOf(refId, [
    { name: "Time", type: "time", values: Float64Array.from(rows, (row) => row.time) },
    ...labelNames.map((name) => ({ name, type: "string" as const, values: rows.map((row) => row.labels[name] ?? "") })),
    { name: "Value", type: "number", values: Float64Array.from(rows, (row) => row.value) },
  ]);
}
