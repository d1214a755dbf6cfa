/**
 * Samples that came behind newer ones of their series, inside the out-of-order window. They are kept apart from the others:
 * a few in order in memory, the rest as chunks of their own in the head's chunk files; a log of their own (wbl) says in
 * which order they came, and which of them are in chunks.
 */
import { AppendResult, type FloatHistogram, type IntHistogram, type SampleBuffer } from "@pharos/model";
import { decodeChunk } from "../chunk/decode.ts";
import { ChunkCutter, type EncodedChunk } from "../chunk/encode.ts";
import { ALL_STARTS, type ChunkEncodings } from "../chunk/encoding.ts";
import type { ChunkFiles, HeadChunkFiles } from "./chunk-files.ts";

/** Samples kept in memory before they become a chunk; upstream's default. */
const BUFFERED = 32;

export interface LateChunk {
  mint: number;
  maxt: number;
  file: number;
  offset: number;
  bytes: number;
}

class LateSeries {
  /** Ascending. */
  readonly times: number[] = [];
  readonly words: number[] = [];
  /** Start timestamps, 0 when unknown. */
  readonly starts: number[] = [];
  readonly histograms: (IntHistogram | FloatHistogram | undefined)[] = [];
  chunks: readonly LateChunk[] = [];

  /** Forgets what is in memory. */
  clear(): void {
    this.times.length = this.words.length = this.starts.length = this.histograms.length = 0;
  }
}

/** A series' late samples, copied. */
export interface LateData {
  chunks: readonly LateChunk[];
  times: readonly number[];
  words: readonly number[];
  starts: readonly number[];
  histograms: readonly (IntHistogram | FloatHistogram | undefined)[];
}

/** A series' late samples as they were at one moment. */
export class LateView {
  readonly #files: ChunkFiles;
  readonly data: LateData;

  constructor(files: ChunkFiles, data: LateData) {
    this.#files = files;
    this.data = data;
  }

  get mint(): number {
    const { chunks, times } = this.data;
    return chunks.reduce((min, chunk) => Math.min(min, chunk.mint), times[0] ?? Number.POSITIVE_INFINITY);
  }

  get maxt(): number {
    const { chunks, times } = this.data;
    return chunks.reduce((max, chunk) => Math.max(max, chunk.maxt), times.at(-1) ?? Number.NEGATIVE_INFINITY);
  }

  /** Appends what lies in the range, in no particular order. */
  read(mint: number, maxt: number, out: SampleBuffer): void {
    const { chunks, times } = this.data;
    for (const chunk of chunks) {
      if (chunk.maxt < mint || chunk.mint > maxt) continue;
      const { encoding, data } = this.#files.read(chunk.file, chunk.offset, chunk.bytes);
      decodeChunk(encoding, data, mint, maxt, out);
    }
    if (times.length === 0) return;
    const cutter = new ChunkCutter(
      Number.POSITIVE_INFINITY,
      ({ encoding, data }) => decodeChunk(encoding, data, mint, maxt, out),
      ALL_STARTS,
    );
    push(cutter, this.data);
  }
}

export class Late {
  readonly #files: HeadChunkFiles;
  readonly #refOf: (series: number) => number;
  readonly #encodings: () => ChunkEncodings;
  readonly #series = new Map<number, LateSeries>();
  /** ms behind the head's newest sample; 0: nothing late is taken. */
  windowMs: number;
  /** Newest sample of the head, Unix ms. */
  headMaxTime = Number.NEGATIVE_INFINITY;
  samples = 0;

  constructor(
    files: HeadChunkFiles,
    windowMs: number,
    refOf: (series: number) => number,
    encodings: () => ChunkEncodings,
  ) {
    this.#files = files;
    this.windowMs = windowMs;
    this.#refOf = refOf;
    this.#encodings = encodings;
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  /** Why a sample that is not the newest of its series may not go in; undefined when it may. */
  refuses(timestamp: number, minValidTime: number): AppendResult | undefined {
    if (this.windowMs > 0) {
      return timestamp >= this.headMaxTime - this.windowMs ? undefined : AppendResult.tooOld;
    }
    return timestamp < minValidTime ? AppendResult.outOfBounds : AppendResult.outOfOrder;
  }

  /** Whether there is a sample of this time among those in memory. */
  hasTime(series: number, time: number): boolean {
    return this.#series.get(series)?.times.includes(time) ?? false;
  }

  /** How many samples of a series may come before those in memory become a chunk. */
  room(series: number): number {
    return BUFFERED - (this.#series.get(series)?.times.length ?? 0);
  }

  /** What a series has in memory becomes chunks. */
  close(series: number, closed: (chunk: LateChunk) => void): void {
    const late = this.#series.get(series);
    if (late) this.#close(series, late, closed);
  }

  /**
   * Takes a sample; false when there is one of the same time among those in memory. `closed` is called for every chunk that
   * had to be made room for it, before it goes in.
   */
  insert(
    series: number,
    time: number,
    high: number,
    low: number,
    start: number,
    histogram: IntHistogram | FloatHistogram | undefined,
    closed: (chunk: LateChunk) => void,
  ): boolean {
    const late = this.#of(series);
    const { times, words, starts, histograms } = late;
    let at = times.length;
    while (at > 0 && times[at - 1] > time) at--;
    if (times[at - 1] === time) return false;
    if (times.length >= BUFFERED) {
      this.#close(series, late, closed);
      at = 0;
    }
    times.splice(at, 0, time);
    words.splice(2 * at, 0, high >>> 0, low >>> 0);
    // Where their chunks have no start timestamps nothing else must say that they do.
    starts.splice(at, 0, histogram && !this.#encodings().histogramStarts ? 0 : start);
    histograms.splice(at, 0, histogram);
    this.samples++;
    return true;
  }

  /** Everything in memory becomes chunks. */
  closeAll(closed: (series: number, chunk: LateChunk) => void): void {
    for (const [series, late] of this.#series) this.#close(series, late, (chunk) => closed(series, chunk));
  }

  /** A chunk that is in the files already. */
  adopt(series: number, chunk: LateChunk): void {
    const late = this.#of(series);
    late.chunks = [...late.chunks, chunk];
  }

  /** The samples in memory are in this chunk, if it is known; then they are forgotten. */
  marked(series: number, file: number, offset: number): void {
    const late = this.#series.get(series);
    if (!late?.chunks.some((chunk) => chunk.file === file && chunk.offset === offset)) return;
    late.clear();
  }

  view(series: number): LateView | undefined {
    const late = this.#series.get(series);
    if (!late) return undefined;
    const { chunks, times, words, starts, histograms } = late;
    return new LateView(this.#files, {
      chunks,
      times: times.slice(),
      words: words.slice(),
      starts: starts.slice(),
      histograms: histograms.slice(),
    });
  }

  has(series: number): boolean {
    return this.#series.has(series);
  }

  /** The chunks there are now, by series. */
  snapshot(): Map<number, readonly LateChunk[]> {
    return new Map([...this.#series].map(([series, { chunks }]) => [series, chunks]));
  }

  /** Forgets the chunks of a snapshot: they are in blocks. */
  drop(snapshot: ReadonlyMap<number, readonly LateChunk[]>): void {
    for (const [series, chunks] of snapshot) {
      const late = this.#series.get(series);
      if (!late) continue;
      late.chunks = late.chunks.filter((chunk) => !chunks.includes(chunk));
      if (late.chunks.length === 0 && late.times.length === 0) this.#series.delete(series);
    }
  }

  /** The first chunk file that is needed, Infinity without one. */
  get firstFile(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { chunks } of this.#series.values()) for (const { file } of chunks) first = Math.min(first, file);
    return first;
  }

  forget(series: number): void {
    this.#series.delete(series);
  }

  #of(series: number): LateSeries {
    let late = this.#series.get(series);
    if (!late) this.#series.set(series, (late = new LateSeries()));
    return late;
  }

  #close(series: number, late: LateSeries, closed: (chunk: LateChunk) => void): void {
    if (late.times.length === 0) return;
    const made: LateChunk[] = [];
    const take = ({ mint, maxt, encoding, data }: EncodedChunk): void => {
      this.#files.write(this.#refOf(series), mint, maxt, encoding, true, data, 0, data.length);
      made.push({ mint, maxt, file: this.#files.file, offset: this.#files.offset, bytes: data.length });
    };
    push(new ChunkCutter(Number.POSITIVE_INFINITY, take, this.#encodings()), late);
    late.clear();
    late.chunks = [...late.chunks, ...made];
    for (const chunk of made) closed(chunk);
  }
}

function push(cutter: ChunkCutter, { times, words, starts, histograms }: Omit<LateData, "chunks">): void {
  for (let i = 0; i < times.length; i++) {
    const histogram = histograms[i];
    if (histogram) cutter.histogram(times[i], histogram, starts[i]);
    else cutter.float(times[i], words[2 * i], words[2 * i + 1], starts[i]);
  }
  cutter.finish();
}
