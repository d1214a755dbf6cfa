/** A series of the head as it was at one moment: neither what is appended nor what is compacted away later changes it. */
import type { Labels, SampleBuffer, StoredSeries } from "@pharos/model";
import { dropIntervals, type Interval } from "../block/tombstones.ts";
import { decodeChunk } from "../chunk/decode.ts";
import type { EncodedChunk } from "../chunk/encode.ts";
import { Encoding } from "../chunk/encoding.ts";
import type { Readable } from "../memory/heap.ts";
import { sortRows } from "../merge.ts";
import type { SeriesExtra } from "../threads/messages.ts";
import type { ChunkFiles } from "./chunk-files.ts";
import { closedMaxt, closedMint, decodeClosed, readClosed } from "./closed-chunks.ts";
import type { LateView } from "./late.ts";
import { gatherOpen, openStart } from "./open-chunk.ts";

/** Where a view finds bytes: the head's memory and its chunk files, of this thread or another's. */
export interface ViewSource {
  readonly heap: Readable;
  readonly files: ChunkFiles;
}

/** A chunk of histograms that is being appended to, or a copy of one. */
export interface OpenHistogram {
  readonly encoding: number;
  readonly firstTime: number;
  readonly lastTime: number;
  /** Valid until the next append. */
  view(): Uint8Array;
  finish(): Uint8Array;
}

export class SeriesView implements StoredSeries {
  readonly labels: Labels;
  readonly #source: ViewSource;
  readonly #closed: number;
  readonly #count: number;
  readonly #histogram: OpenHistogram | undefined;
  readonly #open: number;
  readonly #openBytes: number;
  readonly #openCount: number;
  readonly #openEncoding: number;
  readonly #lastTime: number;
  readonly intervals: readonly Interval[] | undefined;
  readonly late: LateView | undefined;

  /** Addresses of the list of closed chunks and of the open one; what they hold does not move while the head is pinned. */
  constructor(
    source: ViewSource,
    labels: Labels,
    closed: number,
    count: number,
    histogram: OpenHistogram | undefined,
    open: number,
    openBytes: number,
    openCount: number,
    openEncoding: number,
    lastTime: number,
    intervals: readonly Interval[] | undefined,
    late: LateView | undefined,
  ) {
    this.#source = source;
    this.labels = labels;
    this.#closed = closed;
    this.#count = count;
    this.#histogram = histogram;
    this.#open = open;
    this.#openBytes = openBytes;
    this.#openCount = openCount;
    this.#openEncoding = openEncoding;
    this.#lastTime = lastTime;
    this.intervals = intervals;
    this.late = late;
  }

  /** What another thread needs beside the series' row in `messages.ts`. */
  extra(): SeriesExtra {
    const extra: SeriesExtra = { late: this.late?.data, intervals: this.intervals };
    const histogram = this.#histogram;
    if (histogram) {
      const { encoding, firstTime, lastTime } = histogram;
      extra.histogram = { encoding, firstTime, lastTime, data: histogram.finish() };
    }
    return extra;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    this.#readInOrder(mint, maxt, out);
    if (this.late) {
      const seam = out.length;
      this.late.read(mint, maxt, out);
      if (out.length > seam) sortRows(out, from);
    }
    if (this.intervals) dropIntervals(out, from, this.intervals);
  }

  /** Only what did not come late. */
  readInOrder(mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    this.#readInOrder(mint, maxt, out);
    if (this.intervals) dropIntervals(out, from, this.intervals);
  }

  #readInOrder(mint: number, maxt: number, out: SampleBuffer): void {
    const { heap, files } = this.#source;
    for (let i = 0; i < this.#count; i++) {
      if (closedMaxt(heap, this.#closed, i) < mint) continue;
      if (closedMint(heap, this.#closed, i) > maxt) break;
      decodeClosed(heap, files, this.#closed, i, mint, maxt, out);
    }
    const end = Math.min(maxt, this.#lastTime);
    if (end >= mint) {
      const histogram = this.#histogram;
      if (histogram) {
        if (histogram.firstTime <= end) decodeChunk(histogram.encoding, histogram.view(), mint, end, out);
      } else if (this.#open !== 0) {
        const data = gatherOpen(heap, this.#open, this.#openBytes, this.#openCount);
        decodeChunk(this.#openEncoding, data, mint, end, out);
      }
    }
  }

  /** The chunks that start in [mint, maxt), the open one included; without what is late or deleted. */
  chunks(mint: number, maxt: number): EncodedChunk[] {
    const { heap, files } = this.#source;
    const out: EncodedChunk[] = [];
    for (let i = 0; i < this.#count; i++) {
      const first = closedMint(heap, this.#closed, i);
      if (first < mint || first >= maxt) continue;
      out.push({ mint: first, maxt: closedMaxt(heap, this.#closed, i), ...readClosed(heap, files, this.#closed, i) });
    }
    const histogram = this.#histogram;
    if (histogram) {
      const { firstTime, lastTime, encoding } = histogram;
      if (firstTime >= mint && firstTime < maxt) {
        out.push({ mint: firstTime, maxt: lastTime, encoding, data: histogram.finish() });
      }
    } else if (this.#open !== 0) {
      const first = openStart(heap, this.#open, this.#openEncoding === Encoding.xor2);
      if (first >= mint && first < maxt) {
        const data = gatherOpen(heap, this.#open, this.#openBytes, this.#openCount).slice();
        out.push({ mint: first, maxt: this.#lastTime, encoding: this.#openEncoding, data });
      }
    }
    return out;
  }
}
