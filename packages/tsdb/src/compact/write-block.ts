/** Writes a block: into a folder with a temporary name that becomes the block by a rename, so that a crash leaves no half block. */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { syncFolder } from "@pharos/kit";
import type { Labels } from "@pharos/model";
import { ChunkWriter } from "../block/chunk-files.ts";
import type { ChunkMeta } from "../block/index-reader.ts";
import { IndexWriter } from "../block/index-writer.ts";
import { type BlockMeta, newUlid, writeMeta } from "../block/meta.ts";
import { writeTombstones } from "../block/tombstones.ts";
import type { EncodedChunk } from "../chunk/encode.ts";
import { isFloat, sampleCount } from "../chunk/encoding.ts";

export const TEMPORARY_SUFFIX = ".tmp-for-creation";

/** A series to be written; `chunks` is called once and may be empty. */
export interface SeriesOut {
  labels: Labels;
  chunks(): readonly EncodedChunk[];
}

export interface BlockOut {
  minTime: number;
  maxTime: number;
  compaction: BlockMeta["compaction"];
  /** Every label name and value of the series; more do no harm. */
  symbols: ReadonlySet<string>;
  /** Sorted by labels. */
  series: Iterable<SeriesOut> | AsyncIterable<SeriesOut>;
  now: number;
}

/** The event loop gets a turn after so long. */
const TURN_MS = 10;

/** Returns the new block's description; undefined when there was no sample, then nothing is left on disk. */
export async function writeBlock(dir: string, block: BlockOut): Promise<BlockMeta | undefined> {
  const ulid = newUlid(block.now);
  const temporary = join(dir, ulid + TEMPORARY_SUFFIX);
  mkdirSync(temporary, { recursive: true });
  try {
    using chunkWriter = new ChunkWriter(join(temporary, "chunks"));
    using index = new IndexWriter(join(temporary, "index"), block.symbols);
    const stats = { numSamples: 0, numFloatSamples: 0, numHistogramSamples: 0, numSeries: 0, numChunks: 0 };
    let turn = performance.now() + TURN_MS;
    for await (const series of block.series) {
      if (performance.now() > turn) {
        await setImmediate();
        turn = performance.now() + TURN_MS;
      }
      const metas: ChunkMeta[] = [];
      for (const { mint, maxt, encoding, data } of series.chunks()) {
        metas.push({ mint, maxt, ref: chunkWriter.write(encoding, data) });
        const count = sampleCount(encoding, data);
        stats.numSamples += count;
        if (isFloat(encoding)) stats.numFloatSamples += count;
        else stats.numHistogramSamples += count;
      }
      if (metas.length === 0) continue;
      stats.numSeries++;
      stats.numChunks += metas.length;
      index.add(series.labels, metas);
    }
    if (stats.numSeries === 0) {
      rmSync(temporary, { recursive: true });
      return undefined;
    }
    chunkWriter.finish();
    index.finish();
    writeTombstones(temporary, new Map());
    const { compaction, minTime, maxTime } = block;
    const meta: BlockMeta = {
      ulid,
      minTime,
      maxTime,
      stats,
      compaction: { ...compaction, sources: compaction.sources ?? [ulid] },
      version: 1,
    };
    writeMeta(temporary, meta);
    syncFolder(join(temporary, "chunks"));
    renameSync(temporary, join(dir, ulid));
    syncFolder(dir);
    return meta;
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}
