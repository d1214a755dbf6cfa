/** One running mechanism with one configuration, shared by all jobs that have the same. */
import { type Logger, Secret } from "@pharos/kit";
import { describeError, type TargetGroup } from "@pharos/model";
import type { SdConfig } from "./mechanism.ts";
import type { DiscoveryMetrics } from "./metrics.ts";

/** Equal for equal configurations. Secrets print alike, so their values are compared. */
export function providerKey({ mechanism, config }: SdConfig): string {
  return JSON.stringify([mechanism.name, config], function (this: Record<string, unknown>, key, value: unknown) {
    const original = this[key];
    return original instanceof Secret ? { secret: original.reveal() } : value;
  });
}

export class Provider {
  readonly key: string;
  readonly mechanism: string;
  /** By source. */
  readonly groups = new Map<string, TargetGroup>();
  /** Names of the jobs that use it. */
  readonly jobs = new Set<string>();
  /** Whether it has found out anything yet: before, no targets means nothing. */
  ready = false;
  reason = "";
  readonly #abort = new AbortController();
  readonly #changed: (provider: Provider) => void;
  #done: Promise<void> = Promise.resolve();

  constructor(key: string, mechanism: string, changed: (provider: Provider) => void) {
    this.key = key;
    this.mechanism = mechanism;
    this.#changed = changed;
  }

  start({ mechanism, config }: SdConfig, log: Logger, metrics: DiscoveryMetrics): void {
    const { signal } = this.#abort;
    this.#done = mechanism
      .run(
        config,
        {
          log,
          metrics,
          update: (groups) => this.#update(groups),
          explain: (reason) => {
            this.reason = reason;
          },
          refreshFailed: () => {
            for (const job of this.jobs) metrics.refreshFailures.labels(mechanism.name, job).inc();
          },
          refreshed: (seconds) => {
            for (const job of this.jobs) metrics.refreshDuration.labels(mechanism.name, job).observe(seconds);
            metrics.refreshDurationHistogram.labels(mechanism.name).observe(seconds);
          },
        },
        signal,
      )
      .catch((error: unknown) => {
        if (signal.aborted) return;
        log.error("service discovery ended", { mechanism: mechanism.name, err: error });
        this.reason = describeError(error);
      });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  #update(groups: readonly TargetGroup[]): void {
    if (this.#abort.signal.aborted) return;
    for (const group of groups) {
      if (group.targets.length === 0) this.groups.delete(group.source);
      else this.groups.set(group.source, group);
    }
    this.ready = true;
    this.#changed(this);
  }
}
