/** A series of the head as it was at one moment: neither what is appended nor what is compacted away later changes it. */
import type { Labels, SampleBuffer, StoredSeries } from "@pharos/model";
import { dropIntervals, type Interval } from "../block/tombstones.ts";
import { decodeChunk } from "../chunk/decode.ts";
import type { EncodedChunk } from "../chunk/encode.ts";
import { Encoding } from "../chunk/encoding.ts";
import type { HistogramAppender } from "../chunk/histogram.ts";
import { sortRows } from "../merge.ts";
import { closedMaxt, closedMint, readClosed } from "./closed-chunks.ts";
import type { LateView } from "./late.ts";
import { gather, openStart } from "./open-chunk.ts";
import type { HeadStore } from "./store.ts";

/** The chunk may have got further samples since the view was made. */
function setCount(chunk: Uint8Array, samples: number): void {
  chunk[0] = samples >>> 8;
  chunk[1] = samples;
}

export class SeriesView implements StoredSeries {
  readonly labels: Labels;
  readonly #store: HeadStore;
  readonly #closed: number;
  readonly #count: number;
  readonly #histogram: HistogramAppender | undefined;
  readonly #open: number;
  readonly #openBytes: number;
  readonly #openCount: number;
  readonly #lastTime: number;
  readonly intervals: readonly Interval[] | undefined;
  readonly late: LateView | undefined;

  /** Addresses of the list of closed chunks and of the open one; what they hold does not move while the head is pinned. */
  constructor(
    store: HeadStore,
    labels: Labels,
    closed: number,
    count: number,
    histogram: HistogramAppender | undefined,
    open: number,
    openBytes: number,
    openCount: number,
    lastTime: number,
    intervals: readonly Interval[] | undefined,
    late: LateView | undefined,
  ) {
    this.#store = store;
    this.labels = labels;
    this.#closed = closed;
    this.#count = count;
    this.#histogram = histogram;
    this.#open = open;
    this.#openBytes = openBytes;
    this.#openCount = openCount;
    this.#lastTime = lastTime;
    this.intervals = intervals;
    this.late = late;
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
    const { heap, files } = this.#store;
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
        decodeChunk(Encoding.xor, data, mint, end, out);
      }
    }
  }

  /** The chunks that start in [mint, maxt), the open one included; without what is late or deleted. */
  chunks(mint: number, maxt: number): EncodedChunk[] {
    const { heap, files } = this.#store;
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
      const first = openStart(heap, this.#open);
      if (first >= mint && first < maxt) {
        const data = gather(heap, this.#open, this.#openBytes).slice();
        setCount(data, this.#openCount);
        out.push({ mint: first, maxt: this.#lastTime, encoding: Encoding.xor, data });
      }
    }
    return out;
  }
}
