/** Runs the mechanisms of all jobs and hands over each job's target groups whenever they change. */
import type { Logger, Registry } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";
import type { SdConfig } from "./mechanism.ts";
import { type DiscoveryMetrics, discoveryMetrics } from "./metrics.ts";
import { Provider, providerKey } from "./provider.ts";

export interface JobDiscovery {
  job: string;
  sdConfigs: readonly SdConfig[];
}

export interface DiscoveryOptions {
  log: Logger;
  registry: Registry;
  /** Gets all groups of a job, at most every `throttleMs`. */
  onUpdate: (job: string, groups: TargetGroup[]) => void;
  /** Default 200 ms; upstream waits up to 5 s. */
  throttleMs?: number;
  /** Name of the consumer in metrics, `scrape` or `notify`. Default `scrape`. */
  name?: string;
}

interface Job {
  name: string;
  providers: readonly Provider[];
  /** Set once the consumer was told of this job with these providers. */
  told: boolean;
  timer: NodeJS.Timeout | undefined;
  /** Ends the wait for providers that say nothing. */
  patience: NodeJS.Timeout | undefined;
}

/** A consumer keeps what it has while a job's new providers start, for at most this long. */
const PATIENCE_MS = 5_000;

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #name: string;
  readonly #metrics: DiscoveryMetrics;
  readonly #jobs = new Map<string, Job>();
  readonly #providers = new Map<string, Provider>();
  /** Providers that are ending. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#name = options.name ?? "scrape";
    this.#metrics = discoveryMetrics(options.registry);
    this.#metrics.failedConfigs.labels(this.#name).set(0);
    this.#metrics.updatesDelayed.labels(this.#name);
  }

  /** Replaces the jobs. Mechanisms whose configuration did not change go on, whatever job they are in. */
  apply(jobs: readonly JobDiscovery[]): void {
    const wanted = new Set(jobs.map(({ job }) => job));
    for (const provider of this.#providers.values()) provider.jobs.clear();
    for (const job of this.#jobs.values()) if (!wanted.has(job.name)) this.#forget(job);
    const fresh: (() => void)[] = [];
    for (const { job: name, sdConfigs } of jobs) {
      const providers = [...new Set(sdConfigs.map((config) => this.#provider(config, fresh)))];
      for (const provider of providers) provider.jobs.add(name);
      const before = this.#jobs.get(name)?.providers ?? [];
      this.#forgetRefreshes(
        name,
        before.filter(({ mechanism }) => !providers.some((provider) => provider.mechanism === mechanism)),
      );
      const job: Job = this.#jobs.get(name) ?? { name, providers, told: false, timer: undefined, patience: undefined };
      this.#jobs.set(name, job);
      job.providers = providers;
      job.told = false;
    }
    for (const [key, provider] of this.#providers) {
      if (provider.jobs.size > 0) continue;
      this.#providers.delete(key);
      const ending = provider.stop();
      this.#ending.add(ending);
      void ending.finally(() => this.#ending.delete(ending));
    }
    for (const start of fresh) start();
    for (const job of this.#jobs.values()) this.#consider(job);
  }

  /** Why a job has no targets; "" when nothing is known against it. */
  reasonFor(job: string): string {
    const providers = this.#jobs.get(job)?.providers ?? [];
    if (providers.length === 0) return "the job has no service discovery";
    return [...new Set(providers.map(({ reason }) => reason))].filter((reason) => reason !== "").join("; ");
  }

  async stop(): Promise<void> {
    for (const job of this.#jobs.values()) this.#forget(job);
    const providers = [...this.#providers.values()];
    this.#providers.clear();
    await Promise.all([...providers.map((provider) => provider.stop()), ...this.#ending]);
  }

  #provider(config: SdConfig, fresh: (() => void)[]): Provider {
    const key = providerKey(config);
    let provider = this.#providers.get(key);
    if (!provider) {
      const made = new Provider(key, config.mechanism.name, (changed) => this.#changed(changed));
      this.#providers.set(key, made);
      const log = this.#options.log.with({ mechanism: config.mechanism.name });
      fresh.push(() => made.start(config, log, this.#metrics));
      provider = made;
    }
    return provider;
  }

  #forget(job: Job): void {
    clearTimeout(job.timer);
    clearTimeout(job.patience);
    this.#jobs.delete(job.name);
    this.#forgetRefreshes(job.name, job.providers);
    this.#metrics.discoveredTargets.remove(this.#name, job.name);
    this.#metrics.lastUpdate.remove(this.#name, job.name);
  }

  /** Ends the series of refreshes that a job does not have any more. */
  #forgetRefreshes(job: string, providers: readonly Provider[]): void {
    for (const { mechanism } of providers) {
      this.#metrics.refreshFailures.remove(mechanism, job);
      this.#metrics.refreshDuration.remove(mechanism, job);
    }
  }

  #changed(provider: Provider): void {
    this.#metrics.receivedUpdates.labels(this.#name).inc();
    for (const name of provider.jobs) {
      const job = this.#jobs.get(name);
      if (job) this.#consider(job);
    }
  }

  /** Tells the consumer soon, or when all providers have said something. */
  #consider(job: Job): void {
    if (!job.told && !job.providers.every(({ ready }) => ready)) {
      job.patience ??= setTimeout(() => this.#schedule(job), PATIENCE_MS);
      return;
    }
    this.#schedule(job);
  }

  #schedule(job: Job): void {
    clearTimeout(job.patience);
    job.patience = undefined;
    if (job.timer) this.#metrics.updatesDelayed.labels(this.#name).inc();
    job.timer ??= setTimeout(() => this.#tell(job), this.#options.throttleMs ?? 200);
  }

  #tell(job: Job): void {
    job.timer = undefined;
    job.told = true;
    const groups = job.providers.flatMap((provider) => [...provider.groups.values()]);
    const targets = groups.reduce((sum, group) => sum + group.targets.length, 0);
    this.#metrics.discoveredTargets.labels(this.#name, job.name).set(targets);
    this.#metrics.lastUpdate.labels(this.#name, job.name).set(Date.now() / 1000);
    this.#metrics.updates.labels(this.#name).inc();
    this.#options.onUpdate(job.name, groups);
  }
}
