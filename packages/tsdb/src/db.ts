/** The database: a head over a write-ahead log, blocks on disk behind it, compaction and retention. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Logger, type Registry, silentLogger } from "@pharos/kit";
import {
  type Appendable,
  type Appender,
  describeError,
  type Exemplar,
  type Labels,
  type Matcher,
  METRIC_NAME,
  type MetricMetadata,
  type Querier,
  type Queryable,
  UserError,
} from "@pharos/model";
import type { BlockMeta } from "./block/meta.ts";
import { BlockStore } from "./block/store.ts";
import { Compactor } from "./compact/compactor.ts";
import { Head } from "./head/head.ts";
import { registerTsdbMetrics } from "./metrics.ts";
import { DbQuerier } from "./querier.ts";
import { linkBlocks } from "./snapshot.ts";
import { type HeadStats, headStats, type TsdbStatus, tsdbStatus } from "./status.ts";
import type { WalCompression } from "./wal/wal.ts";

export interface DbOptions {
  dir: string;
  /** ms; 0: samples are kept for ever. */
  retentionMs?: number;
  /** Bytes of blocks and log; 0: any. The oldest blocks go first. */
  retentionBytes?: number;
  /** How the log is packed; true (the default) is snappy, false none. */
  walCompression?: boolean | WalCompression;
  maxExemplars?: number;
  /** 0: any. */
  memoryBudgetBytes?: number;
  registry?: Registry;
  log?: Logger;
  now?: () => number;
  onReplay?: (done: number, total: number) => void;
}

export interface ExemplarSeries {
  labels: Labels;
  exemplars: Exemplar[];
}

export type { BlockMeta };

const MAINTENANCE_MS = 60_000;
/** The log is shortened when it has grown by this much since the last time, and at the latest every two hours. */
const CHECKPOINT_BYTES = 64 * 2 ** 20;
const CHECKPOINT_MS = 2 * 3600_000;

export class Db implements Queryable, Appendable, AsyncDisposable {
  readonly #head: Head;
  readonly #store: BlockStore;
  readonly #compactor: Compactor;
  readonly #options: DbOptions;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #checkpointAt: number;
  #closed = false;

  constructor(options: DbOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    mkdirSync(options.dir, { recursive: true });
    const started = performance.now();
    this.#store = new BlockStore(options.dir, this.#log);
    this.#head = new Head({
      walDir: join(options.dir, "wal"),
      compression: walCompression(options.walCompression ?? true),
      maxExemplars: options.maxExemplars ?? 100_000,
      memoryBudgetBytes: options.memoryBudgetBytes ?? 0,
      minValidTime: this.#store.maxTime,
      onReplay: options.onReplay,
    });
    const { corruption } = this.#head;
    if (corruption)
      this.#log.error("the write-ahead log was damaged and has been repaired: what stood behind the damage is lost", {
        ...corruption,
      });
    this.#log.info("WAL replay completed", {
      series: this.#head.seriesCount,
      seconds: ((performance.now() - started) / 1000).toFixed(3),
    });
    const { retentionMs = 0, now = Date.now } = options;
    this.#compactor = new Compactor(this.#head, this.#store, { dir: options.dir, retentionMs, now });
    if (options.registry) registerTsdbMetrics(options.registry, this.#head, this.#store, this.#compactor);
    this.#checkpointAt = Date.now() + CHECKPOINT_MS;
    this.#timer = setInterval(() => void this.#maintain(), MAINTENANCE_MS);
    this.#timer.unref();
    this.#truncate();
  }

  /** Unix ms of the oldest sample, in blocks or head. */
  get minTime(): number {
    return Math.min(this.#store.all[0]?.meta.minTime ?? Number.POSITIVE_INFINITY, this.#head.minTime);
  }

  querier(mint: number, maxt: number): Querier {
    return new DbQuerier(this.#head, this.#store.all, mint, maxt);
  }

  appender(): Appender {
    if (this.#closed) throw new Error("the database is closed");
    return this.#head.appender();
  }

  headStats(): HeadStats {
    return headStats(this.#head);
  }

  status(limit: number): TsdbStatus {
    return tsdbStatus(this.#head, limit);
  }

  /** What targets said about metrics, by name; each different statement once. */
  metadata(metricName?: string): Map<string, MetricMetadata[]> {
    const out = new Map<string, MetricMetadata[]>();
    for (const { labels, metadata } of this.#head.all()) {
      if (!metadata) continue;
      const name = familyName(labels.get(METRIC_NAME), metadata);
      if (metricName !== undefined && name !== metricName) continue;
      const entries = out.get(name) ?? [];
      if (
        !entries.some(
          (entry) => entry.type === metadata.type && entry.help === metadata.help && entry.unit === metadata.unit,
        )
      )
        entries.push(metadata);
      out.set(name, entries);
    }
    return out;
  }

  exemplars(matchersList: readonly (readonly Matcher[])[], start: number, end: number): ExemplarSeries[] {
    const refs = new Set(matchersList.flatMap((matchers) => this.#head.select(matchers)).map(({ ref }) => ref));
    return [...this.#head.exemplars.select(refs, start, end)].map(([ref, exemplars]) => ({
      labels: this.#head.byRef(ref)!.labels,
      exemplars,
    }));
  }

  blocks(): BlockMeta[] {
    return this.#store.all.map(({ meta }) => meta);
  }

  async deleteSeries(matchersList: readonly (readonly Matcher[])[], mint: number, maxt: number): Promise<void> {
    await this.#idle();
    for (const block of this.#store.all) {
      if (block.overlaps(mint, maxt)) for (const matchers of matchersList) block.delete(matchers, mint, maxt);
    }
    this.#head.delete(matchersList, mint, maxt);
  }

  /** Rewrites blocks with deleted samples; those of the head are gone at once. */
  async cleanTombstones(): Promise<void> {
    await this.#compactor.cleanTombstones();
  }

  /** Writes what is due: head to blocks, small blocks to larger ones. Runs by itself every minute. */
  async compact(): Promise<void> {
    await this.#compactor.run();
    this.#truncate();
  }

  /** Copies all blocks, and the head as a further one, into a new folder below `dir`; returns the folder's name. */
  async snapshot(dir: string, withHead: boolean): Promise<string> {
    await this.#idle();
    const now = (this.#options.now ?? Date.now)();
    const name = `${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}-${randomBytes(8).toString("hex")}`;
    const target = join(dir, name);
    mkdirSync(target, { recursive: true });
    linkBlocks(this.#store.all, target);
    const { minTime, maxTime, seriesCount } = this.#head;
    if (withHead && seriesCount > 0) await this.#compactor.writeHead(target, minTime, maxTime + 1);
    return name;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#idle();
    this.#store[Symbol.dispose]();
    this.#head[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Waits for a compaction that is under way, whatever becomes of it. */
  async #idle(): Promise<void> {
    await this.#compactor.waitIdle();
  }

  async #maintain(): Promise<void> {
    try {
      await this.compact();
      if (this.#closed) return;
      if (this.#head.walBytes < CHECKPOINT_BYTES && Date.now() < this.#checkpointAt) return;
      this.#checkpointAt = Date.now() + CHECKPOINT_MS;
      this.#head.checkpoint(this.#head.minValidTime);
    } catch (error) {
      this.#log.error("maintenance of the database failed, trying again in a minute", { err: describeError(error) });
    }
  }

  /** Applies retention by time and by size. */
  #truncate(): void {
    const { retentionMs = 0, retentionBytes = 0, now = Date.now } = this.#options;
    if (retentionMs > 0) this.#head.truncate(now() - retentionMs);
    this.#store.retain(retentionMs, retentionBytes, this.#head.logBytes);
  }
}

function walCompression(option: boolean | WalCompression): WalCompression {
  if (typeof option === "string") return option;
  return option ? "snappy" : "none";
}

/** The family a series' metadata is about. */
function familyName(metric: string, { type }: MetricMetadata): string {
  if (type === "histogram" || type === "summary" || type === "gaugehistogram")
    return metric.replace(/_(bucket|sum|count|created|gsum|gcount)$/, "");
  return metric;
}

/** Opens a database, replaying its log. Throws a UserError when the folder cannot be used. */
export async function openDb(options: DbOptions): Promise<Db> {
  try {
    return new Db(options);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError("tsdb.open", `cannot open the database: ${describeError(error)}`, {
      where: { file: options.dir },
      cause: error,
    });
  }
}
