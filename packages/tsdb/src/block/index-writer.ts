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
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { compareStrings, type Labels } from "@pharos/model";
import { crc32c } from "../wal/crc32c.ts";
import { Encoder } from "../wal/encoding.ts";
import { type ChunkMeta, INDEX_MAGIC } from "./index-reader.ts";

const FLUSH = 2 ** 20;

export class IndexWriter implements Disposable {
  readonly #out = new Encoder();
  readonly #body = new Encoder();
  readonly #symbols = new Map<string, number>();
  readonly #postings = new Map<string, Map<string, number[]>>();
  readonly #all: number[] = [];
  readonly #symbolsAt: number;
  readonly #seriesAt: number;
  #fd: number | undefined;
  #written = 0;

  /** `symbols`: every label name and value that will come. */
  constructor(path: string, symbols: ReadonlySet<string>) {
    this.#fd = openSync(path, "wx");
    this.#out.u32(INDEX_MAGIC);
    this.#out.byte(2);
    this.#symbolsAt = this.#position;
    const body = this.#body;
    body.u32(symbols.size);
    for (const text of [...symbols].sort(compareStrings)) {
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
    const ref = this.#position / 16;
    const body = this.#body;
    body.reset();
    body.uvarint(labels.size);
    for (const text of labels.pairs) body.uvarint(this.#symbols.get(text)!);
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
    this.#all.push(ref);
    for (const [name, value] of labels) {
      let values = this.#postings.get(name);
      if (!values) this.#postings.set(name, (values = new Map()));
      const refs = values.get(value);
      if (refs) refs.push(ref);
      else values.set(value, [ref]);
    }
    if (this.#out.length >= FLUSH) this.#flush();
  }

  finish(): void {
    this.#pad(4);
    const postingsAt = this.#position;
    const table = new Encoder();
    let entries = 0;
    const list = (name: string, value: string, refs: readonly number[]): void => {
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
    list("", "", this.#all);
    for (const name of [...this.#postings.keys()].sort(compareStrings)) {
      const values = this.#postings.get(name)!;
      for (const value of [...values.keys()].sort(compareStrings)) list(name, value, values.get(value)!);
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
