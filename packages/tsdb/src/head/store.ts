/**
 * What the head holds in memory: series, their chunks, who has which label. It knows nothing of the log and of transactions
 * (see head.ts); everything in it has been committed.
 */
import {
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  type MetricMetadata,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@pharos/model";
import { addInterval, type Interval, type Tombstones } from "../block/tombstones.ts";
import { type ChunkEncodings, DEFAULT_ENCODINGS, Encoding } from "../chunk/encoding.ts";
import { HistogramAppender } from "../chunk/histogram.ts";
import { widen } from "../chunk/histogram-widen.ts";
import { Heap, type Pin } from "../memory/heap.ts";
import type { SnapshotChunk } from "../wal/snapshot-records.ts";
import { appendRows, type Rows } from "./append-rows.ts";
import type { HeadChunkFiles } from "./chunk-files.ts";
import { addClosed, closedMint, dropClosed } from "./closed-chunks.ts";
import { LabelIndex } from "./label-index.ts";
import { Late } from "./late.ts";
import { MetadataTable } from "./metadata-table.ts";
import { append, gatherOpen, isFull, openBytes, openStart, release, restoreOpen, start } from "./open-chunk.ts";
import { appendXor2, startXor2 } from "./open-chunk-xor2.ts";
import { type HistogramChunk, RestoredHistogram } from "./restored-chunk.ts";
import {
  CLOSED,
  CLOSED_COUNT,
  COUNT_AND_WINDOW,
  FIRST_PAGE,
  HISTOGRAM,
  LAST_HIGH,
  LAST_LOW,
  LAST_TIME,
  METADATA,
  REF,
  SeriesTable,
  XOR2,
} from "./series-table.ts";
import { SeriesView } from "./view.ts";

export class HeadStore implements Disposable {
  readonly heap = new Heap();
  readonly index: LabelIndex;
  readonly table: SeriesTable;
  readonly files: HeadChunkFiles;
  readonly late: Late;
  readonly metadata = new MetadataTable();
  readonly tombstones: Tombstones = new Map();
  /** Open chunks of the series whose newest sample is a histogram. */
  readonly #histograms = new Map<number, HistogramChunk>();
  readonly #rangeMs: number;
  /** Of chunks that are started from now on. */
  encodings: ChunkEncodings = DEFAULT_ENCODINGS;
  #chunks = 0;
  /** Unix ms; Infinity and -Infinity without samples. */
  minTime = Number.POSITIVE_INFINITY;
  maxTime = Number.NEGATIVE_INFINITY;
  /** Samples taken, late ones included. */
  floats = 0;
  chunksCreated = 0;
  histograms = 0;

  /** `rangeMs`: chunks do not cross multiples of it, so that blocks can be cut between them. */
  constructor(files: HeadChunkFiles, rangeMs: number, lateWindowMs: number) {
    this.#rangeMs = rangeMs;
    this.index = new LabelIndex(
      this.heap,
      () => this.table.listed(),
      (series) => this.table.labelsAt(series),
    );
    this.table = new SeriesTable(this.heap, this.index);
    this.files = files;
    this.late = new Late(
      this.files,
      lateWindowMs,
      (series) => this.table.hot.f64[8 * series + REF],
      () => this.encodings,
    );
  }

  get histogramSeries(): number {
    return this.#histograms.size;
  }

  get chunkCount(): number {
    return this.#chunks;
  }

  /** Bytes that series and samples take in memory, but for open chunks of histograms. */
  get bytes(): number {
    return this.heap.usedBytes + this.table.bytes + this.index.bytes + this.files.bufferedBytes;
  }

  /** The same with blocks that are free for others: about what is resident. */
  get reservedBytes(): number {
    return this.bytes - this.heap.usedBytes + this.heap.reservedBytes;
  }

  /** What is freed from now on stays readable until the pin is disposed. */
  pin(): Pin {
    return this.heap.pin();
  }

  /** A float; it must be newer than the series' newest sample. `begin`: its start timestamp, 0 when unknown. */
  append(series: number, time: number, high: number, low: number, begin = 0): void {
    const { table, heap } = this;
    const { u32 } = table.hot;
    this.floats++;
    if (table.has(series, HISTOGRAM)) {
      this.close(series);
      table.clear(series, HISTOGRAM);
    }
    if (u32[16 * series + FIRST_PAGE] !== 0) {
      if (!isFull(table, series, time)) {
        if (table.has(series, XOR2)) appendXor2(heap, table, series, time, high, low, begin);
        else append(heap, table, series, time, high, low);
        if (time > this.maxTime) this.maxTime = time;
        return;
      }
      this.close(series);
    }
    if (this.encodings.floats === "xor2") startXor2(heap, table, series, this.#rangeMs, time, high, low, begin);
    else start(heap, table, series, this.#rangeMs, time, high, low);
    this.#started(time);
  }

  /**
   * Rows `[from, to)` of a batch; those of series whose newest sample is older, in the usual way, are appended, any other is given to
   * `other`.
   */
  appendRows(batch: Rows, from: number, to: number, oldest: number, other: (row: number) => void): void {
    const appended = { samples: 0, newest: this.maxTime };
    appendRows(this.heap, this.table, batch, from, to, oldest, appended, other);
    this.floats += appended.samples;
    if (appended.newest > this.maxTime) this.maxTime = appended.newest;
  }

  /** A histogram; it must be newer than the series' newest sample. `begin` as above. */
  appendHistogram(series: number, time: number, histogram: IntHistogram | FloatHistogram, begin = 0): void {
    const { table } = this;
    const { f64 } = table.hot;
    this.histograms++;
    const before = this.#histograms.get(series);
    let open: HistogramAppender | undefined;
    let fitting = histogram;
    if (before instanceof HistogramAppender && !before.isFull && !this.#crosses(before.firstTime, time)) {
      if (before.accepts(histogram)) open = before;
      else {
        const wider = widen(before, histogram);
        if (wider) {
          ({ open, histogram: fitting } = wider);
          this.#histograms.set(series, open);
        }
      }
    }
    if (!open) {
      this.close(series);
      open = new HistogramAppender(histogram, before?.last, this.encodings.histogramStarts);
      this.#histograms.set(series, open);
      table.set(series, HISTOGRAM);
      this.#started(time);
    }
    open.append(time, fitting, begin, histogram);
    f64[8 * series + LAST_TIME] = time;
    if (time > this.maxTime) this.maxTime = time;
  }

  /** Whether the two lie in different ranges. */
  #crosses(first: number, time: number): boolean {
    return Math.floor(first / this.#rangeMs) !== Math.floor(time / this.#rangeMs);
  }

  #started(time: number): void {
    this.#chunks++;
    this.chunksCreated++;
    if (time < this.minTime) this.minTime = time;
    if (time > this.maxTime) this.maxTime = time;
  }

  /** Whether the newest sample in order is a staleness marker. */
  isStale(series: number): boolean {
    if (this.table.has(series, HISTOGRAM)) return this.#histograms.get(series)?.last.stale === true;
    const { u32 } = this.table.hot;
    return u32[16 * series + LAST_HIGH] === STALE_NAN_HIGH && u32[16 * series + LAST_LOW] === STALE_NAN_LOW;
  }

  lastHistogram(series: number): IntHistogram | FloatHistogram | undefined {
    return this.table.has(series, HISTOGRAM) ? this.#histograms.get(series)?.last : undefined;
  }

  isLastFloat(series: number, high: number, low: number): boolean {
    const { u32 } = this.table.hot;
    return (
      !this.table.has(series, HISTOGRAM) &&
      u32[16 * series + LAST_HIGH] === high >>> 0 &&
      u32[16 * series + LAST_LOW] === low >>> 0
    );
  }

  /** Writes the open chunk, if there is one, to the files. */
  close(series: number): void {
    const { table, heap, files } = this;
    const { u32, f64 } = table.hot;
    const histogram = this.#histograms.get(series);
    if (histogram) {
      const data = histogram.view();
      const { firstTime, lastTime, encoding } = histogram;
      files.write(f64[8 * series + REF], firstTime, lastTime, encoding, false, data, 0, data.length);
      addClosed(heap, table, series, files, firstTime, lastTime, data.length, encoding);
      this.#histograms.delete(series);
      return;
    }
    const chunk = u32[16 * series + FIRST_PAGE];
    if (chunk === 0) return;
    const bytes = openBytes(table, series);
    const xor2 = table.has(series, XOR2);
    const encoding = xor2 ? Encoding.xor2 : Encoding.xor;
    const mint = openStart(heap, chunk, xor2);
    const maxt = f64[8 * series + LAST_TIME];
    const data = gatherOpen(heap, chunk, bytes, u32[16 * series + COUNT_AND_WINDOW] & 0xffff);
    files.write(f64[8 * series + REF], mint, maxt, encoding, false, data, 0, bytes);
    addClosed(heap, table, series, files, mint, maxt, bytes, encoding);
    release(heap, table, series);
  }

  /** The open chunk of a series, valid until the next call; undefined when it has none. */
  openChunk(series: number): SnapshotChunk | undefined {
    const { table, heap } = this;
    const { u32, f64 } = table.hot;
    const histogram = this.#histograms.get(series);
    if (histogram) {
      const { firstTime: mint, lastTime: maxt, encoding, last: lastHistogram } = histogram;
      return { mint, maxt, encoding, data: histogram.view(), lastHigh: 0, lastLow: 0, lastHistogram };
    }
    const chunk = u32[16 * series + FIRST_PAGE];
    if (chunk === 0) return undefined;
    const xor2 = table.has(series, XOR2);
    return {
      mint: openStart(heap, chunk, xor2),
      maxt: f64[8 * series + LAST_TIME],
      encoding: xor2 ? Encoding.xor2 : Encoding.xor,
      data: gatherOpen(heap, chunk, openBytes(table, series), u32[16 * series + COUNT_AND_WINDOW] & 0xffff),
      lastHigh: u32[16 * series + LAST_HIGH],
      lastLow: u32[16 * series + LAST_LOW],
      lastHistogram: undefined,
    };
  }

  /** An open chunk of a snapshot. The next sample starts another one. */
  restore(series: number, chunk: SnapshotChunk): void {
    const { table, heap } = this;
    const { mint, maxt, encoding, data, lastHistogram } = chunk;
    // It became full after the snapshot was made, and is in the files.
    if (this.lastTime(series) >= mint) return;
    if (lastHistogram) {
      this.#histograms.set(series, new RestoredHistogram(encoding, mint, maxt, lastHistogram, new Uint8Array(data)));
      table.set(series, HISTOGRAM);
      table.hot.f64[8 * series + LAST_TIME] = maxt;
    } else restoreOpen(heap, table, series, chunk);
    this.#started(mint);
    if (maxt > this.maxTime) this.maxTime = maxt;
  }

  /** A closed chunk that is in the files already. */
  adopt(
    series: number,
    chunk: { mint: number; maxt: number; file: number; offset: number; bytes: number; encoding: number },
  ): void {
    addClosed(this.heap, this.table, series, chunk, chunk.mint, chunk.maxt, chunk.bytes, chunk.encoding);
    const { f64 } = this.table.hot;
    if (chunk.maxt > f64[8 * series + LAST_TIME]) f64[8 * series + LAST_TIME] = chunk.maxt;
    this.#started(chunk.mint);
    if (chunk.maxt > this.maxTime) this.maxTime = chunk.maxt;
  }

  /** Whatever the series still has in memory. */
  #freeChunks(series: number): void {
    if (this.table.hot.u32[16 * series + FIRST_PAGE] !== 0) {
      release(this.heap, this.table, series);
      this.#chunks--;
    }
    this.#chunks -= dropClosed(this.heap, this.table, series, Number.POSITIVE_INFINITY);
    this.late.forget(series);
  }

  lastTime(series: number): number {
    return this.table.hot.f64[8 * series + LAST_TIME];
  }

  /** Infinity without samples. */
  firstTime(series: number): number {
    const { hot, cold } = this.table;
    if (cold.u32[6 * series + CLOSED_COUNT] > 0) return closedMint(this.heap, cold.u32[6 * series + CLOSED], 0);
    const histogram = this.#histograms.get(series);
    if (histogram) return histogram.firstTime;
    const chunk = hot.u32[16 * series + FIRST_PAGE];
    return chunk === 0 ? Number.POSITIVE_INFINITY : openStart(this.heap, chunk, this.table.has(series, XOR2));
  }

  /** Of all samples, late ones included. */
  newest(series: number): number {
    return this.late.has(series)
      ? Math.max(this.lastTime(series), this.late.view(series)!.maxt)
      : this.lastTime(series);
  }

  oldest(series: number): number {
    return this.late.has(series)
      ? Math.min(this.firstTime(series), this.late.view(series)!.mint)
      : this.firstTime(series);
  }

  setMetadata(series: number, metadata: MetricMetadata): void {
    this.table.cold.u32[6 * series + METADATA] = this.metadata.intern(metadata);
  }

  metadataOf(series: number): MetricMetadata | undefined {
    return this.metadata.get(this.table.cold.u32[6 * series + METADATA]);
  }

  intervals(series: number): readonly Interval[] | undefined {
    return this.tombstones.get(series);
  }

  delete(series: number, mint: number, maxt: number): void {
    addInterval(this.tombstones, series, mint, maxt);
  }

  /** The series as it is now. The head must be pinned for as long as the view is read. */
  view(series: number, labels: Labels = this.table.labels(series)): SeriesView {
    const { hot, cold } = this.table;
    return new SeriesView(
      this,
      labels,
      cold.u32[6 * series + CLOSED],
      cold.u32[6 * series + CLOSED_COUNT],
      this.#histograms.get(series),
      hot.u32[16 * series + FIRST_PAGE],
      openBytes(this.table, series),
      hot.u32[16 * series + COUNT_AND_WINDOW] & 0xffff,
      this.table.has(series, XOR2) ? Encoding.xor2 : Encoding.xor,
      hot.f64[8 * series + LAST_TIME],
      this.tombstones.get(series),
      this.late.view(series),
    );
  }

  /**
   * Drops chunks that end before `mint`. True when the series has no samples left.
   */
  truncate(series: number, mint: number): boolean {
    const { hot, cold } = this.table;
    if (cold.u32[6 * series + CLOSED_COUNT] > 0) this.#chunks -= dropClosed(this.heap, this.table, series, mint);
    if (hot.f64[8 * series + LAST_TIME] >= mint) return false;
    if (this.#histograms.delete(series)) this.#chunks--;
    if (hot.u32[16 * series + FIRST_PAGE] !== 0) {
      release(this.heap, this.table, series);
      this.#chunks--;
    }
    return cold.u32[6 * series + CLOSED_COUNT] === 0 && !this.late.has(series);
  }

  /** Takes series without samples out of the table. */
  remove(gone: ReadonlySet<number>): void {
    for (const series of gone) {
      this.tombstones.delete(series);
      this.#freeChunks(series);
      if (this.#histograms.delete(series)) this.#chunks--;
    }
    this.table.remove(gone);
  }

  /** What was dropped is also dropped on disk, where whole files are concerned. */
  truncated(mint: number): void {
    for (const close of this.files.truncate(mint, this.late.firstFile)) this.heap.defer(close);
    if (this.minTime < mint) this.minTime = this.maxTime >= mint ? mint : Number.POSITIVE_INFINITY;
    for (const [series, intervals] of this.tombstones) {
      const kept = intervals.filter(({ maxt }) => maxt >= mint);
      if (kept.length === 0) this.tombstones.delete(series);
      else if (kept.length < intervals.length) this.tombstones.set(series, kept);
    }
  }

  [Symbol.dispose](): void {
    this.files[Symbol.dispose]();
  }
}
