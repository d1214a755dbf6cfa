/** Runs the mechanisms of all jobs and hands over each job's target groups whenever they change. */
import type { Logger, Registry } from "@pharos/kit";
import { describeError, type TargetGroup } from "@pharos/model";
import type { SdConfig } from "./mechanism.ts";

export interface JobDiscovery {
  job: string;
  sdConfigs: readonly SdConfig[];
}

export interface DiscoveryOptions {
  log: Logger;
  registry: Registry;
  /** Gets all groups of a job, at most every `throttleMs`. */
  onUpdate: (job: string, groups: TargetGroup[]) => void;
  /** Default 200 ms; upstream waits 5 s. */
  throttleMs?: number;
  /** Name of the consumer in metrics, `scrape` or `notify`. */
  name?: string;
}

class Job {
  readonly job: string;
  /** Text of the configuration it runs with. */
  readonly essence: string;
  readonly abort = new AbortController();
  /** Groups by mechanism and source. */
  readonly groups = new Map<string, TargetGroup>();
  readonly reasons = new Map<number, string>();
  timer: NodeJS.Timeout | undefined;
  done: Promise<unknown> = Promise.resolve();

  constructor(job: string, essence: string) {
    this.job = job;
    this.essence = essence;
  }
}

function essenceOf(sdConfigs: readonly SdConfig[]): string {
  return JSON.stringify(sdConfigs.map(({ mechanism, config }) => [mechanism.name, config]));
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #discovered;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#discovered = options.registry.gauge(
      `prometheus_sd_discovered_targets${options.name === "notify" ? "_notify" : ""}`,
      "Current number of discovered targets.",
      ["config"],
    );
  }

  /** Replaces the jobs. Discovery of a job that did not change goes on. */
  apply(jobs: readonly JobDiscovery[]): void {
    const wanted = new Set(jobs.map(({ job }) => job));
    for (const [name, job] of this.#jobs) if (!wanted.has(name)) this.#remove(job);
    for (const { job: name, sdConfigs } of jobs) {
      const essence = essenceOf(sdConfigs);
      const known = this.#jobs.get(name);
      if (known?.essence === essence) {
        // The consumer may have been made anew: it gets what is known.
        this.#schedule(known);
        continue;
      }
      if (known) this.#remove(known);
      this.#start(name, essence, sdConfigs);
    }
  }

  /** Why a job has no targets; "" when nothing is known against it. */
  reasonFor(job: string): string {
    const reasons = [...(this.#jobs.get(job)?.reasons.values() ?? [])].filter((reason) => reason !== "");
    return [...new Set(reasons)].join("; ");
  }

  async stop(): Promise<void> {
    const jobs = [...this.#jobs.values()];
    for (const job of jobs) this.#remove(job);
    await Promise.all(jobs.map(({ done }) => done));
  }

  #remove(job: Job): void {
    job.abort.abort();
    clearTimeout(job.timer);
    this.#jobs.delete(job.job);
    this.#discovered.remove(job.job);
  }

  #start(name: string, essence: string, sdConfigs: readonly SdConfig[]): void {
    const job = new Job(name, essence);
    this.#jobs.set(name, job);
    const log = this.#options.log.with({ config: name });
    job.done = Promise.all(
      sdConfigs.map(async ({ mechanism, config }, i) => {
        const context = {
          log,
          update: (groups: TargetGroup[]): void => {
            for (const group of groups) {
              const id = `${i}/${group.source}`;
              if (group.targets.length === 0) job.groups.delete(id);
              else job.groups.set(id, group);
            }
            this.#schedule(job);
          },
          explain: (reason: string): void => {
            job.reasons.set(i, reason);
          },
        };
        try {
          await mechanism.run(config, context, job.abort.signal);
        } catch (error) {
          job.reasons.set(i, describeError(error));
          log.error("service discovery ended", { mechanism: mechanism.name, err: error });
        }
      }),
    );
    // A job whose discovery finds nothing at all must still take away what it had before.
    this.#schedule(job);
  }

  #schedule(job: Job): void {
    if (job.timer || job.abort.signal.aborted) return;
    job.timer = setTimeout(() => {
      job.timer = undefined;
      const groups = [...job.groups.values()];
      this.#discovered.labels(job.job).set(groups.reduce((sum, { targets }) => sum + targets.length, 0));
      this.#options.onUpdate(job.job, groups);
    }, this.#options.throttleMs ?? 200);
  }
}
