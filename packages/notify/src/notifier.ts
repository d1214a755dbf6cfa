/** Sends alerts to every Alertmanager of every set (upstream's notifier). */
import { HttpClient, type HttpClientConfig, type Logger, type Registry } from "@pharos/kit";
import { type Alert, Labels, LabelsBuilder } from "@pharos/model";
import { type RelabelConfig, relabel } from "@pharos/relabel";
import { createNotifyMetrics, type NotifyMetrics } from "./metrics.ts";
import { AlertQueue, type Authorize } from "./queue.ts";

/** Alertmanagers that share settings: one entry of `alerting.alertmanagers`. */
export interface AlertmanagerSet {
  /** Stable name of the entry. */
  name: string;
  http: HttpClientConfig;
  /** ms */
  timeout: number;
  alertRelabelConfigs: readonly RelabelConfig[];
  /** Headers that prove who asks, where `http` does not say it. */
  authorize?: Authorize;
  /** URLs alerts are posted to. */
  urls: readonly string[];
  /** URLs found and left out by relabelling. */
  dropped: readonly string[];
}

export interface NotifierOptions {
  log: Logger;
  registry: Registry;
  /** Alerts that may wait for each Alertmanager; 10,000. */
  capacity?: number;
  /** Alerts in a request at most; 256. */
  batchSize?: number;
  /** Whether `stop` sends what is queued (the default) or drops it. */
  drain?: boolean;
}

interface ActiveSet {
  set: AlertmanagerSet;
  client: HttpClient;
  queues: Map<string, AlertQueue>;
}

const DEFAULT_CAPACITY = 10_000;
const DEFAULT_BATCH = 256;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #metrics: NotifyMetrics;
  readonly #sets = new Map<string, ActiveSet>();
  /** What was to be sent while no Alertmanager was known, as at a start: alerts may fire before discovery has spoken. */
  #waiting: Alert[] = [];
  #externalLabels = Labels.empty;
  #alertRelabelConfigs: readonly RelabelConfig[] = [];

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#metrics = createNotifyMetrics(options.registry);
    this.#metrics.capacity.set(this.#capacity);
    options.registry.collect(() => ({
      name: "prometheus_notifications_queue_length",
      help: "The number of alert notifications in the queue.",
      type: "gauge",
      metrics: [...this.#queues()].map(({ url, length }) => ({ labels: ["alertmanager", url], value: length })),
    }));
  }

  get #capacity(): number {
    return this.#options.capacity ?? DEFAULT_CAPACITY;
  }

  configure({
    externalLabels,
    alertRelabelConfigs,
  }: {
    externalLabels: Labels;
    alertRelabelConfigs: readonly RelabelConfig[];
  }): void {
    this.#externalLabels = externalLabels;
    this.#alertRelabelConfigs = alertRelabelConfigs;
  }

  /** Replaces one set. Queues of Alertmanagers that stay keep what is in them. */
  setAlertmanagers(set: AlertmanagerSet): void {
    const old = this.#sets.get(set.name);
    const sameClient = old && old.set.http === set.http && old.set.timeout === set.timeout;
    const client = sameClient ? old.client : new HttpClient(set.http);
    const queues = new Map<string, AlertQueue>();
    for (const url of set.urls) {
      const known = sameClient ? old.queues.get(url) : undefined;
      queues.set(
        url,
        known ??
          new AlertQueue(url, {
            metrics: this.#metrics,
            log: this.#options.log,
            client,
            authorize: (request, signal) => this.#sets.get(set.name)?.set.authorize?.(request, signal),
            timeout: set.timeout,
            capacity: this.#capacity,
            batchSize: Math.max(1, this.#options.batchSize ?? DEFAULT_BATCH),
            drain: this.#options.drain ?? true,
          }),
      );
    }
    for (const url of queues.keys()) {
      const { sent, errors, dropped, latency, latencySummary } = this.#metrics;
      for (const metric of [sent, errors, dropped, latency, latencySummary]) metric.labels(url);
    }
    for (const [url, queue] of old?.queues ?? [])
      if (queues.get(url) !== queue) void this.#retire(queue, !queues.has(url));
    if (old && !sameClient)
      void Promise.all([...old.queues.values()].map((queue) => queue.stop())).then(() =>
        old.client[Symbol.asyncDispose](),
      );
    this.#sets.set(set.name, { set, client, queues });
    if (queues.size > 0) this.#deliver(this.#waiting.splice(0));
    this.#metrics.discovered.set([...this.#queues()].length);
  }

  removeSet(name: string): void {
    const old = this.#sets.get(name);
    if (!old) return;
    this.#sets.delete(name);
    for (const queue of old.queues.values()) void this.#retire(queue, true);
    this.#metrics.discovered.set([...this.#queues()].length);
  }

  send(alerts: readonly Alert[]): void {
    const relabelled = alerts
      .map((alert) => this.#withLabels(alert, this.#alertRelabelConfigs, true))
      .filter((alert) => alert !== undefined);
    if (relabelled.length === 0) return;
    if (this.#queues().next().done) this.#waiting = [...this.#waiting, ...relabelled].slice(-this.#capacity);
    else this.#deliver(relabelled);
  }

  #deliver(relabelled: readonly Alert[]): void {
    for (const { set, queues } of this.#sets.values()) {
      const own = relabelled
        .map((alert) => this.#withLabels(alert, set.alertRelabelConfigs, false))
        .filter((alert) => alert !== undefined);
      if (own.length === 0) continue;
      for (const queue of queues.values()) queue.push(own);
    }
  }

  alertmanagers(): { active: string[]; dropped: string[] } {
    return {
      active: [...this.#queues()].map(({ url }) => url),
      dropped: [...this.#sets.values()].flatMap(({ set }) => [...set.dropped]),
    };
  }

  /** Totals over all Alertmanagers known now. */
  counts(): { sent: number; failed: number; dropped: number; queued: number } {
    const out = { sent: 0, failed: 0, dropped: 0, queued: 0 };
    for (const { url, length } of this.#queues()) {
      out.sent += this.#metrics.sent.labels(url).value;
      out.failed += this.#metrics.errors.labels(url).value;
      out.dropped += this.#metrics.dropped.labels(url).value;
      out.queued += length;
    }
    return out;
  }

  /** Sends what is queued, then closes the connections. */
  async stop(): Promise<void> {
    await Promise.all([...this.#queues()].map((queue) => queue.stop()));
    await Promise.all([...this.#sets.values()].map(({ client }) => client[Symbol.asyncDispose]()));
    this.#sets.clear();
  }

  *#queues(): Generator<AlertQueue> {
    for (const { queues } of this.#sets.values()) yield* queues.values();
  }

  async #retire(queue: AlertQueue, forget: boolean): Promise<void> {
    await queue.stop();
    if (!forget) return;
    const { sent, errors, dropped, latency, latencySummary } = this.#metrics;
    for (const metric of [sent, errors, dropped, latency, latencySummary]) metric.remove(queue.url);
  }

  /** External labels where the alert has none of that name, then relabelling; undefined when it is dropped. */
  #withLabels(alert: Alert, configs: readonly RelabelConfig[], external: boolean): Alert | undefined {
    let { labels } = alert;
    if (external) {
      const builder = new LabelsBuilder(labels);
      for (const [name, value] of this.#externalLabels) if (builder.get(name) === "") builder.set(name, value);
      labels = builder.build();
    }
    const result = relabel(labels, configs);
    if (!result) return undefined;
    return result === alert.labels ? alert : { ...alert, labels: result };
  }
}
