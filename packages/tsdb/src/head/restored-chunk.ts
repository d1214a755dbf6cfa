/** A chunk of histograms that a snapshot had: it is read, but nothing is appended to it any more. */
import type { FloatHistogram, IntHistogram } from "@pharos/model";
import type { HistogramAppender } from "../chunk/histogram.ts";

/** What the head holds for a series whose newest sample is a histogram. */
export type HistogramChunk = HistogramAppender | RestoredHistogram;

export class RestoredHistogram {
  readonly encoding: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly last: IntHistogram | FloatHistogram;
  /** The next histogram starts a new chunk. */
  readonly isFull = true;
  readonly #data: Uint8Array;

  /** `data` is kept. */
  constructor(
    encoding: number,
    firstTime: number,
    lastTime: number,
    last: IntHistogram | FloatHistogram,
    data: Uint8Array,
  ) {
    this.encoding = encoding;
    this.firstTime = firstTime;
    this.lastTime = lastTime;
    this.last = last;
    this.#data = data;
  }

  view(): Uint8Array {
    return this.#data;
  }

  finish(): Uint8Array {
    return this.#data;
  }
}
