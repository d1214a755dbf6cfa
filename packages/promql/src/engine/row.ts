/** The values of one series at all steps of an evaluation, and the vectors that are made of such rows. */
import type { FloatHistogram, LabelColumns, Labels } from "@pharos/model";

/** What a row holds at a step. */
export const NOTHING = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;

/** A value and a kind. */
export const CELL_BYTES = 9;

const FIRST_SLAB = 4096;
const LARGEST_SLAB = 256 * 1024;
/** Arrays of up to 64 bytes lie in JavaScript's own heap, and are made faster than views of a buffer. */
const SMALL_STEPS = 8;

/**
 * Makes rows that share buffers: an array buffer costs more than all else about a row, and a query may have thousands.
 * The buffers go with the rows of one evaluation.
 */
export class RowMaker {
  readonly #steps: number;
  readonly #bytes: number;
  #slab: ArrayBuffer | undefined;
  #used = 0;
  #nextSlab = FIRST_SLAB;

  constructor(steps: number) {
    this.#steps = steps;
    this.#bytes = Math.ceil((steps * CELL_BYTES) / 8) * 8;
  }

  make(): Row {
    if (this.#steps <= SMALL_STEPS || this.#bytes > LARGEST_SLAB / 8) return new Row(this.#steps);
    if (!this.#slab || this.#used + this.#bytes > this.#slab.byteLength) {
      this.#slab = new ArrayBuffer(Math.max(this.#bytes, this.#nextSlab));
      this.#used = 0;
      this.#nextSlab = Math.min(LARGEST_SLAB, this.#nextSlab * 4);
    }
    const row = new Row(this.#steps, this.#slab, this.#used);
    this.#used += this.#bytes;
    return row;
  }
}

export class Row {
  /** One of NOTHING, FLOAT, HISTOGRAM for each step. */
  readonly kinds: Uint8Array;
  readonly values: Float64Array;
  /** Sparse; undefined until the first histogram. */
  histograms: (FloatHistogram | undefined)[] | undefined;
  /** Samples that this row counts for against the limit of the query at present. */
  held = 0;
  /** Bytes that it counts for. */
  bytes = 0;

  /** In arrays of its own, or from `offset` (a multiple of 8) on in a zeroed buffer that it shares. */
  constructor(steps: number, buffer?: ArrayBuffer, offset = 0) {
    if (buffer) {
      this.values = new Float64Array(buffer, offset, steps);
      this.kinds = new Uint8Array(buffer, offset + steps * Float64Array.BYTES_PER_ELEMENT, steps);
    } else {
      this.values = new Float64Array(steps);
      this.kinds = new Uint8Array(steps);
    }
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
  /** May be made when it is asked for. */
  readonly labels: Labels;
  /** The metric name (and type and unit) is to be removed at the very end. */
  readonly dropName: boolean;
}

/** Undefined: no sample at any step. A promise where a single row is so much work that others get their turn meanwhile. */
export type RowAnswer = Row | undefined | Promise<Row | undefined>;

/**
 * An instant vector at all steps: the series first, their rows one at a time. `read` may be called once per series, in
 * any order, the next time when the last answer has come; a row belongs to its reader, who may change it.
 */
export interface VectorResult {
  series: VectorSeries[];
  /** The labels of the series as columns, where the storage has them and they are still the same. */
  columns?: LabelColumns | undefined;
  read(index: number): RowAnswer;
}

/** A vector with each row changed on its way; `change` may answer undefined for none. */
export function changeRows(
  { series, columns }: Pick<VectorResult, "series" | "columns">,
  vector: VectorResult,
  change: (row: Row, index: number) => Row | undefined,
): VectorResult {
  return {
    series,
    columns,
    read: (index) => {
      const answer = vector.read(index);
      if (answer instanceof Promise) return answer.then((row) => row && change(row, index));
      return answer && change(answer, index);
    },
  };
}

export const EMPTY_VECTOR: VectorResult = { series: [], read: () => undefined };

export interface SeriesRow extends VectorSeries {
  labels: Labels;
  dropName: boolean;
  row: Row;
}
