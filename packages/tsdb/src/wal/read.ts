/**
 * Reading segments of the write-ahead log (see write.ts for their layout), and what is done about damage.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { snappySize, snappyUnpack } from "@pharos/kit";
import { crc32c } from "./crc32c.ts";
import { FIRST, FULL, HEADER, LAST, PAGE, SNAPPY, segmentPath, type WalCompression, ZSTD } from "./segments.ts";
import { WalWriter } from "./write.ts";

/** Bytes read at once, a multiple of the page. */
const STRIDE = 64 * PAGE;
/** The largest record accepted when unpacked: far above what is written, below what would exhaust memory. */
const MAX_RECORD = 2 ** 30;

export interface Corruption {
  segment: string;
  /** Byte offset of the first byte that was cut. */
  offset: number;
  /** Bytes cut. */
  lost: number;
  reason: string;
}

/** A stretch that could not be read. */
export interface Damage {
  offset: number;
  /** Where reading went on. */
  end: number;
  reason: string;
}

/**
 * Yields each whole record of a segment file, valid until the next one is asked for; `position.offset` is then where it
 * stands. A damaged stretch ends with its page: no fragment crosses one, so that the next record that begins behind it
 * is whole again. Returns the damaged stretches. `from`: where a record begins; what stands before it is passed over.
 * `position.end` is where the next record will begin.
 */
export function* readSegment(
  path: string,
  position: { offset: number; end?: number } = { offset: 0 },
  from = 0,
): Generator<Buffer, Damage[]> {
  const fd = openSync(path, "r");
  const damages: Damage[] = [];
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.allocUnsafe(Math.min(STRIDE, Math.max(size, 1)));
    // Of this reader alone: others may be half-way through records of their own.
    const room = { bytes: Buffer.alloc(0) };
    let recordStart = 0;
    let parts: Buffer[] = [];
    /** The stretch that is being passed over. */
    let lost: Damage | undefined;
    const firstPage = from - (from % PAGE);
    for (let base = firstPage; base < size; base += STRIDE) {
      const length = readFully(fd, bytes, base, Math.min(STRIDE, size - base));
      let at = base === firstPage ? from - firstPage : 0;
      while (at < length) {
        const pageLeft = PAGE - (at % PAGE);
        if (parts.length === 0 && !lost) recordStart = base + at;
        let problem: string | undefined;
        if (bytes[at] === 0) {
          // A page's rest too small for a header, or marked as unused, is zeros.
          const end = Math.min(at + pageLeft, length);
          if (isZero(bytes, at, end)) {
            at = end;
            continue;
          }
          problem = "unexpected non-zero byte in padded page";
        } else problem = checkFragment(bytes, at, Math.min(pageLeft, length - at), pageLeft);
        const kind = bytes[at] & 7;
        const begins = kind === FULL || kind === FIRST;
        if (!problem && !lost && begins === parts.length > 0) {
          problem = begins ? "a record is not whole" : `unexpected fragment type ${kind}`;
        }
        const ends = kind === FULL || kind === LAST;
        let record: Buffer | undefined;
        if (!problem) {
          const start = at + HEADER;
          const end = start + bytes.readUInt16BE(at + 1);
          if (lost) {
            if (!begins) {
              at = end;
              continue;
            }
            lost.end = base + at;
            lost = undefined;
            recordStart = base + at;
          }
          if (!ends) {
            // The buffer is filled anew before the record is whole.
            parts.push(Buffer.from(bytes.subarray(start, end)));
            at = end;
            continue;
          }
          const packed =
            parts.length === 0 ? bytes.subarray(start, end) : Buffer.concat([...parts, bytes.subarray(start, end)]);
          parts = [];
          try {
            record = unpack(packed, bytes[at] & (SNAPPY | ZSTD), room);
          } catch (error) {
            problem = `cannot be unpacked: ${(error as Error).message}`;
          }
          at = end;
        } else at += begins && problem === "a record is not whole" ? 0 : pageLeft;
        if (record) {
          position.offset = recordStart;
          position.end = base + at;
          yield record;
        } else {
          parts = [];
          if (!lost) damages.push((lost = { offset: recordStart, end: size, reason: problem! }));
        }
      }
    }
    if (parts.length > 0) damages.push({ offset: recordStart, end: size, reason: "last record is torn" });
    return damages;
  } finally {
    closeSync(fd);
  }
}

/** Fills the buffer from the file; answers how much there was, less when the file got shorter. */
function readFully(fd: number, bytes: Buffer, from: number, length: number): number {
  let done = 0;
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, from + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function isZero(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** What is wrong with the fragment at `at`, of which `there` bytes of its page exist. */
function checkFragment(bytes: Buffer, at: number, there: number, pageLeft: number): string | undefined {
  if (there < HEADER) return "torn header";
  const length = bytes.readUInt16BE(at + 1);
  if (length > pageLeft - HEADER) return "fragment crosses its page";
  if (HEADER + length > there) return "torn fragment";
  if ((bytes[at] & 7) > LAST) return `unexpected fragment type ${bytes[at] & 7}`;
  const start = at + HEADER;
  return crc32c(bytes, start, start + length) === bytes.readUInt32BE(at + 3) ? undefined : "unexpected checksum";
}

/** `room` is used again for every record, and grows. */
function unpack(packed: Buffer, compression: number, room: { bytes: Buffer }): Buffer {
  if (compression === 0) return packed;
  if (compression === ZSTD) return zstdDecompressSync(packed, { maxOutputLength: MAX_RECORD });
  const size = snappySize(packed);
  // A byte of a copy makes 64 at most.
  if (size > MAX_RECORD || size > 64 * packed.length) throw new Error("its size is out of bounds");
  if (room.bytes.length < size) room.bytes = Buffer.allocUnsafeSlow(size + (size >> 1));
  const out = room.bytes.subarray(0, size);
  snappyUnpack(packed, out);
  return out;
}

/**
 * Writes a damaged segment anew with what can be read of it, so that whoever opens the log next finds nothing wrong. (Upstream
 * cuts the log at the first damage; here what stands behind it is kept.)
 */
export function repair(path: string, damages: readonly Damage[], compression: WalCompression): Corruption[] {
  const dir = dirname(path);
  const index = Number(basename(path));
  const last = damages.at(-1)!;
  if (damages.length === 1 && last.end >= statSync(path).size) {
    const fd = openSync(path, "r+");
    ftruncateSync(fd, last.offset);
    closeSync(fd);
  } else {
    const folder = join(dir, "repair.tmp");
    rmSync(folder, { recursive: true, force: true });
    {
      using writer = new WalWriter(folder, index, compression);
      for (const record of readSegment(path)) writer.log(record);
    }
    renameSync(segmentPath(folder, index), path);
    rmSync(folder, { recursive: true });
  }
  return damages.map(({ offset, end, reason }) => ({ segment: path, offset, lost: end - offset, reason }));
}
