/** The values of one series at all steps of an evaluation, and the vectors that are made of such rows. */
import type { FloatHistogram, Labels } from "@pharos/model";

/** What a row holds at a step. */
export const NOTHING = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;

export class Row {
  /** One of NOTHING, FLOAT, HISTOGRAM for each step. */
  readonly kinds: Uint8Array;
  readonly values: Float64Array;
  /** Sparse; undefined until the first histogram. */
  histograms: (FloatHistogram | undefined)[] | undefined;
  /** Samples that this row counts for against the limit of the query at present. */
  held = 0;

  constructor(steps: number) {
    this.kinds = new Uint8Array(steps);
    this.values = new Float64Array(steps);
  }

  get steps(): number {
    return this.kinds.length;
  }

  setFloat(step: number, value: number): void {
    this.kinds[step] = FLOAT;
    this.values[step] = value;
  }

  setHistogram(step: number, histogram: FloatHistogram): void {
    this.histograms ??= [];
    this.histograms[step] = histogram;
    this.kinds[step] = HISTOGRAM;
  }

  set(step: number, sample: number | FloatHistogram): void {
    if (typeof sample === "number") this.setFloat(step, sample);
    else this.setHistogram(step, sample);
  }

  histogram(step: number): FloatHistogram | undefined {
    return this.kinds[step] === HISTOGRAM ? this.histograms![step] : undefined;
  }

  get isEmpty(): boolean {
    return !this.kinds.includes(FLOAT) && !(this.histograms && this.kinds.includes(HISTOGRAM));
  }

  /** Samples held; a histogram counts by its size. */
  get sampleCount(): number {
    const { kinds } = this;
    let count = 0;
    if (!this.histograms) {
      // FLOAT is 1.
      for (let i = 0; i < kinds.length; i++) count += kinds[i];
      return count;
    }
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] === FLOAT) count++;
      else if (kinds[i] === HISTOGRAM) count += histogramSize(this.histograms![i]!);
    }
    return count;
  }
}

/** A histogram counts as this many samples: its bytes in upstream's layout over the 16 bytes of a float sample. */
export function histogramSize(histogram: FloatHistogram): number {
  const words =
    histogram.positiveSpans.length +
    histogram.negativeSpans.length +
    histogram.positiveBuckets.length +
    histogram.negativeBuckets.length +
    histogram.customValues.length;
  return Math.trunc((176 + 8 * words) / 16);
}

export interface VectorSeries {
  labels: Labels;
  /** The metric name (and type and unit) is to be removed at the very end. */
  dropName: boolean;
}

/**
 * An instant vector at all steps: the series first, their rows one at a time. `read` may be called once per series, in
 * any order; a row belongs to its reader, who may change it. Undefined: no sample at any step.
 */
export interface VectorResult {
  series: VectorSeries[];
  read(index: number): Row | undefined;
}

export const EMPTY_VECTOR: VectorResult = { series: [], read: () => undefined };

export interface SeriesRow extends VectorSeries {
  row: Row;
}
