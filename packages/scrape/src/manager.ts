/** All scrape pools: configuration and target groups in, running loops and their state out. */
import { hostname } from "node:os";
import { type Logger, type Registry, Secret } from "@pharos/kit";
import {
  type Appendable,
  describeError,
  formatDuration,
  Labels,
  type MetricMetadata,
  type TargetGroup,
  type TargetHealth,
} from "@pharos/model";
import type { ScrapeConfig } from "./config.ts";
import { FailureLogs } from "./failure-log.ts";
import { createScrapeMetrics, type ScrapeMetrics } from "./metrics.ts";
import { type PoolContext, ScrapePool } from "./pool.ts";
import type { DroppedTarget } from "./target.ts";

export interface ActiveTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  /** What to change so that it goes away; "" where nobody knows. */
  lastErrorFix: string;
  /** Unix ms; 0 before the first scrape. */
  lastScrape: number;
  /** Seconds. */
  lastScrapeDuration: number;
  health: TargetHealth;
  scrapeInterval: string;
  scrapeTimeout: string;
  /** Samples of the last scrape. */
  lastSamples: number;
  intervalMs: number;
}

export interface ScrapeManagerOptions {
  appendable: Appendable;
  log: Logger;
  registry: Registry;
  now?: () => number;
  /** Hands start (created) timestamps to storage, as upstream's feature created-timestamp-zero-ingestion. */
  startTimestamps?: boolean;
  /** How late a scrape may be and still get the timestamp of its turn, ms; 2 by default, 0: not at all. */
  timestampToleranceMs?: number;
  /** Default `Prometheus/3.14.0`, as some exporters look at it. */
  userAgent?: string;
}

export class ScrapeManager {
  readonly #options: ScrapeManagerOptions;
  readonly #metrics: ScrapeMetrics;
  readonly #pools = new Map<string, ScrapePool>();
  /** Groups that came before their pool did. */
  readonly #waiting = new Map<string, readonly TargetGroup[]>();
  readonly #shutdown = new AbortController();
  readonly #failureLogs = new FailureLogs();
  #seed = hostname();

  constructor(options: ScrapeManagerOptions) {
    this.#options = options;
    this.#metrics = createScrapeMetrics(options.registry);
    const perPool = (name: string, help: string, read: (pool: ScrapePool) => number): void =>
      options.registry.collect(() => ({
        name: `prometheus_target_metadata_cache_${name}`,
        help,
        type: "gauge",
        metrics: [...this.#pools].map(([job, pool]) => ({ labels: ["scrape_job", job], value: read(pool) })),
      }));
    const total = (pool: ScrapePool, key: "size" | "bytes"): number =>
      [...pool.loops.values()].reduce((sum, { metadata }) => sum + metadata[key], 0);
    perPool("entries", "Total number of metric metadata entries in the cache", (pool) => total(pool, "size"));
    perPool("bytes", "The number of bytes that are currently used for storing metric metadata in the cache", (pool) =>
      total(pool, "bytes"),
    );
  }

  /**
   * Replaces the jobs. A job that did not change goes on undisturbed; one whose settings cannot be used is left out and
   * said so. `externalLabels` spread the scrapes of replicas with the same targets over time.
   */
  apply(configs: readonly ScrapeConfig[], externalLabels: Labels = Labels.empty): void {
    this.#seed = `${hostname()}${externalLabels}`;
    const wanted = new Map(configs.map((config) => [config.jobName, config]));
    for (const [name, pool] of this.#pools) if (!wanted.has(name)) this.#removePool(name, pool);
    for (const name of this.#waiting.keys()) if (!wanted.has(name)) this.#waiting.delete(name);
    for (const [name, config] of wanted) {
      try {
        this.#applyPool(name, config);
      } catch (error) {
        this.#options.log.error("error reloading scrape pool", { scrape_pool: name, err: describeError(error) });
      }
    }
    this.#failureLogs.keep(new Set(configs.map(({ scrapeFailureLogFile }) => scrapeFailureLogFile)));
  }

  /** All target groups of a job, replacing the earlier ones. */
  updateTargets(job: string, groups: readonly TargetGroup[]): void {
    const pool = this.#pools.get(job);
    if (pool) pool.updateTargets(groups);
    else this.#waiting.set(job, groups);
  }

  /** Names, sorted. */
  pools(): string[] {
    return [...this.#pools.keys()].sort();
  }

  /** The configuration a pool runs with. */
  config(pool: string): ScrapeConfig | undefined {
    return this.#pools.get(pool)?.config;
  }

  targets(): { active: ActiveTarget[]; dropped: DroppedTarget[]; droppedCounts: Record<string, number> } {
    const active: ActiveTarget[] = [];
    const dropped: DroppedTarget[] = [];
    const droppedCounts: Record<string, number> = {};
    for (const scrapePool of this.pools()) {
      const pool = this.#pools.get(scrapePool)!;
      dropped.push(...pool.dropped);
      droppedCounts[scrapePool] = pool.droppedCount;
      for (const loop of pool.loops.values()) {
        const { spec, lastError, lastErrorFix, lastScrape, lastScrapeDuration, health, lastSamples } = loop;
        active.push({
          discoveredLabels: spec.discoveredLabels,
          labels: spec.labels,
          scrapePool,
          scrapeUrl: spec.url,
          lastError,
          lastErrorFix,
          lastScrape,
          lastScrapeDuration,
          health,
          scrapeInterval: formatDuration(spec.interval),
          scrapeTimeout: formatDuration(spec.timeout),
          lastSamples,
          intervalMs: spec.interval,
        });
      }
    }
    return { active, dropped, droppedCounts };
  }

  *metadata(): Generator<{ target: Labels; metric: string; metadata: MetricMetadata }> {
    for (const pool of this.#pools.values()) {
      for (const { spec, metadata } of pool.loops.values()) {
        for (const [metric, entry] of metadata) yield { target: spec.labels, metric, metadata: entry };
      }
    }
  }

  /** Ends all loops. Series are left as they are: after a restart they go on. */
  async stop(): Promise<void> {
    this.#shutdown.abort();
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop(false)));
    this.#failureLogs[Symbol.dispose]();
  }

  #context(): PoolContext {
    const { appendable, log, now = Date.now, startTimestamps = false } = this.#options;
    const { timestampToleranceMs = 2, userAgent = "Prometheus/3.14.0" } = this.#options;
    return {
      appendable,
      metrics: this.#metrics,
      log,
      now,
      seed: this.#seed,
      startTimestamps,
      timestampToleranceMs,
      userAgent,
      shutdown: this.#shutdown.signal,
      failureLog: ({ jobName, scrapeFailureLogFile }) => {
        if (scrapeFailureLogFile === "") return undefined;
        try {
          return this.#failureLogs.open(scrapeFailureLogFile);
        } catch (error) {
          log.error("cannot open the scrape failure log", { scrape_pool: jobName, err: error });
          return undefined;
        }
      },
    };
  }

  #applyPool(name: string, config: ScrapeConfig): void {
    const pool = this.#pools.get(name);
    if (!pool) {
      this.#metrics.pools.inc();
      try {
        const made = new ScrapePool(config, this.#context());
        this.#pools.set(name, made);
        const groups = this.#waiting.get(name);
        this.#waiting.delete(name);
        if (groups) made.updateTargets(groups);
      } catch (error) {
        this.#metrics.poolsFailed.inc();
        throw error;
      }
      return;
    }
    if (essence(pool.config) === essence(config)) {
      pool.config = config;
      return;
    }
    pool.reload(config, essence(pool.config, UNRELATED_TO_LABELS) === essence(config, UNRELATED_TO_LABELS));
  }

  #removePool(name: string, pool: ScrapePool): void {
    this.#pools.delete(name);
    const { targets, targetLimits, syncs, syncFailed, syncLength, syncLengths } = this.#metrics;
    for (const vector of [targets, targetLimits, syncs, syncFailed, syncLengths]) vector.remove(name);
    syncLength.remove(name);
    void pool.stop(true);
  }
}

/** Settings that may change without the series of a target becoming others. */
const UNRELATED_TO_LABELS: ReadonlySet<string> = new Set(["scrapeInterval", "scrapeTimeout", "sampleLimit", "http"]);

/** A text that is the same for settings that scrape the same way. Discovery's own are left out; secrets count by value. */
function essence(config: ScrapeConfig, without: ReadonlySet<string> = new Set()): string {
  const kept = Object.fromEntries(Object.entries(config).filter(([key]) => key !== "sdConfigs" && !without.has(key)));
  return JSON.stringify(kept, function (this: Record<string, unknown>, key, value: unknown) {
    const original = this[key];
    return original instanceof Secret ? original.reveal() : value;
  });
}
