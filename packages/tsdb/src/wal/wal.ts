/**
 * The write-ahead log in Prometheus' format: segment files of at most 128 MiB made of 32 KiB pages; a record is cut into
 * fragments that do not cross pages, and never crosses a segment.
 *
 *   fragment: u8 type (low 3 bits: 1 full, 2 first, 3 middle, 4 last; bit 3 snappy, bit 4 zstd), u16 length, u32 CRC-32C, data
 *
 * A record counts as logged when write(2) has taken all of it: it then survives the death of the process. Segments are
 * synced when they are full and when the log is closed, as Prometheus does.
 */
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { syncFolder } from "@pharos/kit";
import { UserError } from "@pharos/model";
import snappy from "snappy";
import { crc32c } from "./crc32c.ts";

const PAGE = 32 * 1024;
const HEADER = 7;
const SEGMENT_PAGES = 4096;
const SNAPPY = 8;
const ZSTD = 16;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** How records are packed, where that makes them smaller. */
export type WalCompression = "none" | "snappy" | "zstd";

export interface Corruption {
  segment: string;
  /** Byte offset of the first byte that was cut. */
  offset: number;
  /** Bytes cut off. */
  lost: number;
  reason: string;
}

function segmentName(index: number): string {
  return String(index).padStart(8, "0");
}

export function segmentsOf(dir: string): number[] {
  return readdirSync(dir)
    .filter((name) => /^\d{8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Newest checkpoint folder: `checkpoint.<last segment in it>`. */
export function lastCheckpoint(dir: string): { path: string; index: number } | undefined {
  const indexes = readdirSync(dir)
    .map((name) => /^checkpoint\.(\d+)$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ path: join(dir, match[0]), index: Number(match[1]) }));
  return indexes.sort((a, b) => b.index - a.index)[0];
}

/**
 * Calls back for each whole record of a segment file. Answers where and why reading had to stop, or undefined when the file
 * was read to its end.
 */
export function readSegment(
  path: string,
  onRecord: (record: Buffer) => void,
): { offset: number; reason: string } | undefined {
  const bytes = readFileSync(path);
  let at = 0;
  let recordStart = 0;
  let parts: Buffer[] = [];
  const stop = (reason: string) => ({ offset: recordStart, reason });
  while (at < bytes.length) {
    const pageLeft = PAGE - (at % PAGE);
    // A page's rest too small for a header, or marked as unused, is zeros.
    if (bytes[at] === 0) {
      const end = Math.min(at + pageLeft, bytes.length);
      for (let i = at; i < end; i++) if (bytes[i] !== 0) return stop("unexpected non-zero byte in padded page");
      at = end;
      if (parts.length === 0) recordStart = at;
      continue;
    }
    if (parts.length === 0) recordStart = at;
    if (pageLeft < HEADER || at + HEADER > bytes.length) return stop("torn header");
    const kind = bytes[at] & 7;
    const compression = bytes[at] & (SNAPPY | ZSTD);
    const length = bytes.readUInt16BE(at + 1);
    const sum = bytes.readUInt32BE(at + 3);
    const start = at + HEADER;
    if (length > pageLeft - HEADER) return stop("fragment crosses its page");
    if (start + length > bytes.length) return stop("torn fragment");
    if (crc32c(bytes, start, start + length) !== sum) return stop("unexpected checksum");
    const begins = kind === FULL || kind === FIRST;
    if (kind > LAST || begins !== (parts.length === 0)) return stop(`unexpected fragment type ${kind}`);
    parts.push(bytes.subarray(start, start + length));
    at = start + length;
    if (kind !== FULL && kind !== LAST) continue;
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    try {
      onRecord(
        compression === 0
          ? whole
          : compression === SNAPPY
            ? (snappy.uncompressSync(whole) as Buffer)
            : zstdDecompressSync(whole),
      );
    } catch (error) {
      return stop(error instanceof Error ? error.message : String(error));
    }
    recordStart = at;
  }
  return parts.length > 0 ? stop("last record is torn") : undefined;
}

/** Writes records into consecutive segment files of a folder. */
export class WalWriter implements Disposable {
  readonly #dir: string;
  readonly #compression: WalCompression;
  #segment: number;
  #fd: number;
  /** Bytes in the current segment. */
  #size: number;

  /** Starts a new segment with this number. */
  constructor(dir: string, segment: number, compression: WalCompression) {
    this.#dir = dir;
    this.#compression = compression;
    mkdirSync(dir, { recursive: true });
    this.#segment = segment;
    this.#fd = openSync(join(dir, segmentName(segment)), "a");
    this.#size = 0;
  }

  get segment(): number {
    return this.#segment;
  }

  /** Bytes in the segment being written. */
  get segmentBytes(): number {
    return this.#size;
  }

  /** Returns when the operating system has the record. Throws what write(2) throws, with nothing of it in the log. */
  log(record: Buffer): void {
    let body: Buffer = record;
    let flag = 0;
    if (this.#compression !== "none") {
      const packed =
        this.#compression === "snappy"
          ? (snappy.compressSync(record) as Buffer)
          : zstdCompressSync(record, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
      if (packed.length < record.length) {
        body = packed;
        flag = this.#compression === "snappy" ? SNAPPY : ZSTD;
      }
    }
    const pages = Math.ceil((body.length + HEADER) / (PAGE - HEADER)) + 1;
    if (this.#size > 0 && this.#size + pages * PAGE > SEGMENT_PAGES * PAGE) this.nextSegment();
    this.#write(fragment(body, flag, this.#size));
  }

  #write(bytes: Buffer): void {
    const before = this.#size;
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done, bytes.length - done);
    } catch (error) {
      // A part of a record would make everything behind it unreadable.
      ftruncateSync(this.#fd, before);
      throw new UserError(
        "tsdb.wal",
        `cannot write ${join(this.#dir, segmentName(this.#segment))}: ${(error as Error).message}`,
        {
          fix: "Samples are refused until it can be written again; free disk space or mend the file system",
          cause: error,
        },
      );
    }
    this.#size += done;
  }

  /** Closes the current segment and begins the next. */
  nextSegment(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    this.#segment++;
    this.#fd = openSync(join(this.#dir, segmentName(this.#segment)), "a");
    this.#size = 0;
    syncFolder(this.#dir);
  }

  [Symbol.dispose](): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }
}

/** A record as fragments, from `offset` of a segment on. */
function fragment(body: Buffer, flag: number, offset: number): Buffer {
  const out: Buffer[] = [];
  let position = offset;
  let at = 0;
  let first = true;
  do {
    let left = PAGE - (position % PAGE);
    if (left < HEADER) {
      out.push(Buffer.alloc(left));
      position += left;
      left = PAGE;
    }
    const take = Math.min(body.length - at, left - HEADER);
    const last = at + take === body.length;
    const kind = first ? (last ? FULL : FIRST) : last ? LAST : MIDDLE;
    const header = Buffer.alloc(HEADER);
    header[0] = kind | flag;
    header.writeUInt16BE(take, 1);
    header.writeUInt32BE(crc32c(body, at, at + take), 3);
    out.push(header, body.subarray(at, at + take));
    position += HEADER + take;
    at += take;
    first = false;
  } while (at < body.length);
  return Buffer.concat(out);
}

/** Everything the log holds, oldest first: the last checkpoint, then the segments behind it. */
export function replayWal(
  dir: string,
  onRecord: (record: Buffer) => void,
  onProgress?: (done: number, total: number) => void,
): Corruption | undefined {
  mkdirSync(dir, { recursive: true });
  for (const name of readdirSync(dir)) if (name.endsWith(".tmp")) rmSync(join(dir, name), { recursive: true });
  const checkpoint = lastCheckpoint(dir);
  const files = checkpoint ? segmentsOf(checkpoint.path).map((index) => join(checkpoint.path, segmentName(index))) : [];
  const segments = segmentsOf(dir).filter((index) => index > (checkpoint?.index ?? -1));
  files.push(...segments.map((index) => join(dir, segmentName(index))));
  for (const [i, file] of files.entries()) {
    const problem = readSegment(file, onRecord);
    onProgress?.(i + 1, files.length);
    if (!problem) continue;
    const size = statSync(file).size;
    const { offset, reason } = problem;
    // As upstream's repair: what cannot be read goes, and so does everything behind it, for it may depend on it.
    const fd = openSync(file, "r+");
    ftruncateSync(fd, offset);
    closeSync(fd);
    let lost = size - offset;
    for (const later of files.slice(i + 1)) {
      lost += statSync(later).size;
      rmSync(later);
    }
    return { segment: file, offset, lost, reason };
  }
  return undefined;
}

/** Replaces the segments up to `last` (and an older checkpoint) by what `rewrite` writes. */
export function checkpoint(
  dir: string,
  last: number,
  compression: WalCompression,
  rewrite: (writer: WalWriter) => void,
): void {
  const name = `checkpoint.${segmentName(last)}`;
  const temporary = join(dir, `${name}.tmp`);
  rmSync(temporary, { recursive: true, force: true });
  {
    using writer = new WalWriter(temporary, 0, compression);
    rewrite(writer);
  }
  const old = lastCheckpoint(dir);
  renameSync(temporary, join(dir, name));
  syncFolder(dir);
  for (const index of segmentsOf(dir)) if (index <= last) rmSync(join(dir, segmentName(index)));
  if (old && old.index !== last) rmSync(old.path, { recursive: true });
}
