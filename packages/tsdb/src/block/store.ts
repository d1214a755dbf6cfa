/** The blocks of a data directory: found at start, added by compaction, removed by retention. */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { TEMPORARY_SUFFIX } from "../compact/write-block.ts";
import { Block } from "./block.ts";
import { isComplete, isUlid } from "./meta.ts";
import type { PageCache } from "./page-cache.ts";

const DELETION_SUFFIX = ".tmp-for-deletion";

export class BlockStore implements Disposable {
  readonly #dir: string;
  readonly #cache: PageCache;
  readonly #log: Logger;
  readonly #readOnly: boolean;
  #blocks: Block[] = [];
  /** Blocks that could not be opened. */
  failed = 0;
  reloads = 0;
  timeRetentions = 0;
  sizeRetentions = 0;

  /**
   * Opens all blocks. One that is damaged is left out, with an error that says why; half-written ones, and those that others
   * replace, are removed. `readOnly`: these are passed over, and a block that vanishes meanwhile is the ENOENT it is.
   */
  constructor(dir: string, cache: PageCache, log: Logger, readOnly = false) {
    this.#dir = dir;
    this.#cache = cache;
    this.#log = log;
    this.#readOnly = readOnly;
    for (const name of readdirSync(dir)) {
      if (readOnly && !isUlid(name)) continue;
      if (name.endsWith(TEMPORARY_SUFFIX) || name.endsWith(DELETION_SUFFIX)) {
        rmSync(join(dir, name), { recursive: true, force: true });
      } else if (isUlid(name) && existsSync(join(dir, name, "meta.json"))) {
        try {
          this.#blocks.push(new Block(join(dir, name), cache));
        } catch (error) {
          if (readOnly && !existsSync(join(dir, name))) {
            this[Symbol.dispose]();
            throw Object.assign(new Error(`${name} is gone`), { code: "ENOENT" });
          }
          this.failed++;
          log.error("a block cannot be opened: its samples are missing from queries", {
            block: name,
            err: describeError(error),
          });
        }
      }
    }
    this.#removeParents();
    this.#sort();
  }

  /** In order of time. */
  get all(): readonly Block[] {
    return this.#blocks;
  }

  /** End of the newest block, -Infinity without one. */
  get maxTime(): number {
    return this.#blocks.reduce((max, { meta }) => Math.max(max, meta.maxTime), Number.NEGATIVE_INFINITY);
  }

  /** End of the newest block that holds everything of its time but late samples. */
  get maxTimeInOrder(): number {
    return this.#blocks.reduce(
      (max, { meta }) => (isComplete(meta) ? Math.max(max, meta.maxTime) : max),
      Number.NEGATIVE_INFINITY,
    );
  }

  /** Bytes that the offsets of symbols take in memory. */
  get symbolBytes(): number {
    return this.#blocks.reduce((sum, { index }) => sum + index.symbolBytes, 0);
  }

  get bytes(): number {
    return this.#blocks.reduce((sum, block) => sum + block.bytes, 0);
  }

  /** Makes a written block visible and, in the same moment, takes those away that it replaces. */
  add(ulid: string | undefined, replaced: readonly Block[] = []): void {
    this.reloads++;
    const added = ulid === undefined ? [] : [new Block(join(this.#dir, ulid), this.#cache)];
    this.#blocks = [...this.#blocks.filter((block) => !replaced.includes(block)), ...added];
    this.#sort();
    for (const block of replaced) this.#delete(block);
  }

  /** Keeps a block's folder until something is done. */
  hold(ulid: string, until: Promise<void>): void {
    const block = this.#blocks.find(({ meta }) => meta.ulid === ulid);
    if (!block) return;
    block.acquire();
    void until.finally(() => block.release());
  }

  /** Removes blocks by age (ms, 0: none) and then the oldest until all fit beside `otherBytes` (0: any size). */
  retain(retentionMs: number, retentionBytes: number, otherBytes: number): number {
    const newest = this.maxTime;
    const expired = new Set(
      retentionMs > 0 ? this.#blocks.filter(({ meta }) => newest - meta.maxTime >= retentionMs) : [],
    );
    if (expired.size > 0) this.timeRetentions++;
    const before = expired.size;
    if (retentionBytes > 0) {
      let bytes = otherBytes;
      for (const block of this.#blocks.toReversed()) {
        if (expired.has(block)) continue;
        bytes += block.bytes;
        if (bytes > retentionBytes) expired.add(block);
      }
    }
    if (expired.size > before) this.sizeRetentions++;
    if (expired.size > 0) this.add(undefined, [...expired]);
    return expired.size;
  }

  [Symbol.dispose](): void {
    for (const block of this.#blocks) block[Symbol.dispose]();
    this.#blocks = [];
  }

  #sort(): void {
    this.#blocks.sort((a, b) => a.meta.minTime - b.meta.minTime || a.meta.maxTime - b.meta.maxTime);
  }

  /** A crash between writing a merged block and removing its parents leaves both. */
  #removeParents(): void {
    const parents = new Set(this.#blocks.flatMap(({ meta }) => meta.compaction.parents?.map(({ ulid }) => ulid) ?? []));
    const replaced = this.#blocks.filter(({ meta }) => parents.has(meta.ulid));
    if (replaced.length === 0) return;
    if (!this.#readOnly) this.add(undefined, replaced);
    else {
      for (const block of replaced) block[Symbol.dispose]();
      this.#blocks = this.#blocks.filter((block) => !replaced.includes(block));
    }
  }

  /** The folder gets another name first: a half-deleted block must not be taken for a whole one. */
  #delete(block: Block): void {
    block.drop(() => {
      const doomed = `${block.dir}${DELETION_SUFFIX}`;
      try {
        renameSync(block.dir, doomed);
        rmSync(doomed, { recursive: true, force: true });
      } catch (error) {
        this.#log.error("a block cannot be deleted, trying again at the next start", {
          block: block.dir,
          err: describeError(error),
        });
      }
    });
  }
}
