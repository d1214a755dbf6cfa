/** Blocks out of the head: of what came in order, and of what came late. */
import { SampleBuffer } from "@pharos/model";
import { type BlockMeta, LATE_HINT } from "../block/meta.ts";
import { type EncodedChunk, encodeBuffer } from "../chunk/encode.ts";
import { repack } from "../chunk/repack.ts";
import type { Head } from "../head/head.ts";
import type { LateChunk, LateView } from "../head/late.ts";
import { seriesInRange, sortByLabels } from "../head/sorted.ts";
import type { SeriesView } from "../head/view.ts";
import { sortRows } from "../merge.ts";
import type { SomeSeries } from "./block-writer.ts";
import { type SeriesOut, writeBlock } from "./write-block.ts";

/** Writes what came in order in [mint, maxt), of all series or some, as a block into `dir`; undefined when that is nothing. */
export async function writeHeadBlock(
  head: Head,
  dir: string,
  mint: number,
  maxt: number,
  now: number,
  only?: SomeSeries,
): Promise<BlockMeta | undefined> {
  const { store, options } = head;
  using _pin = store.pin();
  const sorted = await seriesInRange(store, mint, maxt, only?.series);
  const views = function* (): Generator<SeriesView> {
    for (const series of sorted) yield store.view(series);
  };
  const symbols = store.table.symbolsOf(sorted);
  return await writeViews(dir, {
    views: views(),
    symbols,
    mint,
    maxt,
    rangeMs: options.rangeMs,
    now,
    hint: only?.hint,
  });
}

/** The same from views, which come in order of labels. */
export async function writeViews(
  dir: string,
  block: {
    views: Iterable<SeriesView> | AsyncIterable<SeriesView>;
    symbols: ReadonlySet<string>;
    mint: number;
    maxt: number;
    rangeMs: number;
    now: number;
    hint?: string;
  },
): Promise<BlockMeta | undefined> {
  const { mint, maxt, rangeMs, symbols, now, hint } = block;
  const series = async function* (): AsyncGenerator<SeriesOut> {
    for await (const view of block.views) {
      yield { labels: view.labels, chunks: () => repack(withoutDeleted(view, mint, maxt, rangeMs)) };
    }
  };
  return await writeBlock(dir, {
    minTime: mint,
    maxTime: maxt,
    compaction: { level: 1, ...(hint ? { hints: [hint] } : {}) },
    symbols,
    series: series(),
    now,
  });
}

function withoutDeleted(view: SeriesView, mint: number, maxt: number, rangeMs: number): EncodedChunk[] {
  const gaps = view.intervals?.filter((gap) => gap.mint < maxt && gap.maxt >= mint) ?? [];
  if (gaps.length === 0) return view.chunks(mint, maxt);
  const buffer = new SampleBuffer();
  view.readInOrder(mint, maxt - 1, buffer);
  return encodeBuffer(buffer, rangeMs);
}

/**
 * Writes late samples as blocks, one for each range that has some; they overlap other blocks and are merged with them later.
 * Resolves to the blocks and the chunks that are in them.
 */
export async function writeLateBlocks(
  head: Head,
  dir: string,
  now: number,
): Promise<{ blocks: BlockMeta[]; done: ReadonlyMap<number, readonly LateChunk[]>; segment: number }> {
  const { store, options } = head;
  const segment = head.rotateLate();
  const done = store.late.snapshot();
  using _pin = store.pin();
  const views = new Map<number, LateView>();
  let mint = Number.POSITIVE_INFINITY;
  let maxt = Number.NEGATIVE_INFINITY;
  for (const series of done.keys()) {
    const view = store.late.view(series)!;
    views.set(series, view);
    mint = Math.min(mint, view.mint);
    maxt = Math.max(maxt, view.maxt);
  }
  const sorted = await sortByLabels(store, Uint32Array.from(views.keys()));
  const symbols = store.table.symbolsOf(sorted);
  const blocks: BlockMeta[] = [];
  const { rangeMs } = options;
  for (let start = Math.floor(mint / rangeMs) * rangeMs; start <= maxt; start += rangeMs) {
    const end = start + rangeMs;
    const series = function* (): Generator<SeriesOut> {
      for (const one of sorted) {
        const view = views.get(one)!;
        if (view.maxt < start || view.mint >= end) continue;
        yield { labels: store.table.labels(one), chunks: () => repack(lateChunks(view, start, end, rangeMs)) };
      }
    };
    const compaction = { level: 1, hints: [LATE_HINT] };
    const block = await writeBlock(dir, { minTime: start, maxTime: end, compaction, symbols, series: series(), now });
    if (block) blocks.push(block);
  }
  return { blocks, done, segment };
}

function lateChunks(view: LateView, mint: number, maxt: number, rangeMs: number): EncodedChunk[] {
  const buffer = new SampleBuffer();
  view.read(mint, maxt - 1, buffer);
  sortRows(buffer, 0);
  return encodeBuffer(buffer, rangeMs);
}
