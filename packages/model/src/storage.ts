/**
 * The storage contract: what PromQL, rules, scraping and the API know of a database. `tsdb` implements it; remote read
 * and fan-out will as well. Times are Unix milliseconds (integers), ranges are inclusive at both ends.
 *
 * Reading is labels first, samples later: `select` names the series, each one is then decoded straight into a reused
 * `SampleBuffer`. Appending returns codes instead of throwing, because refusals are part of a normal scrape.
 */
import type { FloatHistogram, IntHistogram } from "./histogram.ts";
import type { Labels } from "./labels.ts";
import type { Matcher } from "./matcher.ts";
import type { MetricMetadata } from "./metadata.ts";
import type { SampleBuffer } from "./sample-buffer.ts";

/** What the reader is going to do; a storage may use it to read less, never to return less than was asked. */
export interface SelectHints {
  start: number;
  end: number;
  /** Resolution of the query in ms, 0 for an instant query. */
  step?: number;
  /** Surrounding function or aggregation, as `rate` or `sum`; `series` when only labels are wanted. */
  func?: string;
  /** Length of the range selector in ms. */
  range?: number;
  /** Maximum number of series; more may exist. 0 or absent: no limit. */
  limit?: number;
}

/** Readable for as long as the querier it comes from is open. */
export interface StoredSeries {
  /** May be made when it is asked for. */
  readonly labels: Labels;
  /** Appends all samples with mint <= t <= maxt, in order of time, staleness markers included. */
  read(mint: number, maxt: number, out: SampleBuffer): void;
  /** Appends only the newest of them, if there is one: less work than reading all. */
  readNewest?(mint: number, maxt: number, out: SampleBuffer): void;
}

/** A label of many series: that of series i is `values[numbers[i]]`. values[0] is "", the others are different from each other. */
export interface LabelColumn {
  readonly numbers: Uint32Array;
  readonly values: readonly string[];
}

/** Labels of a list of series without a label set for each: for who needs a few labels of many. */
export interface LabelColumns {
  column(name: string): LabelColumn;
  /** Every label name of any of the series, sorted. */
  names(): string[];
}

/** Selected series. A storage that keeps labels as numbers gives columns of them as well, for as long as its querier is open. */
export interface SeriesList extends ReadonlyArray<StoredSeries> {
  readonly labelColumns?: LabelColumns;
}

export interface Querier extends Disposable {
  /** What went wrong so far without making the answers useless, as a remote storage that could not be asked. */
  readonly warnings?: readonly string[];
  /** Series with at least the possibility of samples in the querier's range, sorted by labels. */
  select(matchers: readonly Matcher[], hints?: SelectHints): SeriesList | Promise<SeriesList>;
  /** Sorted, unique. */
  labelNames(matchers: readonly Matcher[], limit?: number): string[] | Promise<string[]>;
  /** Sorted, unique. */
  labelValues(name: string, matchers: readonly Matcher[], limit?: number): string[] | Promise<string[]>;
}

export interface Queryable {
  /** A consistent view of everything committed, for samples in [mint, maxt]. Dispose it when done. */
  querier(mint: number, maxt: number): Querier;
}

/** Stable handle of a series for as long as the process runs; 0 is never one. */
export type SeriesRef = number;

/** Why a sample was (not) taken. */
export const AppendResult = {
  ok: 0,
  /** Older than the newest sample of the series (and outside the out-of-order window). */
  outOfOrder: 1,
  /** Older than the head accepts at all. */
  outOfBounds: 2,
  /** Older than the out-of-order window. */
  tooOld: 3,
  /** Same timestamp, other value. */
  duplicate: 4,
  /** The ref names no series (any more): look the labels up again. */
  unknownSeries: 5,
  /** A new series was refused because the memory budget is used up. */
  overBudget: 6,
} as const;
export type AppendResult = (typeof AppendResult)[keyof typeof AppendResult];

export interface Exemplar {
  labels: Labels;
  value: number;
  /** Unix ms; undefined takes the sample's. */
  timestamp: number | undefined;
}

/** One transaction: nothing is visible to queriers, or promised to survive a crash, before `commit` returned. */
export interface Appender {
  /**
   * The series with these labels, created when new. 0 when it was refused over the memory budget.
   * `hint` may be a ref returned earlier for the same labels.
   */
  series(labels: Labels, hint?: SeriesRef): SeriesRef;
  append(ref: SeriesRef, timestamp: number, value: number): AppendResult;
  /** Writes a staleness marker (see stale.ts). */
  appendStale(ref: SeriesRef, timestamp: number): AppendResult;
  appendHistogram(ref: SeriesRef, timestamp: number, histogram: IntHistogram | FloatHistogram): AppendResult;
  /** Start (created) timestamp of the counter whose next sample has this timestamp. */
  appendStartTimestamp(ref: SeriesRef, timestamp: number, startTimestamp: number): AppendResult;
  appendExemplar(ref: SeriesRef, exemplar: Exemplar): AppendResult;
  updateMetadata(ref: SeriesRef, metadata: MetricMetadata): void;
  /**
   * Makes everything durable (in the write-ahead log) and then visible. Throws when the log cannot be written; the transaction
   * has then ended as well, with nothing of it kept, and is not to be rolled back.
   */
  commit(): void;
  rollback(): void;
}

export interface Appendable {
  /** `source`: who reports the samples, as the name of a scrape pool; storages share their budgets out among sources. */
  appender(source?: string): Appender;
}
