/** All scrape pools: configuration and target groups in, running loops and their state out. */
import { hostname } from "node:os";
import { HttpClient, type Logger, type Registry, Secret } from "@pharos/kit";
import {
  type Appendable,
  describeError,
  formatDuration,
  type Labels,
  type MetricMetadata,
  type TargetGroup,
  type TargetHealth,
} from "@pharos/model";
import type { ScrapeConfig } from "./config.ts";
import { type LoopContext, ScrapeLoop } from "./loop.ts";
import { createScrapeMetrics, type ScrapeMetrics } from "./metrics.ts";
import { buildTarget, type DroppedTarget, type TargetSpec } from "./target.ts";

export interface ActiveTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
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
}

class Pool {
  config: ScrapeConfig;
  groups: readonly TargetGroup[] = [];
  readonly loops = new Map<string, ScrapeLoop>();
  dropped: DroppedTarget[] = [];
  droppedCount = 0;
  client: HttpClient;

  constructor(config: ScrapeConfig) {
    this.config = config;
    this.client = new HttpClient(config.http);
  }
}

/** A name other machines can use in place of "localhost". */
function globalUrl(url: string): string {
  const parsed = new URL(url);
  if (["localhost", "127.0.0.1", "[::1]"].includes(parsed.hostname)) parsed.hostname = hostname();
  return parsed.toString();
}

export class ScrapeManager {
  readonly #options: ScrapeManagerOptions;
  readonly #metrics: ScrapeMetrics;
  readonly #pools = new Map<string, Pool>();
  readonly #shutdown = new AbortController();

  constructor(options: ScrapeManagerOptions) {
    this.#options = options;
    this.#metrics = createScrapeMetrics(options.registry);
  }

  /** Replaces the jobs. A job that did not change goes on undisturbed. */
  apply(configs: readonly ScrapeConfig[]): void {
    const wanted = new Map(configs.map((config) => [config.jobName, config]));
    for (const [name, pool] of this.#pools) {
      if (wanted.has(name)) continue;
      this.#pools.delete(name);
      this.#metrics.targets.remove(name);
      this.#metrics.syncs.remove(name);
      this.#stopLoops([...pool.loops.values()]);
      void pool.client[Symbol.asyncDispose]();
    }
    for (const [name, config] of wanted) {
      const pool = this.#pools.get(name);
      if (!pool) this.#pools.set(name, new Pool(config));
      else if (!sameConfig(pool.config, config)) {
        const old = pool.client;
        pool.config = config;
        pool.client = new HttpClient(config.http);
        this.#stopLoops([...pool.loops.values()]);
        pool.loops.clear();
        this.#sync(pool);
        void old[Symbol.asyncDispose]();
      }
    }
  }

  /** All target groups of a job, replacing the earlier ones. */
  updateTargets(job: string, groups: readonly TargetGroup[]): void {
    const pool = this.#pools.get(job);
    if (!pool) return;
    pool.groups = groups;
    this.#sync(pool);
  }

  pools(): string[] {
    return [...this.#pools.keys()];
  }

  targets(): { active: ActiveTarget[]; dropped: DroppedTarget[]; droppedCounts: Record<string, number> } {
    const active: ActiveTarget[] = [];
    const dropped: DroppedTarget[] = [];
    const droppedCounts: Record<string, number> = {};
    for (const [scrapePool, pool] of this.#pools) {
      dropped.push(...pool.dropped);
      droppedCounts[scrapePool] = pool.droppedCount;
      for (const loop of pool.loops.values()) {
        const { spec, lastError, lastScrape, lastScrapeDuration, health, lastSamples } = loop;
        active.push({
          discoveredLabels: spec.discoveredLabels,
          labels: spec.labels,
          scrapePool,
          scrapeUrl: spec.url,
          globalUrl: globalUrl(spec.url),
          lastError,
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
    const pools = [...this.#pools.values()];
    await Promise.all(
      pools.flatMap((pool) => [...pool.loops.values()].map((loop) => loop.stop(false, this.#shutdown.signal))),
    );
    await Promise.all(pools.map((pool) => pool.client[Symbol.asyncDispose]()));
  }

  #stopLoops(loops: readonly ScrapeLoop[]): void {
    for (const loop of loops) {
      loop
        .stop(true, this.#shutdown.signal)
        .catch((error) =>
          this.#options.log.error("ending a scrape loop failed", { target: loop.spec.url, err: error }),
        );
    }
  }

  #sync(pool: Pool): void {
    const { config } = pool;
    const wanted = new Map<string, TargetSpec>();
    pool.dropped = [];
    pool.droppedCount = 0;
    for (const group of pool.groups) {
      for (const target of group.targets) {
        try {
          const built = buildTarget(config, group, target);
          if ("dropped" in built) {
            pool.droppedCount++;
            if (config.keepDroppedTargets === 0 || pool.dropped.length < config.keepDroppedTargets) {
              pool.dropped.push({ scrapePool: config.jobName, discoveredLabels: built.dropped });
            }
          } else wanted.set(built.key, built);
        } catch (error) {
          this.#options.log.error("Creating target failed", {
            scrape_pool: config.jobName,
            address: target.__address__,
            err: describeError(error),
          });
        }
      }
    }
    if (config.targetLimit > 0 && wanted.size > config.targetLimit) {
      this.#metrics.targetLimit.inc();
      this.#options.log.error("target_limit exceeded, no target of the job is scraped", {
        scrape_pool: config.jobName,
        targets: wanted.size,
        limit: config.targetLimit,
      });
      wanted.clear();
    }
    const gone: ScrapeLoop[] = [];
    for (const [key, loop] of pool.loops) {
      if (wanted.has(key)) continue;
      pool.loops.delete(key);
      gone.push(loop);
    }
    this.#stopLoops(gone);
    const context: LoopContext = {
      appendable: this.#options.appendable,
      client: pool.client,
      metrics: this.#metrics,
      now: this.#options.now ?? Date.now,
      seed: hostname(),
    };
    for (const [key, spec] of wanted) {
      const known = pool.loops.get(key);
      if (known) {
        known.spec.discoveredLabels = spec.discoveredLabels;
        continue;
      }
      const loop = new ScrapeLoop(spec, config, context);
      pool.loops.set(key, loop);
      loop.start();
    }
    this.#metrics.targets.labels(config.jobName).set(pool.loops.size);
    this.#metrics.syncs.labels(config.jobName).inc();
  }
}

/** Discovery's own settings do not change how targets are scraped; secrets print alike, so their values are compared too. */
function sameConfig(a: ScrapeConfig, b: ScrapeConfig): boolean {
  const essence = (config: ScrapeConfig): string =>
    JSON.stringify({ ...config, sdConfigs: undefined }, function (this: Record<string, unknown>, key, value: unknown) {
      const original = this[key];
      return original instanceof Secret ? original.reveal() : value;
    });
  return essence(a) === essence(b);
}
