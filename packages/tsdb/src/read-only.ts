/**
 * A data directory opened to look at, by tools, while a server may be using it: no lock is taken, nothing in it is written,
 * repaired or removed. What the head would write goes to a folder of its own elsewhere, which is removed in the end.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, silentLogger } from "@pharos/kit";
import { describeError, type Matcher, type Querier, type Queryable, UserError } from "@pharos/model";
import { analyzeBlock, type BlockAnalysis } from "./block/analyze.ts";
import { type BlockMeta, isUlid } from "./block/meta.ts";
import { PageCache } from "./block/page-cache.ts";
import { BlockStore } from "./block/store.ts";
import { ALL_STARTS } from "./chunk/encoding.ts";
import { Head } from "./head/head.ts";
import { Replay } from "./head/replay.ts";
import { DEFAULT_BLOCK_MS } from "./options.ts";
import { DbQuerier } from "./querier.ts";
import { type Cardinality, cardinality, type HeadStats, headStats, type TsdbStatus, tsdbStatus } from "./status.ts";

export interface ReadOnlyOptions {
  dir: string;
  /** Read the log too (the default); without it there are the blocks only, at once. */
  withHead?: boolean;
  /** Where the folder is made that takes what the head writes; the system's place for such things by default. */
  sandboxRoot?: string;
  cacheBytes?: number;
  log?: Logger;
  /** Bytes of the log read so far, and in all. */
  onReplay?: (done: number, total: number) => void;
}

/** Less than a server's: a tool looks at things once. */
const CACHE_BYTES = 64 * 2 ** 20;
/** A server that cuts its head or merges blocks meanwhile takes files away: then everything is read anew. */
const ATTEMPTS = 5;

export class ReadOnlyDb implements Queryable, Disposable {
  readonly #head: Head;
  readonly #store: BlockStore;
  readonly #sandbox: string;

  constructor(head: Head, store: BlockStore, sandbox: string) {
    this.#head = head;
    this.#store = store;
    this.#sandbox = sandbox;
  }

  /** Unix ms that no sample is before or behind; Infinity and -Infinity without any. */
  get minTime(): number {
    return Math.min(this.#store.all[0]?.meta.minTime ?? Number.POSITIVE_INFINITY, this.#head.minTime);
  }

  get maxTime(): number {
    return Math.max(this.#store.maxTime - 1, this.#head.maxTime);
  }

  querier(mint: number, maxt: number): Querier {
    return new DbQuerier(this.#head, () => this.#store.all, mint, maxt);
  }

  /** In order of time. */
  blocks(): BlockMeta[] {
    return this.#store.all.map(({ meta }) => meta);
  }

  /** Bytes of a block on disk. */
  blockBytes(ulid: string): number {
    return this.#block(ulid).bytes;
  }

  headStats(): HeadStats {
    return headStats(this.#head);
  }

  status(limit: number): TsdbStatus {
    return tsdbStatus(this.#head, limit);
  }

  cardinality(label: string, limit: number, matchers: readonly Matcher[] = []): Cardinality {
    return cardinality(this.#head, label, matchers, limit);
  }

  /** What a block is full of; without a name the newest one. Throws a UserError when there is no such block. */
  analyze(ulid: string | undefined, limit: number, matchers: readonly Matcher[] = []): BlockAnalysis {
    return analyzeBlock(this.#block(ulid), limit, matchers);
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
    this.#head[Symbol.dispose]();
    rmSync(this.#sandbox, { recursive: true, force: true });
  }

  #block(ulid: string | undefined): BlockStore["all"][number] {
    const { all } = this.#store;
    const found = ulid === undefined ? all.at(-1) : all.find(({ meta }) => meta.ulid === ulid);
    if (found) return found;
    throw new UserError("tsdb.block", ulid === undefined ? "there are no blocks" : `there is no block ${ulid}`, {
      fix: all.length > 0 ? `There are ${all.map(({ meta }) => meta.ulid).join(", ")}` : "The head is not cut yet",
    });
  }
}

/** Throws a UserError when the folder is none, or cannot be read; whatever is damaged in it is left out and logged. */
export async function openReadOnly(options: ReadOnlyOptions): Promise<ReadOnlyDb> {
  const { dir } = options;
  if (!existsSync(dir)) {
    throw new UserError("tsdb.open", "there is no such directory", {
      where: { file: dir },
      fix: "Give the folder that --storage.tsdb.path of the server names",
    });
  }
  for (let attempt = 1; ; attempt++) {
    const before = blocksIn(dir);
    try {
      const db = await open(options);
      // A block that came while the log was read has what the log no longer had.
      if (blocksIn(dir) === before || attempt === ATTEMPTS) return db;
      db[Symbol.dispose]();
    } catch (error) {
      if (attempt < ATTEMPTS && isMissing(error)) continue;
      if (error instanceof UserError) throw error;
      throw new UserError("tsdb.open", `cannot read the database: ${describeError(error)}`, {
        where: { file: dir },
        cause: error,
      });
    }
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** Names of the blocks there are, as one text. */
function blocksIn(dir: string): string {
  return readdirSync(dir).filter(isUlid).sort().join(" ");
}

async function open({
  dir,
  withHead = true,
  sandboxRoot = tmpdir(),
  ...options
}: ReadOnlyOptions): Promise<ReadOnlyDb> {
  const log = options.log ?? silentLogger;
  const cache = new PageCache(options.cacheBytes ?? CACHE_BYTES);
  const sandbox = mkdtempSync(join(sandboxRoot, "pharos-read-only-"));
  let store: BlockStore | undefined;
  let head: Head | undefined;
  try {
    store = new BlockStore(dir, cache, log, true);
    head = new Head({
      dir,
      sandbox,
      compression: "snappy",
      maxExemplars: 0,
      memoryBudgetBytes: 0,
      minValidTime: store.maxTimeInOrder,
      rangeMs: DEFAULT_BLOCK_MS,
      lateWindowMs: 0,
      storeStarts: false,
      zeroAtStart: false,
      encodings: ALL_STARTS,
      snapshotOnShutdown: false,
      cache,
    });
    if (withHead) {
      const { corruptions } = await new Replay(head, options.onReplay).run(new AbortController().signal);
      for (const corruption of corruptions) log.warn("a part of the write-ahead log cannot be read", { ...corruption });
    }
    return new ReadOnlyDb(head, store, sandbox);
  } catch (error) {
    store?.[Symbol.dispose]();
    head?.[Symbol.dispose]();
    rmSync(sandbox, { recursive: true, force: true });
    throw error;
  }
}
