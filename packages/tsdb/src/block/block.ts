/** One block on disk: index, chunks and deleted ranges, opened for reading. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Labels, Matcher, SampleBuffer, SeriesList, StoredSeries } from "@pharos/model";
import { decodeChunk } from "../chunk/decode.ts";
import { selectPostings } from "../postings/select.ts";
import { listOf } from "../select/selection.ts";
import { ChunkReader } from "./chunk-files.ts";
import { type ChunkMeta, IndexReader } from "./index-reader.ts";
import { type BlockMeta, readMeta, writeMeta } from "./meta.ts";
import type { PageCache } from "./page-cache.ts";
import { BlockSelection, SeriesColumns } from "./selection.ts";
import {
  addInterval,
  dropIntervals,
  type Interval,
  readTombstones,
  type Tombstones,
  writeTombstones,
} from "./tombstones.ts";

export class BlockSeries implements StoredSeries {
  readonly labels: Labels;
  readonly chunks: readonly ChunkMeta[];
  readonly intervals: readonly Interval[] | undefined;
  readonly #chunkReader: ChunkReader;

  constructor(
    labels: Labels,
    chunks: readonly ChunkMeta[],
    intervals: readonly Interval[] | undefined,
    reader: ChunkReader,
  ) {
    this.labels = labels;
    this.chunks = chunks;
    this.intervals = intervals;
    this.#chunkReader = reader;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    for (const chunk of this.chunks) {
      if (chunk.maxt < mint || chunk.mint > maxt) continue;
      const { encoding, data } = this.#chunkReader.read(chunk.ref);
      decodeChunk(encoding, data, mint, maxt, out);
    }
    if (this.intervals) dropIntervals(out, from, this.intervals);
  }

  data(chunk: ChunkMeta): { encoding: number; data: Uint8Array } {
    return this.#chunkReader.read(chunk.ref);
  }
}

/** Whether nothing is left of the chunks from `from` on. */
function isDeleted({ chunks, chunkEnd }: SeriesColumns, from: number, intervals: readonly Interval[]): boolean {
  for (let at = from; at < chunkEnd; at += 3) {
    const [mint, maxt] = [chunks[at], chunks[at + 1]];
    if (!intervals.some((gap) => gap.mint <= mint && gap.maxt >= maxt)) return false;
  }
  return true;
}

export class Block implements Disposable {
  readonly dir: string;
  readonly meta: BlockMeta;
  readonly index: IndexReader;
  readonly tombstones: Tombstones;
  readonly #chunks: ChunkReader;
  /** Queriers that read from it; a block that is dropped is closed when the last one is gone. */
  #readers = 0;
  #dropped: (() => void) | undefined;

  /** Throws a UserError that names the damaged file. */
  constructor(dir: string, cache: PageCache) {
    this.dir = dir;
    this.meta = readMeta(dir);
    this.tombstones = readTombstones(dir);
    this.#chunks = new ChunkReader(join(dir, "chunks"), cache);
    try {
      this.index = new IndexReader(join(dir, "index"), cache);
    } catch (error) {
      this.#chunks[Symbol.dispose]();
      throw error;
    }
  }

  /** On disk, all files together. */
  get bytes(): number {
    const sizeOf = (name: string): number => statSync(join(this.dir, name), { throwIfNoEntry: false })?.size ?? 0;
    return this.index.size + this.#chunks.size + sizeOf("meta.json") + sizeOf("tombstones");
  }

  overlaps(mint: number, maxt: number): boolean {
    return this.meta.minTime <= maxt && this.meta.maxTime > mint;
  }

  /** Series with a chunk in the range, sorted by labels (the order of refs). */
  find(matchers: readonly Matcher[], mint: number, maxt: number): BlockSelection {
    const refs = selectPostings(this.index, matchers);
    const columns = new SeriesColumns();
    const symbolStarts = new Uint32Array(refs.length + 1);
    const chunkStarts = new Uint32Array(refs.length + 1);
    const deleted = new Map<number, readonly Interval[]>();
    let count = 0;
    for (let i = 0; i < refs.length; i++) {
      const { symbolEnd, chunkEnd } = columns;
      this.index.seriesInto(refs[i], mint, maxt, columns);
      const intervals = this.tombstones.get(refs[i]);
      if (columns.chunkEnd === chunkEnd || (intervals && isDeleted(columns, chunkEnd, intervals))) {
        columns.symbolEnd = symbolEnd;
        columns.chunkEnd = chunkEnd;
        continue;
      }
      if (intervals) deleted.set(count, intervals);
      count++;
      symbolStarts[count] = columns.symbolEnd;
      chunkStarts[count] = columns.chunkEnd;
    }
    return new BlockSelection(this.index, this.#chunks, columns, symbolStarts, chunkStarts, count, deleted);
  }

  /** The same as objects. */
  select(matchers: readonly Matcher[], mint: number, maxt: number): SeriesList {
    return listOf(this.find(matchers, mint, maxt), 0);
  }

  /** Every series, sorted by labels; those of which nothing is left are not left out. */
  *series(): Generator<BlockSeries> {
    for (const ref of this.index.all()) {
      const { labels, chunks } = this.index.series(ref);
      yield new BlockSeries(labels, chunks, this.tombstones.get(ref), this.#chunks);
    }
  }

  /** Marks samples as deleted; they are gone from queries at once and from the disk with the next rewriting. */
  delete(matchers: readonly Matcher[], mint: number, maxt: number): void {
    let changed = false;
    for (const ref of selectPostings(this.index, matchers)) {
      const { chunks } = this.index.series(ref);
      if (!chunks.some((chunk) => chunk.maxt >= mint && chunk.mint <= maxt)) continue;
      const first = Math.max(mint, chunks[0].mint);
      const last = Math.min(maxt, chunks[chunks.length - 1].maxt);
      addInterval(this.tombstones, ref, first, last);
      changed = true;
    }
    if (changed) writeTombstones(this.dir, this.tombstones);
  }

  /** Notes in the block's description that it could not be merged: it is left alone from now on. */
  markFailed(): void {
    this.meta.compaction.failed = true;
    writeMeta(this.dir, this.meta);
  }

  acquire(): void {
    this.#readers++;
  }

  release(): void {
    if (--this.#readers === 0) this.#finish();
  }

  /** Closes the block once nobody reads it, then calls `after`. */
  drop(after: () => void): void {
    this.#dropped = after;
    if (this.#readers === 0) this.#finish();
  }

  [Symbol.dispose](): void {
    this.index[Symbol.dispose]();
    this.#chunks[Symbol.dispose]();
  }

  #finish(): void {
    const after = this.#dropped;
    if (!after) return;
    this.#dropped = undefined;
    this[Symbol.dispose]();
    after();
  }
}
