/** The head: all series in memory, backed by the write-ahead log. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { type Labels, type Matcher, type MetricMetadata, SampleBuffer } from "@pharos/model";
import { FAR } from "../block/tombstones.ts";
import { Encoder } from "../wal/encoding.ts";
import { encodeHistograms, groupHistograms, type HistogramRecord } from "../wal/histogram-records.ts";
import {
  decodeRecord,
  type ExemplarRecord,
  encodeExemplars,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  type SampleColumns,
  type SeriesRecord,
} from "../wal/records.ts";
import {
  type Corruption,
  checkpoint,
  lastCheckpoint,
  readSegment,
  replayWal,
  segmentsOf,
  type WalCompression,
  WalWriter,
} from "../wal/wal.ts";
import { HeadAppender, SampleBatch } from "./appender.ts";
import { ExemplarRing } from "./exemplars.ts";
import { Postings } from "./postings.ts";
import { MemSeries } from "./series.ts";

export interface HeadOptions {
  /** Folder of the write-ahead log. */
  walDir: string;
  compression: WalCompression;
  maxExemplars: number;
  /** Bytes of memory that series and samples may take; at it new series are refused. 0: any. */
  memoryBudgetBytes: number;
  /** Older samples are in blocks: they are neither taken nor replayed. */
  minValidTime: number;
  onReplay?: (done: number, total: number) => void;
}

/** What a series costs in memory besides its samples, measured on V8: objects, map entries, postings. */
const SERIES_BYTES = 1_200;

export class Head implements Disposable {
  readonly exemplars: ExemplarRing;
  readonly postings = new Postings();
  readonly #options: HeadOptions;
  readonly #byKey = new Map<string, MemSeries>();
  readonly #byRef = new Map<number, MemSeries>();
  /** Created by a transaction that has not ended: not in the log, not visible. */
  readonly #unlogged = new Set<number>();
  readonly #encoder = new Encoder();
  readonly #idleBatches: SampleBatch[] = [];
  #wal: WalWriter;
  #nextRef = 1;
  #maxTime = Number.NEGATIVE_INFINITY;
  /** Samples before this are not taken. */
  minValidTime: number;
  readonly corruption: Corruption | undefined;
  created = 0;
  removed = 0;
  samples = 0;
  histogramSamples = 0;
  refused = 0;

  constructor(options: HeadOptions) {
    this.#options = options;
    this.minValidTime = options.minValidTime;
    this.exemplars = new ExemplarRing(options.maxExemplars);
    this.corruption = this.#replay();
    const segments = segmentsOf(options.walDir);
    this.#wal = new WalWriter(
      options.walDir,
      (segments.at(-1) ?? lastCheckpoint(options.walDir)?.index ?? -1) + 1,
      options.compression,
    );
  }

  /** Bytes of the log's segment being written. */
  get walBytes(): number {
    return this.#wal.segmentBytes;
  }

  /** Bytes of the whole log on disk, checkpoint included. */
  get logBytes(): number {
    const dir = this.#options.walDir;
    const folders = [dir, lastCheckpoint(dir)?.path].filter((path) => path !== undefined);
    return folders.reduce(
      (sum, folder) =>
        segmentsOf(folder).reduce((part, i) => part + statSync(join(folder, String(i).padStart(8, "0"))).size, sum),
      0,
    );
  }

  get seriesCount(): number {
    return this.#byRef.size - this.#unlogged.size;
  }

  get maxTime(): number {
    return this.#maxTime;
  }

  get minTime(): number {
    let min = Number.POSITIVE_INFINITY;
    for (const { firstTime } of this.#byRef.values()) if (firstTime < min) min = firstTime;
    return min;
  }

  get chunkCount(): number {
    let count = 0;
    for (const series of this.#byRef.values()) count += series.chunkCount;
    return count;
  }

  get sampleBytes(): number {
    let bytes = 0;
    for (const series of this.#byRef.values()) bytes += series.bytes;
    return bytes;
  }

  find(labels: Labels): MemSeries | undefined {
    return this.#byKey.get(labels.key());
  }

  byRef(ref: number): MemSeries | undefined {
    return this.#byRef.get(ref);
  }

  all(): Iterable<MemSeries> {
    return this.#byRef.values();
  }

  /** A new series of a transaction; undefined when the budget is used up. */
  create(labels: Labels): MemSeries | undefined {
    const { memoryBudgetBytes } = this.#options;
    if (memoryBudgetBytes > 0 && (this.#byRef.size + 1) * SERIES_BYTES > memoryBudgetBytes) {
      this.refused++;
      return undefined;
    }
    const series = this.#add(this.#nextRef++, labels);
    this.#unlogged.add(series.ref);
    return series;
  }

  /** The series is in the log: it may be seen. */
  logged(ref: number): void {
    this.#unlogged.delete(ref);
    const series = this.#byRef.get(ref);
    if (series) this.postings.add(ref, series.labels);
    this.created++;
  }

  /**
   * Series that no transaction has logged yet. Whoever commits first logs them all, also those of other transactions and
   * of ones that were rolled back: its samples may refer to them.
   */
  unlogged(): SeriesRecord[] {
    return [...this.#unlogged].map((ref) => ({ ref, labels: this.#byRef.get(ref)!.labels }));
  }

  setMetadata(ref: number, metadata: MetricMetadata): void {
    const series = this.#byRef.get(ref);
    if (series) series.metadata = metadata;
  }

  select(matchers: readonly Matcher[]): MemSeries[] {
    return this.postings.select(matchers).map((ref) => this.#byRef.get(ref)!);
  }

  appender(): HeadAppender {
    return new HeadAppender(this, this.#idleBatches.pop() ?? new SampleBatch());
  }

  released(batch: SampleBatch): void {
    // The transaction clears it before anybody else asks for one.
    this.#idleBatches.push(batch);
  }

  committed({ count, times }: SampleColumns, histograms: readonly HistogramRecord[]): void {
    this.samples += count;
    this.histogramSamples += histograms.length;
    for (const { time } of histograms) if (time > this.#maxTime) this.#maxTime = time;
    for (let i = 0; i < count; i++) if (times[i] > this.#maxTime) this.#maxTime = times[i];
  }

  /** Writes a transaction to the log, series first: their samples refer to them. */
  log(
    series: readonly SeriesRecord[],
    samples: SampleColumns,
    histograms: readonly HistogramRecord[],
    metadata: readonly { ref: number; metadata: MetricMetadata }[],
    exemplars: readonly ExemplarRecord[],
  ): void {
    if (series.length > 0) this.#record((out) => encodeSeries(out, series));
    if (metadata.length > 0) this.#record((out) => encodeMetadata(out, metadata));
    if (samples.count > 0) this.#record((out) => encodeSamples(out, samples));
    for (const [type, entries] of groupHistograms(histograms)) {
      this.#record((out) => encodeHistograms(out, type, entries));
    }
    if (exemplars.length > 0) this.#record((out) => encodeExemplars(out, exemplars));
  }

  /** Removes samples of the selected series in a range. */
  delete(matchersList: readonly (readonly Matcher[])[], mint: number, maxt: number): void {
    const chosen = new Set(matchersList.flatMap((matchers) => this.select(matchers)));
    if (chosen.size === 0) return;
    this.#record((out) =>
      encodeTombstones(
        out,
        [...chosen].map(({ ref }) => ({ ref, mint: Math.max(mint, -FAR), maxt: Math.min(maxt, FAR) })),
      ),
    );
    const buffer = new SampleBuffer();
    for (const series of chosen) series.delete(mint, maxt, buffer);
  }

  /** Drops samples before `mint` from memory, and series that have none left and got none for a while. */
  truncate(mint: number): void {
    this.minValidTime = Math.max(this.minValidTime, mint);
    const gone = new Map<number, Labels>();
    for (const series of this.#byRef.values()) {
      if (this.#unlogged.has(series.ref) || series.pendingTime > Number.NEGATIVE_INFINITY) continue;
      if (series.truncate(mint)) gone.set(series.ref, series.labels);
    }
    for (const [ref, labels] of gone) {
      this.#byRef.delete(ref);
      this.#byKey.delete(labels.key());
      this.exemplars.forget(ref);
    }
    if (gone.size > 0) this.postings.remove(gone);
    this.removed += gone.size;
  }

  /** Shortens the log: the older two thirds of it become a checkpoint without what memory has dropped. */
  checkpoint(mint: number): void {
    const dir = this.#options.walDir;
    this.#wal.nextSegment();
    const segments = segmentsOf(dir);
    const closed = segments.slice(0, -1);
    const last = closed[Math.floor((closed.length * 2) / 3) - 1] ?? closed.at(-1);
    if (last === undefined) return;
    const old = lastCheckpoint(dir);
    const files = [
      ...(old ? segmentsOf(old.path).map((index) => join(old.path, String(index).padStart(8, "0"))) : []),
      ...closed.filter((index) => index <= last).map((index) => join(dir, String(index).padStart(8, "0"))),
    ];
    checkpoint(dir, last, this.#options.compression, (writer) => {
      for (const file of files) {
        const problem = readSegment(file, (record) => this.#copyRecord(record, mint, writer));
        if (problem) throw new Error(`${file} at ${problem.offset}: ${problem.reason}`);
      }
    });
  }

  [Symbol.dispose](): void {
    this.#wal[Symbol.dispose]();
  }

  #add(ref: number, labels: Labels): MemSeries {
    const series = new MemSeries(ref, labels);
    this.#byRef.set(ref, series);
    this.#byKey.set(labels.key(), series);
    return series;
  }

  #record(write: (out: Encoder) => void): void {
    this.#encoder.reset();
    write(this.#encoder);
    this.#wal.log(this.#encoder.view());
  }

  /** Copies a record without series that are gone and samples that are too old. */
  #copyRecord(record: Buffer, mint: number, writer: WalWriter): void {
    const series: SeriesRecord[] = [];
    const metadata: { ref: number; metadata: MetricMetadata }[] = [];
    const tombstones: { ref: number; mint: number; maxt: number }[] = [];
    const exemplars: ExemplarRecord[] = [];
    const histograms: HistogramRecord[] = [];
    const batch = new SampleBatch();
    const alive = (ref: number): boolean => this.#byRef.has(ref);
    decodeRecord(record, {
      series: (ref, labels) => alive(ref) && series.push({ ref, labels }),
      sample: (ref, time, high, low) => {
        if (time < mint || !alive(ref)) return;
        batch.reserve();
        batch.refs[batch.count] = ref;
        batch.times[batch.count] = time;
        batch.words[2 * batch.count + HIGH] = high;
        batch.words[2 * batch.count + 1 - HIGH] = low;
        batch.count++;
      },
      histogram: (ref, time, histogram) => time >= mint && alive(ref) && histograms.push({ ref, time, histogram }),
      metadata: (ref, entry) => alive(ref) && metadata.push({ ref, metadata: entry }),
      tombstone: (ref, from, to) => to >= mint && alive(ref) && tombstones.push({ ref, mint: from, maxt: to }),
      exemplar: (ref, { labels, value, timestamp = 0 }) =>
        timestamp >= mint && alive(ref) && exemplars.push({ ref, labels, value, timestamp }),
    });
    const out = new Encoder();
    const write = (encode: () => void): void => {
      out.reset();
      encode();
      writer.log(out.view());
    };
    if (series.length > 0) write(() => encodeSeries(out, series));
    if (metadata.length > 0) write(() => encodeMetadata(out, metadata));
    if (batch.count > 0) write(() => encodeSamples(out, batch));
    for (const [type, entries] of groupHistograms(histograms)) write(() => encodeHistograms(out, type, entries));
    if (tombstones.length > 0) write(() => encodeTombstones(out, tombstones));
    if (exemplars.length > 0) write(() => encodeExemplars(out, exemplars));
  }

  #replay(): Corruption | undefined {
    const buffer = new SampleBuffer();
    /** Refs that stand for a series logged before under another ref. */
    const aliases = new Map<number, MemSeries>();
    const seriesOf = (ref: number): MemSeries | undefined => this.#byRef.get(ref) ?? aliases.get(ref);
    return replayWal(
      this.#options.walDir,
      (record) =>
        decodeRecord(record, {
          series: (ref, labels) => {
            this.#nextRef = Math.max(this.#nextRef, ref + 1);
            if (this.#byRef.has(ref)) return;
            const known = this.find(labels);
            if (known) aliases.set(ref, known);
            else {
              this.#add(ref, labels);
              this.postings.add(ref, labels);
            }
          },
          sample: (ref, time, high, low) => {
            const series = seriesOf(ref);
            if (!series || time < this.minValidTime || time <= series.lastTime) return;
            series.append(time, high, low);
            if (time > this.#maxTime) this.#maxTime = time;
          },
          histogram: (ref, time, histogram) => {
            const series = seriesOf(ref);
            if (!series || time < this.minValidTime || time <= series.lastTime) return;
            series.appendHistogram(time, histogram);
            if (time > this.#maxTime) this.#maxTime = time;
          },
          metadata: (ref, metadata) => {
            const series = seriesOf(ref);
            if (series) series.metadata = metadata;
          },
          tombstone: (ref, mint, maxt) => seriesOf(ref)?.delete(mint, maxt, buffer),
          exemplar: (ref, exemplar) => {
            const series = seriesOf(ref);
            if (series) this.exemplars.add(series.ref, exemplar);
          },
        }),
      this.#options.onReplay,
    );
  }
}

/** Index of the high word of a float64 on this machine. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
