/** Which blocks are to be merged, as Prometheus' leveled compaction chooses them. */
import { type BlockMeta, LATE_HINT, SELECTED_HINT, STALE_HINT } from "../block/meta.ts";

const MAX_RANGE_MS = 31 * 24 * 3600_000;

/** 2 h, 6 h, 18 h … up to `maxMs` or else 31 days or a tenth of the retention (0: none). */
export function compactionRanges(first: number, retentionMs: number, maxMs = 0): number[] {
  const most = maxMs > 0 ? maxMs : retentionMs > 0 ? Math.min(MAX_RANGE_MS, retentionMs / 10) : MAX_RANGE_MS;
  const ranges = [first];
  for (let range = first * 3; range <= most; range *= 3) ranges.push(range);
  return ranges;
}

/**
 * The blocks to merge next, [] when there is nothing to do: overlapping ones first, then full ranges. Blocks of some series only
 * are merged among themselves, when nothing else is to be done.
 */
export function planCompaction(metas: readonly BlockMeta[], ranges: readonly number[]): BlockMeta[] {
  const has = (hint: string) => (meta: BlockMeta) => meta.compaction.hints?.includes(hint) ?? false;
  const isPart = (meta: BlockMeta): boolean => has(STALE_HINT)(meta) || has(SELECTED_HINT)(meta);
  const classes = [
    metas.filter((meta) => !isPart(meta)),
    metas.filter(has(STALE_HINT)),
    metas.filter(has(SELECTED_HINT)),
  ];
  for (const some of classes) {
    const plan = planClass(some, ranges);
    if (plan.length > 0) return plan;
  }
  return [];
}

function planClass(metas: readonly BlockMeta[], ranges: readonly number[]): BlockMeta[] {
  const isLate = ({ compaction }: BlockMeta): boolean => compaction.hints?.includes(LATE_HINT) ?? false;
  const inOrderEnd = Math.max(...metas.filter((meta) => !isLate(meta)).map(({ maxTime }) => maxTime));
  const blocks = metas
    // Late samples of a time whose other samples are still in the head wait for these: a merged block would say that
    // everything up to its end is in blocks.
    .filter((meta) => !isLate(meta) || meta.maxTime <= inOrderEnd)
    .sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime);
  const overlapping = firstOverlap(blocks);
  if (overlapping.length > 0) return overlapping;
  // The newest block may still get neighbours. A range that is not full is taken only when data behind it is old as well.
  const older = blocks.slice(0, -1);
  const high = older.at(-1)?.minTime ?? 0;
  for (const range of ranges.slice(1)) {
    for (const group of groupByRange(older, range)) {
      if (group.length < 2 || group.some(({ compaction }) => compaction.failed)) continue;
      const end = group[group.length - 1].maxTime;
      if (end - group[0].minTime === range || end <= high) return group;
    }
  }
  return [];
}

function firstOverlap(blocks: readonly BlockMeta[]): BlockMeta[] {
  let group: BlockMeta[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const block of blocks) {
    if (block.minTime < end) group.push(block);
    else {
      if (group.length > 1) return group;
      group = [block];
    }
    end = Math.max(end, block.maxTime);
  }
  return group.length > 1 ? group : [];
}

/** Blocks that lie whole in the same aligned range. */
function groupByRange(blocks: readonly BlockMeta[], range: number): BlockMeta[][] {
  const groups = new Map<number, BlockMeta[]>();
  for (const block of blocks) {
    const slot = Math.floor(block.minTime / range);
    if (block.maxTime > (slot + 1) * range) continue;
    const group = groups.get(slot);
    if (group) group.push(block);
    else groups.set(slot, [block]);
  }
  return [...groups.values()];
}
