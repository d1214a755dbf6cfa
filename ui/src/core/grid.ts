/** Query results as columns over one common time axis, as Explore plots them. */

/** A native histogram as Prometheus' API writes it. */
export interface NativeHistogram {
  count: string;
  sum: string;
  /** Which bounds belong to the bucket (0 upper, 1 lower, 2 none, 3 both), lower bound, upper bound, count. */
  buckets?: [bounds: number, low: string, high: string, count: string][];
}

export interface MatrixRow {
  metric: Record<string, string>;
  values?: [number, string][];
  histograms?: [number, NativeHistogram][];
}

export interface VectorRow {
  metric: Record<string, string>;
  value?: [number, string];
  histogram?: [number, NativeHistogram];
}

export type QueryData =
  | { resultType: "matrix"; result: MatrixRow[] }
  | { resultType: "vector"; result: VectorRow[] }
  | { resultType: "scalar" | "string"; result: [number, string] };

export interface Grid {
  /** Unix seconds. */
  times: number[];
  rows: { metric: Record<string, string>; values: (number | null)[] }[];
}

export function toNumber(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

const OPEN = ["(", "[", "(", "["];
const CLOSE = ["]", ")", ")", "]"];

/** Count, sum and buckets in one line, in the notation of Prometheus' own page. */
export function histogramText({ count, sum, buckets = [] }: NativeHistogram): string {
  const parts = buckets.map(([bounds, low, high, inside]) => `${OPEN[bounds]}${low},${high}${CLOSE[bounds]}:${inside}`);
  return [`count:${count}, sum:${sum}`, ...parts].join(", ");
}

/** The samples of a row as lines of text, with their times where there are several. */
export function rowText(row: MatrixRow & VectorRow): string {
  if (row.value) return row.value[1];
  if (row.histogram) return histogramText(row.histogram[1]);
  return [
    ...(row.values ?? []).map(([time, value]): [number, string] => [time, value]),
    ...(row.histograms ?? []).map(([time, histogram]): [number, string] => [time, histogramText(histogram)]),
  ]
    .sort(([a], [b]) => a - b)
    .map(([time, text]) => `${text} @${time}`)
    .join("\n");
}

/** Points of `start…end` every `step` seconds; what a series lacks is null, and so is what cannot be drawn. */
export function toGrid(rows: readonly MatrixRow[], start: number, end: number, step: number): Grid {
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

/** Names must be unique to be keys: later twins get a number. */
export function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} ${count}`;
  });
}
