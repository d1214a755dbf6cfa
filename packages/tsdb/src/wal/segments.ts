/** The files of a log: segments with numbers, and checkpoints in place of older ones. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** How records are packed, where that makes them smaller. */
export type WalCompression = "none" | "snappy" | "zstd";

export const PAGE = 32 * 1024;
export const HEADER = 7;
export const SEGMENT_PAGES = 4096;
/** Flags and kinds in a fragment's first byte. */
export const SNAPPY = 8;
export const ZSTD = 16;
export const FULL = 1;
export const FIRST = 2;
export const MIDDLE = 3;
export const LAST = 4;

export function segmentName(index: number): string {
  return String(index).padStart(8, "0");
}

export function segmentPath(dir: string, index: number): string {
  return join(dir, segmentName(index));
}

/** Numbers of the segments in a folder, ascending; none when there is no folder. */
export function segmentsOf(dir: string): number[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => /^\d{8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Checkpoint folders, `checkpoint.<last segment in it>`, oldest first. */
export function checkpointsOf(dir: string): { path: string; index: number }[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .map((name) => /^checkpoint\.(\d+)$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ path: join(dir, match[0]), index: Number(match[1]) }))
    .sort((a, b) => a.index - b.index);
}

export function lastCheckpoint(dir: string): { path: string; index: number } | undefined {
  return checkpointsOf(dir).at(-1);
}

/** Bytes of the whole log on disk, checkpoint included. */
export function logBytes(dir: string): number {
  const folders = [dir, lastCheckpoint(dir)?.path].filter((path) => path !== undefined);
  return folders.reduce(
    (sum, folder) => segmentsOf(folder).reduce((part, index) => part + statSync(segmentPath(folder, index)).size, sum),
    0,
  );
}
