/**
 * The head: all series in memory, backed by the write-ahead log. Transactions are logged and then applied to the store. At the
 * start the log is replayed in turns while new transactions are already being logged behind it (see replay.ts).
 */
import { join } from "node:path";
import {
  describeError,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  LOW_WORD,
  type Matcher,
  UserError,
} from "@pharos/model";
import type { PageCache } from "../block/page-cache.ts";
import type { ChunkEncodings } from "../chunk/encoding.ts";
import { selectPostings } from "../postings/select.ts";
import { Encoder, MAX_INT64, MIN_INT64 } from "../wal/encoding.ts";
import { encodeHistograms, groupHistograms } from "../wal/histogram-records.ts";
import { encodeExemplars, encodeMetadata, encodeSamples, encodeSeries, encodeTombstones } from "../wal/records.ts";
import { lastCheckpoint, logBytes, segmentPath, segmentsOf, type WalCompression } from "../wal/segments.ts";
import { WalWriter } from "../wal/write.ts";
import { HeadAppender, type PendingHistogram, SampleBatch } from "./appender.ts";
import { Budget } from "./budget.ts";
import { HeadChunkFiles } from "./chunk-files.ts";
import { writeSnapshot } from "./chunk-snapshot.ts";
import { ExemplarRing } from "./exemplars.ts";
import type { Late } from "./late.ts";
import { LateLog } from "./late-log.ts";
import { RefMap } from "./ref-map.ts";
import { LOGGED, PENDING_TIME, REF, SOURCE } from "./series-table.ts";
import { HeadStore } from "./store.ts";

export interface HeadOptions {
  /** Folder of the database: wal, wbl and chunks_head are in it. */
  dir: string;
  compression: WalCompression;
  maxExemplars: number;
  /** Bytes of memory that series and samples may take; towards it new series are refused. 0: any. */
  memoryBudgetBytes: number;
  /** Older samples are in blocks: they are neither taken nor replayed. */
  minValidTime: number;
  /** Length of the blocks the head is cut into, ms. */
  rangeMs: number;
  /** How far behind the newest sample late ones are taken, ms; 0: not at all. */
  lateWindowMs: number;
  /** Start timestamps are kept with their samples, in the log too. */
  storeStarts: boolean;
  /** Where a counter's start timestamp lies behind its last sample, a zero is put there. */
  zeroAtStart: boolean;
  encodings: ChunkEncodings;
  /** The head is written to a snapshot at the end and read from it at the start. */
  snapshotOnShutdown: boolean;
  /** What is written goes below this folder, and nothing in `dir` is touched: to look at the data of others. */
  sandbox?: string;
  cache: PageCache;
}

/**
 * Refs of one run of the program are apart from those of earlier ones, which need not have been read yet when the first new
 * series comes: a segment cannot hold so many.
 */
const REFS_PER_SEGMENT = 2 ** 27;

/** What a new series will still take when it is listed and has its first sample. */
const UNLOGGED_BYTES = 200;

/** The count of stale series is used again for so long: it takes some ten milliseconds for a million series. */
const STALE_COUNT_MS = 10_000;

/** A series that ended, as it was when that was found. */
export interface StaleSeries {
  series: number;
  handle: number;
  lastTime: number;
}

/** A sample behind newer ones of its series. */
export interface LateSample {
  series: number;
  time: number;
  high: number;
  low: number;
  start: number;
  histogram: IntHistogram | FloatHistogram | undefined;
}

function rowOf({ series, times, words, starts, hasStarts }: SampleBatch, row: number): LateSample {
  return {
    series: series[row],
    time: times[row],
    high: words[2 * row + 1 - LOW_WORD],
    low: words[2 * row + LOW_WORD],
    start: hasStarts ? starts[row] : 0,
    histogram: undefined,
  };
}

function entryOf({ series, time, histogram, start = 0 }: PendingHistogram): LateSample {
  return { series, time, high: 0, low: 0, start, histogram };
}

/** What a transaction has of them, in the order it came. */
function lateOf({ batch, histograms, lateRows, lateHistograms }: HeadAppender): LateSample[] {
  if (lateRows.length + lateHistograms.length === 0) return [];
  return [...lateRows.map((row) => rowOf(batch, row)), ...lateHistograms.map((entry) => entryOf(histograms[entry]))];
}

/** Room has been made before. */
function unexpected(): never {
  throw new Error("a late sample had no room");
}

export class Head implements Disposable {
  readonly store: HeadStore;
  readonly exemplars: ExemplarRing;
  readonly budget: Budget;
  readonly options: HeadOptions;
  /** Refs the log has for series that are known under another one. */
  readonly aliases = new RefMap();
  /** Created by a transaction that has not ended: not in the log, not visible. */
  readonly #unlogged = new Set<number>();
  readonly #encoder = new Encoder();
  readonly #idleBatches: SampleBatch[] = [];
  readonly #wal: WalWriter;
  #wbl: WalWriter | undefined;
  #nextRef: number;
  #staleCount = 0;
  #staleCountedAt = Number.NEGATIVE_INFINITY;
  /** Samples before this are not taken. */
  minValidTime: number;
  /** The first segment of the log that someone else still has to read; undefined when nobody has. */
  heldSegment: (() => number | undefined) | undefined;
  /** The log has been replayed: transactions are applied as they are committed. */
  ready = false;
  /** Once histograms have been seen transactions watch the order of both kinds. */
  hasHistograms = false;
  created = 0;
  removed = 0;
  truncations = 0;
  appenders = 0;
  activeAppenders = 0;
  /** Samples for handles that mean no series any more. */
  notFound = 0;
  /** Samples that were not taken. */
  readonly refusals = { outOfOrder: 0, outOfBounds: 0, tooOld: 0 };

  constructor(options: HeadOptions) {
    this.options = options;
    this.minValidTime = options.minValidTime;
    const { dir, sandbox, cache } = options;
    const files = new HeadChunkFiles(join(dir, "chunks_head"), cache, sandbox && join(sandbox, "chunks_head"));
    this.store = new HeadStore(files, options.rangeMs, options.lateWindowMs);
    this.store.encodings = options.encodings;
    this.exemplars = new ExemplarRing(options.maxExemplars);
    this.budget = new Budget(options.memoryBudgetBytes, () => this.store.bytes + this.#unlogged.size * UNLOGGED_BYTES);
    const first = (segmentsOf(this.walDir).at(-1) ?? lastCheckpoint(this.walDir)?.index ?? -1) + 1;
    this.#nextRef = first === 0 ? 1 : first * REFS_PER_SEGMENT;
    this.#wal = new WalWriter(sandbox ? join(sandbox, "wal") : this.walDir, first, options.compression);
  }

  get walDir(): string {
    return join(this.options.dir, "wal");
  }

  get wblDir(): string {
    return join(this.options.dir, "wbl");
  }

  get wal(): WalWriter {
    return this.#wal;
  }

  get late(): Late {
    return this.store.late;
  }

  get walFailures(): number {
    return this.#wal.failures + (this.#wbl?.failures ?? 0);
  }

  get walBytes(): number {
    return logBytes(this.walDir);
  }

  /** Bytes of both logs and of the chunks on disk. */
  get diskBytes(): number {
    return this.walBytes + logBytes(this.wblDir) + this.store.files.bytes;
  }

  get seriesCount(): number {
    return this.store.table.count - this.#unlogged.size;
  }

  get maxTime(): number {
    return this.store.maxTime;
  }

  get minTime(): number {
    return this.store.minTime;
  }

  /** Series that all matchers accept, ascending. */
  select(matchers: readonly Matcher[]): Uint32Array {
    return selectPostings(this.store.index, matchers);
  }

  appender(source = ""): HeadAppender {
    this.appenders++;
    this.activeAppenders++;
    return new HeadAppender(this, this.#idleBatches.pop() ?? new SampleBatch(), this.budget.sourceOf(source));
  }

  released(batch: SampleBatch): void {
    this.activeAppenders--;
    this.#idleBatches.push(batch);
  }

  /** A new series of a transaction; -1 when the budget does not allow it. */
  create(labels: Labels, source: number): number {
    if (!this.budget.admits(source)) return -1;
    const series = this.#add(labels, this.#nextRef++, source);
    this.#unlogged.add(series);
    return series;
  }

  /** A series that is in the log under this ref; -1 when the budget does not allow it. */
  recall(labels: Labels, ref: number): number {
    const { table } = this.store;
    const known = table.find(labels);
    if (known >= 0) return known;
    if (!this.budget.admits(0)) return -1;
    const series = this.#add(labels, ref, 0);
    table.list(series);
    this.created++;
    if (ref >= this.#nextRef) this.#nextRef = ref + 1;
    return series;
  }

  #add(labels: Labels, ref: number, source: number): number {
    const { table } = this.store;
    const series = table.create(labels, ref);
    table.cold.u32[6 * series + SOURCE] = source;
    this.budget.added(source);
    return series;
  }

  /** Makes a transaction durable, then visible. Throws a UserError when the log cannot be written: nothing of it is kept then. */
  commit(transaction: HeadAppender): void {
    // Whoever commits first logs all new series, also those of other transactions and of ones that were rolled back: its
    // samples may refer to them.
    const created = [...this.#unlogged];
    const mark = this.#wal.mark();
    try {
      this.#log(created, transaction);
      // Before anything is visible: what cannot be logged must not be.
      if (this.ready) this.#takeLate(lateOf(transaction));
    } catch (error) {
      // Its first records may be in already: after a restart they would be there, though the transaction failed.
      this.#wal.rewind(mark);
      throw error;
    }
    for (const series of created) this.store.table.list(series);
    this.created += created.length;
    this.#unlogged.clear();
    // While the log is replayed, replay applies it when it gets there.
    if (this.ready) this.#apply(transaction);
  }

  #log(created: readonly number[], { batch, histograms, metadata, exemplars, stretches }: HeadAppender): void {
    const { table } = this.store;
    if (created.length > 0) {
      const series = created.map((one) => ({ ref: table.hot.f64[8 * one + REF], labels: table.labels(one) }));
      this.#record(this.#wal, (out) => encodeSeries(out, series));
    }
    if (metadata.length > 0) this.#record(this.#wal, (out) => encodeMetadata(out, metadata));
    let sample = 0;
    let histogram = 0;
    for (const stretch of stretches) {
      const first = sample;
      if (stretch.samples > first) {
        this.#record(this.#wal, (out) => encodeSamples(out, batch, first, stretch.samples));
      }
      for (const [type, entries] of groupHistograms(histograms.slice(histogram, stretch.histograms))) {
        this.#record(this.#wal, (out) => encodeHistograms(out, type, entries));
      }
      sample = stretch.samples;
      histogram = stretch.histograms;
    }
    if (exemplars.length > 0) this.#record(this.#wal, (out) => encodeExemplars(out, exemplars));
  }

  #apply({ batch, histograms, metadata, exemplars, stretches, lateRows, lateHistograms }: HeadAppender): void {
    const { store } = this;
    const { series, times, words, starts, hasStarts } = batch;
    /** Samples that others have overtaken since they were appended. */
    const overtaken: LateSample[] = [];
    let sample = 0;
    let histogram = 0;
    let lateRow = 0;
    let lateHistogram = 0;
    for (const stretch of stretches) {
      store.appendRows(batch, sample, stretch.samples, this.minValidTime, (row) => {
        if (row === lateRows[lateRow]) {
          lateRow++;
          return;
        }
        const one = series[row];
        const time = times[row];
        if (time > store.lastTime(one) && time >= this.minValidTime) {
          const high = words[2 * row + 1 - LOW_WORD];
          store.append(one, time, high, words[2 * row + LOW_WORD], hasStarts ? starts[row] : 0);
        } else if (this.#mayBeLate(one, time)) overtaken.push(rowOf(batch, row));
      });
      sample = stretch.samples;
      for (; histogram < stretch.histograms; histogram++) {
        if (histogram === lateHistograms[lateHistogram]) {
          lateHistogram++;
          continue;
        }
        const { series: one, time, histogram: value, start = 0 } = histograms[histogram];
        if (time > store.lastTime(one) && time >= this.minValidTime) store.appendHistogram(one, time, value, start);
        else if (this.#mayBeLate(one, time)) overtaken.push(entryOf(histograms[histogram]));
      }
    }
    this.late.headMaxTime = store.maxTime;
    if (overtaken.length > 0) {
      try {
        this.#takeLate(overtaken);
      } catch (error) {
        // Those are refused now; the others are in, and the failure has been counted.
        if (!(error instanceof UserError)) throw error;
      }
    }
    for (const entry of metadata) this.store.setMetadata(entry.series, entry.metadata);
    for (const { series: one, labels, value, timestamp } of exemplars) {
      this.exemplars.add(one, { labels, value, timestamp });
    }
  }

  /** Collects what is to be written to the log of late samples. */
  #lateLog(): LateLog {
    return new LateLog((encode) => this.#record(this.#openWbl(), encode), this.options.storeStarts);
  }

  /**
   * Logs late samples and then puts them among the others. Throws a UserError when they cannot be logged: they are not there
   * then. (Of a transaction with more than a chunk of one series those that filled whole chunks may be.)
   */
  #takeLate(samples: readonly LateSample[]): void {
    const { late } = this;
    for (let from = 0; from < samples.length; ) {
      const log = this.#lateLog();
      const mark = this.#openWbl().mark();
      const planned = new Map<number, Set<number>>();
      const taken: LateSample[] = [];
      let to = from;
      try {
        for (; to < samples.length; to++) {
          const { series, time, high, low, histogram, start } = samples[to];
          const ref = this.store.table.hot.f64[8 * series + REF];
          let times = planned.get(series);
          if (late.hasTime(series, time) || times?.has(time)) continue;
          if (late.room(series) <= (times?.size ?? 0)) {
            // What is planned goes in first. The mark that older ones are in a chunk stands before those of the next.
            if (times) break;
            late.close(series, (chunk) => log.chunk(ref, chunk));
          }
          if (!times) planned.set(series, (times = new Set()));
          times.add(time);
          taken.push(samples[to]);
          if (histogram) log.histogram(ref, time, histogram, start);
          else log.float(ref, time, high, low, start);
        }
        log.flush();
      } catch (error) {
        this.#wbl?.rewind(mark);
        throw error;
      }
      for (const one of taken)
        late.insert(one.series, one.time, one.high, one.low, one.start, one.histogram, unexpected);
      from = to;
    }
  }

  /** Puts a sample of a transaction that came during replay where it belongs: at its series' end, or into `late`. */
  applySample(series: number, time: number, high: number, low: number, start: number, late: LateSample[]): void {
    const { store } = this;
    if (time > store.lastTime(series) && time >= this.minValidTime) store.append(series, time, high, low, start);
    else if (this.#mayBeLate(series, time)) late.push({ series, time, high, low, start, histogram: undefined });
  }

  applyHistogram(
    series: number,
    time: number,
    histogram: IntHistogram | FloatHistogram,
    start: number,
    late: LateSample[],
  ): void {
    const { store } = this;
    if (time > store.lastTime(series) && time >= this.minValidTime)
      store.appendHistogram(series, time, histogram, start);
    else if (this.#mayBeLate(series, time)) late.push({ series, time, high: 0, low: 0, start, histogram });
  }

  /** The end of replay: late samples among the transactions since the start. */
  replayedLate(samples: readonly LateSample[]): void {
    this.#takeLate(samples);
  }

  /**
   * Whether a counter that has a sample now may get a zero at its start: as upstream, not where it would lie far behind the
   * newest samples, and not while it is not known what these are.
   */
  mayBegin(start: number, time: number): boolean {
    if (!this.ready || start >= time) return false;
    const newest = Number.isFinite(this.maxTime) ? this.maxTime : time;
    return start >= Math.max(this.minValidTime, newest - this.options.rangeMs / 2);
  }

  /** Two of the same time may meet in one transaction or in two that were open at once. */
  #mayBeLate(series: number, time: number): boolean {
    if (time === this.store.lastTime(series)) return false;
    return this.late.windowMs > 0 && this.late.refuses(time, this.minValidTime) === undefined;
  }

  /** Removes samples of the selected series in a range. */
  delete(matchersList: readonly (readonly Matcher[])[], mint: number, maxt: number): void {
    const chosen = new Set(matchersList.flatMap((matchers) => [...this.select(matchers)]));
    const { f64 } = this.store.table.hot;
    const entries: { series: number; ref: number; mint: number; maxt: number }[] = [];
    for (const series of chosen) {
      // Only what is there now: a sample that comes later in the range is not deleted.
      const first = Math.max(mint, this.store.oldest(series));
      const last = Math.min(maxt, this.store.newest(series));
      if (first <= last) entries.push({ series, ref: f64[8 * series + REF], mint: first, maxt: last });
    }
    if (entries.length === 0) return;
    this.#record(this.#wal, (out) => encodeTombstones(out, entries));
    for (const entry of entries) this.store.delete(entry.series, entry.mint, entry.maxt);
  }

  /** Drops samples before `mint` from memory, and series that have none left and got none for a while. */
  truncate(mint: number): void {
    this.minValidTime = Math.max(this.minValidTime, mint);
    this.truncations++;
    const { table } = this.store;
    const gone = new Set<number>();
    for (let series = 0; series < table.end; series++) {
      if (!table.has(series, LOGGED) || table.hot.f64[8 * series + PENDING_TIME] > Number.NEGATIVE_INFINITY) continue;
      if (this.store.truncate(series, mint)) gone.add(series);
    }
    this.forget(gone);
    this.store.truncated(mint);
  }

  /** How many series end with a staleness marker: counted now and then, not with every sample. */
  staleCount(): number {
    const now = performance.now();
    if (now < this.#staleCountedAt + STALE_COUNT_MS) return this.#staleCount;
    const { table } = this.store;
    let count = 0;
    for (let series = 0; series < table.end; series++) {
      if (table.has(series, LOGGED) && this.store.isStale(series)) count++;
    }
    this.#staleCountedAt = now;
    this.#staleCount = count;
    return count;
  }

  /** Series whose newest sample is a staleness marker, without those that have late samples or are part of a transaction. */
  staleSeries(): StaleSeries[] {
    const { store } = this;
    const { table } = store;
    const { f64 } = table.hot;
    const out: StaleSeries[] = [];
    for (let series = 0; series < table.end; series++) {
      if (!table.has(series, LOGGED) || !store.isStale(series) || store.late.has(series)) continue;
      if (f64[8 * series + PENDING_TIME] > Number.NEGATIVE_INFINITY) continue;
      out.push({ series, handle: table.handle(series), lastTime: store.lastTime(series) });
    }
    return out;
  }

  /** Takes series out that are as `staleSeries` found them: they are in blocks. The log says so, for the next start. */
  evict(stale: readonly StaleSeries[]): void {
    const { store } = this;
    const { f64 } = store.table.hot;
    const gone = new Set<number>();
    for (const { series, handle, lastTime } of stale) {
      if (store.table.resolve(handle) !== series || store.lastTime(series) !== lastTime || store.late.has(series))
        continue;
      if (f64[8 * series + PENDING_TIME] > Number.NEGATIVE_INFINITY) continue;
      gone.add(series);
    }
    if (gone.size === 0) return;
    const entries = Array.from(gone, (series) => ({ ref: f64[8 * series + REF], mint: MIN_INT64, maxt: MAX_INT64 }));
    this.#record(this.#wal, (out) => encodeTombstones(out, entries));
    this.forget(gone);
  }

  /** Takes series out, with whatever they still have in memory. */
  forget(gone: ReadonlySet<number>): void {
    const { table } = this.store;
    for (const series of gone) this.budget.removed(table.cold.u32[6 * series + SOURCE]);
    if (gone.size > 0) {
      this.exemplars.forget(gone);
      this.aliases.forget(gone);
    }
    this.store.remove(gone);
    this.removed += gone.size;
  }

  /** Ends the log and, if that is wanted, writes everything that is in memory; answers how many series those were. */
  close(): number {
    const { options, store, exemplars } = this;
    store.files.tryFlush();
    const place = { segment: this.#wal.segment, offset: this.#wal.segmentBytes };
    this[Symbol.dispose]();
    // With a file of chunks that could not be written a snapshot would not be whole.
    if (!options.snapshotOnShutdown || !this.ready || store.files.failure !== undefined) return 0;
    return writeSnapshot(options.dir, place, options.compression, store, exemplars);
  }

  /** All late samples become chunks, and their log goes on in a new segment; answers its number. */
  rotateLate(): number {
    const log = this.#lateLog();
    this.late.closeAll((series, chunk) => log.chunk(this.store.table.hot.f64[8 * series + REF], chunk));
    log.flush();
    const writer = this.#openWbl();
    writer.nextSegment();
    return writer.segment;
  }

  get lateSegments(): string[] {
    return segmentsOf(this.wblDir).map((index) => segmentPath(this.wblDir, index));
  }

  [Symbol.dispose](): void {
    this.store[Symbol.dispose]();
    this.#wal[Symbol.dispose]();
    this.#wbl?.[Symbol.dispose]();
  }

  #openWbl(): WalWriter {
    try {
      this.#wbl ??= new WalWriter(this.wblDir, (segmentsOf(this.wblDir).at(-1) ?? -1) + 1, this.options.compression);
    } catch (error) {
      throw new UserError("tsdb.wal", `cannot begin a log of late samples: ${describeError(error)}`, {
        where: { file: this.wblDir },
        fix: "Late samples are refused until it can be written; free disk space or mend the file system",
        cause: error,
      });
    }
    return this.#wbl;
  }

  #record(writer: WalWriter, encode: (out: Encoder) => void): void {
    this.#encoder.reset();
    encode(this.#encoder);
    writer.log(this.#encoder.view());
  }
}
