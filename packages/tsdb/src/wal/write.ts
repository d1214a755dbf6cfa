/**
 * The write-ahead log in Prometheus' format: segment files of at most 128 MiB made of 32 KiB pages; a record is cut into
 * fragments that do not cross pages, and never crosses a segment.
 *
 *   fragment: u8 type (low 3 bits: 1 full, 2 first, 3 middle, 4 last; bit 3 snappy, bit 4 zstd), u16 length, u32 CRC-32C, data
 *
 * A record counts as logged when write(2) has taken all of it: it then survives the death of the process. Segments are
 * synced when they are full and when the log is closed, as Prometheus does.
 */
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { snappyBound, snappyPack, syncFolder } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { crc32c } from "./crc32c.ts";
import {
  checkpointsOf,
  FIRST,
  FULL,
  HEADER,
  LAST,
  MIDDLE,
  PAGE,
  SEGMENT_PAGES,
  SNAPPY,
  segmentName,
  segmentPath,
  segmentsOf,
  type WalCompression,
  ZSTD,
} from "./segments.ts";

/** Bytes of a checkpoint that are written at once. */
const CHECKPOINT_BUFFER = 2 ** 20;

/** Writes records into consecutive segment files of a folder. */
export class WalWriter implements Disposable {
  readonly #dir: string;
  readonly #compression: WalCompression;
  #segment: number;
  #fd: number;
  /** Bytes in the current segment. */
  #size = 0;
  /** A record as fragments, on its way to the file. */
  #fragments = Buffer.allocUnsafeSlow(4 * PAGE);
  #packed: Buffer = Buffer.allocUnsafeSlow(0);
  /** Fragments that wait to be written together. */
  readonly #waiting: Buffer;
  #waitingBytes = 0;
  failures = 0;
  writes = 0;

  /**
   * Starts a new segment with this number. `buffer`: records are written so many bytes at a time; for files that are of use only
   * when they are whole.
   */
  constructor(dir: string, segment: number, compression: WalCompression, buffer = 0) {
    this.#waiting = Buffer.allocUnsafeSlow(buffer);
    this.#dir = dir;
    this.#compression = compression;
    mkdirSync(dir, { recursive: true });
    this.#segment = segment;
    this.#fd = openSync(segmentPath(dir, segment), "a");
  }

  get segment(): number {
    return this.#segment;
  }

  /** Bytes in the segment being written. */
  get segmentBytes(): number {
    return this.#size;
  }

  /** Returns when the operating system has the record. Throws a UserError when it cannot, with nothing of it in the log. */
  log(record: Buffer): void {
    let body = record;
    let flag = 0;
    if (this.#compression !== "none") {
      const packed =
        this.#compression === "snappy"
          ? this.#pack(record)
          : zstdCompressSync(record, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
      if (packed.length < record.length) {
        body = packed;
        flag = this.#compression === "snappy" ? SNAPPY : ZSTD;
      }
    }
    const pages = Math.ceil((body.length + HEADER) / (PAGE - HEADER)) + 1;
    if (this.#size > 0 && this.#size + pages * PAGE > SEGMENT_PAGES * PAGE) {
      try {
        this.nextSegment();
      } catch (error) {
        throw this.#failed(error as Error);
      }
    }
    if (this.#fragments.length < pages * PAGE) this.#fragments = Buffer.allocUnsafeSlow(2 * pages * PAGE);
    this.#write(fragment(body, flag, this.#size, this.#fragments));
  }

  #pack(record: Buffer): Buffer {
    const bound = snappyBound(record.length);
    if (this.#packed.length < bound) this.#packed = Buffer.allocUnsafeSlow(bound + (bound >> 1));
    return this.#packed.subarray(0, snappyPack(record, this.#packed));
  }

  #write(length: number): void {
    if (this.#waitingBytes + length > this.#waiting.length) this.#flush();
    if (length <= this.#waiting.length) {
      this.#fragments.copy(this.#waiting, this.#waitingBytes, 0, length);
      this.#waitingBytes += length;
      this.#size += length;
      return;
    }
    this.#writeOut(this.#fragments, length);
    this.#size += length;
  }

  #flush(): void {
    const length = this.#waitingBytes;
    if (length === 0) return;
    this.#size -= length;
    this.#waitingBytes = 0;
    this.#writeOut(this.#waiting, length);
    this.#size += length;
  }

  /** Writes bytes behind the first `#size` ones of the file. */
  #writeOut(bytes: Buffer, length: number): void {
    const before = this.#size;
    let done = 0;
    try {
      while (done < length) done += writeSync(this.#fd, bytes, done, length - done);
    } catch (error) {
      // A part of a record would make everything behind it unreadable.
      ftruncateSync(this.#fd, before);
      throw this.#failed(error as Error);
    }
    this.writes++;
  }

  /** Where the log ends now, for `rewind`. */
  mark(): { segment: number; size: number } {
    return { segment: this.#segment, size: this.#size };
  }

  /** Takes back what was logged since, as far as it is in the same segment. */
  rewind({ segment, size }: { segment: number; size: number }): void {
    if (segment !== this.#segment || size === this.#size) return;
    ftruncateSync(this.#fd, size);
    this.#size = size;
  }

  #failed(cause: Error): UserError {
    this.failures++;
    return new UserError("tsdb.wal", `cannot write ${segmentPath(this.#dir, this.#segment)}: ${cause.message}`, {
      fix: "Samples are refused until it can be written again; free disk space or mend the file system",
      cause,
    });
  }

  /** Closes the current segment and begins the next. */
  nextSegment(): void {
    this.#flush();
    const next = openSync(segmentPath(this.#dir, this.#segment + 1), "a");
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    this.#segment++;
    this.#fd = next;
    this.#size = 0;
    syncFolder(this.#dir);
  }

  [Symbol.dispose](): void {
    try {
      this.#flush();
      fsyncSync(this.#fd);
    } finally {
      closeSync(this.#fd);
    }
  }
}

/** Puts a record as fragments, for `offset` of a segment on, into `out`; answers their length. */
function fragment(body: Buffer, flag: number, offset: number, out: Buffer): number {
  let length = 0;
  let at = 0;
  let first = true;
  do {
    let left = PAGE - ((offset + length) % PAGE);
    if (left < HEADER) {
      out.fill(0, length, length + left);
      length += left;
      left = PAGE;
    }
    const take = Math.min(body.length - at, left - HEADER);
    const last = at + take === body.length;
    // A page may end right behind a header: the first fragment then has no bytes.
    const kind = first ? (last ? FULL : FIRST) : last ? LAST : MIDDLE;
    first = false;
    out[length] = kind | flag;
    out.writeUInt16BE(take, length + 1);
    out.writeUInt32BE(crc32c(body, at, at + take), length + 3);
    body.copy(out, length + HEADER, at, at + take);
    length += HEADER + take;
    at += take;
  } while (at < body.length);
  return length;
}

/** Replaces the segments up to `last` (and an older checkpoint) by what `rewrite` writes. */
export function replaceByCheckpoint(
  dir: string,
  last: number,
  compression: WalCompression,
  rewrite: (writer: WalWriter) => void,
): void {
  const name = `checkpoint.${segmentName(last)}`;
  const temporary = join(dir, `${name}.tmp`);
  rmSync(temporary, { recursive: true, force: true });
  {
    using writer = new WalWriter(temporary, 0, compression, CHECKPOINT_BUFFER);
    rewrite(writer);
  }
  renameSync(temporary, join(dir, name));
  syncFolder(dir);
  for (const index of segmentsOf(dir)) if (index <= last) rmSync(segmentPath(dir, index));
  // Also those of runs that ended before they came to it.
  for (const { path, index } of checkpointsOf(dir)) if (index < last) rmSync(path, { recursive: true });
}
