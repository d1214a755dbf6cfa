/** The queue of one Alertmanager: bounded, oldest dropped first, sent in batches, drained at the end. */
import type { HttpClient, Logger } from "@pharos/kit";
import { type Alert, describeError, formatDuration } from "@pharos/model";
import type { NotifyMetrics } from "./metrics.ts";

export type Authorize = (
  request: { url: URL; body: Uint8Array; contentType: string },
  signal: AbortSignal,
) => Promise<Record<string, string>> | undefined;

export interface QueueContext {
  metrics: NotifyMetrics;
  log: Logger;
  client: HttpClient;
  authorize: Authorize;
  /** ms */
  timeout: number;
  /** Alerts that may wait. */
  capacity: number;
  /** Alerts in a request at most. */
  batchSize: number;
  /** Whether a stop waits for what is queued to be sent. */
  drain: boolean;
}

function wire({ labels, annotations, startsAt, endsAt, generatorURL }: Alert) {
  return {
    labels,
    annotations,
    startsAt: new Date(startsAt).toISOString(),
    ...(endsAt === 0 ? {} : { endsAt: new Date(endsAt).toISOString() }),
    generatorURL,
  };
}

export class AlertQueue {
  readonly url: string;
  readonly #context: QueueContext;
  readonly #alerts: Alert[] = [];
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(url: string, context: QueueContext) {
    this.url = url;
    this.#context = context;
  }

  get length(): number {
    return this.#alerts.length;
  }

  push(alerts: readonly Alert[]): void {
    const { metrics, log, capacity } = this.#context;
    this.#alerts.push(...alerts);
    const excess = this.#alerts.length - capacity;
    if (excess > 0) {
      this.#alerts.splice(0, excess);
      metrics.dropped.labels(this.url).inc(excess);
      log.warn("Alert notification queue full, dropping alerts", { alertmanager: this.url, num_dropped: excess });
    }
    this.#start();
  }

  /** Sends what is left, at most for one timeout, and then gives up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (!this.#context.drain) this.#dropRest();
    await this.#sending;
  }

  #start(): void {
    this.#sending ??= this.#run().finally(() => {
      this.#sending = undefined;
    });
  }

  async #run(): Promise<void> {
    while (this.#alerts.length > 0) {
      const batch = this.#alerts.splice(0, this.#context.batchSize);
      const sent = await this.#send(batch);
      if (!sent && this.#stopped) this.#dropRest();
    }
  }

  #dropRest(): void {
    const { metrics, log } = this.#context;
    const count = this.#alerts.length;
    if (count === 0) return;
    metrics.dropped.labels(this.url).inc(count);
    log.warn("Alert notification queue not drained on shutdown, dropping alerts", { alertmanager: this.url, count });
    this.#alerts.length = 0;
  }

  /** One attempt, as upstream: rules send every firing alert again anyway. */
  async #send(batch: readonly Alert[]): Promise<boolean> {
    const { metrics, log, client, timeout, authorize } = this.#context;
    const started = performance.now();
    metrics.sent.labels(this.url).inc(batch.length);
    try {
      const signal = AbortSignal.timeout(timeout);
      const request = Buffer.from(JSON.stringify(batch.map(wire)));
      const contentType = "application/json";
      const proof = await authorize({ url: new URL(this.url), body: request, contentType }, signal);
      const { status, body } = await client.fetch(this.url, {
        method: "POST",
        headers: { "content-type": contentType, "user-agent": "Prometheus/3.14.0", ...proof },
        body: request,
        maxBytes: 1 << 20,
        signal,
      });
      if (status < 200 || status > 299)
        throw new Error(`bad response status ${status}: ${body.toString("utf8").slice(0, 200)}`);
      return true;
    } catch (error) {
      metrics.errors.labels(this.url).inc(batch.length);
      const reason =
        error instanceof Error && error.name === "TimeoutError"
          ? `no answer within ${formatDuration(timeout)}`
          : describeError(error);
      log.error("Error sending alerts", { alertmanager: this.url, count: batch.length, err: reason });
      return false;
    } finally {
      const seconds = (performance.now() - started) / 1000;
      metrics.latency.labels(this.url).observe(seconds);
      metrics.latencySummary.labels(this.url).observe(seconds);
    }
  }
}
