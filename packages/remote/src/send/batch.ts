/** What is sent in one request: rows of samples, histograms and exemplars, in columns that are used again. */
import {
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  LOW_WORD,
  type MetricMetadata,
} from "@pharos/model";
import type { Place } from "./positions.ts";

/** A series as it is sent: with external labels, and relabelled. */
export interface SentSeries {
  /** undefined when relabelling dropped it. */
  labels: Labels | undefined;
  /** The labels as fields of a 1.0 TimeSeries, made at first use. */
  encoded: Uint8Array | undefined;
  metadata: MetricMetadata | undefined;
  /** The last segment of the log that named it. */
  segment: number;
}

export type RowValue = IntHistogram | FloatHistogram | Exemplar | undefined;

export class Batch {
  count = 0;
  samples = 0;
  histograms = 0;
  exemplars = 0;
  readonly series: SentSeries[];
  readonly times: Float64Array;
  readonly words: Uint32Array;
  /** Start timestamps, 0 when unknown. */
  readonly starts: Float64Array;
  /** Histograms and exemplars; undefined for a float. */
  readonly objects: RowValue[];
  /** Behind the last row. */
  end: Place = { segment: 0, offset: 0, entry: 0 };
  /** It was being sent when an earlier run ended: the receiver may have it. */
  uncertain = false;
  /** When its first row came, Unix ms. */
  since = 0;

  constructor(capacity: number) {
    this.series = new Array<SentSeries>(capacity);
    this.times = new Float64Array(capacity);
    this.words = new Uint32Array(2 * capacity);
    this.starts = new Float64Array(capacity);
    this.objects = new Array<RowValue>(capacity);
  }

  get isFull(): boolean {
    return this.count === this.times.length;
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.objects[i] = undefined;
    this.count = this.samples = this.histograms = this.exemplars = 0;
    this.uncertain = false;
  }

  #row(series: SentSeries, time: number, start: number): number {
    if (this.count === 0) this.since = Date.now();
    this.series[this.count] = series;
    this.times[this.count] = time;
    this.starts[this.count] = start;
    return this.count++;
  }

  sample(series: SentSeries, time: number, high: number, low: number, start: number): void {
    const row = this.#row(series, time, start);
    this.words[2 * row + 1 - LOW_WORD] = high;
    this.words[2 * row + LOW_WORD] = low;
    this.objects[row] = undefined;
    this.samples++;
  }

  histogram(series: SentSeries, time: number, histogram: IntHistogram | FloatHistogram, start: number): void {
    this.objects[this.#row(series, time, start)] = histogram;
    this.histograms++;
  }

  exemplar(series: SentSeries, exemplar: Exemplar): void {
    this.objects[this.#row(series, exemplar.timestamp ?? 0, 0)] = exemplar;
    this.exemplars++;
  }

  /** Takes out rows older than `oldest`; answers how many of each kind. */
  dropOlder(oldest: number): { samples: number; histograms: number; exemplars: number } {
    const before = { samples: this.samples, histograms: this.histograms, exemplars: this.exemplars };
    const { count, series, times, words, starts, objects } = this;
    this.count = this.samples = this.histograms = this.exemplars = 0;
    for (let row = 0; row < count; row++) {
      if (times[row] < oldest) continue;
      const object = objects[row];
      if (object === undefined)
        this.sample(series[row], times[row], words[2 * row + 1 - LOW_WORD], words[2 * row + LOW_WORD], starts[row]);
      else if ("kind" in object) this.histogram(series[row], times[row], object, starts[row]);
      else this.exemplar(series[row], object);
    }
    for (let row = this.count; row < count; row++) objects[row] = undefined;
    return {
      samples: before.samples - this.samples,
      histograms: before.histograms - this.histograms,
      exemplars: before.exemplars - this.exemplars,
    };
  }
}
