/**
 * Chunk files of a block, chunks/000001 … of at most 512 MiB:
 *
 *   magic 85BD40DD · version 1 · 3 zero bytes · chunk*
 *   chunk: uvarint length of data · u8 encoding · data · u32 CRC-32C of encoding and data
 *
 * A chunk is named by file (from 0) × 2^32 + offset of its length field.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@pharos/model";
import { crc32c } from "../wal/crc32c.ts";
import { Encoder } from "../wal/encoding.ts";
import type { PageCache } from "./page-cache.ts";
import { PagedFile } from "./paged-file.ts";

const MAGIC = 0x85bd40dd;
const HEADER = 8;
const MAX_FILE = 512 * 2 ** 20;
const FLUSH = 2 ** 20;
/** A chunk is read with this guess of its length first. */
const CHUNK_GUESS = 1024;

export interface ChunkData {
  encoding: number;
  data: Uint8Array;
}

export class ChunkReader implements Disposable {
  readonly #files: PagedFile[] = [];
  readonly size: number;

  constructor(dir: string, cache: PageCache) {
    for (const name of readdirSync(dir)
      .filter((name) => /^\d{6}$/.test(name))
      .sort()) {
      const file = new PagedFile(join(dir, name), cache);
      this.#files.push(file);
      const head = file.read(0, HEADER);
      if (head.length < HEADER || head.readUInt32BE(0) !== MAGIC || head[4] !== 1) {
        this[Symbol.dispose]();
        throw damaged(file.path, 0, "it does not start with the magic number of a chunk file");
      }
    }
    this.size = this.#files.reduce((sum, file) => sum + file.size, 0);
  }

  /** Throws a UserError that names file and offset when the chunk is damaged. */
  read(ref: number): ChunkData {
    const index = Math.floor(ref / 2 ** 32);
    const offset = ref - index * 2 ** 32;
    const file = this.#files[index];
    if (!file) throw damaged(`chunk file ${index + 1}`, offset, "the file is missing");
    // Mostly one read is enough.
    let bytes = file.read(offset, CHUNK_GUESS);
    let length = 0;
    let at = 0;
    for (let shift = 0; at < Math.min(5, bytes.length); shift += 7) {
      const byte = bytes[at++];
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const end = at + length + 5;
    if (end > bytes.length) bytes = file.read(offset, end);
    if (length < 0 || bytes.length < end) throw damaged(file.path, offset, "the file ends inside a chunk");
    if (!file.isChecked(offset)) {
      if (crc32c(bytes, at, end - 4) !== bytes.readUInt32BE(end - 4)) {
        throw damaged(file.path, offset, "checksum mismatch");
      }
      file.setChecked(offset);
    }
    return { encoding: bytes[at], data: bytes.subarray(at + 1, end - 4) };
  }

  [Symbol.dispose](): void {
    for (const file of this.#files) file[Symbol.dispose]();
  }
}

function damaged(file: string, offset: number, what: string): UserError {
  return new UserError("tsdb.chunk", `chunk at offset ${offset} cannot be read: ${what}`, {
    where: { file },
    fix: "Queries that need this chunk fail. Restore the block from a copy, or move its folder away",
  });
}

export class ChunkWriter implements Disposable {
  readonly #dir: string;
  readonly #out = new Encoder();
  readonly #crc = new Encoder();
  #fd: number | undefined;
  #index = -1;
  /** Bytes of the current file that were written, without the buffer. */
  #written = 0;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    this.#next();
  }

  /** Returns the chunk's ref. */
  write(encoding: number, data: Uint8Array): number {
    if (this.#written + this.#out.length + data.length + 16 > MAX_FILE) this.#next();
    const ref = this.#index * 2 ** 32 + this.#written + this.#out.length;
    this.#out.uvarint(data.length);
    this.#crc.reset();
    this.#crc.byte(encoding);
    this.#crc.raw(data);
    this.#out.raw(this.#crc.view());
    this.#out.u32(crc32c(this.#crc.view()));
    if (this.#out.length >= FLUSH) this.#flush();
    return ref;
  }

  /** Writes and syncs what is left. */
  finish(): void {
    if (this.#fd === undefined) return;
    this.#flush();
    fsyncSync(this.#fd);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #next(): void {
    this.finish();
    this.#index++;
    this.#written = 0;
    this.#fd = openSync(join(this.#dir, String(this.#index + 1).padStart(6, "0")), "wx");
    this.#out.reset();
    this.#out.u32(MAGIC);
    this.#out.u32(0x01000000);
  }

  #flush(): void {
    const bytes = this.#out.view();
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd!, bytes, done);
    this.#written += bytes.length;
    this.#out.reset();
  }
}
