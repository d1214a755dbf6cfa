/**
 * Remembers how far a queue has got, so that a restart neither loses nor repeats samples. The file has two slots that are
 * written in turn, so that one torn by a power cut leaves the other:
 *
 *   slot: u32 CRC-32 of the rest, u32 magic, f64 number of the write, u32 shards n, n × (u32 segment, u32 offset, u32 entry:
 *         everything before is done; the same three: what is being sent ends there)
 *
 * An entry counts samples, histograms and exemplars inside one record of the log. Writing is not synced: what counts is that
 * it survives the death of the process; after a power cut the older state repeats a little.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

/** A place in the log, inside of a record. */
export interface Place {
  segment: number;
  offset: number;
  entry: number;
}

export function comparePlaces(a: Place, b: Place): number {
  return a.segment - b.segment || a.offset - b.offset || a.entry - b.entry;
}

export interface ShardPlace {
  /** Everything of this shard before it was acknowledged, or given up. */
  done: Place;
  /** Ends what was being sent; equal to `done` when nothing was. */
  sending: Place;
}

const MAGIC = 0x50525750;
const HEADER = 20;
const SHARD = 24;
/** Distance of the slots: room for so many shards. */
const SLOT = 2 ** 18;
export const MAX_SHARDS = Math.floor((SLOT - HEADER) / SHARD);

function readSlot(bytes: Buffer): { number: number; shards: ShardPlace[] } | undefined {
  if (bytes.length < HEADER || bytes.readUInt32LE(4) !== MAGIC) return undefined;
  const count = bytes.readUInt32LE(16);
  const size = HEADER + SHARD * count;
  if (count > MAX_SHARDS || bytes.length < size || crc32(bytes.subarray(4, size)) !== bytes.readUInt32LE(0)) {
    return undefined;
  }
  const place = (at: number): Place => ({
    segment: bytes.readUInt32LE(at),
    offset: bytes.readUInt32LE(at + 4),
    entry: bytes.readUInt32LE(at + 8),
  });
  const shards: ShardPlace[] = [];
  for (let at = HEADER; at < size; at += SHARD) shards.push({ done: place(at), sending: place(at + 12) });
  return { number: bytes.readDoubleLE(8), shards };
}

export class PositionFile implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  #number = 0;
  #bytes = Buffer.alloc(HEADER + SHARD);
  /** What an earlier run left; undefined when there was none, or none that can be read. */
  readonly found: readonly ShardPlace[] | undefined;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, "a");
    closeSync(this.#fd);
    const bytes = readFileSync(path);
    const slots = [readSlot(bytes.subarray(0, SLOT)), readSlot(bytes.subarray(SLOT))].filter(
      (slot) => slot !== undefined,
    );
    const newest = slots.sort((a, b) => b.number - a.number)[0];
    this.found = newest && newest.shards.length > 0 ? newest.shards : undefined;
    this.#number = newest?.number ?? 0;
    this.#fd = openSync(path, "r+");
  }

  write(shards: readonly ShardPlace[]): void {
    const size = HEADER + SHARD * shards.length;
    if (this.#bytes.length < size) this.#bytes = Buffer.alloc(size);
    const bytes = this.#bytes;
    bytes.writeUInt32LE(MAGIC, 4);
    bytes.writeDoubleLE(++this.#number, 8);
    bytes.writeUInt32LE(shards.length, 16);
    let at = HEADER;
    for (const { done, sending } of shards) {
      for (const { segment, offset, entry } of [done, sending]) {
        bytes.writeUInt32LE(segment, at);
        bytes.writeUInt32LE(offset, at + 4);
        bytes.writeUInt32LE(entry, at + 8);
        at += 12;
      }
    }
    bytes.writeUInt32LE(crc32(bytes.subarray(4, size)), 0);
    writeSync(this.#fd, bytes, 0, size, (this.#number % 2) * SLOT);
  }

  /** Forgets everything: the queue is no longer configured. */
  remove(): void {
    rmSync(this.#path, { force: true });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
