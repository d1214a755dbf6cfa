/** The targets of one job: what discovery found, turned into running loops. */
import { HttpClient, type Logger } from "@pharos/kit";
import { describeError, formatDuration, type TargetGroup, UserError } from "@pharos/model";
import type { ScrapeConfig } from "./config.ts";
import { type LoopContext, ScrapeLoop } from "./loop.ts";
import type { ScrapeMetrics } from "./metrics.ts";
import { buildTarget, type DroppedTarget, type TargetSpec } from "./target.ts";

export interface PoolContext extends Omit<LoopContext, "client" | "log" | "failureLog"> {
  log: Logger;
  failureLog: (config: ScrapeConfig) => Logger | undefined;
  /** Ends with the server: no markers are written any more. */
  shutdown: AbortSignal;
}

export class ScrapePool {
  config: ScrapeConfig;
  readonly loops = new Map<string, ScrapeLoop>();
  dropped: DroppedTarget[] = [];
  droppedCount = 0;
  readonly #context: PoolContext;
  readonly #metrics: ScrapeMetrics;
  readonly #log: Logger;
  #groups: readonly TargetGroup[] = [];
  #client: HttpClient;
  /** Clients of targets that are reached by a socket of their own. */
  readonly #socketClients = new Map<string, HttpClient>();

  /** Throws when the HTTP settings cannot be used, e.g. a certificate that cannot be read. */
  constructor(config: ScrapeConfig, context: PoolContext) {
    this.config = config;
    this.#context = context;
    this.#metrics = context.metrics;
    this.#log = context.log.with({ scrape_pool: config.jobName });
    this.#client = new HttpClient(config.http);
    this.#metrics.targetLimits.labels(config.jobName).set(config.targetLimit);
    this.#metrics.syncFailed.labels(config.jobName);
  }

  /** All target groups of the job, replacing the earlier ones. */
  updateTargets(groups: readonly TargetGroup[]): void {
    this.#groups = groups;
    this.#sync();
  }

  /**
   * Goes on with another configuration. With `keepSeries`, which needs that nothing that decides about labels has changed,
   * targets keep what they know of their series; else each starts afresh and the old series end.
   */
  reload(config: ScrapeConfig, keepSeries: boolean): void {
    const started = performance.now();
    this.#metrics.reloads.inc();
    const client = this.#newClient(config);
    const oldClients = [this.#client, ...this.#socketClients.values()];
    this.#client = client;
    this.#socketClients.clear();
    this.config = config;
    this.#metrics.targetLimits.labels(config.jobName).set(config.targetLimit);
    const before = new Map(this.loops);
    this.loops.clear();
    const stopped = [...before.values()].map((loop) => this.#stop(loop, !keepSeries));
    this.#sync(keepSeries ? before : undefined, Promise.all(stopped));
    void Promise.all(stopped).then(() => dispose(oldClients));
    this.#metrics.reloadLength.observe(formatDuration(config.scrapeInterval), (performance.now() - started) / 1000);
  }

  /** Ends all loops; with `retire`, their series as well. */
  async stop(retire: boolean): Promise<void> {
    const loops = [...this.loops.values()];
    this.loops.clear();
    await Promise.all(loops.map((loop) => this.#stop(loop, retire)));
    await dispose([this.#client, ...this.#socketClients.values()]);
  }

  #newClient(config: ScrapeConfig): HttpClient {
    try {
      return new HttpClient(config.http);
    } catch (error) {
      this.#metrics.reloadsFailed.inc();
      throw error;
    }
  }

  async #stop(loop: ScrapeLoop, retire: boolean): Promise<void> {
    try {
      await loop.stop(retire, this.#context.shutdown);
    } catch (error) {
      this.#log.error("ending a scrape loop failed", { target: loop.spec.url, err: error });
    }
  }

  #clientOf({ unixSocket }: TargetSpec): HttpClient {
    if (unixSocket === "") return this.#client;
    let client = this.#socketClients.get(unixSocket);
    if (!client) {
      client = new HttpClient(this.config.http, { socketPath: unixSocket });
      this.#socketClients.set(unixSocket, client);
    }
    return client;
  }

  #build(): Map<string, TargetSpec> {
    const { config } = this;
    const wanted = new Map<string, TargetSpec>();
    this.dropped = [];
    this.droppedCount = 0;
    for (const group of this.#groups) {
      group.targets.forEach((target, i) => {
        try {
          const built = buildTarget(config, group, target);
          if (!("dropped" in built)) wanted.set(built.key, built);
          else {
            this.droppedCount++;
            if (config.keepDroppedTargets === 0 || this.dropped.length < config.keepDroppedTargets) {
              this.dropped.push({ scrapePool: config.jobName, discoveredLabels: built.dropped });
            }
          }
        } catch (error) {
          this.#metrics.syncFailed.labels(config.jobName).inc();
          this.#log.error("Creating target failed", {
            err: `instance ${i} in group ${group.source}: ${describeError(error)}`,
          });
        }
      });
    }
    return wanted;
  }

  /** Brings the loops in line with the groups. `heirs` and `after` are loops that were stopped for a reload. */
  #sync(heirs?: ReadonlyMap<string, ScrapeLoop>, after?: Promise<unknown>): void {
    const started = performance.now();
    const { config } = this;
    const { jobName } = config;
    const wanted = this.#build();
    for (const [key, loop] of this.loops) {
      if (wanted.has(key)) continue;
      this.loops.delete(key);
      void this.#stop(loop, true);
    }
    const { log: _log, failureLog, shutdown: _shutdown, ...shared } = this.#context;
    const inherited = new Set<string>();
    for (const [key, spec] of wanted) {
      const known = this.loops.get(key);
      if (known) {
        known.spec.discoveredLabels = spec.discoveredLabels;
        continue;
      }
      const heir = heirOf(spec, heirs);
      if (heir) inherited.add(heir.spec.key);
      const context: LoopContext = {
        ...shared,
        log: this.#log,
        failureLog: failureLog(config),
        client: this.#clientOf(spec),
      };
      const loop = new ScrapeLoop(spec, config, context, heir);
      this.loops.set(key, loop);
      loop.start(after);
    }
    // Targets the new configuration no longer makes end like any that vanished.
    for (const [key, loop] of heirs ?? []) if (!inherited.has(key)) void this.#stop(loop, true);
    this.#applyTargetLimit();
    this.#metrics.targets.labels(jobName).set(this.loops.size);
    const seconds = (performance.now() - started) / 1000;
    this.#metrics.syncLength.observe(jobName, seconds);
    this.#metrics.syncLengths.labels(jobName).observe(seconds);
    this.#metrics.syncs.labels(jobName).inc();
  }

  /** Over the limit every target of the pool fails: which ones to leave out would be chance. */
  #applyTargetLimit(): void {
    const { targetLimit } = this.config;
    const exceeded = targetLimit > 0 && this.loops.size > targetLimit;
    if (exceeded) this.#metrics.targetLimit.inc();
    const error = exceeded
      ? new UserError(
          "scrape.target-limit",
          `target_limit exceeded (number of targets: ${this.loops.size}, limit: ${targetLimit})`,
        )
      : undefined;
    for (const loop of this.loops.values()) loop.forcedError = error;
  }
}

/** The loop a target had before a reload: its labels say so, its interval and timeout may have changed. */
function heirOf(spec: TargetSpec, heirs: ReadonlyMap<string, ScrapeLoop> | undefined): ScrapeLoop | undefined {
  if (!heirs) return undefined;
  const same = heirs.get(spec.key);
  if (same) return same;
  for (const loop of heirs.values()) {
    if (loop.spec.url === spec.url && loop.spec.labels.equals(spec.labels)) return loop;
  }
  return undefined;
}

async function dispose(clients: readonly HttpClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
}
