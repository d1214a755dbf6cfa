/** Samples in columns as chunks, cut as the head cuts them. */
import type { FloatHistogram, IntHistogram, SampleBuffer } from "@pharos/model";
import { LOW_WORD } from "@pharos/model";
import { HistogramAppender } from "./histogram.ts";
import { XorAppender } from "./xor.ts";

const MAX_SAMPLES = 120;

export interface EncodedChunk {
  mint: number;
  maxt: number;
  encoding: number;
  data: Uint8Array;
}

/** Takes samples in order of time and hands out the chunks they make. */
export class ChunkCutter {
  readonly #rangeMs: number;
  readonly #take: (chunk: EncodedChunk) => void;
  #open: XorAppender | HistogramAppender | undefined;

  /** Chunks do not cross multiples of `rangeMs`. */
  constructor(rangeMs: number, take: (chunk: EncodedChunk) => void) {
    this.#rangeMs = rangeMs;
    this.#take = take;
  }

  float(time: number, high: number, low: number): void {
    if (!(this.#open instanceof XorAppender) || this.#isFull(this.#open, time)) {
      this.finish();
      this.#open = new XorAppender();
    }
    this.#open.append(time, high, low);
  }

  histogram(time: number, histogram: IntHistogram | FloatHistogram): void {
    let open = this.#open;
    if (!(open instanceof HistogramAppender) || this.#isFull(open, time) || !open.accepts(histogram)) {
      this.finish();
      open = new HistogramAppender(histogram, open instanceof HistogramAppender ? open.last : undefined);
      this.#open = open;
    }
    open.append(time, histogram);
  }

  /** Hands out the chunk in progress. */
  finish(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    this.#take({ mint: open.firstTime, maxt: open.lastTime, encoding: open.encoding, data: open.finish() });
  }

  #isFull({ count, firstTime }: XorAppender | HistogramAppender, time: number): boolean {
    return count >= MAX_SAMPLES || Math.floor(time / this.#rangeMs) !== Math.floor(firstTime / this.#rangeMs);
  }
}

/** All rows of a buffer. */
export function encodeBuffer(buffer: SampleBuffer, rangeMs: number): EncodedChunk[] {
  const out: EncodedChunk[] = [];
  const cutter = new ChunkCutter(rangeMs, (chunk) => out.push(chunk));
  const { timestamps, words, histograms } = buffer;
  for (let i = 0; i < buffer.length; i++) {
    const histogram = histograms?.[i];
    if (histogram) cutter.histogram(timestamps[i], histogram);
    else cutter.float(timestamps[i], words[2 * i + 1 - LOW_WORD], words[2 * i + LOW_WORD]);
  }
  cutter.finish();
  return out;
}
