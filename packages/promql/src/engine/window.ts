/** The samples of one series that a range selector covers at one step, floats and histograms apart. */
import type { FloatHistogram, Labels, SampleBuffer } from "@pharos/model";
import type { Position } from "../parser/ast.ts";
import type { Context } from "./context.ts";
import { histogramSize } from "./row.ts";

/** Samples of one kind in columns; a window is the part from `from` up to but not including `to`. */
export class Column<T extends { [index: number]: unknown }> {
  timestamps: Float64Array;
  samples: T;
  /** 0 where unknown; undefined when none of the series is known or they are not to be used. */
  starts: Float64Array | undefined;
  length = 0;
  from = 0;
  to = 0;

  constructor(timestamps: Float64Array, samples: T) {
    this.timestamps = timestamps;
    this.samples = samples;
  }

  /** Moves the window to the samples after `after` up to and including `until`. Windows only move forward. */
  slide(after: number, until: number): void {
    const { timestamps, length } = this;
    let { from, to } = this;
    while (to < length && timestamps[to] <= until) to++;
    while (from < to && timestamps[from] <= after) from++;
    this.from = from;
    this.to = to;
  }

  get size(): number {
    return this.to - this.from;
  }
}

export class Window {
  readonly context: Context;
  readonly floats = new Column<Float64Array>(new Float64Array(0), new Float64Array(0));
  readonly histograms = new Column<FloatHistogram[]>(new Float64Array(0), []);
  #series: { readonly labels: Labels } | undefined;
  /** Position of the range selector in the query, or of the first argument. */
  readonly position: Position;
  /** Scalar arguments of the function, one value a step. */
  scalars: Float64Array[] = [];
  /** Begin (exclusive) and end (inclusive) of the range in ms. */
  start = 0;
  end = 0;
  /** Length of the range in ms. */
  range = 0;
  step = 0;
  /** Evaluation time in ms. */
  time = 0;
  anchored = false;
  smoothed = false;

  constructor(context: Context, position: Position) {
    this.context = context;
    this.position = position;
  }

  get metricName(): string {
    return this.labels.metricName;
  }

  get labels(): Labels {
    return this.#series!.labels;
  }

  /** Takes the samples of a series, staleness markers left out. */
  load(series: { readonly labels: Labels }, buffer: SampleBuffer, withStarts: boolean): void {
    this.#series = series;
    const { floats, histograms } = this;
    floats.from = floats.to = histograms.from = histograms.to = 0;
    const { timestamps, values, length } = buffer;
    const starts = withStarts ? buffer.startTimestamps : undefined;
    if (!buffer.histograms && !starts) {
      floats.timestamps = timestamps;
      floats.samples = values;
      floats.starts = undefined;
      floats.length = dropStale(buffer);
      histograms.timestamps = EMPTY;
      histograms.samples = [];
      histograms.length = 0;
      return;
    }
    let kept = 0;
    const hists: FloatHistogram[] = [];
    const histogramTimes: number[] = [];
    const histogramStarts: number[] = [];
    for (let i = 0; i < length; i++) {
      // A marker is a NaN, or a histogram.
      if ((Number.isNaN(values[i]) || buffer.histograms?.[i]) && buffer.isStale(i)) continue;
      const histogram = buffer.histograms?.[i];
      if (histogram) {
        hists.push(histogram);
        histogramTimes.push(timestamps[i]);
        if (starts) histogramStarts.push(starts[i]);
        continue;
      }
      if (kept !== i) {
        timestamps[kept] = timestamps[i];
        values[kept] = values[i];
        if (starts) starts[kept] = starts[i];
      }
      kept++;
    }
    floats.timestamps = timestamps;
    floats.samples = values;
    floats.starts = starts;
    floats.length = kept;
    histograms.timestamps = hists.length > 0 ? Float64Array.from(histogramTimes) : EMPTY;
    histograms.samples = hists;
    histograms.starts = starts ? Float64Array.from(histogramStarts) : undefined;
    histograms.length = hists.length;
  }

  slide(after: number, until: number): void {
    this.floats.slide(after, until);
    this.histograms.slide(after, until);
  }

  get isEmpty(): boolean {
    return this.floats.from === this.floats.to && this.histograms.from === this.histograms.to;
  }

  /** How much the window counts against the sample limit. */
  get sampleCount(): number {
    const { floats, histograms } = this;
    let count = floats.to - floats.from;
    for (let i = histograms.from; i < histograms.to; i++) count += histogramSize(histograms.samples[i]);
    return count;
  }
}

const EMPTY = new Float64Array(0);

/** Closes the gaps of staleness markers in a buffer of floats; how many samples are left. */
function dropStale(buffer: SampleBuffer): number {
  if (!buffer.mayBeStale) return buffer.length;
  const { timestamps, values, length } = buffer;
  let i = 0;
  while (i < length && !(Number.isNaN(values[i]) && buffer.isStale(i))) i++;
  let kept = i;
  for (; i < length; i++) {
    if (Number.isNaN(values[i]) && buffer.isStale(i)) continue;
    timestamps[kept] = timestamps[i];
    values[kept++] = values[i];
  }
  return kept;
}
