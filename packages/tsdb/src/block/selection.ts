/** The series of a block that a selection found: their entries of the index in columns of numbers. */
import type { SampleBuffer } from "@pharos/model";
import { decodeChunk } from "../chunk/decode.ts";
import { keepNewest } from "../merge.ts";
import type { Selection } from "../select/selection.ts";
import type { ChunkReader } from "./chunk-files.ts";
import type { IndexReader } from "./index-reader.ts";
import { dropIntervals, type Interval } from "./tombstones.ts";

/** Columns of series entries that grow as series are added. */
export class SeriesColumns {
  /** Name and value of each label, as the index refers to symbols. */
  symbols = new Uint32Array(1024);
  /** Of each chunk its first and last time and its ref. */
  chunks = new Float64Array(256);
  symbolEnd = 0;
  chunkEnd = 0;

  reserveSymbols(more: number): void {
    if (this.symbolEnd + more <= this.symbols.length) return;
    const grown = new Uint32Array(Math.max(2 * this.symbols.length, this.symbolEnd + more));
    grown.set(this.symbols);
    this.symbols = grown;
  }

  addChunk(mint: number, maxt: number, ref: number): void {
    if (this.chunkEnd + 3 > this.chunks.length) {
      const grown = new Float64Array(2 * this.chunks.length);
      grown.set(this.chunks);
      this.chunks = grown;
    }
    this.chunks[this.chunkEnd++] = mint;
    this.chunks[this.chunkEnd++] = maxt;
    this.chunks[this.chunkEnd++] = ref;
  }
}

export class BlockSelection implements Selection {
  readonly #index: IndexReader;
  readonly #chunkReader: ChunkReader;
  readonly #columns: SeriesColumns;
  /** Where symbols and chunks of a series begin; one entry more than series. */
  readonly #symbolStarts: Uint32Array;
  readonly #chunkStarts: Uint32Array;
  readonly #intervals: ReadonlyMap<number, readonly Interval[]>;
  readonly length: number;

  constructor(
    index: IndexReader,
    chunkReader: ChunkReader,
    columns: SeriesColumns,
    symbolStarts: Uint32Array,
    chunkStarts: Uint32Array,
    length: number,
    intervals: ReadonlyMap<number, readonly Interval[]>,
  ) {
    this.#index = index;
    this.#chunkReader = chunkReader;
    this.#columns = columns;
    this.#symbolStarts = symbolStarts;
    this.#chunkStarts = chunkStarts;
    this.length = length;
    this.#intervals = intervals;
  }

  get symbolCount(): number {
    return this.#index.symbolBound;
  }

  labelCount(index: number): number {
    return (this.#symbolStarts[index + 1] - this.#symbolStarts[index]) >>> 1;
  }

  nameOf(index: number, k: number): number {
    return this.#columns.symbols[this.#symbolStarts[index] + 2 * k];
  }

  valueOf(index: number, k: number): number {
    return this.#columns.symbols[this.#symbolStarts[index] + 2 * k + 1];
  }

  text(symbol: number): string {
    return this.#index.symbol(symbol);
  }

  read(index: number, mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    const { chunks } = this.#columns;
    const end = this.#chunkStarts[index + 1];
    for (let at = this.#chunkStarts[index]; at < end; at += 3) {
      if (chunks[at + 1] < mint) continue;
      if (chunks[at] > maxt) continue;
      const { encoding, data } = this.#chunkReader.read(chunks[at + 2]);
      decodeChunk(encoding, data, mint, maxt, out);
    }
    const intervals = this.#intervals.get(index);
    if (intervals) dropIntervals(out, from, intervals);
  }

  readNewest(index: number, mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    if (this.#intervals.has(index)) this.read(index, mint, maxt, out);
    else {
      // Chunks are in order of their first times and do not overlap: the last one that has begun holds it.
      const { chunks } = this.#columns;
      const start = this.#chunkStarts[index];
      let at = this.#chunkStarts[index + 1] - 3;
      while (at >= start && chunks[at] > maxt) at -= 3;
      if (at >= start && chunks[at + 1] >= mint) {
        const { encoding, data } = this.#chunkReader.read(chunks[at + 2]);
        decodeChunk(encoding, data, mint, maxt, out);
      }
    }
    keepNewest(out, from);
  }
}
