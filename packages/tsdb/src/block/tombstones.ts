/**
 * Deleted ranges of a block's series:
 *
 *   magic 0130BA30 · version 1 · (uvarint series ref, varint mint, varint maxt)* · u32 CRC-32C of the entries
 *
 * Intervals are inclusive at both ends.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "@pharos/kit";
import { type SampleBuffer, UserError } from "@pharos/model";
import { crc32c } from "../wal/crc32c.ts";
import { Decoder, Encoder } from "../wal/encoding.ts";

const MAGIC = 0x0130ba30;
/** Ranges without an end stop here: exact as numbers, far beyond any sample. */
export const FAR = 2 ** 52;

export interface Interval {
  mint: number;
  maxt: number;
}
export type Tombstones = Map<number, Interval[]>;

/** Adds an interval, joined with those it touches. */
export function addInterval(tombstones: Tombstones, ref: number, mint: number, maxt: number): void {
  let joined = { mint: Math.max(mint, -FAR), maxt: Math.min(maxt, FAR) };
  const kept: Interval[] = [];
  for (const interval of tombstones.get(ref) ?? []) {
    if (interval.maxt < joined.mint - 1 || interval.mint > joined.maxt + 1) kept.push(interval);
    else joined = { mint: Math.min(joined.mint, interval.mint), maxt: Math.max(joined.maxt, interval.maxt) };
  }
  kept.push(joined);
  tombstones.set(
    ref,
    kept.sort((a, b) => a.mint - b.mint),
  );
}

export function encodeTombstoneFile(tombstones: Tombstones): Buffer {
  const out = new Encoder();
  out.u32(MAGIC);
  out.byte(1);
  for (const [ref, intervals] of [...tombstones].sort(([a], [b]) => a - b)) {
    for (const { mint, maxt } of intervals) {
      out.uvarint(ref);
      out.varint(mint);
      out.varint(maxt);
    }
  }
  out.u32(crc32c(out.view(), 5));
  return Buffer.from(out.view());
}

export function writeTombstones(dir: string, tombstones: Tombstones): void {
  writeFileAtomic(join(dir, "tombstones"), encodeTombstoneFile(tombstones));
}

/** A missing file means nothing was deleted. Throws a UserError when the file is damaged. */
export function readTombstones(dir: string): Tombstones {
  const file = join(dir, "tombstones");
  return existsSync(file) ? decodeTombstoneFile(readFileSync(file), file) : new Map();
}

/** `file` is named in errors. */
export function decodeTombstoneFile(bytes: Buffer, file: string): Tombstones {
  const tombstones: Tombstones = new Map();
  const damaged = (what: string): UserError =>
    new UserError("tsdb.block", `the file of deleted ranges is damaged: ${what}`, {
      where: { file },
      fix: "The block is left out. Remove the file to get the deleted samples back, or restore it",
    });
  if (bytes.length < 9 || bytes.readUInt32BE(0) !== MAGIC) throw damaged("it does not start with its magic number");
  if (bytes[4] !== 1) throw damaged(`version ${bytes[4]} is not supported`);
  const end = bytes.length - 4;
  if (crc32c(bytes, 5, end) !== bytes.readUInt32BE(end)) throw damaged("checksum mismatch");
  const input = new Decoder(bytes.subarray(5, end));
  while (!input.done) addInterval(tombstones, input.uvarint(), input.varint(), input.varint());
  return tombstones;
}

/** Removes the rows from `from` on that lie in an interval. */
export function dropIntervals(out: SampleBuffer, from: number, intervals: readonly Interval[]): void {
  const { timestamps, words, histograms, startTimestamps } = out;
  let kept = from;
  for (let row = from; row < out.length; row++) {
    const time = timestamps[row];
    if (intervals.some(({ mint, maxt }) => time >= mint && time <= maxt)) continue;
    timestamps[kept] = time;
    words[2 * kept] = words[2 * row];
    words[2 * kept + 1] = words[2 * row + 1];
    if (histograms) histograms[kept] = histograms[row];
    if (startTimestamps) startTimestamps[kept] = startTimestamps[row];
    kept++;
  }
  if (histograms && histograms.length > kept) histograms.length = kept;
  out.length = kept;
}
