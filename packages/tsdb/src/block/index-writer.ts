/**
 * A block's index in version 2, as Prometheus writes it:
 *
 *   magic BAAAD700 · version 2
 *   symbols                u32 length · u32 count · (uvarint size, bytes)* sorted · u32 CRC-32C
 *   series                 each at a multiple of 16, which divided by 16 is its ref:
 *                          uvarint length · uvarint labels, (uvarint name, uvarint value)* symbol numbers ·
 *                          uvarint chunks, (mint, maxt, ref)* as deltas · u32 CRC-32C
 *   posting lists          each at a multiple of 4: u32 length · u32 count · u32 ref* · u32 CRC-32C; first the list of all
 *   table of posting lists u32 length · u32 count · (2, name, value, uvarint offset)* sorted · u32 CRC-32C
 *   contents               6 × u64 offsets (symbols, series, two obsolete ones as 0, postings, table) · u32 CRC-32C
 */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { compareStrings, type Labels } from "@pharos/model";
import { crc32c } from "../wal/crc32c.ts";
import { Encoder } from "../wal/encoding.ts";
import { type ChunkMeta, INDEX_MAGIC } from "./index-reader.ts";

const FLUSH = 2 ** 20;
/** Entries of posting lists that are held at once; a label of more series is held as a whole. */
const ENTRIES_AT_ONCE = 4 * 2 ** 20;

/** The labels of a series take less. */
const LABELS_BYTES = FLUSH / 2;

export class IndexWriter implements Disposable {
  readonly #out = new Encoder();
  readonly #body = new Encoder();
  /** Sorted, so that numbers of symbols are in order of their texts. */
  readonly #texts: readonly string[];
  readonly #symbols = new Map<string, number>();
  /** How many series have a value, by symbols of name and value. The lists themselves are made from the file, in the end. */
  readonly #counts = new Map<number, Map<number, number>>();
  readonly #entriesAtOnce: number;
  #series = 0;
  readonly #symbolsAt: number;
  readonly #seriesAt: number;
  #fd: number | undefined;
  #written = 0;

  /** `symbols`: every label name and value that will come. */
  constructor(path: string, symbols: ReadonlySet<string>, entriesAtOnce = ENTRIES_AT_ONCE) {
    this.#entriesAtOnce = entriesAtOnce;
    this.#texts = [...symbols].sort(compareStrings);
    this.#fd = openSync(path, "wx+");
    this.#out.u32(INDEX_MAGIC);
    this.#out.byte(2);
    this.#symbolsAt = this.#position;
    const body = this.#body;
    body.u32(symbols.size);
    for (const text of this.#texts) {
      this.#symbols.set(text, this.#symbols.size);
      body.string(text);
    }
    this.#section();
    this.#pad(16);
    this.#seriesAt = this.#position;
  }

  /** Series come sorted by labels. */
  add(labels: Labels, chunks: readonly ChunkMeta[]): void {
    this.#pad(16);
    const body = this.#body;
    body.reset();
    body.uvarint(labels.size);
    for (const [name, value] of labels) {
      const nameSymbol = this.#symbols.get(name)!;
      const valueSymbol = this.#symbols.get(value)!;
      body.uvarint(nameSymbol);
      body.uvarint(valueSymbol);
      let values = this.#counts.get(nameSymbol);
      if (!values) this.#counts.set(nameSymbol, (values = new Map()));
      values.set(valueSymbol, (values.get(valueSymbol) ?? 0) + 1);
    }
    body.uvarint(chunks.length);
    for (let i = 0; i < chunks.length; i++) {
      const { mint, maxt, ref: chunk } = chunks[i];
      if (i === 0) body.varint(mint);
      else body.uvarint(mint - chunks[i - 1].maxt);
      body.uvarint(maxt - mint);
      if (i === 0) body.uvarint(chunk);
      else body.varint(chunk - chunks[i - 1].ref);
    }
    this.#out.uvarint(body.length);
    this.#out.raw(body.view());
    this.#out.u32(crc32c(body.view()));
    this.#series++;
    if (this.#out.length >= FLUSH) this.#flush();
  }

  finish(): void {
    this.#pad(4);
    const postingsAt = this.#position;
    const table = new Encoder();
    let entries = 0;
    const list = (name: string, value: string, refs: Uint32Array): void => {
      this.#pad(4);
      table.byte(2);
      table.string(name);
      table.string(value);
      table.uvarint(this.#position);
      entries++;
      this.#body.reset();
      this.#body.u32(refs.length);
      for (const ref of refs) this.#body.u32(ref);
      this.#section();
      if (this.#out.length >= FLUSH) this.#flush();
    };
    const seriesEnd = this.#position;
    this.#flush();
    const all = new Uint32Array(this.#series);
    let series = 0;
    this.#scan(seriesEnd, (ref) => (all[series++] = ref));
    list("", "", all);
    for (const names of this.#portions()) {
      const lists = names.map((name) => new NamePostings(this.#counts.get(name)!));
      const byName = new Map(names.map((name, i) => [name, lists[i]]));
      this.#scan(seriesEnd, undefined, (ref, name, value) => byName.get(name)?.add(value, ref));
      for (const [i, name] of names.entries()) {
        for (const [value, refs] of lists[i].all()) list(this.#texts[name], this.#texts[value], refs);
      }
    }
    const tableAt = this.#position;
    this.#body.reset();
    this.#body.u32(entries);
    this.#body.raw(table.view());
    this.#section();
    this.#body.reset();
    for (const offset of [this.#symbolsAt, this.#seriesAt, 0, 0, postingsAt, tableAt]) this.#body.u64(offset);
    this.#out.raw(this.#body.view());
    this.#out.u32(crc32c(this.#body.view()));
    this.#flush();
    fsyncSync(this.#fd!);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Symbols of the names, in order, in portions that are held at once. */
  *#portions(): Generator<number[]> {
    let names: number[] = [];
    let entries = 0;
    for (const [name, values] of [...this.#counts].sort(([a], [b]) => a - b)) {
      let count = 0;
      for (const series of values.values()) count += series;
      if (entries > 0 && entries + count > this.#entriesAtOnce) {
        yield names;
        names = [];
        entries = 0;
      }
      names.push(name);
      entries += count;
    }
    if (names.length > 0) yield names;
  }

  /** Reads the series that were written, up to `end`: each one's ref, and its labels by symbols. */
  #scan(
    end: number,
    onSeries?: (ref: number) => void,
    onLabel?: (ref: number, name: number, value: number) => void,
  ): void {
    const bytes = Buffer.allocUnsafe(FLUSH);
    /** Position in the file of the buffer's beginning, and how much is in it. */
    let base = this.#seriesAt;
    let filled = 0;
    let at = 0;
    const fill = (): void => {
      bytes.copyWithin(0, at, filled);
      base += at;
      // An entry with many chunks may end behind the buffer.
      filled = Math.max(0, filled - at);
      at = 0;
      const want = Math.min(bytes.length - filled, end - base - filled);
      for (let done = 0; done < want; )
        done += readSync(this.#fd!, bytes, filled + done, want - done, base + filled + done);
      filled += want;
    };
    const uvarint = (): number => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
    };
    fill();
    while (base + at < end) {
      if (filled - at < LABELS_BYTES && base + filled < end) fill();
      const position = base + at;
      const next = uvarint() + base + at + 4;
      onSeries?.(position / 16);
      if (onLabel) {
        for (let left = uvarint(); left > 0; left--) {
          const name = uvarint();
          onLabel(position / 16, name, uvarint());
        }
      }
      // Entries begin at multiples of 16.
      at = Math.ceil(next / 16) * 16 - base;
    }
  }

  get #position(): number {
    return this.#written + this.#out.length;
  }

  #pad(alignment: number): void {
    while (this.#position % alignment !== 0) this.#out.byte(0);
  }

  /** Writes `#body` between its length and its checksum. */
  #section(): void {
    const body = this.#body.view();
    this.#out.u32(body.length);
    this.#out.raw(body);
    this.#out.u32(crc32c(body));
  }

  #flush(): void {
    const bytes = this.#out.view();
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd!, bytes, done);
    this.#written += bytes.length;
    this.#out.reset();
  }
}

/** The lists of one label: all in one array, those of its values one behind the other in order of the values. */
class NamePostings {
  readonly #refs: Uint32Array;
  readonly #counts: ReadonlyMap<number, number>;
  /** Symbol of a value → where its next ref goes. */
  readonly #next = new Map<number, number>();

  constructor(counts: ReadonlyMap<number, number>) {
    this.#counts = counts;
    let at = 0;
    for (const value of [...counts.keys()].sort((a, b) => a - b)) {
      this.#next.set(value, at);
      at += counts.get(value)!;
    }
    this.#refs = new Uint32Array(at);
  }

  /** Refs come in ascending order. */
  add(value: number, ref: number): void {
    const at = this.#next.get(value)!;
    this.#refs[at] = ref;
    this.#next.set(value, at + 1);
  }

  *all(): Generator<[value: number, refs: Uint32Array]> {
    for (const [value, end] of this.#next) yield [value, this.#refs.subarray(end - this.#counts.get(value)!, end)];
  }
}
