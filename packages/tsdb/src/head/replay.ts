/**
 * Brings the head back from disk: its chunk files, the last checkpoint, the segments of the log behind it, the log of late
 * samples, and finally what was committed since the start, until it has caught up. It works in turns, so that the process
 * scrapes and answers from blocks meanwhile; transactions committed in this time are only logged, and replay gets to them.
 */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describeError, LOW_WORD } from "@pharos/model";
import { MAX_INT64, MIN_INT64 } from "../wal/encoding.ts";
import { type Corruption, type Damage, readSegment, repair } from "../wal/read.ts";
import { decodeRecord, type RecordHandlers } from "../wal/records.ts";
import { lastCheckpoint, segmentPath, segmentsOf } from "../wal/segments.ts";
import { decodeSnapshotRecord, type SnapshotHandlers } from "../wal/snapshot-records.ts";
import type { HeadChunk } from "./chunk-files.ts";
import { readSnapshot, removeSnapshots, type SnapshotFolder, snapshotsIn } from "./chunk-snapshot.ts";
import type { Head, LateSample } from "./head.ts";
import { RefMap } from "./ref-map.ts";
import { REF } from "./series-table.ts";

export interface ReplayProgress {
  /** Bytes of the log read so far, and in all. */
  done: number;
  total: number;
}

/** A file of the log, and where to begin in it. */
interface Source {
  file: string;
  from: number;
}

export interface ReplayReport {
  corruptions: Corruption[];
  /** Samples of series that no record names: nothing could be done with them. */
  unknownRefs: number;
  /** Files of head chunks that had to be made anew. */
  chunkCorruptions: number;
  /** Why the snapshot of the head was of no use. */
  snapshotProblem: string | undefined;
  seconds: number;
}

/** A turn, ms: longer ones would be felt by scrapes. */
const TURN_MS = 15;
/** Records between two looks at the clock. */
const LOOK = 16;
/** What is left of the current segment is read in one go when it is not more than this. */
const LAST_STEP_BYTES = 2 ** 20;

/** −1 among numbers of series. */
const UNKNOWN = 0xffffffff;

export class Replay {
  readonly #head: Head;
  readonly #refs = new RefMap();
  /** Chunks on disk by ref, in order; those of a series are taken over when it appears in the log. */
  #chunks = new Map<number, HeadChunk[]>();
  #handlers: RecordHandlers;
  /** Numbers of the series of a record's rows; used again. */
  #numbers = new Uint32Array(1024);
  /** Series to be removed when the current record has been read. */
  readonly #gone = new Set<number>();
  /** Late samples of transactions since the start. */
  #late: LateSample[] = [];
  /** Past the segments of earlier runs: late samples go where they do in a transaction. */
  #live = false;
  #turnEnds = 0;
  readonly #onProgress: ((done: number, total: number) => void) | undefined;
  readonly progress: ReplayProgress = { done: 0, total: 0 };
  readonly report: ReplayReport = {
    corruptions: [],
    unknownRefs: 0,
    chunkCorruptions: 0,
    snapshotProblem: undefined,
    seconds: 0,
  };

  constructor(head: Head, onProgress?: (done: number, total: number) => void) {
    this.#head = head;
    this.#onProgress = onProgress;
    this.#handlers = this.#makeHandlers();
  }

  /** Resolves when the head has everything; rejects when the signal ends it before. */
  async run(signal: AbortSignal): Promise<ReplayReport> {
    const head = this.#head;
    // Whoever opens the database goes on first.
    await setImmediate();
    signal.throwIfAborted();
    const started = performance.now();
    const looking = head.options.sandbox !== undefined;
    if (!looking) for (const dir of [head.walDir, head.wblDir]) removeUnfinished(dir);
    const first = head.wal.segment;
    this.#turnEnds = performance.now() + TURN_MS;
    const loading = head.store.files.open((chunk) => this.#found(chunk));
    for (let step = loading.next(); ; step = loading.next()) {
      if (step.done) {
        if (step.value && !looking) this.report.chunkCorruptions++;
        break;
      }
      await this.#turn(signal);
    }
    const snapshot = await this.#loadSnapshot(signal);
    const old = oldSegments(head.walDir, first, snapshot);
    const late = head.lateSegments.map((file): Source => ({ file, from: 0 }));
    this.progress.total = [...old, ...late].reduce((sum, { file }) => sum + statSync(file).size, 0);
    await this.#readAll(old, signal, snapshot);
    // Chunks of series the log does not know are of no use.
    this.#chunks = new Map();
    head.late.headMaxTime = head.store.maxTime;
    this.#handlers = this.#lateHandlers();
    await this.#readAll(late, signal);
    this.#handlers = this.#makeHandlers();
    if (looking) head.ready = true;
    else {
      this.#live = true;
      await this.#catchUp(first, signal);
    }
    this.report.seconds = (performance.now() - started) / 1000;
    return this.report;
  }

  /** Reads behind the writer; the last stretch without giving others a turn, so that nothing comes in between. */
  async #catchUp(first: number, signal: AbortSignal): Promise<void> {
    const { wal, walDir } = this.#head;
    let next = first;
    while (wal.segmentBytes > LAST_STEP_BYTES || wal.segment > next) {
      if (wal.segment === next) wal.nextSegment();
      for (; next < wal.segment; next++) await this.#readAll([{ file: segmentPath(walDir, next), from: 0 }], signal);
    }
    for (const record of readSegment(segmentPath(walDir, next))) {
      decodeRecord(record, this.#handlers);
      this.#removeGone();
    }
    this.#head.late.headMaxTime = this.#head.store.maxTime;
    this.#head.replayedLate(this.#late);
    this.#late = [];
    this.#head.ready = true;
  }

  async #readAll(files: readonly Source[], signal: AbortSignal, snapshot?: SnapshotFolder): Promise<void> {
    for (const { file, from } of files) {
      const position = { offset: from };
      const before = this.progress.done;
      const records = readSegment(file, position, from);
      let damages: readonly Damage[];
      for (let count = 1; ; count++) {
        const step = records.next();
        if (step.done) {
          damages = step.value;
          break;
        }
        try {
          decodeRecord(step.value, this.#handlers);
        } catch (error) {
          // Its checksum is right: it was written so, and writing it anew would not help.
          const reason = `a record cannot be read: ${(error as Error).message}`;
          this.report.corruptions.push({ segment: file, offset: position.offset, lost: 0, reason });
        }
        this.#removeGone();
        if (count % LOOK === 0) {
          this.progress.done = before + position.offset;
          await this.#turn(signal);
        }
      }
      const { size } = statSync(file);
      if (damages.length > 0 && this.#head.options.sandbox !== undefined) {
        // At its end the log is being written: a record that is not whole yet is no damage.
        const torn = file === files.at(-1)!.file && damages.length === 1 && damages[0].end >= size;
        if (!torn) {
          for (const { offset, end, reason } of damages) {
            this.report.corruptions.push({ segment: file, offset, lost: end - offset, reason });
          }
        }
      } else if (damages.length > 0) {
        this.report.corruptions.push(...repair(file, damages, this.#head.options.compression));
        // Its records may stand elsewhere now than the snapshot says.
        if (snapshot && from > 0) removeSnapshots(this.#head.options.dir);
      }
      this.progress.done = before + size;
      this.#onProgress?.(this.progress.done, this.progress.total);
      await this.#turn(signal);
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (performance.now() < this.#turnEnds) return;
    await setImmediate();
    signal.throwIfAborted();
    this.#turnEnds = performance.now() + TURN_MS;
  }

  /** Takes over the newest snapshot of the head; answers the one up to which the log need not be read. */
  async #loadSnapshot(signal: AbortSignal): Promise<SnapshotFolder | undefined> {
    const head = this.#head;
    const { dir, snapshotOnShutdown } = head.options;
    const latest = snapshotsIn(dir).at(-1);
    if (!snapshotOnShutdown || !latest) return undefined;
    if (latest.segment > head.wal.segment) {
      this.report.snapshotProblem = "the log ends before it";
      removeSnapshots(dir);
      return undefined;
    }
    // Chunks that were thrown away are made anew from the log, all of it.
    if (this.report.chunkCorruptions > 0) {
      this.report.snapshotProblem = "a file of head chunks is damaged";
      return undefined;
    }
    const handlers: SnapshotHandlers = {
      ...this.#handlers,
      series: (ref, labels, chunk) => {
        this.#handlers.series(ref, labels);
        const series = this.#refs.get(ref);
        if (series < 0 || !chunk || chunk.maxt < head.minValidTime) return;
        if (chunk.lastHistogram) head.hasHistograms = true;
        head.store.restore(series, chunk);
      },
    };
    try {
      let count = 0;
      for (const record of readSnapshot(latest)) {
        decodeSnapshotRecord(record, handlers);
        if (++count % LOOK === 0) await this.#turn(signal);
      }
      return latest;
    } catch (error) {
      signal.throwIfAborted();
      // What has been taken over is right; the log, read from its beginning, has the rest.
      this.report.snapshotProblem = describeError(error);
      return undefined;
    }
  }

  /** Series of which the log says that they are in blocks, and left memory. */
  #removeGone(): void {
    if (this.#gone.size === 0) return;
    this.#refs.forget(this.#gone);
    this.#head.forget(this.#gone);
    this.#gone.clear();
  }

  #found(chunk: HeadChunk): void {
    const list = this.#chunks.get(chunk.ref);
    if (list) list.push(chunk);
    else this.#chunks.set(chunk.ref, [chunk]);
  }

  #series(ref: number): number {
    const series = this.#refs.get(ref);
    if (series < 0) this.report.unknownRefs++;
    return series;
  }

  #makeHandlers(): RecordHandlers {
    const head = this.#head;
    const { store } = head;
    return {
      series: (ref, labels) => {
        if (this.#refs.get(ref) >= 0) return;
        const series = head.recall(labels, ref);
        if (series < 0) return;
        this.#refs.set(ref, series);
        if (store.table.hot.f64[8 * series + REF] !== ref) head.aliases.set(ref, series);
        this.#adopt(ref, series);
      },
      samples: ({ count, refs, times, words, signed, starts, hasStarts }) => {
        if (this.#numbers.length < count) this.#numbers = new Uint32Array(2 * count);
        const series = this.#numbers;
        for (let row = 0; row < count; row++) series[row] = this.#refs.get(refs[row]);
        store.appendRows({ series, times, signed }, 0, count, head.minValidTime, (row) => {
          const one = series[row];
          if (one === UNKNOWN) {
            this.report.unknownRefs++;
            return;
          }
          const time = times[row];
          const high = words[2 * row + 1 - LOW_WORD];
          const low = words[2 * row + LOW_WORD];
          const start = hasStarts ? starts[row] : 0;
          if (time > store.lastTime(one) && time >= head.minValidTime) store.append(one, time, high, low, start);
          else if (this.#live) head.applySample(one, time, high, low, start, this.#late);
        });
      },
      histogram: (ref, time, histogram, start) => {
        const series = this.#series(ref);
        if (series < 0) return;
        head.hasHistograms = true;
        if (time > store.lastTime(series) && time >= head.minValidTime) {
          store.appendHistogram(series, time, histogram, start);
        } else if (this.#live) head.applyHistogram(series, time, histogram, start, this.#late);
      },
      metadata: (ref, metadata) => {
        const series = this.#series(ref);
        if (series >= 0) store.setMetadata(series, metadata);
      },
      tombstone: (ref, mint, maxt) => {
        if (mint <= MIN_INT64 && maxt >= MAX_INT64) {
          // It may be gone already, with the checkpoint that named it.
          const series = this.#refs.get(ref);
          if (series >= 0) this.#gone.add(series);
          return;
        }
        const series = this.#series(ref);
        if (series >= 0) store.delete(series, mint, maxt);
      },
      exemplar: (ref, exemplar) => {
        const series = this.#series(ref);
        if (series >= 0) head.exemplars.add(series, exemplar);
      },
      marker: () => {},
    };
  }

  /** The log of late samples: everything in it goes among them, and nothing is logged again. */
  #lateHandlers(): RecordHandlers {
    const { late } = this.#head;
    const ignore = (): void => {};
    return {
      ...this.#makeHandlers(),
      samples: ({ count, refs, times, words, starts, hasStarts }) => {
        for (let i = 0; i < count; i++) {
          const series = this.#series(refs[i]);
          if (series < 0) continue;
          const start = hasStarts ? starts[i] : 0;
          late.insert(series, times[i], words[2 * i + 1 - LOW_WORD], words[2 * i + LOW_WORD], start, undefined, ignore);
        }
      },
      histogram: (ref, time, histogram, start) => {
        const series = this.#series(ref);
        if (series >= 0) late.insert(series, time, 0, 0, start, histogram, ignore);
      },
      marker: (ref, file, offset) => {
        const series = this.#series(ref);
        if (series >= 0) late.marked(series, file, offset);
      },
    };
  }

  /** Takes over the chunks that are on disk already; the log's samples up to their end are then passed over. */
  #adopt(ref: number, series: number): void {
    const chunks = this.#chunks.get(ref);
    if (!chunks) return;
    this.#chunks.delete(ref);
    const { store, minValidTime } = this.#head;
    for (const chunk of chunks) {
      if (chunk.outOfOrder) store.late.adopt(series, chunk);
      // Two refs of one series may both have chunks; those that overlap come from the log instead.
      else if (chunk.maxt >= minValidTime && chunk.mint > store.lastTime(series)) store.adopt(series, chunk);
    }
  }
}

/** What earlier runs have left of the log, behind the place of a snapshot where there is one. */
function oldSegments(walDir: string, first: number, snapshot: SnapshotFolder | undefined): Source[] {
  const checkpoint = lastCheckpoint(walDir);
  const out: Source[] = [];
  if (checkpoint && checkpoint.index >= (snapshot?.segment ?? -1)) {
    for (const index of segmentsOf(checkpoint.path)) out.push({ file: segmentPath(checkpoint.path, index), from: 0 });
  }
  for (const index of segmentsOf(walDir)) {
    if (index <= (checkpoint?.index ?? -1) || index >= first || index < (snapshot?.segment ?? 0)) continue;
    out.push({ file: segmentPath(walDir, index), from: index === snapshot?.segment ? snapshot.offset : 0 });
  }
  return out;
}

/** Leavings of a checkpoint that was being written. */
function removeUnfinished(dir: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    if (name.endsWith(".tmp")) rmSync(join(dir, name), { recursive: true });
  }
}
