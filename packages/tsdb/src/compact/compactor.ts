/** What happens to samples as they age: head → blocks of two hours → larger blocks → deletion. One step at a time. */
import type { BlockStore } from "../block/store.ts";
import type { Head } from "../head/head.ts";
import { CHUNK_RANGE_MS } from "../head/series.ts";
import { mergeBlocks } from "./merge-blocks.ts";
import { compactionRanges, planCompaction } from "./plan.ts";
import { writeBlock } from "./write-block.ts";

export interface CompactorOptions {
  dir: string;
  retentionMs: number;
  now: () => number;
}

export class Compactor {
  readonly #head: Head;
  readonly #store: BlockStore;
  readonly #options: CompactorOptions;
  #running: Promise<void> | undefined;
  compactions = 0;
  failures = 0;

  constructor(head: Head, store: BlockStore, options: CompactorOptions) {
    this.#head = head;
    this.#store = store;
    this.#options = options;
  }

  /** Everything that is due; a second call meanwhile waits for the first. */
  run(): Promise<void> {
    this.#running ??= this.#all().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Resolves when nothing is under way; failures are the caller's of `run`. */
  async waitIdle(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  /** Writes what the head has in [mint, maxt) as a block into `dir`; undefined when that is nothing. */
  async writeHead(dir: string, mint: number, maxt: number): Promise<string | undefined> {
    const series = [...this.#head.all()]
      .filter(({ firstTime, lastTime }) => firstTime < maxt && lastTime >= mint)
      .map((one) => ({ labels: one.labels, chunks: () => one.chunksIn(mint, maxt) }))
      .sort((a, b) => a.labels.compare(b.labels));
    const block = { minTime: mint, maxTime: maxt, compaction: { level: 1 }, series, now: this.#options.now() };
    return (await writeBlock(dir, block))?.ulid;
  }

  async #all(): Promise<void> {
    try {
      while (await this.#compactHead());
      while (await this.#compactBlocks());
    } catch (error) {
      this.failures++;
      throw error;
    }
  }

  /** One block of two hours, when the head is longer than three. */
  async #compactHead(): Promise<boolean> {
    const head = this.#head;
    const { minTime, maxTime } = head;
    if (!(maxTime - minTime > 1.5 * CHUNK_RANGE_MS)) return false;
    const end = (Math.floor(minTime / CHUNK_RANGE_MS) + 1) * CHUNK_RANGE_MS;
    // From now on nothing older gets in, so the block stays complete while it is written in turns.
    head.minValidTime = Math.max(head.minValidTime, end);
    const ulid = await this.writeHead(this.#options.dir, minTime, end);
    this.#store.add(ulid);
    head.truncate(end);
    head.checkpoint(end);
    this.compactions++;
    return true;
  }

  async #compactBlocks(): Promise<boolean> {
    const { dir, retentionMs, now } = this.#options;
    const ranges = compactionRanges(CHUNK_RANGE_MS, retentionMs);
    const plan = planCompaction(
      this.#store.all.map(({ meta }) => meta),
      ranges,
    );
    if (plan.length === 0) return false;
    const blocks = this.#store.all.filter(({ meta }) => plan.includes(meta));
    const made = await mergeBlocks(dir, blocks, now());
    this.#store.add(made?.ulid, blocks);
    this.compactions++;
    return true;
  }

  /** Rewrites blocks so that deleted samples leave the disk. */
  async cleanTombstones(): Promise<void> {
    await this.run();
    for (const block of this.#store.all.filter(({ tombstones }) => tombstones.size > 0)) {
      const made = await mergeBlocks(this.#options.dir, [block], this.#options.now());
      this.#store.add(made?.ulid, [block]);
    }
  }
}
