/** One target's loop: scrape at its offset in every interval, write what came, report how it went. */
import { setTimeout as sleep } from "node:timers/promises";
import { BodyTooLarge, type HttpClient } from "@pharos/kit";
import { type Appendable, describeError, formatDuration, type TargetHealth, UserError } from "@pharos/model";
import type { ScrapeConfig, ScrapeProtocol } from "./config.ts";
import { MetadataStore } from "./metadata-store.ts";
import type { ScrapeMetrics } from "./metrics.ts";
import { ReportWriter, SampleWriter, type ScrapeResult } from "./sample-writer.ts";
import { scrapeOffset, type TargetSpec } from "./target.ts";

export interface LoopContext {
  appendable: Appendable;
  client: HttpClient;
  metrics: ScrapeMetrics;
  now: () => number;
  /** Makes the offsets of two servers with the same targets differ. */
  seed: string;
}

const MEDIA_TYPES: Partial<Record<ScrapeProtocol, string>> = {
  "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
  "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
  "PrometheusText1.0.0": "text/plain;version=1.0.0;escaping=allow-utf-8",
  "PrometheusText0.0.4": "text/plain;version=0.0.4",
};

/** Protobuf is left out: it is never asked for as long as native histograms are not scraped. */
function acceptHeader(protocols: readonly ScrapeProtocol[]): string {
  const types = protocols.map((protocol) => MEDIA_TYPES[protocol]).filter((type) => type !== undefined);
  const parts = types.map((type, i) => `${type};q=0.${types.length + 1 - i}`);
  return [...parts, "*/*;q=0.1"].join(",");
}

/** Which reader a content type needs: true for OpenMetrics. */
function isOpenMetrics(contentType: string | undefined, fallback: ScrapeProtocol | undefined): boolean {
  const type = (contentType ?? "").split(";")[0].trim().toLowerCase();
  if (type === "application/openmetrics-text") return true;
  if (type === "text/plain") return false;
  if (fallback) return fallback.startsWith("OpenMetrics");
  throw new UserError(
    "scrape.content-type",
    type === ""
      ? "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
      : `received unsupported Content-Type ${JSON.stringify(type)} and no fallback_scrape_protocol specified for target`,
    {
      fix: "Set fallback_scrape_protocol: PrometheusText0.0.4, or mend the target's Content-Type",
    },
  );
}

export class ScrapeLoop {
  readonly spec: TargetSpec;
  readonly metadata = new MetadataStore();
  health: TargetHealth = "unknown";
  lastError = "";
  /** Unix ms; 0 before the first. */
  lastScrape = 0;
  /** Seconds. */
  lastScrapeDuration = 0;
  lastSamples = 0;
  readonly #config: ScrapeConfig;
  readonly #context: LoopContext;
  readonly #samples: SampleWriter;
  readonly #report: ReportWriter;
  readonly #abort = new AbortController();
  readonly #accept: string;
  #running: Promise<void> | undefined;

  constructor(spec: TargetSpec, config: ScrapeConfig, context: LoopContext) {
    this.spec = spec;
    this.#config = config;
    this.#context = context;
    this.#samples = new SampleWriter(config, spec.labels, this.metadata, context.metrics);
    this.#report = new ReportWriter(spec.labels);
    this.#accept = acceptHeader(config.scrapeProtocols);
  }

  start(): void {
    this.#running = this.#loop(this.#abort.signal);
  }

  /** Ends the loop. With `retire`, its series get staleness markers later, unless the target came back by then. */
  async stop(retire: boolean, shutdown: AbortSignal): Promise<void> {
    this.#abort.abort();
    await this.#running;
    if (retire) void this.#endSeries(shutdown).catch(() => {});
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
      // Timestamps on the grid of the interval compress better; real ones only when too far from it.
      const started = now();
      const timestamp = Math.abs(started - due) <= Math.min(interval / 100, 2) ? due : started;
      await this.scrape(timestamp, signal);
      due += interval;
      // After a pause (a suspended machine) the missed scrapes are not made up for.
      if (due < now() - interval) due += Math.floor((now() - due) / interval) * interval;
    }
  }

  /** One scrape; never throws but for what storage throws. */
  async scrape(timestamp: number, signal: AbortSignal): Promise<void> {
    const { metrics, appendable } = this.#context;
    if (this.lastScrape > 0)
      metrics.interval.labels(formatDuration(this.spec.interval)).observe((timestamp - this.lastScrape) / 1000);
    const started = performance.now();
    let body: Buffer | undefined;
    let openMetrics = false;
    let failure: unknown;
    try {
      ({ body, openMetrics } = await this.#fetch(signal));
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
    }
    const duration = (performance.now() - started) / 1000;
    let result: ScrapeResult = { scraped: 0, relabelled: 0, added: 0 };
    if (body !== undefined) {
      const appender = appendable.appender();
      try {
        result = this.#samples.append(appender, body, openMetrics, timestamp);
        this.#appendReport(appender, 1, duration, result, body.length, timestamp);
        appender.commit();
      } catch (error) {
        appender.rollback();
        failure = error;
      }
    }
    if (failure !== undefined) {
      result = { scraped: 0, relabelled: 0, added: 0 };
      const appender = appendable.appender();
      this.#samples.appendAllStale(appender, timestamp);
      this.#appendReport(
        appender,
        0,
        duration,
        result,
        failure instanceof BodyTooLarge ? -1 : (body?.length ?? 0),
        timestamp,
      );
      appender.commit();
      if (failure instanceof BodyTooLarge) metrics.bodySizeLimit.inc();
    }
    this.health = failure === undefined ? "up" : "down";
    this.lastError = failure === undefined ? "" : describeFailure(failure, this.spec.timeout);
    this.lastScrape = timestamp;
    this.lastScrapeDuration = duration;
    this.lastSamples = result.scraped;
  }

  async #fetch(signal: AbortSignal): Promise<{ body: Buffer; openMetrics: boolean }> {
    const { timeout, url } = this.spec;
    const { status, headers, body } = await this.#context.client.fetch(url, {
      headers: {
        accept: this.#accept,
        "accept-encoding": this.#config.enableCompression ? "gzip" : "identity",
        "user-agent": "Prometheus/3.14.0",
        "x-prometheus-scrape-timeout-seconds": String(timeout / 1000),
      },
      maxBytes: this.#config.bodySizeLimit,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    if (status !== 200) throw new UserError("scrape.status", `server returned HTTP status ${status}`);
    const contentType = headers["content-type"];
    return {
      body,
      openMetrics: isOpenMetrics(
        Array.isArray(contentType) ? contentType[0] : contentType,
        this.#config.fallbackScrapeProtocol,
      ),
    };
  }

  #appendReport(
    appender: ReturnType<Appendable["appender"]>,
    up: 0 | 1,
    duration: number,
    { scraped, relabelled, added }: ScrapeResult,
    bytes: number,
    timestamp: number,
  ): void {
    const values: Record<string, number> = {
      up,
      scrape_duration_seconds: duration,
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
    const appender = this.#context.appendable.appender();
    this.#samples.appendAllStale(appender, at);
    this.#report.appendStale(appender, at);
    appender.commit();
  }
}

function describeFailure(error: unknown, timeout: number): string {
  if (error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError")) {
    return `context deadline exceeded: no answer within ${formatDuration(timeout)}`;
  }
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED") return "connect: connection refused";
  return describeError(error);
}
