/**
 * Growable columns of samples, reused from series to series so that decoding allocates nothing.
 * A row is a float (`values[i]`, possibly a staleness marker) or a histogram (`histograms[i]`).
 */
import type { FloatHistogram } from "./histogram.ts";
import { isStale, setStale } from "./stale.ts";

export class SampleBuffer {
  length = 0;
  /** False: no row is a staleness marker, nobody needs to look. Who writes the columns without `push` sets it in doubt. */
  mayBeStale = false;
  timestamps: Float64Array;
  values: Float64Array;
  /** The same bytes as `values`, for staleness markers. */
  words: Uint32Array;
  /** Sparse: undefined until the first histogram is pushed after `clear`. */
  histograms: (FloatHistogram | undefined)[] | undefined;
  /** Start timestamps in ms, 0 when unknown; undefined until the first one is pushed after `clear`. */
  startTimestamps: Float64Array | undefined;

  constructor(capacity = 256) {
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Uint32Array(this.values.buffer);
  }

  clear(): void {
    this.length = 0;
    this.mayBeStale = false;
    this.histograms = undefined;
    this.startTimestamps = undefined;
  }

  /** Makes room for `more` further rows; bulk decoders then write the columns themselves and raise `length`. */
  reserve(more: number): void {
    const need = this.length + more;
    if (need <= this.timestamps.length) return;
    const capacity = Math.max(need, this.timestamps.length * 2);
    const timestamps = new Float64Array(capacity);
    timestamps.set(this.timestamps);
    const values = new Float64Array(capacity);
    const words = new Uint32Array(values.buffer);
    words.set(this.words);
    this.timestamps = timestamps;
    this.values = values;
    this.words = words;
    if (this.startTimestamps) {
      const startTimestamps = new Float64Array(capacity);
      startTimestamps.set(this.startTimestamps);
      this.startTimestamps = startTimestamps;
    }
  }

  push(timestamp: number, value: number): void {
    this.reserve(1);
    if (Number.isNaN(value)) this.mayBeStale = true;
    this.timestamps[this.length] = timestamp;
    this.values[this.length++] = value;
  }

  pushStale(timestamp: number): void {
    this.reserve(1);
    this.mayBeStale = true;
    this.timestamps[this.length] = timestamp;
    setStale(this.words, this.length++);
  }

  pushHistogram(timestamp: number, histogram: FloatHistogram): void {
    this.reserve(1);
    if (histogram.stale) this.mayBeStale = true;
    this.histograms ??= [];
    this.histograms[this.length] = histogram;
    this.timestamps[this.length] = timestamp;
    this.values[this.length++] = 0;
  }

  /** Start timestamp of the row pushed last. */
  setStartTimestamp(startTimestamp: number): void {
    this.startTimestamps ??= new Float64Array(this.timestamps.length);
    this.startTimestamps[this.length - 1] = startTimestamp;
  }

  /** Whether row `index` is a staleness marker, float or histogram. */
  isStale(index: number): boolean {
    return this.histograms?.[index]?.stale === true || isStale(this.words, index);
  }
}
