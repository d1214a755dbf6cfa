/**
 * One transaction: samples are collected in columns, written to the log, and only then put into the series. The columns are
 * reused from transaction to transaction.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type Appender,
  AppendResult,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  LOW_WORD,
  type MetricMetadata,
  setStale,
} from "@pharos/model";
import type { HistogramRecord } from "../wal/histogram-records.ts";
import type { ExemplarRecord } from "../wal/records.ts";
import { SampleColumns } from "../wal/sample-columns.ts";
import type { Head } from "./head.ts";
import { LAST_TIME, PENDING_FLOAT, PENDING_HISTOGRAM, PENDING_TIME, REF } from "./series-table.ts";

/** Samples of a transaction with the numbers of their series. */
export class SampleBatch extends SampleColumns {
  series = new Uint32Array(1024);

  override reserve(): void {
    super.reserve();
    if (this.series.length === this.refs.length) return;
    const series = new Uint32Array(this.refs.length);
    series.set(this.series);
    this.series = series;
  }
}

/** A stretch of a transaction in which no series has both floats and histograms: their records cannot change places. */
export interface Stretch {
  /** Rows of the batch before this one belong to it or to earlier stretches; the same for histograms. */
  samples: number;
  histograms: number;
}

/** Where a sample goes, beside the codes of `AppendResult`. */
const IN_ORDER = -1;
/** Behind newer samples, inside the out-of-order window. */
const LATE = -2;
const SAME_AS_LAST = -3;
const SAME_AS_PENDING = -4;
type Place = typeof IN_ORDER | typeof LATE | typeof SAME_AS_LAST | typeof SAME_AS_PENDING;

export interface PendingHistogram extends HistogramRecord {
  series: number;
}

/** What a histogram was when it began; of the same layout, so that no new chunk is needed. */
function zeroOf({
  kind,
  schema,
  zeroThreshold,
  customValues,
}: IntHistogram | FloatHistogram): IntHistogram | FloatHistogram {
  const base = {
    counterResetHint: "reset" as const,
    schema,
    zeroThreshold,
    customValues,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
  };
  return kind === "int"
    ? { kind, ...base, positiveDeltas: [], negativeDeltas: [] }
    : { kind, ...base, positiveBuckets: [], negativeBuckets: [] };
}

export class HeadAppender implements Appender {
  readonly #head: Head;
  readonly batch: SampleBatch;
  readonly metadata: { series: number; ref: number; metadata: MetricMetadata }[] = [];
  readonly exemplars: (ExemplarRecord & { series: number })[] = [];
  readonly histograms: PendingHistogram[] = [];
  readonly stretches: Stretch[] = [];
  /** Rows and histograms that come behind newer samples of their series, ascending. */
  readonly lateRows: number[] = [];
  readonly lateHistograms: number[] = [];
  /** Start timestamp for the next sample of this series at this time. */
  #start = 0;
  #startHandle = 0;
  #startTime = 0;
  /** What the scrape pool, or whoever else reports these series, is called. */
  readonly source: number;
  #open = true;

  constructor(head: Head, batch: SampleBatch, source: number) {
    this.#head = head;
    this.batch = batch;
    this.source = source;
    batch.count = 0;
    batch.hasStarts = head.options.storeStarts;
  }

  series(labels: Labels, hint = 0): number {
    const { table } = this.#head.store;
    // The caller vouches for a hint's labels as long as the handle lives.
    if (hint !== 0 && table.resolve(hint) >= 0) return hint;
    const known = table.find(labels);
    if (known >= 0) return table.handle(known);
    const made = this.#head.create(labels, this.source);
    return made < 0 ? 0 : table.handle(made);
  }

  append(handle: number, timestamp: number, value: number): AppendResult {
    const series = this.#head.store.table.resolve(handle);
    if (series < 0) return this.#unknown();
    const { batch } = this;
    const head = this.#head;
    if (batch.count === batch.series.length) batch.reserve();
    if (head.ready && !head.hasHistograms && !batch.hasStarts && this.#startHandle === 0) {
      // The usual way, of nearly all samples: `#take` without what cannot be.
      const { f64 } = head.store.table.hot;
      const at = 8 * series;
      if (timestamp > f64[at + LAST_TIME] && timestamp > f64[at + PENDING_TIME] && timestamp >= head.minValidTime) {
        f64[at + PENDING_TIME] = timestamp;
        const row = batch.count++;
        batch.series[row] = series;
        batch.refs[row] = f64[at + REF];
        batch.times[row] = timestamp;
        batch.values[row] = value;
        return AppendResult.ok;
      }
    }
    if (this.#startHandle !== 0) this.#begin(handle, series, timestamp, undefined);
    else this.#start = 0;
    batch.reserve();
    batch.values[batch.count] = value;
    return this.#take(series, timestamp);
  }

  appendStale(handle: number, timestamp: number): AppendResult {
    const series = this.#head.store.table.resolve(handle);
    if (series < 0) return this.#unknown();
    const { batch } = this;
    if (this.#startHandle !== 0) this.#begin(handle, series, timestamp, undefined);
    else this.#start = 0;
    batch.reserve();
    setStale(batch.words, batch.count);
    return this.#take(series, timestamp);
  }

  appendHistogram(handle: number, timestamp: number, histogram: IntHistogram | FloatHistogram): AppendResult {
    const { store } = this.#head;
    const series = store.table.resolve(handle);
    if (series < 0) return this.#unknown();
    if (this.#startHandle !== 0) this.#begin(handle, series, timestamp, histogram);
    else this.#start = 0;
    const place = this.#place(series, timestamp);
    if (place === IN_ORDER || place === LATE) return this.#pushHistogram(series, timestamp, histogram, place);
    if (place !== SAME_AS_LAST && place !== SAME_AS_PENDING) return place;
    const taken =
      place === SAME_AS_PENDING
        ? this.histograms.findLast((entry) => entry.series === series)?.histogram
        : store.lastHistogram(series);
    return taken && isDeepStrictEqual(taken, histogram) ? AppendResult.ok : AppendResult.duplicate;
  }

  /** Counts for the next sample of the series, which must have this time; passed over where the database keeps none. */
  appendStartTimestamp(handle: number, timestamp: number, start: number): AppendResult {
    const { storeStarts, zeroAtStart } = this.#head.options;
    if (!storeStarts && !zeroAtStart) return AppendResult.ok;
    this.#startHandle = handle;
    this.#startTime = timestamp;
    this.#start = start;
    return AppendResult.ok;
  }

  appendExemplar(handle: number, { labels, value, timestamp }: Exemplar): AppendResult {
    const { table } = this.#head.store;
    const series = table.resolve(handle);
    if (series < 0) return this.#unknown();
    const ref = table.hot.f64[8 * series + REF];
    this.exemplars.push({ series, ref, labels, value, timestamp: timestamp ?? 0 });
    return AppendResult.ok;
  }

  updateMetadata(handle: number, metadata: MetricMetadata): void {
    const { store } = this.#head;
    const series = store.table.resolve(handle);
    if (series < 0) return;
    const old = store.metadataOf(series);
    if (old && old.type === metadata.type && old.help === metadata.help && old.unit === metadata.unit) return;
    this.metadata.push({ series, ref: store.table.hot.f64[8 * series + REF], metadata });
  }

  commit(): void {
    this.#finish();
    this.#forget();
    try {
      this.#head.commit(this);
    } finally {
      this.#head.released(this.batch);
    }
  }

  rollback(): void {
    this.#finish();
    this.#forget();
    this.#head.released(this.batch);
  }

  #finish(): void {
    if (!this.#open) throw new Error("the transaction has ended");
    this.#open = false;
    this.stretches.push({ samples: this.batch.count, histograms: this.histograms.length });
  }

  /** The series are no longer part of a transaction. */
  #forget(): void {
    const { series, count } = this.batch;
    const head = this.#head;
    if (head.hasHistograms) for (let i = 0; i < count; i++) this.#forgetSeries(series[i]);
    else {
      const { f64 } = head.store.table.hot;
      for (let i = 0; i < count; i++) f64[8 * series[i] + PENDING_TIME] = Number.NEGATIVE_INFINITY;
    }
    for (const entry of this.histograms) this.#forgetSeries(entry.series);
  }

  #forgetSeries(series: number): void {
    const { table } = this.#head.store;
    table.hot.f64[8 * series + PENDING_TIME] = Number.NEGATIVE_INFINITY;
    table.clear(series, PENDING_FLOAT | PENDING_HISTOGRAM);
  }

  /** Takes the row whose value is in the batch already, or says why not. */
  #take(series: number, timestamp: number): AppendResult {
    const place = this.#place(series, timestamp);
    if (place === IN_ORDER) {
      this.#head.store.table.hot.f64[8 * series + PENDING_TIME] = timestamp;
      return this.#row(series, timestamp);
    }
    if (place === LATE) {
      this.lateRows.push(this.batch.count);
      return this.#row(series, timestamp);
    }
    if (place !== SAME_AS_LAST && place !== SAME_AS_PENDING) return place;
    const { batch } = this;
    const high = batch.words[2 * batch.count + 1 - LOW_WORD];
    const low = batch.words[2 * batch.count + LOW_WORD];
    const same =
      place === SAME_AS_LAST ? this.#head.store.isLastFloat(series, high, low) : this.#isPending(series, high, low);
    return same ? AppendResult.ok : AppendResult.duplicate;
  }

  /** Where a sample of this time goes, or why it may not go in. */
  #place(series: number, timestamp: number): Place | AppendResult {
    const head = this.#head;
    const { f64 } = head.store.table.hot;
    const pending = f64[8 * series + PENDING_TIME];
    // While the log is replayed, what is the newest sample is not known yet; replay leaves out what does not fit.
    const last = head.ready ? f64[8 * series + LAST_TIME] : Number.NEGATIVE_INFINITY;
    if (timestamp > last && timestamp > pending && timestamp >= head.minValidTime) return IN_ORDER;
    if (timestamp === last) return SAME_AS_LAST;
    if (timestamp === pending) return SAME_AS_PENDING;
    const refused = head.late.refuses(timestamp, head.minValidTime);
    if (refused === undefined) return LATE;
    if (refused === AppendResult.tooOld) head.refusals.tooOld++;
    else if (refused === AppendResult.outOfBounds) head.refusals.outOfBounds++;
    else head.refusals.outOfOrder++;
    return refused;
  }

  #row(series: number, timestamp: number): AppendResult {
    const { table } = this.#head.store;
    if (this.#head.hasHistograms) {
      if (table.has(series, PENDING_HISTOGRAM)) this.#nextStretch();
      table.set(series, PENDING_FLOAT);
    }
    const { batch } = this;
    const row = batch.count++;
    batch.series[row] = series;
    batch.refs[row] = table.hot.f64[8 * series + REF];
    batch.times[row] = timestamp;
    if (batch.hasStarts) {
      batch.starts[row] = this.#start;
      this.#start = 0;
    }
    return AppendResult.ok;
  }

  /** Takes the start timestamp that was given for this sample, if it was, and adds the zero that a counter began with. */
  #begin(
    handle: number,
    series: number,
    timestamp: number,
    histogram: IntHistogram | FloatHistogram | undefined,
  ): void {
    const start = this.#startHandle === handle && this.#startTime === timestamp ? this.#start : 0;
    this.#startHandle = 0;
    this.#start = 0;
    if (start === 0) return;
    const head = this.#head;
    if (head.options.zeroAtStart && head.mayBegin(start, timestamp) && this.#place(series, start) === IN_ORDER) {
      if (histogram) this.#pushHistogram(series, start, zeroOf(histogram), IN_ORDER);
      else {
        const { batch } = this;
        batch.reserve();
        batch.values[batch.count] = 0;
        head.store.table.hot.f64[8 * series + PENDING_TIME] = start;
        this.#row(series, start);
      }
    }
    this.#start = start;
  }

  #pushHistogram(
    series: number,
    timestamp: number,
    histogram: IntHistogram | FloatHistogram,
    place: Place,
  ): AppendResult {
    const { table } = this.#head.store;
    if (!this.#head.hasHistograms) {
      this.#head.hasHistograms = true;
      for (let i = 0; i < this.batch.count; i++) table.set(this.batch.series[i], PENDING_FLOAT);
    }
    if (table.has(series, PENDING_FLOAT)) this.#nextStretch();
    table.set(series, PENDING_HISTOGRAM);
    if (place === LATE) this.lateHistograms.push(this.histograms.length);
    const start = this.batch.hasStarts ? this.#start : undefined;
    this.#start = 0;
    this.histograms.push({ series, ref: table.hot.f64[8 * series + REF], time: timestamp, histogram, start });
    if (place === IN_ORDER) table.hot.f64[8 * series + PENDING_TIME] = timestamp;
    return AppendResult.ok;
  }

  #nextStretch(): void {
    this.stretches.push({ samples: this.batch.count, histograms: this.histograms.length });
    const { table } = this.#head.store;
    const { series, count } = this.batch;
    for (let i = 0; i < count; i++) table.clear(series[i], PENDING_FLOAT);
    for (const entry of this.histograms) table.clear(entry.series, PENDING_HISTOGRAM);
  }

  #unknown(): AppendResult {
    this.#head.notFound++;
    return AppendResult.unknownSeries;
  }

  #isPending(series: number, high: number, low: number): boolean {
    const { batch } = this;
    for (let i = batch.count - 1; i >= 0; i--) {
      if (batch.series[i] === series) {
        return batch.words[2 * i + 1 - LOW_WORD] === high && batch.words[2 * i + LOW_WORD] === low;
      }
    }
    return false;
  }
}
