/** One target's loop: scrape at its offset in every interval, write what came, report how it went. */
import { setTimeout as sleep } from "node:timers/promises";
import { BodyTooLarge, type HttpClient, type Logger } from "@pharos/kit";
import { type Appendable, type Appender, formatDuration, type TargetHealth, UserError } from "@pharos/model";
import type { ScrapeConfig } from "./config.ts";
import { type BodyFormat, bodyFormat } from "./content-type.ts";
import { describeFetchError } from "./fetch-error.ts";
import { type Fetched, Fetcher } from "./fetcher.ts";
import { MetadataStore } from "./metadata-store.ts";
import type { ScrapeMetrics } from "./metrics.ts";
import { type ReportName, ReportWriter } from "./report-writer.ts";
import { SampleWriter, type ScrapeResult } from "./sample-writer.ts";
import { scrapeOffset, type TargetSpec } from "./target.ts";

export interface LoopContext {
  appendable: Appendable;
  client: HttpClient;
  metrics: ScrapeMetrics;
  log: Logger;
  failureLog: Logger | undefined;
  now: () => number;
  /** Makes the offsets of two servers with the same targets differ. */
  seed: string;
  startTimestamps: boolean;
  /** Grid timestamps compress better: a scrape that is at most this late, ms, is dated as if it were in time. */
  timestampToleranceMs: number;
  /** Sent as User-Agent. */
  userAgent: string;
}

/** What a target's next loop takes over from its last one. */
interface Memory {
  samples: SampleWriter;
  report: ReportWriter;
  metadata: MetadataStore;
}

const NOTHING: ScrapeResult = { scraped: 0, relabelled: 0, added: 0, error: undefined };

export class ScrapeLoop {
  readonly spec: TargetSpec;
  readonly metadata: MetadataStore;
  health: TargetHealth = "unknown";
  lastError = "";
  /** What to change, where that is known. */
  lastErrorFix = "";
  /** Unix ms; 0 before the first. */
  lastScrape = 0;
  /** Seconds. */
  lastScrapeDuration = 0;
  lastSamples = 0;
  /** Why the target may not be scraped: reported as the failure of each scrape. */
  forcedError: UserError | undefined;
  readonly #config: ScrapeConfig;
  readonly #context: LoopContext;
  readonly #samples: SampleWriter;
  readonly #report: ReportWriter;
  readonly #abort = new AbortController();
  readonly #fetcher: Fetcher;
  #running: Promise<void> | undefined;

  /** With `heir`, goes on where that loop, which must be of the same target, was stopped. */
  constructor(spec: TargetSpec, config: ScrapeConfig, context: LoopContext, heir?: ScrapeLoop) {
    this.spec = spec;
    this.#config = config;
    this.#context = context;
    const { metrics, startTimestamps } = context;
    const memory = heir?.memory;
    this.metadata = memory?.metadata ?? new MetadataStore();
    this.#samples =
      memory?.samples ??
      new SampleWriter({
        config,
        target: spec.labels,
        metadata: this.metadata,
        metrics,
        histograms: spec.histograms,
        startTimestamps,
      });
    this.#samples.configure(config);
    this.#report = memory?.report ?? new ReportWriter(spec.labels);
    if (heir) {
      this.health = heir.health;
      this.lastError = heir.lastError;
      this.lastErrorFix = heir.lastErrorFix;
      this.lastScrape = heir.lastScrape;
      this.lastScrapeDuration = heir.lastScrapeDuration;
      this.lastSamples = heir.lastSamples;
    }
    this.#fetcher = new Fetcher(spec, config, context.client, context.userAgent);
  }

  get memory(): Memory {
    return { samples: this.#samples, report: this.#report, metadata: this.metadata };
  }

  /** Starts scraping, once `after` is done with the target's series. */
  start(after?: Promise<unknown>): void {
    const { signal } = this.#abort;
    this.#running = (after ?? Promise.resolve()).then(() => this.#loop(signal));
  }

  /** Ends the loop. With `retire`, its series get staleness markers later, unless the target came back by then. */
  async stop(retire: boolean, shutdown: AbortSignal): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#fetcher[Symbol.dispose]();
    if (!retire) return;
    this.#endSeries(shutdown).catch((error) => {
      if (!shutdown.aborted) this.#context.log.warn("Stale append failed", { target: this.spec.url, err: error });
    });
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { now, seed } = this.#context;
    const { interval } = this.spec;
    let due = now() + scrapeOffset(this.spec, seed, now());
    while (!signal.aborted) {
      try {
        await sleep(Math.max(0, due - now()), undefined, { signal });
      } catch {
        return;
      }
      const started = now();
      // After a pause (a suspended machine) the missed scrapes are not made up for.
      if (started - due >= interval) due += Math.floor((started - due) / interval) * interval;
      const late = Math.abs(started - due);
      await this.scrape(late <= Math.min(interval / 100, this.#context.timestampToleranceMs) ? due : started, signal);
      due += interval;
    }
  }

  /** One scrape; what goes wrong becomes the target's state, or a line in the log when storage refuses. */
  async scrape(timestamp: number, signal: AbortSignal): Promise<void> {
    const { metrics, log } = this.#context;
    if (this.lastScrape > 0) {
      const interval = formatDuration(this.spec.interval);
      const seconds = (timestamp - this.lastScrape) / 1000;
      metrics.interval.labels(interval).observe(seconds);
      metrics.intervalLength.observe(interval, seconds);
    }
    const started = performance.now();
    let fetched: (Fetched & { format: BodyFormat }) | undefined;
    let failure: unknown = this.forcedError;
    if (!failure) {
      try {
        fetched = await this.#fetch(signal);
      } catch (error) {
        if (signal.aborted) return;
        const known = error instanceof BodyTooLarge || error instanceof UserError;
        failure = known ? error : new Error(describeFetchError(error, this.spec.url));
        this.#context.failureLog?.error((failure as Error).message, {
          job_name: this.#config.jobName,
          target: this.spec.url,
        });
      }
    }
    try {
      failure = this.#write(fetched, failure, timestamp, started);
    } catch (error) {
      log.error("Scrape commit failed", { scrape_pool: this.#config.jobName, target: this.spec.url, err: error });
      failure = error;
    } finally {
      fetched?.[Symbol.dispose]();
    }
    if (this.#config.extraScrapeMetrics) metrics.duration.observe((performance.now() - started) / 1000);
    if (failure instanceof BodyTooLarge) metrics.bodySizeLimit.inc();
    this.health = failure === undefined ? "up" : "down";
    this.lastError = failure === undefined ? "" : messageOf(failure);
    this.lastErrorFix = failure instanceof UserError ? (failure.fix ?? "") : "";
    this.lastScrape = timestamp;
  }

  /** Writes samples and report in one transaction; answers why the scrape failed, undefined when it did not. */
  #write(
    fetched: (Fetched & { format: BodyFormat }) | undefined,
    fetchFailure: unknown,
    timestamp: number,
    started: number,
  ): unknown {
    const { appendable } = this.#context;
    let failure = fetchFailure;
    let result = NOTHING;
    let appender = appendable.appender(this.#config.jobName);
    try {
      if (fetched) {
        result = this.#samples.append(appender, fetched.body, fetched.format, timestamp);
        failure = result.error;
      }
      if (failure !== undefined) {
        appender.rollback();
        appender = appendable.appender(this.#config.jobName);
        this.#samples.appendAllStale(appender, timestamp);
      }
      this.lastScrapeDuration = (performance.now() - started) / 1000;
      this.lastSamples = result.scraped;
      const bytes = failure instanceof BodyTooLarge ? -1 : (fetched?.body.length ?? 0);
      this.#appendReport(appender, failure === undefined ? 1 : 0, result, bytes, timestamp);
    } catch (error) {
      appender.rollback();
      throw error;
    }
    appender.commit();
    return failure;
  }

  async #fetch(signal: AbortSignal): Promise<Fetched & { format: BodyFormat }> {
    const fetched = await this.#fetcher.fetch(AbortSignal.any([signal, AbortSignal.timeout(this.spec.timeout)]));
    try {
      const { body, contentType } = fetched;
      const format = body.length === 0 ? "text" : bodyFormat(contentType, this.#config.fallbackScrapeProtocol);
      return { ...fetched, format };
    } catch (error) {
      fetched[Symbol.dispose]();
      throw error;
    }
  }

  #appendReport(
    appender: Appender,
    up: 0 | 1,
    { scraped, relabelled, added }: ScrapeResult,
    bytes: number,
    timestamp: number,
  ): void {
    const values: Partial<Record<ReportName, number>> = {
      up,
      scrape_duration_seconds: this.lastScrapeDuration,
      scrape_samples_scraped: scraped,
      scrape_samples_post_metric_relabeling: relabelled,
      scrape_series_added: added,
    };
    if (this.#config.extraScrapeMetrics) {
      values.scrape_timeout_seconds = this.spec.timeout / 1000;
      values.scrape_sample_limit = this.#config.sampleLimit;
      values.scrape_body_size_bytes = bytes;
    }
    this.#report.append(appender, values, timestamp);
  }

  /**
   * Upstream's rule: wait until one more scrape would have happened and a bit, so that the same target, come back through
   * another configuration, has written by then; markers are dated where the next sample would have been.
   */
  async #endSeries(shutdown: AbortSignal): Promise<void> {
    if (this.lastScrape === 0) return;
    const { interval } = this.spec;
    const at = this.lastScrape + interval;
    await sleep(Math.max(0, at + interval + interval / 10 - this.#context.now()), undefined, {
      signal: shutdown,
      ref: false,
    });
    const appender = this.#context.appendable.appender(this.#config.jobName);
    this.#samples.appendAllStale(appender, at);
    this.#report.appendStale(appender, at);
    appender.commit();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
