/**
 * One transaction: samples are collected in columns, written to the log as one record of each kind, and only then put into
 * the series. The sample columns are reused from transaction to transaction.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type Appender,
  AppendResult,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  type MetricMetadata,
  setStale,
} from "@pharos/model";
import type { HistogramRecord } from "../wal/histogram-records.ts";
import type { ExemplarRecord, SampleColumns } from "../wal/records.ts";
import type { Head } from "./head.ts";
import type { MemSeries } from "./series.ts";

const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/** Columns that grow and are used again. */
export class SampleBatch implements SampleColumns {
  count = 0;
  refs = new Float64Array(1024);
  times = new Float64Array(1024);
  values = new Float64Array(1024);
  words = new Uint32Array(this.values.buffer);
  series: MemSeries[] = [];

  clear(): void {
    this.count = 0;
    this.series.length = 0;
  }

  /** Makes room for one more row. */
  reserve(): void {
    if (this.count < this.refs.length) return;
    const grow = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    this.refs = grow(this.refs);
    this.times = grow(this.times);
    const values = new Float64Array(this.values.length * 2);
    const words = new Uint32Array(values.buffer);
    // By words: a NaN's payload must not pass through a number.
    words.set(this.words);
    this.values = values;
    this.words = words;
  }
}

export class HeadAppender implements Appender {
  readonly #head: Head;
  readonly #batch: SampleBatch;
  readonly #metadata: { ref: number; metadata: MetricMetadata }[] = [];
  readonly #exemplars: ExemplarRecord[] = [];
  readonly #histograms: (HistogramRecord & { series: MemSeries })[] = [];
  #open = true;

  constructor(head: Head, batch: SampleBatch) {
    this.#head = head;
    this.#batch = batch;
  }

  series(labels: Labels, hint = 0): number {
    if (hint !== 0 && this.#head.byRef(hint)?.labels.equals(labels)) return hint;
    const known = this.#head.find(labels);
    if (known) return known.ref;
    const made = this.#head.create(labels);
    if (!made) return 0;
    return made.ref;
  }

  append(ref: number, timestamp: number, value: number): AppendResult {
    const { series, result } = this.#check(ref, timestamp);
    if (!series) return result;
    const row = this.#row(series, timestamp);
    this.#batch.values[row] = value;
    return this.#settle(series, row, timestamp);
  }

  appendStale(ref: number, timestamp: number): AppendResult {
    const { series, result } = this.#check(ref, timestamp);
    if (!series) return result;
    const row = this.#row(series, timestamp);
    setStale(this.#batch.words, row);
    return this.#settle(series, row, timestamp);
  }

  appendHistogram(ref: number, timestamp: number, histogram: IntHistogram | FloatHistogram): AppendResult {
    const { series, result } = this.#check(ref, timestamp);
    if (!series) return result;
    const taken =
      timestamp === series.pendingTime
        ? this.#histograms.findLast((entry) => entry.series === series)?.histogram
        : timestamp === series.lastTime
          ? series.lastHistogram
          : null;
    if (taken !== null) return taken && isDeepStrictEqual(taken, histogram) ? AppendResult.ok : AppendResult.duplicate;
    this.#histograms.push({ series, ref: series.ref, time: timestamp, histogram });
    series.pendingTime = timestamp;
    return AppendResult.ok;
  }

  /** Start timestamps are not stored: Prometheus' default encoding does not have them either. */
  appendStartTimestamp(_ref: number, _timestamp: number, _start: number): AppendResult {
    return AppendResult.ok;
  }

  appendExemplar(ref: number, { labels, value, timestamp }: Exemplar): AppendResult {
    if (!this.#head.byRef(ref)) return AppendResult.unknownSeries;
    this.#exemplars.push({ ref, labels, value, timestamp: timestamp ?? 0 });
    return AppendResult.ok;
  }

  updateMetadata(ref: number, metadata: MetricMetadata): void {
    const series = this.#head.byRef(ref);
    if (!series) return;
    const old = series.metadata;
    if (old && old.type === metadata.type && old.help === metadata.help && old.unit === metadata.unit) return;
    this.#metadata.push({ ref, metadata });
  }

  commit(): void {
    this.#finish();
    const batch = this.#batch;
    const created = this.#head.unlogged();
    try {
      this.#head.log(created, batch, this.#histograms, this.#metadata, this.#exemplars);
    } catch (error) {
      this.#forget();
      throw error;
    }
    for (const { ref } of created) this.#head.logged(ref);
    const { words, times } = batch;
    for (let i = 0; i < batch.count; i++) {
      const series = batch.series[i];
      series.pendingTime = Number.NEGATIVE_INFINITY;
      if (times[i] > series.lastTime) series.append(times[i], words[2 * i + 1 - LOW], words[2 * i + LOW]);
    }
    for (const { series, time, histogram } of this.#histograms) {
      series.pendingTime = Number.NEGATIVE_INFINITY;
      if (time > series.lastTime) series.appendHistogram(time, histogram);
    }
    this.#head.committed(batch, this.#histograms);
    for (const { ref, metadata } of this.#metadata) this.#head.setMetadata(ref, metadata);
    for (const exemplar of this.#exemplars) this.#head.exemplars.add(exemplar.ref, exemplar);
    batch.clear();
  }

  rollback(): void {
    this.#finish();
    this.#forget();
  }

  #finish(): void {
    if (!this.#open) throw new Error("the transaction has ended");
    this.#open = false;
    this.#head.released(this.#batch);
  }

  #forget(): void {
    for (const series of this.#batch.series) series.pendingTime = Number.NEGATIVE_INFINITY;
    for (const { series } of this.#histograms) series.pendingTime = Number.NEGATIVE_INFINITY;
    this.#batch.clear();
  }

  /** The series when the sample may go in, else why not. */
  #check(ref: number, timestamp: number): { series: MemSeries | undefined; result: AppendResult } {
    const series = this.#head.byRef(ref);
    if (!series) return { series: undefined, result: AppendResult.unknownSeries };
    if (timestamp < this.#head.minValidTime) return { series: undefined, result: AppendResult.outOfBounds };
    if (timestamp < Math.max(series.lastTime, series.pendingTime))
      return { series: undefined, result: AppendResult.outOfOrder };
    return { series, result: AppendResult.ok };
  }

  #row(series: MemSeries, timestamp: number): number {
    const batch = this.#batch;
    batch.reserve();
    const row = batch.count;
    batch.refs[row] = series.ref;
    batch.times[row] = timestamp;
    return row;
  }

  /** Takes the row, unless the series has a sample of that time already. */
  #settle(series: MemSeries, row: number, timestamp: number): AppendResult {
    const batch = this.#batch;
    const high = batch.words[2 * row + 1 - LOW];
    const low = batch.words[2 * row + LOW];
    if (timestamp === series.lastTime) {
      if (series.lastHistogram) return AppendResult.duplicate;
      return high === series.lastHigh >>> 0 && low === series.lastLow >>> 0 ? AppendResult.ok : AppendResult.duplicate;
    }
    if (timestamp === series.pendingTime)
      return this.#sameAsPending(series, high, low) ? AppendResult.ok : AppendResult.duplicate;
    batch.series.push(series);
    batch.count++;
    series.pendingTime = timestamp;
    return AppendResult.ok;
  }

  #sameAsPending(series: MemSeries, high: number, low: number): boolean {
    const batch = this.#batch;
    for (let i = batch.count - 1; i >= 0; i--) {
      if (batch.series[i] === series) return batch.words[2 * i + 1 - LOW] === high && batch.words[2 * i + LOW] === low;
    }
    return false;
  }
}
