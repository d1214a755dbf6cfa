/** Query results as columns over one common time axis. */

export interface MatrixRow {
  metric: Record<string, string>;
  values?: [number, string][];
}

export interface VectorRow {
  metric: Record<string, string>;
  value?: [number, string];
}

export type QueryData =
  | { resultType: "matrix"; result: MatrixRow[] }
  | { resultType: "vector"; result: VectorRow[] }
  | { resultType: "scalar" | "string"; result: [number, string] };

export interface Frame {
  /** Unix seconds. */
  times: number[];
  rows: { metric: Record<string, string>; values: (number | null)[] }[];
}

export function toNumber(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

/** Points of `start…end` every `step` seconds; what a series lacks is null, and so is what cannot be drawn. */
export function toFrame(rows: readonly MatrixRow[], start: number, end: number, step: number): Frame {
  const count = Math.floor((end - start) / step + 1e-6) + 1;
  const times = Array.from({ length: count }, (_, i) => start + i * step);
  return {
    times,
    rows: rows.map(({ metric, values = [] }) => {
      const column: (number | null)[] = new Array(count).fill(null);
      for (const [time, text] of values) {
        const value = toNumber(text);
        const i = Math.round((time - start) / step);
        if (i >= 0 && i < count && Number.isFinite(value)) column[i] = value;
      }
      return { metric, values: column };
    }),
  };
}

/** `name{label="value"}`, as Prometheus shows series. */
export function seriesName(metric: Readonly<Record<string, string>>): string {
  const { __name__: name = "", ...labels } = metric;
  const parts = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return parts.length === 0 ? name || "{}" : `${name}{${parts.join(", ")}}`;
}

/** Grafana's legend format: `{{label}}` by its value; without a format the whole name. */
export function legendName(metric: Readonly<Record<string, string>>, format: string | undefined): string {
  if (!format || format === "__auto") return seriesName(metric);
  return format.replace(/\{\{\s*([\w.:-]+)\s*\}\}/g, (_all, label: string) => metric[label] ?? "");
}

/** Names must be unique to be keys: later twins get a number. */
export function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} ${count}`;
  });
}

/** One figure of a column, by Grafana's reducer ids. */
export function reduce(values: readonly (number | null)[], calc = "lastNotNull"): number | null {
  const present = values.filter((value) => value !== null);
  switch (calc) {
    case "last":
      return values.at(-1) ?? null;
    case "first":
      return values[0] ?? null;
    case "firstNotNull":
      return present[0] ?? null;
    case "min":
      return present.length === 0 ? null : Math.min(...present);
    case "max":
      return present.length === 0 ? null : Math.max(...present);
    case "sum":
    case "total":
      return present.reduce((sum, value) => sum + value, 0);
    case "mean":
      return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
    case "count":
      return present.length;
    case "range":
      return present.length === 0 ? null : Math.max(...present) - Math.min(...present);
    case "delta":
    case "diff":
      return present.length === 0 ? null : present[present.length - 1] - present[0];
    default:
      return present.at(-1) ?? null;
  }
}
