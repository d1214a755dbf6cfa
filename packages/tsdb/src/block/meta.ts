/** meta.json of a block: what it covers and what it was made of. Times are Unix ms; `maxTime` is exclusive. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "@pharos/kit";
import { UserError } from "@pharos/model";

/** Says that a block has late samples only, and is to be merged with those it overlaps. */
export const LATE_HINT = "from-out-of-order";

/**
 * Say that a block has some series only, whose others of that time are still in the head: those that were stale, or (upstream's)
 * chosen ones. Such blocks are merged among themselves, and do not say that everything up to their end is in blocks.
 */
export const STALE_HINT = "from-stale-series";
export const SELECTED_HINT = "from-selected-series";

/** Whether a block has everything that came in order in its time. */
export function isComplete({ compaction: { hints = [] } }: BlockMeta): boolean {
  return !hints.includes(LATE_HINT) && !hints.includes(STALE_HINT) && !hints.includes(SELECTED_HINT);
}

export interface BlockMeta {
  ulid: string;
  minTime: number;
  maxTime: number;
  stats: {
    numSamples?: number;
    numFloatSamples?: number;
    numHistogramSamples?: number;
    numSeries?: number;
    numChunks?: number;
    numTombstones?: number;
  };
  compaction: {
    level: number;
    sources?: string[];
    parents?: { ulid: string; minTime: number; maxTime: number }[];
    deletable?: boolean;
    failed?: boolean;
    hints?: string[];
  };
  version: number;
  thanos?: ThanosMeta;
}

/** What Thanos, and what else reads blocks from object storage, wants to know of a block. */
export interface ThanosMeta {
  version: 1;
  /** External labels of who wrote it. */
  labels: Readonly<Record<string, string>>;
  downsample: { resolution: number };
  source: string;
  /** Relative paths; meta.json without its size. */
  files: { rel_path: string; size_bytes?: number }[];
}

/** Labels and source are the caller's, the files those of the folder. */
export function thanosMeta(dir: string, labels: Readonly<Record<string, string>>, source: string): ThanosMeta {
  const sized = (path: string): ThanosMeta["files"][number] => ({
    rel_path: path,
    size_bytes: statSync(join(dir, path)).size,
  });
  const chunks = readdirSync(join(dir, "chunks")).sort();
  return {
    version: 1,
    labels,
    downsample: { resolution: 0 },
    source,
    files: [...chunks.map((name) => sized(`chunks/${name}`)), sized("index"), { rel_path: "meta.json" }],
  };
}

/** Throws a UserError that names the file when it is missing, no JSON, or of another version. */
export function readMeta(dir: string): BlockMeta {
  const file = join(dir, "meta.json");
  let meta: BlockMeta;
  try {
    meta = JSON.parse(readFileSync(file, "utf8")) as BlockMeta;
  } catch (error) {
    throw new UserError("tsdb.block", `cannot read the block's description: ${(error as Error).message}`, {
      where: { file },
      fix: "The block is left out. Restore the file, or move the folder away",
      cause: error,
    });
  }
  if (meta.version !== 1 || typeof meta.minTime !== "number" || typeof meta.maxTime !== "number") {
    throw new UserError("tsdb.block", `block format version ${meta.version} is not supported`, { where: { file } });
  }
  return meta;
}

export function writeMeta(dir: string, meta: BlockMeta): void {
  writeFileAtomic(join(dir, "meta.json"), `${JSON.stringify(meta, null, "\t")}\n`);
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** 48 bits of time and 80 of chance, so that names sort by age. */
export function newUlid(now: number): string {
  let text = "";
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) text = CROCKFORD[rest % 32] + text;
  for (const byte of randomBytes(16)) text += CROCKFORD[byte & 31];
  return text;
}

export function isUlid(name: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(name);
}
