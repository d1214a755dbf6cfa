/** Several blocks become one: chunks are copied as they are where they neither overlap nor have deleted samples in them. */
import { SampleBuffer } from "@pharos/model";
import type { Block, BlockSeries } from "../block/block.ts";
import { type BlockMeta, LATE_HINT, SELECTED_HINT, STALE_HINT } from "../block/meta.ts";
import { type EncodedChunk, encodeBuffer } from "../chunk/encode.ts";
import { repack } from "../chunk/repack.ts";
import { MergedSeries } from "../merge.ts";
import { mergeByLabels } from "../merge-by-labels.ts";
import { type SeriesOut, writeBlock } from "./write-block.ts";

/**
 * Writes the new block into `dir`; undefined when nothing is left of the old ones. They stay where they are. Where chunks have to
 * be made anew they do not cross multiples of `rangeMs`.
 */
export async function mergeBlocks(
  dir: string,
  blocks: readonly Block[],
  rangeMs: number,
  now: number,
): Promise<BlockMeta | undefined> {
  const symbols = new Set<string>();
  for (const { index } of blocks) for (const text of index.symbols()) symbols.add(text);
  const metas = blocks.map(({ meta }) => meta);
  // What is made of late samples only, or of some series only, still says so.
  const hints = [LATE_HINT, SELECTED_HINT, STALE_HINT].filter((hint) =>
    metas.every(({ compaction }) => compaction.hints?.includes(hint)),
  );
  return await writeBlock(dir, {
    minTime: Math.min(...metas.map(({ minTime }) => minTime)),
    maxTime: Math.max(...metas.map(({ maxTime }) => maxTime)),
    compaction: {
      level: Math.max(...metas.map(({ compaction }) => compaction.level)) + (blocks.length > 1 ? 1 : 0),
      sources: [...new Set(metas.flatMap(({ ulid, compaction }) => compaction.sources ?? [ulid]))].sort(),
      ...(hints.length > 0 ? { hints } : {}),
      parents: metas.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
    },
    symbols,
    series: merged(blocks, rangeMs),
    now,
  });
}

function* merged(blocks: readonly Block[], rangeMs: number): Generator<SeriesOut> {
  for (const parts of mergeByLabels(blocks.map((block) => block.series()))) {
    yield { labels: parts[0].labels, chunks: () => chunksOf(parts, rangeMs) };
  }
}

function chunksOf(parts: readonly BlockSeries[], rangeMs: number): readonly EncodedChunk[] {
  const all = parts
    .flatMap((part) => part.chunks.map((chunk) => ({ part, chunk })))
    .sort((a, b) => a.chunk.mint - b.chunk.mint);
  const overlap = all.some(({ chunk }, i) => i > 0 && chunk.mint <= all[i - 1].chunk.maxt);
  if (overlap || parts.some(({ intervals }) => intervals)) {
    const buffer = new SampleBuffer();
    new MergedSeries(parts).read(-Infinity, Infinity, buffer);
    return repack(encodeBuffer(buffer, rangeMs));
  }
  return all.map(({ part, chunk }) => ({ mint: chunk.mint, maxt: chunk.maxt, ...part.data(chunk) }));
}
