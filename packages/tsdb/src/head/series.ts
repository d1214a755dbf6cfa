/** One series in memory: its open chunk, the closed ones before it, and what appending needs to know. */
import {
  type FloatHistogram,
  type IntHistogram,
  Labels,
  type MetricMetadata,
  type SampleBuffer,
  type StoredSeries,
} from "@pharos/model";
import { decodeChunk } from "../chunk/decode.ts";
import { HistogramAppender } from "../chunk/histogram.ts";
import { XorAppender } from "../chunk/xor.ts";

export interface ClosedChunk {
  mint: number;
  maxt: number;
  encoding: number;
  bytes: Uint8Array;
}

/** Samples in a chunk, as Prometheus aims for. */
const CHUNK_SAMPLES = 120;
/** Chunks do not cross multiples of this, so that blocks can be cut between them. */
export const CHUNK_RANGE_MS = 2 * 3600_000;

type OpenChunk = XorAppender | HistogramAppender;

/** A series as it was at one moment: neither what is appended nor what is compacted away later changes it. */
export class SeriesView implements StoredSeries {
  readonly labels: Labels;
  readonly #closed: readonly ClosedChunk[];
  readonly #count: number;
  readonly #open: OpenChunk;
  readonly #lastTime: number;

  constructor(labels: Labels, closed: readonly ClosedChunk[], open: OpenChunk) {
    this.labels = labels;
    this.#closed = closed;
    this.#count = closed.length;
    this.#open = open;
    this.#lastTime = open.count > 0 ? open.lastTime : Number.NEGATIVE_INFINITY;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    for (let i = 0; i < this.#count; i++) {
      const chunk = this.#closed[i];
      if (chunk.maxt >= mint && chunk.mint <= maxt) decodeChunk(chunk.encoding, chunk.bytes, mint, maxt, out);
    }
    const open = this.#open;
    const end = Math.min(maxt, this.#lastTime);
    if (end >= mint && open.firstTime <= end) decodeChunk(open.encoding, open.view(), mint, end, out);
  }
}

export class MemSeries {
  readonly ref: number;
  readonly labels: Labels;
  metadata: MetricMetadata | undefined;
  /** Only ever extended in place: when chunks go, a new list takes its place, and readers keep the old one. */
  closed: ClosedChunk[] = [];
  #open: OpenChunk = new XorAppender();
  /** Newest committed sample. */
  lastTime = Number.NEGATIVE_INFINITY;
  lastHigh = 0;
  lastLow = 0;
  /** Newest sample of the transaction in progress, if any. */
  pendingTime = Number.NEGATIVE_INFINITY;

  constructor(ref: number, labels: Labels) {
    this.ref = ref;
    this.labels = labels;
  }

  get firstTime(): number {
    return this.closed[0]?.mint ?? (this.#open.count > 0 ? this.#open.firstTime : Number.POSITIVE_INFINITY);
  }

  get chunkCount(): number {
    return this.closed.length + (this.#open.count > 0 ? 1 : 0);
  }

  /** Bytes of encoded samples. */
  get bytes(): number {
    let total = this.#open.byteLength;
    for (const { bytes } of this.closed) total += bytes.length;
    return total;
  }

  append(time: number, high: number, low: number): void {
    if (this.#full(time) || this.#open instanceof HistogramAppender) {
      this.#close();
      this.#open = new XorAppender();
    }
    (this.#open as XorAppender).append(time, high, low);
    this.lastTime = time;
    this.lastHigh = high;
    this.lastLow = low;
  }

  appendHistogram(time: number, histogram: IntHistogram | FloatHistogram): void {
    let open = this.#open;
    if (!(open instanceof HistogramAppender) || this.#full(time) || !open.accepts(histogram)) {
      this.#close();
      open = new HistogramAppender(histogram, open instanceof HistogramAppender ? open.last : undefined);
      this.#open = open;
    }
    open.append(time, histogram);
    this.lastTime = time;
  }

  /** The newest sample when it is a histogram. */
  get lastHistogram(): IntHistogram | FloatHistogram | undefined {
    return this.#open instanceof HistogramAppender ? this.#open.last : undefined;
  }

  /** All chunks that start in [mint, maxt), the open one included. */
  chunksIn(mint: number, maxt: number): { mint: number; maxt: number; encoding: number; data: Uint8Array }[] {
    const out = this.closed
      .filter((chunk) => chunk.mint >= mint && chunk.mint < maxt)
      .map((chunk) => ({ mint: chunk.mint, maxt: chunk.maxt, encoding: chunk.encoding, data: chunk.bytes }));
    const open = this.#open;
    if (open.count > 0 && open.firstTime >= mint && open.firstTime < maxt) {
      out.push({ mint: open.firstTime, maxt: open.lastTime, encoding: open.encoding, data: open.finish() });
    }
    return out;
  }

  #full(time: number): boolean {
    const open = this.#open;
    if (open.count === 0) return false;
    return (
      open.count >= CHUNK_SAMPLES || Math.floor(time / CHUNK_RANGE_MS) !== Math.floor(open.firstTime / CHUNK_RANGE_MS)
    );
  }

  #close(): void {
    const open = this.#open;
    if (open.count === 0) return;
    this.closed.push({ mint: open.firstTime, maxt: open.lastTime, encoding: open.encoding, bytes: open.finish() });
  }

  view(): SeriesView {
    return new SeriesView(this.labels, this.closed, this.#open);
  }

  /** Drops chunks that end before `mint`; true when nothing is left. */
  truncate(mint: number): boolean {
    let drop = 0;
    while (drop < this.closed.length && this.closed[drop].maxt < mint) drop++;
    if (drop > 0) this.closed = this.closed.slice(drop);
    if (this.closed.length === 0 && this.#open.count > 0 && this.#open.lastTime < mint) this.#open = new XorAppender();
    return this.closed.length === 0 && this.#open.count === 0;
  }

  appendRows({ length, words, timestamps, histograms }: SampleBuffer): void {
    for (let i = 0; i < length; i++) {
      const histogram = histograms?.[i];
      if (histogram) this.appendHistogram(timestamps[i], histogram);
      else this.append(timestamps[i], words[2 * i + HIGH], words[2 * i + 1 - HIGH]);
    }
  }

  /** Removes the samples of a range by writing the others again. */
  delete(mint: number, maxt: number, buffer: SampleBuffer): void {
    buffer.clear();
    this.view().read(Number.NEGATIVE_INFINITY, mint - 1, buffer);
    this.view().read(maxt + 1, Number.POSITIVE_INFINITY, buffer);
    this.closed = [];
    this.#open = new XorAppender();
    const { lastTime, lastHigh, lastLow } = this;
    this.appendRows(buffer);
    // Deleting does not make room for older samples.
    this.lastTime = lastTime;
    this.lastHigh = lastHigh;
    this.lastLow = lastLow;
  }
}

/** Index of the high word of a float64 on this machine. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Samples as chunks, cut as the head cuts them. */
export function reencode(buffer: SampleBuffer): { mint: number; maxt: number; encoding: number; data: Uint8Array }[] {
  const series = new MemSeries(0, Labels.empty);
  series.appendRows(buffer);
  return series.chunksIn(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
}
