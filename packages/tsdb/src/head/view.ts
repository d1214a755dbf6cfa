/** A series of the head as it was at one moment: neither what is appended nor what is compacted away later changes it. */
import type { Labels, SampleBuffer, StoredSeries } from "@pharos/model";
import { dropIntervals, type Interval } from "../block/tombstones.ts";
import { decodeChunk } from "../chunk/decode.ts";
import type { EncodedChunk } from "../chunk/encode.ts";
import { Encoding } from "../chunk/encoding.ts";
import type { Readable } from "../memory/heap.ts";
import { sortRows } from "../merge.ts";
import {
  CLOSED_AT,
  CLOSED_COUNT_AT,
  EXTRA_AT,
  LAST_TIME_AT,
  OPEN_AT,
  OPEN_BYTES_AT,
  OPEN_COUNT_AT,
  OPEN_ENCODING_AT,
  type SeriesExtra,
  STRIDE,
} from "../threads/messages.ts";
import type { ChunkFiles } from "./chunk-files.ts";
import { closedMaxt, closedMint, readClosed } from "./closed-chunks.ts";
import type { LateView } from "./late.ts";
import { gather, openStart } from "./open-chunk.ts";

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

/** The chunk may have got further samples since the view was made. */
function setCount(chunk: Uint8Array, samples: number): void {
  chunk[0] = samples >>> 8;
  chunk[1] = samples;
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

  /** Puts what another thread needs to read the same into a row of `messages.ts`. */
  describe(series: Float64Array, row: number, extras: SeriesExtra[]): void {
    const at = STRIDE * row;
    series[at + CLOSED_AT] = this.#closed;
    series[at + CLOSED_COUNT_AT] = this.#count;
    series[at + OPEN_AT] = this.#open;
    series[at + OPEN_BYTES_AT] = this.#openBytes;
    series[at + OPEN_COUNT_AT] = this.#openCount;
    series[at + OPEN_ENCODING_AT] = this.#openEncoding;
    series[at + LAST_TIME_AT] = this.#lastTime;
    series[at + EXTRA_AT] = -1;
    const histogram = this.#histogram;
    if (!histogram && !this.late && !this.intervals) return;
    const extra: SeriesExtra = { late: this.late?.data, intervals: this.intervals };
    if (histogram) {
      const { encoding, firstTime, lastTime } = histogram;
      extra.histogram = { encoding, firstTime, lastTime, data: histogram.finish() };
    }
    series[at + EXTRA_AT] = extras.push(extra) - 1;
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
      const { encoding, data } = readClosed(heap, files, this.#closed, i);
      decodeChunk(encoding, data, mint, maxt, out);
    }
    const end = Math.min(maxt, this.#lastTime);
    if (end >= mint) {
      const histogram = this.#histogram;
      if (histogram) {
        if (histogram.firstTime <= end) decodeChunk(histogram.encoding, histogram.view(), mint, end, out);
      } else if (this.#open !== 0) {
        const data = gather(heap, this.#open, this.#openBytes);
        setCount(data, this.#openCount);
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
        const data = gather(heap, this.#open, this.#openBytes).slice();
        setCount(data, this.#openCount);
        out.push({ mint: first, maxt: this.#lastTime, encoding: this.#openEncoding, data });
      }
    }
    return out;
  }
}
