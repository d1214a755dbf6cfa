/** What happens to samples as they age: head → blocks of two hours → larger blocks → deletion. One step at a time. */
import { rmSync } from "node:fs";
import { UserError } from "@pharos/model";
import { type BlockMeta, STALE_HINT } from "../block/meta.ts";
import type { BlockStore } from "../block/store.ts";
import { writeCheckpoint } from "../head/checkpoint.ts";
import type { Head } from "../head/head.ts";
import type { Corruption } from "../wal/read.ts";
import { segmentPath, segmentsOf } from "../wal/segments.ts";
import type { BlockWriter } from "./block-writer.ts";
import { writeLateBlocks } from "./head-block.ts";
import { compactionRanges, planCompaction } from "./plan.ts";

export interface CompactorOptions {
  dir: string;
  retentionMs: number;
  /** The longest blocks that are made by merging, ms; 0: as retention allows. */
  maxBlockMs: number;
  now: () => number;
  writer: BlockWriter;
  /** Called for what a checkpoint could not read. */
  onCorruption: (corruption: Corruption) => void;
  /** Adds to the description of a block that has been written. */
  describe: (meta: BlockMeta) => void;
  /** Called when a block has been written, before anything it replaces is removed. It does not throw or reject. */
  onBlock?: (meta: BlockMeta) => Promise<void>;
}

export class Compactor {
  readonly #head: Head;
  readonly #store: BlockStore;
  readonly #options: CompactorOptions;
  #running: Promise<void> | undefined;
  compactions = 0;
  failures = 0;
  triggered = 0;
  vertical = 0;
  checkpoints = 0;
  checkpointFailures = 0;
  staleTriggered = 0;
  staleFailures = 0;

  constructor(head: Head, store: BlockStore, options: CompactorOptions) {
    this.#head = head;
    this.#store = store;
    this.#options = options;
  }

  /** Everything that is due; a second call meanwhile waits for the first. */
  run(): Promise<void> {
    this.triggered++;
    this.#running ??= this.#all().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Resolves when nothing is under way; failures are the caller's of `run`. */
  async waitIdle(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  /** Late samples leave the head for blocks; by itself this happens whenever the head is cut. */
  async compactLate(): Promise<void> {
    const head = this.#head;
    if (head.late.seriesCount === 0) return;
    const { blocks, done, segment } = await writeLateBlocks(head, this.#options.dir, this.#options.now());
    for (const block of blocks) this.#added(block);
    head.late.drop(done);
    for (const index of segmentsOf(head.wblDir)) if (index < segment) rmSync(segmentPath(head.wblDir, index));
    if (blocks.length > 0) this.compactions++;
  }

  /**
   * Writes series that ended to blocks and takes them out of the head, without waiting for its next cut. Series that get a sample
   * meanwhile stay.
   */
  async compactStale(): Promise<void> {
    await this.waitIdle();
    this.#running ??= this.#stale().finally(() => (this.#running = undefined));
    await this.#running;
  }

  async #stale(): Promise<void> {
    const head = this.#head;
    const stale = head.staleSeries();
    if (!head.ready || stale.length === 0) return;
    this.staleTriggered++;
    try {
      const { rangeMs } = head.options;
      const { dir, now, writer } = this.#options;
      const last = head.maxTime;
      const series = Uint32Array.from(stale, (one) => one.series);
      for (let start = Math.floor(head.minTime / rangeMs) * rangeMs; start <= last; start += rangeMs) {
        const mint = Math.max(start, head.minValidTime);
        if (mint >= start + rangeMs) continue;
        this.#added(await writer.head(dir, mint, start + rangeMs, now(), { series, hint: STALE_HINT }));
      }
      head.evict(stale);
    } catch (error) {
      this.staleFailures++;
      throw error;
    }
  }

  get writing(): boolean {
    return this.#running !== undefined;
  }

  checkpoint(mint: number): void {
    this.checkpoints++;
    try {
      for (const corruption of writeCheckpoint(this.#head, mint)) this.#options.onCorruption(corruption);
    } catch (error) {
      this.checkpointFailures++;
      throw error;
    }
  }

  async #all(): Promise<void> {
    try {
      let cut = false;
      while (await this.#compactHead()) cut = true;
      if (cut) await this.compactLate();
      while (await this.#compactBlocks());
    } catch (error) {
      this.failures++;
      throw error;
    }
  }

  /** One block, when the head is longer than one and a half. */
  async #compactHead(): Promise<boolean> {
    const head = this.#head;
    const { rangeMs } = head.options;
    const { minTime, maxTime } = head;
    if (!head.ready || !(maxTime - minTime > 1.5 * rangeMs)) return false;
    const start = Math.floor(minTime / rangeMs) * rangeMs;
    const end = start + rangeMs;
    // From now on nothing older gets in, so the block stays complete while it is written in turns.
    head.minValidTime = Math.max(head.minValidTime, end);
    const block = await this.#options.writer.head(this.#options.dir, minTime, end, this.#options.now());
    if (block) this.#added(block);
    head.truncate(end);
    this.checkpoint(end);
    this.compactions++;
    return true;
  }

  async #compactBlocks(): Promise<boolean> {
    const { dir, retentionMs, maxBlockMs, now } = this.#options;
    const { rangeMs } = this.#head.options;
    const ranges = compactionRanges(rangeMs, retentionMs, maxBlockMs);
    const plan = planCompaction(
      this.#store.all.map(({ meta }) => meta),
      ranges,
    );
    if (plan.length === 0) return false;
    const blocks = this.#store.all.filter(({ meta }) => plan.includes(meta));
    if (blocks.some((block, i) => i > 0 && block.meta.minTime < blocks[i - 1].meta.maxTime)) this.vertical++;
    try {
      const made = await this.#options.writer.merge(dir, blocks, now());
      this.#added(made, blocks);
    } catch (error) {
      // Damaged ones are marked, as upstream does, so that the others go on; a full disk is no reason to.
      if (error instanceof UserError) for (const block of blocks) block.markFailed();
      throw error;
    }
    this.compactions++;
    return true;
  }

  /** Rewrites blocks so that deleted samples leave the disk. */
  async cleanTombstones(): Promise<void> {
    await this.run();
    for (const block of this.#store.all.filter(({ tombstones }) => tombstones.size > 0)) {
      const made = await this.#options.writer.merge(this.#options.dir, [block], this.#options.now());
      this.#added(made, [block]);
    }
  }

  #added(meta: BlockMeta | undefined, replaced: BlockStore["all"] = []): void {
    if (meta) this.#options.describe(meta);
    const copied = meta && this.#options.onBlock?.(meta);
    this.#store.add(meta?.ulid, replaced);
    if (copied) this.#store.hold(meta.ulid, copied);
  }
}
