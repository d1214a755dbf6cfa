/**
 * A block's index, versions 1 and 2 (the writer beside it describes the layout). In memory: where each symbol and each
 * posting list is. Series, lists and symbols themselves are read when asked for.
 */
import { compareStrings, Labels, UserError } from "@pharos/model";
import type { PostingsSource } from "../postings/select.ts";
import { crc32c } from "../wal/crc32c.ts";
import { Decoder } from "../wal/encoding.ts";
import type { PageCache } from "./page-cache.ts";
import { PagedFile } from "./paged-file.ts";
import { SeriesColumns } from "./selection.ts";

export const INDEX_MAGIC = 0xbaaad700;
const TOC_BYTES = 6 * 8 + 4;
/** A series entry is read with this guess of its length first. */
const SERIES_GUESS = 512;
const SYMBOL_CACHE = 16_384;

export interface ChunkMeta {
  mint: number;
  maxt: number;
  ref: number;
}

export interface IndexSeries {
  labels: Labels;
  chunks: ChunkMeta[];
}

export class IndexReader implements PostingsSource, Disposable {
  readonly #file: PagedFile;
  readonly version: number;
  /** Offsets of the symbols' length fields; version 1 refers to them by these, version 2 by their number. */
  readonly #symbols: Float64Array;
  readonly #cache = new Map<number, string>();
  readonly #columns = new SeriesColumns();
  /** name → value → offset of the posting list. */
  readonly #offsets = new Map<string, Map<string, number>>();
  #allRefs: Uint32Array | undefined;

  constructor(path: string, cache: PageCache) {
    this.#file = new PagedFile(path, cache);
    try {
      const head = this.#file.read(0, 5);
      if (head.length < 5 || head.readUInt32BE(0) !== INDEX_MAGIC) throw this.#damaged(0, "it is no index file");
      this.version = head[4];
      if (this.version < 1 || this.version > 2) throw this.#damaged(4, `version ${this.version} is not supported`);
      const toc = this.#file.read(this.#file.size - TOC_BYTES, TOC_BYTES);
      if (toc.length < TOC_BYTES || crc32c(toc, 0, TOC_BYTES - 4) !== toc.readUInt32BE(TOC_BYTES - 4)) {
        throw this.#damaged(this.#file.size - TOC_BYTES, "its table of contents has a wrong checksum");
      }
      const input = new Decoder(toc);
      const symbols = input.u64();
      for (let i = 0; i < 4; i++) input.u64();
      this.#symbols = this.#readSymbols(symbols);
      this.#readOffsets(input.u64());
    } catch (error) {
      this.#file[Symbol.dispose]();
      throw error;
    }
  }

  get symbolBytes(): number {
    return this.#symbols.byteLength;
  }

  get size(): number {
    return this.#file.size;
  }

  names(): string[] {
    return [...this.#offsets.keys()].filter((name) => name !== "").sort(compareStrings);
  }

  values(name: string): string[] {
    return [...this.unsortedValues(name)].sort(compareStrings);
  }

  unsortedValues(name: string): Iterable<string> {
    return this.#offsets.get(name)?.keys() ?? [];
  }

  all(): Uint32Array {
    this.#allRefs ??= this.refs("", "");
    return this.#allRefs;
  }

  refs(name: string, value: string): Uint32Array {
    const offset = this.#offsets.get(name)?.get(value);
    if (offset === undefined) return new Uint32Array();
    const body = this.#section(offset);
    const count = body.readUInt32BE(0);
    if (body.length < 4 + 4 * count) throw this.#damaged(offset, "a posting list ends behind its section");
    const refs = new Uint32Array(count);
    for (let i = 0; i < count; i++) refs[i] = body.readUInt32BE(4 + 4 * i);
    return refs;
  }

  series(ref: number): IndexSeries {
    const columns = this.#columns;
    columns.symbolEnd = columns.chunkEnd = 0;
    this.seriesInto(ref, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, columns);
    const pairs = Array.from(columns.symbols.subarray(0, columns.symbolEnd), (symbol) => this.symbol(symbol));
    const chunks: ChunkMeta[] = [];
    for (let at = 0; at < columns.chunkEnd; at += 3) {
      chunks.push({ mint: columns.chunks[at], maxt: columns.chunks[at + 1], ref: columns.chunks[at + 2] });
    }
    return { labels: Labels.fromSortedPairs(pairs), chunks };
  }

  /** Adds the entry of a series to columns: its symbols, and its chunks in [mint, maxt]. */
  seriesInto(ref: number, mint: number, maxt: number, columns: SeriesColumns): void {
    const offset = this.version === 1 ? ref : ref * 16;
    let bytes = this.#file.read(offset, SERIES_GUESS);
    let input = new Decoder(bytes);
    const length = input.uvarint();
    const start = input.at;
    if (start + length + 4 > bytes.length) {
      bytes = this.#file.read(offset, start + length + 4);
      if (bytes.length < start + length + 4) throw this.#damaged(offset, "the file ends inside a series");
      input = new Decoder(bytes);
      input.at = start;
    }
    // Only version 2 has its entries 16 bytes apart.
    if (this.version === 1 || !this.#file.isChecked(offset)) {
      if (crc32c(bytes, start, start + length) !== bytes.readUInt32BE(start + length)) {
        throw this.#damaged(offset, "a series has a wrong checksum");
      }
      if (this.version !== 1) this.#file.setChecked(offset);
    }
    const count = input.uvarint();
    if (count > length) throw this.#damaged(offset, "a series has more labels than bytes");
    columns.reserveSymbols(2 * count);
    const { symbols } = columns;
    let at = columns.symbolEnd;
    for (let i = 0; i < 2 * count; i++) symbols[at++] = input.uvarint();
    columns.symbolEnd = at;
    const chunkCount = input.uvarint();
    let first = 0;
    let last = 0;
    let chunk = 0;
    for (let i = 0; i < chunkCount; i++) {
      first = i === 0 ? input.varint() : last + input.uvarint();
      last = first + input.uvarint();
      chunk = i === 0 ? input.uvarint() : chunk + input.varint();
      if (last >= mint && first <= maxt) columns.addChunk(first, last, chunk);
    }
    if (input.at > start + length) throw this.#damaged(offset, "a series goes on behind its end");
  }

  /** Every text of the symbol table, in its order. */
  *symbols(): Generator<string> {
    for (let i = 0; i < this.#symbols.length; i++) yield this.symbol(this.version === 1 ? this.#symbols[i] : i);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  /** Symbols are below this, as far as they are numbers: offsets in version 1. */
  get symbolBound(): number {
    return this.version === 1 ? 2 ** 32 : this.#symbols.length;
  }

  symbol(ref: number): string {
    let text = this.#cache.get(ref);
    if (text !== undefined) return text;
    const offset = this.version === 1 ? ref : this.#symbols[ref];
    if (offset === undefined) throw this.#damaged(0, `symbol ${ref} does not exist`);
    const input = new Decoder(this.#file.read(offset, 128));
    const size = input.uvarint();
    text = this.#file.read(offset + input.at, size).toString("utf8");
    if (this.#cache.size >= SYMBOL_CACHE) this.#cache.clear();
    this.#cache.set(ref, text);
    return text;
  }

  /** Body of a section: u32 length, body, u32 checksum. */
  #section(offset: number): Buffer {
    const head = this.#file.read(offset, 4);
    if (head.length < 4) throw this.#damaged(offset, "a section lies behind the end of the file");
    const length = head.readUInt32BE(0);
    const bytes = this.#file.read(offset + 4, length + 4);
    if (bytes.length < length + 4) throw this.#damaged(offset, "the file ends inside a section");
    if (crc32c(bytes, 0, length) !== bytes.readUInt32BE(length)) throw this.#damaged(offset, "checksum mismatch");
    return bytes.subarray(0, length);
  }

  #readSymbols(offset: number): Float64Array {
    const body = this.#section(offset);
    const count = body.readUInt32BE(0);
    if (count > body.length) throw this.#damaged(offset, "it has more symbols than bytes");
    const offsets = new Float64Array(count);
    const input = new Decoder(body);
    input.at = 4;
    for (let i = 0; i < count; i++) {
      offsets[i] = offset + 4 + input.at;
      const size = input.uvarint();
      input.at += size;
    }
    return offsets;
  }

  #readOffsets(offset: number): void {
    const input = new Decoder(this.#section(offset));
    const count = input.u32();
    for (let i = 0; i < count; i++) {
      if (input.byte() !== 2) throw this.#damaged(offset, "an entry of the table of posting lists has no two keys");
      const name = input.string();
      const value = input.string();
      let values = this.#offsets.get(name);
      if (!values) this.#offsets.set(name, (values = new Map()));
      values.set(value, input.uvarint());
    }
  }

  #damaged(offset: number, what: string): UserError {
    return new UserError("tsdb.index", `the index is damaged at ${offset}: ${what}`, {
      where: { file: this.#file.path },
      fix: "The block is left out. Restore it from a copy, or move its folder away",
    });
  }
}
