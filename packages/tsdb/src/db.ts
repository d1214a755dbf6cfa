/** The database: a head over a write-ahead log, with retention. Blocks on disk come with compaction. */
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
import { Head } from "./head/head.ts";
import { registerTsdbMetrics } from "./metrics.ts";
import { HeadQuerier } from "./querier.ts";
import { type HeadStats, headStats, type TsdbStatus, tsdbStatus } from "./status.ts";

export interface DbOptions {
  dir: string;
  /** ms; 0: samples are kept for ever. */
  retentionMs?: number;
  /** Bytes of encoded samples; 0: any. */
  retentionBytes?: number;
  /** Default true: records are compressed with snappy where that makes them smaller. */
  walCompression?: boolean;
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

export interface BlockMeta {
  ulid: string;
  minTime: number;
  maxTime: number;
}

const MAINTENANCE_MS = 60_000;
/** The log is shortened when it has grown by this much since the last time, and at the latest every two hours. */
const CHECKPOINT_BYTES = 64 * 2 ** 20;
const CHECKPOINT_MS = 2 * 3600_000;

export class Db implements Queryable, Appendable, AsyncDisposable {
  readonly #head: Head;
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
    this.#head = new Head({
      walDir: join(options.dir, "wal"),
      compress: options.walCompression ?? true,
      maxExemplars: options.maxExemplars ?? 100_000,
      memoryBudgetBytes: options.memoryBudgetBytes ?? 0,
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
    if (options.registry) registerTsdbMetrics(options.registry, this.#head);
    this.#checkpointAt = Date.now() + CHECKPOINT_MS;
    this.#timer = setInterval(() => this.#maintain(), MAINTENANCE_MS);
    this.#timer.unref();
    this.#truncate();
  }

  /** Unix ms of the oldest sample. */
  get minTime(): number {
    return this.#head.minTime;
  }

  querier(mint: number, maxt: number): Querier {
    return new HeadQuerier(this.#head, mint, maxt);
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
    return [];
  }

  async deleteSeries(matchersList: readonly (readonly Matcher[])[], mint: number, maxt: number): Promise<void> {
    this.#head.delete(matchersList, mint, maxt);
  }

  /** Deleted samples are gone from memory at once: there is nothing to clean until there are blocks. */
  async cleanTombstones(): Promise<void> {}

  async snapshot(_dir: string, _withHead: boolean): Promise<string> {
    throw new UserError("tsdb.unsupported", "snapshots are not supported by this version of Pharos");
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#head[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #maintain(): void {
    try {
      this.#truncate();
      if (this.#head.walBytes < CHECKPOINT_BYTES && Date.now() < this.#checkpointAt) return;
      this.#checkpointAt = Date.now() + CHECKPOINT_MS;
      this.#head.checkpoint(this.#head.minValidTime);
    } catch (error) {
      this.#log.error("maintenance of the database failed, trying again later", { err: describeError(error) });
    }
  }

  /** Applies retention by time and by size. */
  #truncate(): void {
    const { retentionMs = 0, retentionBytes = 0, now = Date.now } = this.#options;
    if (retentionMs > 0) this.#head.truncate(now() - retentionMs);
    if (retentionBytes <= 0) return;
    // Time is the only order samples have: the oldest tenth goes until the rest fits.
    for (let i = 0; i < 10 && this.#head.sampleBytes > retentionBytes; i++) {
      const { minTime, maxTime } = this.#head;
      this.#head.truncate(minTime + (maxTime - minTime) / 10);
    }
  }
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
