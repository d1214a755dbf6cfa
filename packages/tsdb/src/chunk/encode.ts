/** Samples in columns as chunks, cut as the head cuts them. */
import type { FloatHistogram, IntHistogram, SampleBuffer } from "@pharos/model";
import { LOW_WORD } from "@pharos/model";
import { ALL_STARTS, type ChunkEncodings, DEFAULT_ENCODINGS } from "./encoding.ts";
import { HistogramAppender } from "./histogram.ts";
import { widen } from "./histogram-widen.ts";
import { XorAppender } from "./xor.ts";
import { Xor2Appender } from "./xor2.ts";

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
  readonly #encodings: ChunkEncodings;
  #open: XorAppender | Xor2Appender | HistogramAppender | undefined;

  /** Chunks do not cross multiples of `rangeMs`. */
  constructor(rangeMs: number, take: (chunk: EncodedChunk) => void, encodings = DEFAULT_ENCODINGS) {
    this.#rangeMs = rangeMs;
    this.#take = take;
    this.#encodings = encodings;
  }

  /** `start` 0 when unknown. */
  float(time: number, high: number, low: number, start = 0): void {
    let open = this.#open;
    if (!open || open instanceof HistogramAppender || this.#isFull(open, time)) {
      this.finish();
      open = this.#encodings.floats === "xor2" ? new Xor2Appender() : new XorAppender();
      this.#open = open;
    }
    open.append(time, high, low, start);
  }

  histogram(time: number, histogram: IntHistogram | FloatHistogram, start = 0): void {
    let open = this.#open;
    let fitting = histogram;
    if (open instanceof HistogramAppender && !this.#isFull(open, time) && !open.accepts(histogram)) {
      const wider = widen(open, histogram);
      if (wider) ({ open, histogram: fitting } = wider);
      this.#open = open;
    }
    if (!(open instanceof HistogramAppender) || this.#isFull(open, time) || !open.accepts(fitting)) {
      this.finish();
      const before = open instanceof HistogramAppender ? open.last : undefined;
      open = new HistogramAppender(histogram, before, this.#encodings.histogramStarts);
      this.#open = open;
    }
    open.append(time, fitting, start, histogram);
  }

  /** Hands out the chunk in progress. */
  finish(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    this.#take({ mint: open.firstTime, maxt: open.lastTime, encoding: open.encoding, data: open.finish() });
  }

  #isFull({ count, firstTime }: XorAppender | Xor2Appender | HistogramAppender, time: number): boolean {
    return count >= MAX_SAMPLES || Math.floor(time / this.#rangeMs) !== Math.floor(firstTime / this.#rangeMs);
  }
}

/** All rows of a buffer. Where it has start timestamps the chunks have them too, whatever `encodings` says. */
export function encodeBuffer(buffer: SampleBuffer, rangeMs: number, encodings = DEFAULT_ENCODINGS): EncodedChunk[] {
  const out: EncodedChunk[] = [];
  const { timestamps, words, histograms, startTimestamps } = buffer;
  const chosen = startTimestamps ? ALL_STARTS : encodings;
  const cutter = new ChunkCutter(rangeMs, (chunk) => out.push(chunk), chosen);
  for (let i = 0; i < buffer.length; i++) {
    const histogram = histograms?.[i];
    const start = startTimestamps?.[i] ?? 0;
    if (histogram) cutter.histogram(timestamps[i], histogram, start);
    else cutter.float(timestamps[i], words[2 * i + 1 - LOW_WORD], words[2 * i + LOW_WORD], start);
  }
  cutter.finish();
  return out;
}
