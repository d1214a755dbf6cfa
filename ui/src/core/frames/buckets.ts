/** Counts in buckets: heatmaps from Prometheus histograms or from plain values, and histograms of values. */
import type { Frame, NumberField } from "./frame.ts";

export interface BucketRow {
  label: string;
  /** Bounds of the values that fall into the bucket; the lower one of the first may be -Infinity. */
  low: number;
  high: number;
}

export interface Heatmap {
  /** Unix ms of each column, ascending. */
  times: number[];
  /** From the lowest bucket up. */
  rows: BucketRow[];
  /** `counts[row * times.length + column]`; NaN where nothing is known. */
  counts: Float64Array;
  max: number;
}

interface Column {
  name: string;
  le: number | undefined;
  times: Float64Array;
  values: Float64Array;
}

function bound(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

function columnsOf(frames: readonly Frame[]): Column[] {
  return frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === "time");
    if (!time || time.type === "string") return [];
    return frame.fields
      .filter((field): field is NumberField => field.type === "number")
      .map((field) => ({
        name: field.displayName ?? field.name,
        le: bound(field.labels?.le) ?? bound(field.displayName),
        times: time.values,
        values: field.values,
      }));
  });
}

function gather(columns: readonly Column[]): { times: number[]; place: Map<number, number> } {
  const times = [...new Set(columns.flatMap((column) => [...column.times]))].sort((a, b) => a - b);
  return { times, place: new Map(times.map((time, i) => [time, i])) };
}

function largest(counts: Float64Array): number {
  let max = 0;
  for (const count of counts) if (count > max) max = count;
  return max;
}

/**
 * Series that are buckets already, by their `le` or else by their names in the order they come. `cumulative` ones
 * (Prometheus' classic histograms) are taken apart: each loses what the one below it has.
 */
export function bucketSeries(frames: readonly Frame[], cumulative: boolean): Heatmap {
  const columns = columnsOf(frames);
  const byBound = columns.every(({ le }) => le !== undefined);
  if (byBound) columns.sort((a, b) => a.le! - b.le!);
  const { times, place } = gather(columns);
  const counts = new Float64Array(columns.length * times.length).fill(Number.NaN);
  for (const [row, column] of columns.entries()) {
    for (let i = 0; i < column.times.length; i++)
      counts[row * times.length + place.get(column.times[i]!)!] = column.values[i]!;
  }
  if (cumulative && byBound) {
    for (let row = columns.length - 1; row > 0; row--) {
      for (let at = 0; at < times.length; at++) {
        const below = counts[(row - 1) * times.length + at]!;
        const index = row * times.length + at;
        // Buckets of one histogram are not scraped at one instant of the rate: a small negative difference is nothing.
        if (!Number.isNaN(below)) counts[index] = Math.max(0, counts[index]! - below);
      }
    }
  }
  const rows = columns.map(({ name, le }, row) => ({
    label: byBound && le === Number.POSITIVE_INFINITY ? "+Inf" : name,
    low: byBound ? (columns[row - 1]?.le ?? Number.NEGATIVE_INFINITY) : row,
    high: byBound ? le! : row + 1,
  }));
  return { times, rows, counts, max: largest(counts) };
}

/** A round number of 1, 2 or 5 times a power of ten, not below the wanted one. */
function roundUp(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= wanted * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

function extent(columns: readonly { values: Float64Array }[]): { low: number; high: number } | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { values } of columns) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? { low, high } : undefined;
}

/** A size that gives more buckets than this is not what anybody wants to see; the last bucket holds the rest. */
const MOST = 200;

function equalBuckets(columns: readonly Column[], wanted: number, size?: number): BucketRow[] {
  const range = extent(columns);
  if (!range) return [];
  // Bounds closer than the numbers' own precision would be one bound.
  const finest = Math.max(Math.abs(range.low), Math.abs(range.high)) * 1e-9 || 1;
  const spread = (range.high - range.low || Math.abs(range.high)) / wanted;
  const width = size && size > 0 ? size : roundUp(Math.max(spread, finest, Number.MIN_VALUE * 2 ** 60));
  const first = Math.floor(range.low / width);
  const count = Math.min(MOST, Math.max(1, Math.floor(range.high / width) - first + 1));
  return Array.from({ length: count }, (_, i) => ({
    label: String(Number(((first + i) * width).toPrecision(12))),
    low: (first + i) * width,
    high: (first + i + 1) * width,
  }));
}

/** Values counted into equal buckets at each time. */
export function bucketValues(frames: readonly Frame[], wanted = 20, size?: number): Heatmap {
  const columns = columnsOf(frames);
  const rows = equalBuckets(columns, wanted, size);
  const { times, place } = gather(columns);
  const counts = new Float64Array(rows.length * times.length);
  const width = rows.length > 0 ? rows[0]!.high - rows[0]!.low : 1;
  for (const column of columns) {
    for (let i = 0; i < column.times.length; i++) {
      const value = column.values[i]!;
      if (!Number.isFinite(value)) continue;
      const row = Math.min(rows.length - 1, Math.max(0, Math.floor((value - rows[0]!.low) / width)));
      counts[row * times.length + place.get(column.times[i]!)!]! += 1;
    }
  }
  return { times, rows, counts, max: largest(counts) };
}

export interface HistogramSeries {
  name: string;
  counts: number[];
}

/** How often values fall into equal buckets, all times together; one row of counts per series. */
export function histogramOf(
  frames: readonly Frame[],
  wanted = 30,
  size?: number,
): { buckets: BucketRow[]; series: HistogramSeries[] } {
  const columns = columnsOf(frames);
  const buckets = equalBuckets(columns, wanted, size);
  const width = buckets.length > 0 ? buckets[0]!.high - buckets[0]!.low : 1;
  const series = columns.map(({ name, values }) => {
    const counts = new Array<number>(buckets.length).fill(0);
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      counts[Math.min(buckets.length - 1, Math.max(0, Math.floor((value - buckets[0]!.low) / width)))]! += 1;
    }
    return { name, counts };
  });
  return { buckets, series };
}
