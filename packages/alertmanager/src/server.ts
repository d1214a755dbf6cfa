/** An Alertmanager: stores, dispatch and the HTTP API, wired together; a reload takes all of a new configuration or nothing. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  createHttpServer,
  type HttpServer,
  type Logger,
  prepareWeb,
  Registry,
  registerProcessMetrics,
  type Web,
} from "@pharos/kit";
import { createKubeClient } from "@pharos/kube/client";
import { describeError } from "@pharos/model";
import { AlertStore, fingerprint, isResolved } from "./alerts.ts";
import { alertStatus } from "./api/alerts.ts";
import type { ApiContext, Generation } from "./api/context.ts";
import { mountApi } from "./api/mount.ts";
import type { Board } from "./cluster/board.ts";
import { Cluster, type ClusterOptions } from "./cluster/cluster.ts";
import { KubeBoard } from "./cluster/kube-board.ts";
import { type AlertmanagerConfig, loadAlertmanagerConfigFile } from "./config/config.ts";
import { allRoutes } from "./config/routes.ts";
import { Dispatcher } from "./dispatch.ts";
import { History } from "./history.ts";
import { Inhibitor } from "./inhibit.ts";
import { type MatcherMode, MatcherSyntax } from "./matcher/compat.ts";
import { type AlertmanagerMetrics, initializeIntegration, registerMetrics } from "./metrics.ts";
import { migrateStorage } from "./migrate.ts";
import { NotificationLog } from "./notification-log.ts";
import { type Channel, Pipeline } from "./pipeline.ts";
import { RecurringSilences } from "./recurring/recurring-silences.ts";
import { recordSilences } from "./silence-events.ts";
import { SilenceReminders } from "./silence-reminders.ts";
import { Silences, silenceState } from "./silences.ts";

/** The Alertmanager whose behaviour clients may expect. */
export const ALERTMANAGER_VERSION = "0.33.1";

const HOUR_MS = 3_600_000;
const DEFAULT_RETENTION_MS = 120 * HOUR_MS;
const DEFAULT_GC_INTERVAL_MS = HOUR_MS / 2;
const DEFAULT_MAINTENANCE_MS = HOUR_MS / 4;
const DEFAULT_HISTORY_BYTES = 256 * 2 ** 20;

/** How replicas meet in the Kubernetes API. */
export interface KubernetesOptions {
  /** Replicas of the same name in the same namespace belong together. */
  cluster: string;
  /** "": the pod's own. */
  namespace: string;
  /** Address of the API; "": that of the cluster this pod runs in. */
  server: string;
}

export interface AlertmanagerOptions {
  configFile: string;
  /** Folder for silences, the notification log and history. */
  storageDir: string;
  listen: { host: string; port: number };
  /** As people reach it; without one, the address it listens on. */
  externalUrl?: string;
  /** Path before all others; without one, that of the external URL. */
  routePrefix?: string;
  /** Web configuration file: TLS and users. */
  webConfigFile?: string;
  /** Concurrent GET requests; 0: as many as 8 or the processors, whichever is more. */
  getConcurrency?: number;
  /** ms after which an HTTP request is answered with 503; 0: never. */
  requestTimeoutMs?: number;
  /** How long expired silences and notifications are kept, in ms. */
  retentionMs?: number;
  /** How often snapshots are written anew. */
  maintenanceIntervalMs?: number;
  gcIntervalMs?: number;
  /** How long history is kept, in ms; as long as silences without it; 0 keeps none. */
  historyRetentionMs?: number;
  historyMaxBytes?: number;
  maxSilences?: number;
  maxSilenceSize?: number;
  logSilences?: boolean;
  perAlertNameLimit?: number;
  /** ms after the start before which nothing is sent. */
  dispatchStartDelayMs?: number;
  matcherMode?: MatcherMode;
  /** The label `receiver_name` on metrics of notifications. */
  receiverNamesInMetrics?: boolean;
  /** The label `alertname` on the metric of alerts beyond the limit. */
  alertNamesInMetrics?: boolean;
  cluster?: Omit<ClusterOptions, "log" | "stores" | "now" | "board"> & { kubernetes?: KubernetesOptions };
  /** ms before the end of a silence at which the receivers of its alerts are reminded; 0: never. */
  silenceReminderMs?: number;
  /** Silences that come back in windows of local time may be made. */
  recurringSilences?: boolean;
  log: Logger;
  now?: () => number;
}

export interface IntegrationFacts {
  type: string;
  sent: number;
  failed: number;
  lastError: string;
  /** Unix ms; 0: never. */
  lastSentAt: number;
}

export interface AlertmanagerStatus {
  active: number;
  suppressed: number;
  /** Active ones. */
  silences: number;
  groups: number;
  receivers: { name: string; integrations: IntegrationFacts[] }[];
  reload: { successful: boolean; message: string };
}

export interface Alertmanager extends AsyncDisposable {
  /** Base URL it listens on. */
  readonly url: string;
  /** Takes the configuration file as it is now; throws and keeps the running one when it is bad. */
  reload(): Promise<void>;
  status(): AlertmanagerStatus;
  close(): Promise<void>;
}

class Server implements Alertmanager {
  readonly #options: AlertmanagerOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #syntax: MatcherSyntax;
  readonly #alerts: AlertStore;
  readonly #silences: Silences;
  readonly #notifications: NotificationLog;
  readonly #history: History;
  readonly #metrics: AlertmanagerMetrics;
  readonly #http: HttpServer;
  readonly #context: ApiContext;
  readonly #cluster: Cluster | undefined;
  readonly #reload = { successful: true, message: "" };
  readonly #timers: NodeJS.Timeout[];
  readonly #reminders: SilenceReminders | undefined;
  readonly #recurring: RecurringSilences | undefined;
  #running: Generation;
  #reloading: Promise<void> = Promise.resolve();

  constructor(
    options: AlertmanagerOptions,
    config: AlertmanagerConfig,
    syntax: MatcherSyntax,
    web: Web,
    board?: Board,
  ) {
    const { log, storageDir, retentionMs: retention = DEFAULT_RETENTION_MS } = options;
    this.#options = options;
    this.#syntax = syntax;
    const now = options.now ?? Date.now;
    this.#now = now;
    this.#startedAt = now();
    mkdirSync(storageDir, { recursive: true });
    this.#history = new History({
      folder: join(storageDir, "history"),
      retention: options.historyRetentionMs ?? retention,
      maxBytes: options.historyMaxBytes ?? DEFAULT_HISTORY_BYTES,
      now,
      log: log.with({ component: "history" }),
    });
    this.#alerts = new AlertStore({
      perAlertNameLimit: options.perAlertNameLimit,
      limited: (name) => this.#metrics.limited.labels(...(this.#metrics.alertNames ? [name] : [])).inc(),
    });
    this.#recordAlerts();
    this.#silences = new Silences({
      path: join(storageDir, "silences"),
      retention,
      now,
      log: log.with({ component: "silences" }),
      syntax,
      maxSilences: options.maxSilences,
      maxSilenceSize: options.maxSilenceSize,
      logChanges: options.logSilences,
    });
    this.#notifications = new NotificationLog({
      path: join(storageDir, "nflog"),
      retention,
      now,
      log: log.with({ component: "nflog" }),
    });
    migrateStorage(storageDir, this.#silences, retention, log);
    this.#recurring = options.recurringSilences
      ? new RecurringSilences({ silences: this.#silences, now, log: log.with({ component: "silences" }) })
      : undefined;
    recordSilences(this.#silences, this.#history, now, (silence) => this.#recurring?.changed(silence));
    this.#recurring?.check();
    const registry = new Registry();
    registerProcessMetrics(registry);
    this.#metrics = registerMetrics(registry, ALERTMANAGER_VERSION, {
      alerts: () => this.#alertCounts(),
      silences: () => this.#silenceCounts(),
      groups: () => this.#running.dispatcher.size,
      cluster: () => this.#cluster?.facts(),
      queries: () => ({ nflog: this.#notifications.queries, silences: this.#silences.queries }),
      perAlertNameLimit: options.perAlertNameLimit ?? 0,
      receiverNames: options.receiverNamesInMetrics ?? false,
      alertNames: options.alertNamesInMetrics ?? false,
    });
    this.#metrics.invalid.labels("v2");
    this.#metrics.limitExceeded.labels("get");
    const { silences, notifications } = { silences: this.#silences, notifications: this.#notifications };
    this.#cluster =
      options.cluster &&
      new Cluster({
        ...options.cluster,
        log: log.with({ component: "cluster" }),
        now,
        board,
        stores: {
          sil: { store: silences, propagated: () => this.#metrics.silencesPropagated.inc() },
          nfl: { store: notifications, propagated: () => this.#metrics.nflogPropagated.inc() },
        },
      });
    this.#http = createHttpServer({
      ...options.listen,
      log,
      registry,
      metricsPrefix: "alertmanager",
      cors: true,
      // Errors of this API are JSON strings.
      errorBody: (message) => ({ type: "application/json", body: JSON.stringify(message) }),
      web,
    });
    this.#running = this.#start(config);
    this.#took(config);
    this.#context = {
      current: () => this.#running,
      alerts: this.#alerts,
      silences: this.#silences,
      recurring: this.#recurring,
      history: this.#history,
      metrics: this.#metrics,
      syntax,
      log,
      cluster: () => this.#cluster?.status() ?? { status: "disabled", peers: [] },
      externalUrl: () => this.#externalUrl(),
      version: ALERTMANAGER_VERSION,
      startedAt: this.#startedAt,
      now,
    };
    mountApi(this.#http.app, {
      context: this.#context,
      registry,
      prefix: this.#prefix(),
      getConcurrency: options.getConcurrency ?? 0,
      timeout: options.requestTimeoutMs ?? 0,
      reload: () => this.reload(),
    });
    this.#reminders = options.silenceReminderMs
      ? new SilenceReminders({
          ahead: options.silenceReminderMs,
          silences,
          alerts: this.#alerts,
          current: () => ({ route: this.#running.config.route, pipeline: this.#running.pipeline }),
          now,
        })
      : undefined;
    this.#timers = [
      setInterval(() => this.#alerts.collect(now()), options.gcIntervalMs ?? DEFAULT_GC_INTERVAL_MS).unref(),
      setInterval(() => this.#maintain(), options.maintenanceIntervalMs ?? DEFAULT_MAINTENANCE_MS).unref(),
    ];
  }

  get url(): string {
    return this.#http.url;
  }

  async listen(): Promise<void> {
    await this.#cluster?.listen();
    await this.#http.listen();
  }

  #externalUrl(): string {
    return (this.#options.externalUrl ?? this.#http.url).replace(/\/+$/, "");
  }

  /** Without a slash at the end; "" for none. */
  #prefix(): string {
    const { routePrefix, externalUrl } = this.#options;
    const path = routePrefix ?? (externalUrl ? new URL(externalUrl).pathname : "/");
    const trimmed = path.replace(/^\/+|\/+$/g, "");
    return trimmed === "" ? "" : `/${trimmed}`;
  }

  /** Everything that depends on the configuration; nothing in here refuses it any more. */
  #start(config: AlertmanagerConfig): Generation {
    const { log, dispatchStartDelayMs = 0 } = this.#options;
    const channels = new Map<string, Channel[]>();
    for (const { name, integrations } of config.receivers.values()) {
      const seen = new Map<string, number>();
      channels.set(
        name,
        integrations.map((settings) => {
          const index = seen.get(settings.type) ?? 0;
          seen.set(settings.type, index + 1);
          initializeIntegration(this.#metrics, settings.type, name);
          return {
            notifier: settings.create({ templates: config.templates, version: ALERTMANAGER_VERSION }),
            id: { name, integration: settings.type, index },
            sendResolved: settings.sendResolved,
            sent: 0,
            failed: 0,
            lastError: "",
            lastSentAt: 0,
          };
        }),
      );
    }
    const inhibitor = new Inhibitor(config.inhibitRules, this.#alerts);
    const pipeline = new Pipeline({
      config,
      channels,
      inhibitor,
      silences: this.#silences,
      notifications: this.#notifications,
      metrics: this.#metrics,
      history: this.#history,
      externalUrl: () => this.#externalUrl(),
      log: log.with({ component: "dispatcher" }),
      now: this.#now,
      peers: this.#cluster,
    });
    const dispatcher = new Dispatcher({
      route: config.route,
      alerts: this.#alerts,
      flush: (group, alerts, now, signal) => pipeline.run(group, alerts, now, signal),
      log: log.with({ component: "dispatcher" }),
      now: this.#now,
      startAt: this.#startedAt + dispatchStartDelayMs,
      extraTimeout: () => this.#cluster?.wait() ?? 0,
    });
    return { config, inhibitor, dispatcher, channels, pipeline };
  }

  /** What is told of a configuration that was taken. */
  #took(config: AlertmanagerConfig): void {
    const { log } = this.#options;
    this.#metrics.reloadSuccessful.set(1);
    this.#metrics.reloadSuccessTime.set(this.#now() / 1000);
    this.#metrics.configHash.set(config.hash);
    const { receivers, inhibitRules } = config;
    this.#metrics.receivers.set(receivers.size);
    this.#metrics.integrations.set(
      [...receivers.values()].reduce((sum, { integrations }) => sum + integrations.length, 0),
    );
    this.#metrics.inhibitionRules.set(inhibitRules.length);
    for (const { repeatInterval, groupInterval, receiver, id } of allRoutes(config.route)) {
      if (repeatInterval < groupInterval)
        log.warn(
          "repeat_interval is less than group_interval. Notifications will not repeat until the next group_interval.",
          {
            route: id,
            receiver,
          },
        );
    }
  }

  reload(): Promise<void> {
    const next = this.#reloading.then(
      () => this.#takeConfig(),
      () => this.#takeConfig(),
    );
    this.#reloading = next;
    return next;
  }

  async #takeConfig(): Promise<void> {
    const { configFile, log } = this.#options;
    let config: AlertmanagerConfig;
    try {
      config = loadAlertmanagerConfigFile(configFile, { syntax: this.#syntax, now: this.#now });
    } catch (error) {
      const message = describeError(error);
      Object.assign(this.#reload, { successful: false, message });
      this.#metrics.reloadSuccessful.set(0);
      this.#history.record({ kind: "config", time: this.#now(), outcome: "refused", message });
      log.error("Loading configuration file failed, the running one stays", { file: configFile, err: error });
      throw error;
    }
    await this.#stopRunning();
    const before = [...this.#running.channels.values()].flat();
    this.#running = this.#start(config);
    // What is known of a channel outlives the reload.
    for (const channel of [...this.#running.channels.values()].flat()) {
      const { name, integration, index } = channel.id;
      const same = before.find(({ id }) => id.name === name && id.integration === integration && id.index === index);
      if (!same) continue;
      const { sent, failed, lastError, lastSentAt } = same;
      Object.assign(channel, { sent, failed, lastError, lastSentAt });
    }
    Object.assign(this.#reload, { successful: true, message: "" });
    this.#took(config);
    this.#history.record({ kind: "config", time: this.#now(), outcome: "loaded", message: configFile });
    log.info("Completed loading of configuration file", { file: configFile });
  }

  async #stopRunning(): Promise<void> {
    const { dispatcher, inhibitor, channels } = this.#running;
    await dispatcher[Symbol.asyncDispose]();
    inhibitor[Symbol.dispose]();
    await Promise.all([...channels.values()].flat().map(({ notifier }) => notifier[Symbol.asyncDispose]()));
  }

  /** Transitions only: an alert that is repeated is no event. Ends by time are told when the alert is forgotten. */
  #recordAlerts(): void {
    const tell = (
      alert: Parameters<typeof fingerprint>[0],
      state: "firing" | "resolved",
      from: { annotations: Iterable<readonly [string, string]>; startsAt: number; endsAt: number },
      time: number,
    ): void =>
      this.#history.record({
        kind: "alert",
        time,
        state,
        fingerprint: fingerprint(alert),
        labels: alert.toObject(),
        annotations: Object.fromEntries(from.annotations),
        startsAt: from.startsAt,
        endsAt: state === "firing" ? 0 : from.endsAt,
      });
    const told = new Set<string>();
    this.#alerts.subscribe({
      put: (alert, before) => {
        const now = this.#now();
        const key = fingerprint(alert.labels);
        const isOver = isResolved(alert, now);
        // It ended by its time, unnoticed, and fires again.
        if (before && isResolved(before, now) && !told.has(key)) {
          tell(before.labels, "resolved", before, before.endsAt);
          told.add(key);
        }
        if (!isOver && (!before || told.has(key))) tell(alert.labels, "firing", alert, now);
        if (!isOver) told.delete(key);
        if (isOver && before && !told.has(key)) {
          tell(alert.labels, "resolved", alert, alert.endsAt);
          told.add(key);
        }
      },
      forgotten: (gone) => {
        for (const alert of gone) {
          const key = fingerprint(alert.labels);
          if (!told.delete(key)) tell(alert.labels, "resolved", alert, alert.endsAt);
        }
      },
    });
  }

  #alertCounts(): { active: number; suppressed: number } {
    const counts = { active: 0, suppressed: 0 };
    const now = this.#now();
    for (const alert of this.#alerts.values()) {
      if (!isResolved(alert, now)) counts[alertStatus(this.#context, alert, now).state]++;
    }
    return counts;
  }

  #silenceCounts(): { active: number; pending: number; expired: number } {
    const counts = { active: 0, pending: 0, expired: 0 };
    for (const silence of this.#silences.all()) counts[silenceState(silence, this.#now())]++;
    return counts;
  }

  #maintain(): void {
    const { log } = this.#options;
    const { nflogMaintenance, nflogMaintenanceErrors, nflogSnapshotSize } = this.#metrics;
    const { silencesMaintenance, silencesMaintenanceErrors, silencesSnapshotSize } = this.#metrics;
    for (const [name, store, done, failed, size] of [
      ["nflog", this.#notifications, nflogMaintenance, nflogMaintenanceErrors, nflogSnapshotSize],
      ["silences", this.#silences, silencesMaintenance, silencesMaintenanceErrors, silencesSnapshotSize],
    ] as const) {
      done.inc();
      try {
        size.set(store.snapshot());
      } catch (error) {
        failed.inc();
        log.error("Running maintenance failed", { component: name, err: describeError(error) });
      }
    }
    this.#history.collect();
  }

  status(): AlertmanagerStatus {
    return {
      ...this.#alertCounts(),
      silences: this.#silenceCounts().active,
      groups: this.#running.dispatcher.size,
      receivers: [...this.#running.channels].map(([name, channels]) => ({
        name,
        integrations: channels.map(({ id, sent, failed, lastError, lastSentAt }) => ({
          type: id.integration,
          sent,
          failed,
          lastError,
          lastSentAt,
        })),
      })),
      reload: { ...this.#reload },
    };
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#http.close();
    await this.#reminders?.[Symbol.asyncDispose]();
    this.#recurring?.[Symbol.dispose]();
    await this.#stopRunning();
    await this.#cluster?.[Symbol.asyncDispose]();
    this.#maintain();
    this.#notifications[Symbol.dispose]();
    this.#silences[Symbol.dispose]();
    this.#history[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function openBoard({ cluster, namespace, server }: KubernetesOptions, log: Logger, now: () => number): Board {
  const client = createKubeClient(server === "" ? { inCluster: true } : { server });
  return new KubeBoard({
    client,
    cluster,
    namespace: namespace || client.namespace,
    log: log.with({ component: "cluster" }),
    now,
  });
}

/** Reads the configuration and listens; throws, with everything closed again, when it cannot. */
export async function createAlertmanager(options: AlertmanagerOptions): Promise<Alertmanager> {
  const syntax = new MatcherSyntax(options.matcherMode, options.log);
  const config = loadAlertmanagerConfigFile(options.configFile, { syntax, now: options.now });
  const web = await prepareWeb({ configFile: options.webConfigFile, log: options.log });
  const { kubernetes } = options.cluster ?? {};
  const board = kubernetes && openBoard(kubernetes, options.log, options.now ?? Date.now);
  const server = new Server(options, config, syntax, web, board);
  try {
    await server.listen();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}
