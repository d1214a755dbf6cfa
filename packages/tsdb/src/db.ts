/** The database: a head over a write-ahead log, blocks on disk behind it, compaction and retention. */
import { randomBytes } from "node:crypto";
import { mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { type Logger, silentLogger } from "@pharos/kit";
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
import { type BlockMeta, thanosMeta, writeMeta } from "./block/meta.ts";
import { PageCache } from "./block/page-cache.ts";
import { BlockStore } from "./block/store.ts";
import type { ChunkEncodings } from "./chunk/encoding.ts";
import { BlockThread, type BlockWriter, inThisThread } from "./compact/block-writer.ts";
import { Compactor } from "./compact/compactor.ts";
import { Head } from "./head/head.ts";
import { Replay, type ReplayProgress } from "./head/replay.ts";
import { lockDirectory } from "./lock.ts";
import { registerTsdbMetrics } from "./metrics.ts";
import { type DbOptions, type DbSettings, DEFAULT_BLOCK_MS, DEFAULT_CACHE_BYTES } from "./options.ts";
import { DbQuerier } from "./querier.ts";
import { linkBlocks } from "./snapshot.ts";
import { type Cardinality, cardinality, type HeadStats, headStats, type TsdbStatus, tsdbStatus } from "./status.ts";
import { ReaderHost } from "./threads/host.ts";
import type { SharedHandle } from "./threads/messages.ts";
import type { Corruption } from "./wal/read.ts";
import type { WalCompression } from "./wal/segments.ts";

export type { BlockMeta, Corruption, DbOptions, DbSettings };

export interface ExemplarSeries {
  labels: Labels;
  exemplars: Exemplar[];
}

const MAINTENANCE_MS = 60_000;
/** The log is shortened when it has grown by this much since the last time, and at the latest every two hours. */
const CHECKPOINT_BYTES = 64 * 2 ** 20;
const CHECKPOINT_MS = 2 * 3600_000;
/** Stale series are left where they are when the head is going to be cut within this time. */
const SOON_MS = 10 * 60_000;

export class Db implements Queryable, Appendable, AsyncDisposable {
  readonly #head: Head;
  readonly #replay: Replay;
  readonly #store: BlockStore;
  readonly #compactor: Compactor;
  readonly #writer: BlockWriter;
  readonly #cache: PageCache;
  readonly #lock: Disposable;
  readonly #readers = new Set<ReaderHost>();
  #options: DbOptions;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** Resolves when the whole log has been read. Never rejects: what could not be read is in `corruptions`. */
  readonly replayed: Promise<void>;
  /** What was found damaged since the start, and cut out. */
  readonly corruptions: Corruption[] = [];
  #checkpointAt: number;
  #closed = false;

  constructor(options: DbOptions) {
    this.#options = options;
    const encodings = encodingsOf(options);
    this.#log = options.log ?? silentLogger;
    mkdirSync(options.dir, { recursive: true });
    this.#lock = options.lock === false ? { [Symbol.dispose]: () => {} } : lockDirectory(options.dir);
    this.#cache = new PageCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    this.#store = new BlockStore(options.dir, this.#cache, this.#log);
    this.#head = new Head({
      dir: options.dir,
      compression: walCompression(options.walCompression ?? true),
      maxExemplars: options.maxExemplars ?? 100_000,
      memoryBudgetBytes: options.memoryBudgetBytes ?? 0,
      minValidTime: this.#store.maxTimeInOrder,
      rangeMs: options.minBlockMs ?? DEFAULT_BLOCK_MS,
      lateWindowMs: options.outOfOrderTimeWindowMs ?? 0,
      storeStarts: options.storeStartTimestamps ?? false,
      zeroAtStart: options.zeroAtStart ?? false,
      encodings,
      snapshotOnShutdown: options.snapshotOnShutdown ?? false,
      cache: this.#cache,
    });
    const { retentionMs = 0, maxBlockMs = 0, now = Date.now } = options;
    const { rangeMs } = this.#head.options;
    this.#writer = options.threads ? new BlockThread(() => this.share(), rangeMs) : inThisThread(this.#head);
    this.#compactor = new Compactor(this.#head, this.#store, {
      writer: this.#writer,
      dir: options.dir,
      retentionMs,
      maxBlockMs,
      now,
      onCorruption: (corruption) => this.#damaged(corruption),
      describe: (meta) => this.#describe(meta),
      onBlock: options.onBlock && ((meta) => this.#onBlock(meta)),
    });
    this.#checkpointAt = Date.now() + CHECKPOINT_MS;
    this.#replay = new Replay(this.#head, options.onReplay);
    if (options.registry) {
      registerTsdbMetrics(options.registry, {
        head: this.#head,
        store: this.#store,
        compactor: this.#compactor,
        replay: this.#replay,
        cache: this.#cache,
        retention: () => {
          const { retentionMs = 0, retentionBytes = 0, retentionPercentage = 0 } = this.#options;
          return { seconds: retentionMs / 1000, bytes: retentionBytes, percentage: retentionPercentage };
        },
      });
    }
    this.replayed = this.#run();
    this.#timer = setInterval(() => void this.#maintain(), MAINTENANCE_MS);
    this.#timer.unref();
  }

  /** Takes other settings; what is not named stays. Throws a UserError, with nothing changed, when they do not go together. */
  configure(settings: DbSettings): void {
    const options = { ...this.#options, ...settings };
    this.#head.store.encodings = encodingsOf(options);
    this.#options = options;
    this.#head.late.windowMs = options.outOfOrderTimeWindowMs ?? 0;
    if (this.#head.ready) this.#truncate();
  }

  /** Whether everything committed before the start is there. Until then samples are taken and blocks are read. */
  get ready(): boolean {
    return this.#head.ready;
  }

  get replayProgress(): ReplayProgress {
    return this.#replay.progress;
  }

  /** Unix ms of the oldest sample, in blocks or head. */
  get minTime(): number {
    return Math.min(this.#store.all[0]?.meta.minTime ?? Number.POSITIVE_INFINITY, this.#head.minTime);
  }

  querier(mint: number, maxt: number): Querier {
    return new DbQuerier(this.#head, () => this.#store.all, mint, maxt);
  }

  /** What another thread needs to read here (see `SharedReader`); give `port` in the list of transfers. */
  share(): SharedHandle {
    const { port1, port2 } = new MessageChannel();
    this.#readers.add(
      new ReaderHost(
        this.#head,
        () => this.#store.all,
        port1,
        (host) => this.#readers.delete(host),
      ),
    );
    return {
      dir: this.#options.dir,
      cacheBytes: this.#options.cacheBytes ?? DEFAULT_CACHE_BYTES,
      heap: this.#head.store.heap.region.memory,
      ...this.#head.store.index.memories,
      port: port2,
    };
  }

  /** `source`: who reports the samples, as a scrape pool; a memory budget is shared out among sources. */
  appender(source?: string): Appender {
    if (this.#closed) throw new Error("the database is closed");
    return this.#head.appender(source);
  }

  /** Folder of the write-ahead log, for who follows it (see `LogFollower`). */
  get logDir(): string {
    return this.#head.walDir;
  }

  /** Where the log ends now. */
  get logEnd(): { segment: number; offset: number } {
    const { segment, segmentBytes } = this.#head.wal;
    return { segment, offset: segmentBytes };
  }

  /** Segments of the log from the one `first` names on are kept until it names a later one; undefined keeps none. */
  holdLog(first: () => number | undefined): void {
    this.#head.heldSegment = first;
  }

  /** What was appended since the start, the log's replay included, and the newest time in the head (Unix ms, 0 for none). */
  get appended(): { samples: number; histograms: number; exemplars: number; maxTime: number } {
    const { store, exemplars, seriesCount, maxTime } = this.#head;
    return {
      samples: store.floats,
      histograms: store.histograms,
      exemplars: exemplars.appended,
      maxTime: seriesCount === 0 ? 0 : maxTime,
    };
  }

  headStats(): HeadStats {
    return headStats(this.#head);
  }

  status(limit: number): TsdbStatus {
    return tsdbStatus(this.#head, limit);
  }

  /**
   * Series of the head by the values of a label, as `job`, `namespace` or `__name__`; of all series, or of those that matchers
   * select: which metrics of a job, which jobs of a metric.
   */
  cardinality(label: string, limit: number, matchers: readonly Matcher[] = []): Cardinality {
    return cardinality(this.#head, label, matchers, limit);
  }

  /** What targets said about metrics, by name; each different statement once. */
  metadata(metricName?: string): Map<string, MetricMetadata[]> {
    const out = new Map<string, MetricMetadata[]>();
    const { store } = this.#head;
    const seen = new Set<string>();
    for (const series of store.table.listed()) {
      const metadata = store.metadataOf(series);
      if (!metadata) continue;
      const name = familyName(store.table.label(series, METRIC_NAME), metadata);
      if (metricName !== undefined && name !== metricName) continue;
      const key = `${name} ${store.metadata.intern(metadata)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const entries = out.get(name);
      if (entries) entries.push(metadata);
      else out.set(name, [metadata]);
    }
    return out;
  }

  exemplars(matchersList: readonly (readonly Matcher[])[], start: number, end: number): ExemplarSeries[] {
    const chosen = new Set(matchersList.flatMap((matchers) => [...this.#head.select(matchers)]));
    return [...this.#head.exemplars.select(chosen, start, end)].map(([series, exemplars]) => ({
      labels: this.#head.store.table.labels(series),
      exemplars,
    }));
  }

  blocks(): BlockMeta[] {
    return this.#store.all.map(({ meta }) => meta);
  }

  async deleteSeries(matchersList: readonly (readonly Matcher[])[], mint: number, maxt: number): Promise<void> {
    await this.replayed;
    await this.#idle();
    for (const block of this.#store.all) {
      if (block.overlaps(mint, maxt)) for (const matchers of matchersList) block.delete(matchers, mint, maxt);
    }
    this.#head.delete(matchersList, mint, maxt);
  }

  /** Rewrites blocks with deleted samples; those of the head go when it is cut. */
  async cleanTombstones(): Promise<void> {
    await this.#compactor.cleanTombstones();
  }

  /** Writes what is due: head to blocks, small blocks to larger ones. Runs by itself every minute. */
  async compact(): Promise<void> {
    await this.#compactor.run();
    this.#truncate();
  }

  /** Writes series that ended (their newest sample is a staleness marker) to blocks, and takes them out of memory. */
  async compactStale(): Promise<void> {
    await this.#compactor.compactStale();
    await this.compact();
  }

  /** Puts late samples into blocks now. */
  async compactLate(): Promise<void> {
    await this.#idle();
    await this.#compactor.compactLate();
    await this.compact();
  }

  /** Copies all blocks, and the head as a further one, into a new folder below `dir`; returns the folder's name. */
  async snapshot(dir: string, withHead: boolean): Promise<string> {
    await this.replayed;
    await this.#idle();
    const now = (this.#options.now ?? Date.now)();
    const name = `${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}-${randomBytes(8).toString("hex")}`;
    const target = join(dir, name);
    mkdirSync(target, { recursive: true });
    linkBlocks(this.#store.all, target);
    const { minTime, maxTime, seriesCount } = this.#head;
    if (withHead && seriesCount > 0) await this.#writer.head(target, minTime, maxTime + 1, now);
    return name;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.replayed;
    await this.#idle();
    await this.#writer[Symbol.asyncDispose]();
    for (const reader of this.#readers) reader[Symbol.dispose]();
    this.#store[Symbol.dispose]();
    this.#closeHead();
    this.#lock[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Adds Thanos' section, where it is asked for. */
  #describe(meta: BlockMeta): void {
    const { dir, thanos } = this.#options;
    if (!thanos) return;
    const folder = join(dir, meta.ulid);
    meta.thanos = thanosMeta(folder, thanos.labels, thanos.source ?? "sidecar");
    writeMeta(folder, meta);
  }

  async #onBlock(meta: BlockMeta): Promise<void> {
    const { dir, onBlock } = this.#options;
    try {
      await onBlock?.(meta, join(dir, meta.ulid));
    } catch (error) {
      this.#log.error("a block could not be handed on", { block: meta.ulid, err: describeError(error) });
    }
  }

  #closeHead(): void {
    const started = performance.now();
    try {
      const series = this.#head.close();
      const seconds = ((performance.now() - started) / 1000).toFixed(3);
      if (series > 0) this.#log.info("chunk snapshot complete", { series, seconds });
    } catch (error) {
      // The log has everything: the next start takes longer, and that is all.
      this.#log.error("the head cannot be written to a snapshot", { err: describeError(error) });
    }
  }

  async #run(): Promise<void> {
    try {
      const { seconds, corruptions, unknownRefs, snapshotProblem } = await this.#replay.run(this.#closing.signal);
      if (snapshotProblem) {
        this.#log.warn("the snapshot of the head is not used, the write-ahead log is read instead", {
          reason: snapshotProblem,
        });
      }
      for (const corruption of corruptions) this.#damaged(corruption);
      if (unknownRefs > 0)
        this.#log.warn("the write-ahead log has samples of series it does not name; they are left out", {
          entries: unknownRefs,
        });
      this.#log.info("WAL replay completed", { series: this.#head.seriesCount, seconds: seconds.toFixed(3) });
      this.#truncate();
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#log.error("the write-ahead log cannot be read: new samples are logged, but not visible before a restart", {
        err: describeError(error),
      });
    }
  }

  #damaged(corruption: Corruption): void {
    this.corruptions.push(corruption);
    this.#log.error("the write-ahead log is damaged; what could not be read was cut out", { ...corruption });
  }

  /** Waits for a compaction that is under way, whatever becomes of it. */
  async #idle(): Promise<void> {
    await this.#compactor.waitIdle();
  }

  async #maintain(): Promise<void> {
    if (!this.#head.ready) return;
    try {
      await this.compact();
      if (this.#closed) return;
      await this.#evictStale();
      if (this.#closed) return;
      this.#head.store.files.flush();
      if (this.#head.wal.segmentBytes < CHECKPOINT_BYTES && Date.now() < this.#checkpointAt) return;
      this.#checkpointAt = Date.now() + CHECKPOINT_MS;
      this.#compactor.checkpoint(this.#head.minValidTime);
    } catch (error) {
      this.#log.error("maintenance of the database failed, trying again in a minute", { err: describeError(error) });
    }
  }

  /** When they are too many, and the head is not to be cut soon anyway. */
  async #evictStale(): Promise<void> {
    const threshold = this.#options.staleSeriesThreshold ?? 0;
    const { seriesCount, maxTime, minTime, options } = this.#head;
    if (threshold <= 0 || seriesCount === 0) return;
    if (maxTime - minTime > 1.5 * options.rangeMs - SOON_MS) return;
    const stale = this.#head.staleCount();
    if (stale / seriesCount < threshold) return;
    this.#log.info("many series have ended: they leave memory before their time", { stale, series: seriesCount });
    await this.compactStale();
  }

  /** Applies retention by time and by size. */
  #truncate(): void {
    const { dir, retentionMs = 0, retentionBytes = 0, retentionPercentage = 0, now = Date.now } = this.#options;
    if (retentionMs > 0 && this.#head.ready) {
      const oldest = now() - retentionMs;
      if (oldest > this.#head.minTime) this.#head.truncate(oldest);
    }
    let bytes = retentionBytes;
    if (retentionPercentage > 0) {
      const { blocks, bsize } = statfsSync(dir);
      bytes = Math.floor((blocks * bsize * retentionPercentage) / 100);
    }
    this.#store.retain(retentionMs, bytes, this.#head.diskBytes);
  }
}

function encodingsOf({
  floatEncoding = "xor",
  histogramStartEncoding,
  storeStartTimestamps,
}: DbOptions): ChunkEncodings {
  if (storeStartTimestamps && floatEncoding === "xor") {
    throw new UserError(
      "tsdb.encoding",
      'chunks of the encoding "xor" have no start timestamps, which are to be stored',
      {
        fix: "Set storage.tsdb.chunk_encoding.floats to xor2, or do without the feature st-storage",
      },
    );
  }
  return { floats: floatEncoding, histogramStarts: histogramStartEncoding ?? false };
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

/**
 * Opens a database. Resolves when its log has been replayed, or with `background` as soon as samples are taken and blocks can
 * be read. Throws a UserError when the folder cannot be used.
 */
export async function openDb(options: DbOptions): Promise<Db> {
  let db: Db;
  try {
    db = new Db(options);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError("tsdb.open", `cannot open the database: ${describeError(error)}`, {
      where: { file: options.dir },
      cause: error,
    });
  }
  if (!options.background) await db.replayed;
  return db;
}
