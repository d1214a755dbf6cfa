/**
 * Full chunks of the head, on disk: chunks_head/000001 … of at most 128 MiB, as Prometheus maps them into memory.
 *
 *   magic 0130BC91 · version 1 · 3 zero bytes · chunk*
 *   chunk: u64 series ref · u64 mint · u64 maxt · u8 encoding (top bit: out of order) · uvarint length · data ·
 *          u32 CRC-32C of all before it
 *
 * What is not written yet is read from the buffer. All of it is in the write-ahead log as well: these files only save
 * memory, and time at the next start. When the disk is full the buffer grows until there is room again.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { UserError } from "@pharos/model";
import type { PageCache } from "../block/page-cache.ts";
import { PagedFile } from "../block/paged-file.ts";
import { sampleCount } from "../chunk/encoding.ts";
import { crc32c } from "../wal/crc32c.ts";
import { Encoder } from "../wal/encoding.ts";

export const HEAD_CHUNKS_MAGIC = 0x0130bc91;
const HEADER = 8;
/** Of a chunk, up to and with its encoding. */
const CHUNK_HEADER = 25;
const MAX_FILE = 128 * 2 ** 20;
const FLUSH = 2 ** 20;
const OUT_OF_ORDER = 0x80;
/** So many are checked in about a millisecond. */
const CHUNKS_BETWEEN_TURNS = 1024;

/** A chunk found in the files. */
export interface HeadChunk {
  ref: number;
  mint: number;
  maxt: number;
  encoding: number;
  outOfOrder: boolean;
  samples: number;
  bytes: number;
  file: number;
  offset: number;
}

/** Where chunks are read from; answers what `HeadChunkFiles.write` was given. */
export interface ChunkFiles {
  read(file: number, offset: number, bytes: number): { encoding: number; data: Uint8Array };
}

interface File {
  number: number;
  path: string;
  paged: PagedFile | undefined;
  /** Bytes on disk. */
  size: number;
  maxt: number;
}

export class HeadChunkFiles implements ChunkFiles, Disposable {
  readonly #dir: string;
  readonly #cache: PageCache;
  readonly #sandbox: string | undefined;
  /** Ascending numbers without gaps. */
  readonly #files: File[] = [];
  readonly #out = new Encoder();
  #fd: number | undefined;
  /** Where the last chunk went. */
  file = 0;
  offset = 0;
  /** Why the buffer could not be written the last time. */
  failure: string | undefined;
  /** Chunks written since the start. */
  written = 0;

  /** `sandbox`: new files go there, and those in `dir`, which somebody may be writing, are left as they are. */
  constructor(dir: string, cache: PageCache, sandbox?: string) {
    this.#dir = dir;
    this.#cache = cache;
    this.#sandbox = sandbox;
  }

  get bytes(): number {
    return this.#files.reduce((sum, { size }) => sum + size, this.#out.length);
  }

  get fileCount(): number {
    return this.#files.length;
  }

  /** Bytes that wait to be written. */
  get bufferedBytes(): number {
    return this.#out.length;
  }

  /**
   * Calls back for every chunk in files from an earlier run, in order; yields now and then. A file that is damaged, and all
   * behind it, are removed: their samples come from the log. Answers what was removed, and why.
   */
  *open(onChunk: (chunk: HeadChunk) => void): Generator<void, { file: string; reason: string } | undefined> {
    mkdirSync(this.#sandbox ?? this.#dir, { recursive: true });
    const numbers = (existsSync(this.#dir) ? readdirSync(this.#dir) : [])
      .filter((name) => /^\d{6}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
    let problem: { file: string; reason: string } | undefined;
    for (const [i, number] of numbers.entries()) {
      const path = join(this.#dir, fileName(number));
      if (!problem) {
        const file: File = { number, path, paged: undefined, size: 0, maxt: Number.NEGATIVE_INFINITY };
        const chunks: HeadChunk[] = [];
        const gap = i > 0 && numbers[i - 1] !== number - 1;
        const reason = gap
          ? "a file before it is missing"
          : yield* readChunks(path, number, file, (chunk) => chunks.push(chunk));
        // What is being written ends anywhere.
        if (reason === undefined || (this.#sandbox !== undefined && !gap)) {
          if (reason !== undefined) problem = { file: path, reason };
          file.paged = new PagedFile(path, this.#cache);
          this.#files.push(file);
          for (const chunk of chunks) onChunk(chunk);
          yield;
          continue;
        }
        problem = { file: path, reason };
      }
      if (this.#sandbox === undefined) rmSync(path);
    }
    return problem;
  }

  /** Bytes `[from, to)` of `data` are the chunk; `file` and `offset` then tell where it is. */
  write(
    ref: number,
    mint: number,
    maxt: number,
    encoding: number,
    outOfOrder: boolean,
    data: Uint8Array,
    from: number,
    to: number,
  ): void {
    const out = this.#out;
    let file = this.#files.at(-1);
    if (!file || this.#fd === undefined || file.size + out.length + (to - from) + 40 > MAX_FILE) file = this.#next();
    const start = out.length;
    out.u64(ref);
    out.i64(mint);
    out.i64(maxt);
    out.byte(outOfOrder ? encoding | OUT_OF_ORDER : encoding);
    out.uvarint(to - from);
    out.rawRange(data, from, to);
    const bytes = out.view();
    out.u32(crc32c(bytes, start, bytes.length));
    if (maxt > file.maxt) file.maxt = maxt;
    this.written++;
    this.file = file.number;
    this.offset = file.size + start;
    if (out.length >= FLUSH) this.#tryFlush(file);
  }

  /** Throws a UserError that names file and offset when the chunk is damaged. */
  read(file: number, offset: number, bytes: number): { encoding: number; data: Uint8Array } {
    const entry = this.#files[file - (this.#files[0]?.number ?? 0)];
    if (!entry) throw new Error(`head chunk file ${file} is gone`);
    const length = CHUNK_HEADER + 5 + bytes;
    const chunk =
      offset >= entry.size
        ? this.#out.view().subarray(offset - entry.size, offset - entry.size + length)
        : entry.paged!.read(offset, length);
    return chunkIn(chunk, bytes, () => entry.path, offset);
  }

  /**
   * Takes away files from the front in which everything is older, up to (without) file `keepFrom`; answers what removes them
   * once nobody reads them any more.
   */
  truncate(mint: number, keepFrom: number): (() => void)[] {
    const closers: (() => void)[] = [];
    while (this.#files.length > 1 && this.#files[0].maxt < mint && this.#files[0].number < keepFrom) {
      const { path, paged } = this.#files.shift()!;
      closers.push(() => {
        rmSync(path, { force: true });
        paged?.[Symbol.dispose]();
      });
    }
    return closers;
  }

  /** Writes what waits; `failure` then tells whether it went well. */
  tryFlush(): void {
    const file = this.#files.at(-1);
    if (file && this.#out.length > 0) this.#tryFlush(file);
  }

  flush(): void {
    const file = this.#files.at(-1);
    if (file && this.#out.length > 0) this.#flush(file);
  }

  [Symbol.dispose](): void {
    try {
      this.flush();
    } catch {
      // The log has it all.
    }
    for (const { paged } of this.#files) paged?.[Symbol.dispose]();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #next(): File {
    const last = this.#files.at(-1);
    if (last && this.#fd !== undefined) {
      this.#tryFlush(last);
      // Chunks that wait cannot be given to another file: their places are known. This one gets too long instead.
      if (this.#out.length > 0) return last;
      closeSync(this.#fd);
      this.#fd = undefined;
    }
    const number = (last?.number ?? 0) + 1;
    const path = join(this.#sandbox ?? this.#dir, fileName(number));
    const file: File = { number, path, paged: undefined, size: 0, maxt: Number.NEGATIVE_INFINITY };
    this.#fd = openSync(path, "wx");
    this.#files.push(file);
    this.#out.u32(HEAD_CHUNKS_MAGIC);
    this.#out.u32(0x01000000);
    return file;
  }

  #tryFlush(file: File): void {
    try {
      this.#flush(file);
      this.failure = undefined;
    } catch (error) {
      this.failure = (error as Error).message;
    }
  }

  #flush(file: File): void {
    const bytes = this.#out.view();
    // At its place: what a failed attempt has left there is written over.
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd!, bytes, done, bytes.length - done, file.size + done);
    }
    file.size += bytes.length;
    this.#out.reset();
    file.paged ??= new PagedFile(file.path, this.#cache);
    file.paged.grown(file.size);
  }
}

/** The chunk at the beginning of `bytes`, whose data are `size` bytes. */
function chunkIn(
  bytes: Buffer,
  size: number,
  file: () => string,
  offset: number,
): { encoding: number; data: Uint8Array } {
  let at = CHUNK_HEADER;
  while (bytes[at] >= 0x80) at++;
  at++;
  if (bytes.length < at + size) {
    throw new UserError("tsdb.head-chunk", `chunk at offset ${offset} ends behind its file`, {
      where: { file: file() },
      fix: "Restart: its samples are in the write-ahead log as well",
    });
  }
  return { encoding: bytes[24] & ~OUT_OF_ORDER, data: bytes.subarray(at, at + size) };
}

/** The files as another thread reads them: those the owner has written, which it does not remove before the reader is done. */
export class ChunkFileReader implements ChunkFiles, Disposable {
  readonly #dir: string;
  readonly #cache: PageCache;
  readonly #files = new Map<number, PagedFile>();

  constructor(dir: string, cache: PageCache) {
    this.#dir = dir;
    this.#cache = cache;
  }

  read(file: number, offset: number, bytes: number): { encoding: number; data: Uint8Array } {
    const path = () => join(this.#dir, fileName(file));
    let paged = this.#files.get(file);
    if (!paged) {
      paged = new PagedFile(path(), this.#cache);
      paged.grown(paged.size);
      this.#files.set(file, paged);
    }
    const length = CHUNK_HEADER + 5 + bytes;
    if (offset + length > paged.size) paged.grown(statSync(path()).size);
    return chunkIn(paged.read(offset, length), bytes, path, offset);
  }

  /** Closes files that the owner has removed since. */
  forgetRemoved(): void {
    for (const [number, paged] of this.#files) {
      if (existsSync(join(this.#dir, fileName(number)))) continue;
      paged[Symbol.dispose]();
      this.#files.delete(number);
    }
  }

  [Symbol.dispose](): void {
    for (const paged of this.#files.values()) paged[Symbol.dispose]();
    this.#files.clear();
  }
}

function fileName(number: number): string {
  return String(number).padStart(6, "0");
}

/** Reads a file of an earlier run; answers what is wrong with it. Zeros at the end are allowed: space kept in reserve. */
function* readChunks(
  path: string,
  number: number,
  file: File,
  onChunk: (chunk: HeadChunk) => void,
): Generator<void, string | undefined> {
  const bytes = readFileSync(path);
  if (bytes.length < HEADER || bytes.readUInt32BE(0) !== HEAD_CHUNKS_MAGIC || bytes[4] !== 1) {
    return "it does not start with the magic number of a head chunk file";
  }
  let at = HEADER;
  for (let count = 1; at < bytes.length; count++) {
    if (count % CHUNKS_BETWEEN_TURNS === 0) yield;
    file.size = at;
    if (at + CHUNK_HEADER + 1 > bytes.length) {
      if (allZero(bytes, at)) break;
      return `it ends inside a chunk at ${at}`;
    }
    let length = 0;
    let data = at + CHUNK_HEADER;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[data++];
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80 || shift >= 21) break;
    }
    const ref = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
    if (ref === 0 && length === 0 && allZero(bytes, at)) break;
    const end = data + length;
    if (length < 2 || end + 4 > bytes.length) return `it ends inside a chunk at ${at}`;
    if (crc32c(bytes, at, end) !== bytes.readUInt32BE(end)) return `checksum mismatch at ${at}`;
    const mint = bytes.readInt32BE(at + 8) * 2 ** 32 + bytes.readUInt32BE(at + 12);
    const maxt = bytes.readInt32BE(at + 16) * 2 ** 32 + bytes.readUInt32BE(at + 20);
    const kind = bytes[at + 24];
    onChunk({
      ref,
      mint,
      maxt,
      encoding: kind & ~OUT_OF_ORDER,
      outOfOrder: (kind & OUT_OF_ORDER) !== 0,
      samples: sampleCount(kind & ~OUT_OF_ORDER, bytes, data),
      bytes: length,
      file: number,
      offset: at,
    });
    if (maxt > file.maxt) file.maxt = maxt;
    at = end + 4;
  }
  file.size = at;
  return undefined;
}

function allZero(bytes: Buffer, from: number): boolean {
  for (let i = from; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
