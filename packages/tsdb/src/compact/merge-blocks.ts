/** Several blocks become one: chunks are copied as they are where they neither overlap nor have deleted samples in them. */
import { Matcher, SampleBuffer } from "@pharos/model";
import type { Block, BlockSeries } from "../block/block.ts";
import type { BlockMeta } from "../block/meta.ts";
import { reencode } from "../head/series.ts";
import { MergedSeries } from "../merge.ts";
import { type ChunkOut, type SeriesOut, writeBlock } from "./write-block.ts";

const everything = new Matcher("=", "", "");

/** Writes the new block into `dir`; undefined when nothing is left of the old ones. They stay where they are. */
export async function mergeBlocks(dir: string, blocks: readonly Block[], now: number): Promise<BlockMeta | undefined> {
  const byKey = new Map<string, BlockSeries[]>();
  for (const block of blocks) {
    for (const series of block.select([everything], -Infinity, Infinity)) {
      const parts = byKey.get(series.labels.key());
      if (parts) parts.push(series);
      else byKey.set(series.labels.key(), [series]);
    }
  }
  const series: SeriesOut[] = [...byKey.values()]
    .map((parts) => ({ labels: parts[0].labels, chunks: () => chunksOf(parts) }))
    .sort((a, b) => a.labels.compare(b.labels));
  const metas = blocks.map(({ meta }) => meta);
  return await writeBlock(dir, {
    minTime: Math.min(...metas.map(({ minTime }) => minTime)),
    maxTime: Math.max(...metas.map(({ maxTime }) => maxTime)),
    compaction: {
      level: Math.max(...metas.map(({ compaction }) => compaction.level)) + (blocks.length > 1 ? 1 : 0),
      sources: [...new Set(metas.flatMap(({ ulid, compaction }) => compaction.sources ?? [ulid]))].sort(),
      parents: metas.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
    },
    series,
    now,
  });
}

function chunksOf(parts: readonly BlockSeries[]): ChunkOut[] {
  const all = parts
    .flatMap((part) => part.chunks.map((chunk) => ({ part, chunk })))
    .sort((a, b) => a.chunk.mint - b.chunk.mint);
  const overlap = all.some(({ chunk }, i) => i > 0 && chunk.mint <= all[i - 1].chunk.maxt);
  if (overlap || parts.some(({ intervals }) => intervals)) {
    const buffer = new SampleBuffer();
    new MergedSeries(parts).read(-Infinity, Infinity, buffer);
    return reencode(buffer);
  }
  return all.map(({ part, chunk }) => ({ mint: chunk.mint, maxt: chunk.maxt, ...part.data(chunk) }));
}
