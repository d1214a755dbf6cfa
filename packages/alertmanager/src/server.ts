/** An Alertmanager: stores, dispatch and the HTTP API, wired together; a reload takes all of a new configuration or nothing. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  createHttpServer,
  type HttpServer,
  type Logger,
  mountMetrics,
  Registry,
  registerProcessMetrics,
} from "@pharos/kit";
import { describeError } from "@pharos/model";
import { AlertStore, isResolved } from "./alerts.ts";
import { alertStatus, mountAlerts } from "./api/alerts.ts";
import type { ApiContext, Generation } from "./api/context.ts";
import { mountSilences } from "./api/silences.ts";
import { mountStatus } from "./api/status.ts";
import { type AlertmanagerConfig, loadAlertmanagerConfigFile } from "./config/config.ts";
import { Dispatcher } from "./dispatch.ts";
import { Inhibitor } from "./inhibit.ts";
import { type AlertmanagerMetrics, registerMetrics } from "./metrics.ts";
import { NotificationLog } from "./notification-log.ts";
import { Integration } from "./notify/integration.ts";
import { type Channel, Pipeline } from "./pipeline.ts";
import { Silences, silenceState } from "./silences.ts";

/** The Alertmanager whose behaviour clients may expect. */
export const ALERTMANAGER_VERSION = "0.33.1";

const DEFAULT_RETENTION_MS = 120 * 3_600_000;
const DEFAULT_GC_INTERVAL_MS = 30 * 60_000;

export interface AlertmanagerOptions {
  configFile: string;
  /** Folder for silences and the notification log. */
  storageDir: string;
  listen: { host: string; port: number };
  /** As people reach it; without one, the address it listens on. */
  externalUrl?: string;
  /** How long expired silences are kept. */
  retentionMs?: number;
  gcIntervalMs?: number;
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

interface Running extends Generation {
  channels: ReadonlyMap<string, Channel[]>;
}

class Server implements Alertmanager {
  readonly #options: AlertmanagerOptions;
  readonly #now: () => number;
  readonly #alerts = new AlertStore();
  readonly #silences: Silences;
  readonly #notifications: NotificationLog;
  readonly #metrics: AlertmanagerMetrics;
  readonly #http: HttpServer;
  readonly #context: ApiContext;
  readonly #reload = { successful: true, message: "" };
  readonly #collecting: NodeJS.Timeout;
  #running: Running;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: AlertmanagerOptions, config: AlertmanagerConfig) {
    const { log, storageDir } = options;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    mkdirSync(storageDir, { recursive: true });
    this.#silences = new Silences(
      join(storageDir, "silences.jsonl"),
      options.retentionMs ?? DEFAULT_RETENTION_MS,
      log.with({ subsystem: "silences" }),
    );
    this.#notifications = new NotificationLog(
      join(storageDir, "notifications.jsonl"),
      this.#now(),
      log.with({ subsystem: "notifications" }),
    );
    const registry = new Registry();
    registerProcessMetrics(registry);
    this.#metrics = registerMetrics(registry, ALERTMANAGER_VERSION, {
      alerts: () => this.#alertCounts(),
      silences: () => this.#silenceCounts(),
      groups: () => this.#running.dispatcher.size,
    });
    this.#http = createHttpServer({
      ...options.listen,
      log,
      registry,
      metricsPrefix: "alertmanager",
      cors: true,
      // Errors of this API are JSON strings.
      errorBody: (message) => ({ type: "application/json", body: JSON.stringify(message) }),
    });
    this.#running = this.#start(config);
    this.#metrics.reloadSuccessful.set(1);
    this.#metrics.reloadSuccessTime.set(this.#now() / 1000);
    this.#context = {
      current: () => this.#running,
      alerts: this.#alerts,
      silences: this.#silences,
      metrics: this.#metrics,
      version: ALERTMANAGER_VERSION,
      startedAt: this.#now(),
      now: this.#now,
    };
    this.#mount(registry);
    this.#collecting = setInterval(() => this.#collect(), options.gcIntervalMs ?? DEFAULT_GC_INTERVAL_MS).unref();
  }

  get url(): string {
    return this.#http.url;
  }

  listen(): Promise<string> {
    return this.#http.listen();
  }

  #mount(registry: Registry): void {
    const { app } = this.#http;
    mountAlerts(app, this.#context);
    mountSilences(app, this.#context);
    mountStatus(app, this.#context);
    mountMetrics(app, registry);
    for (const path of ["/-/healthy", "/-/ready"])
      app.get(path, async (_request, reply) => reply.type("text/plain; charset=utf-8").send("OK"));
    app.post("/-/reload", async (_request, reply) => {
      try {
        await this.reload();
        return reply.code(200).send();
      } catch (error) {
        return reply
          .code(500)
          .type("text/plain; charset=utf-8")
          .send(`failed to reload config: ${describeError(error)}\n`);
      }
    });
    app.get("/", async (_request, reply) =>
      reply
        .type("text/plain; charset=utf-8")
        .send("Pharos Alertmanager\n\nAPI: /api/v2/alerts  /api/v2/silences  /api/v2/status\nMetrics: /metrics\n"),
    );
  }

  /** Everything that depends on the configuration; nothing in here refuses it any more. */
  #start(config: AlertmanagerConfig): Running {
    const { log } = this.#options;
    const channels = new Map<string, Channel[]>();
    for (const { name, integrations } of config.receivers.values()) {
      const seen = new Map<string, number>();
      channels.set(
        name,
        integrations.map((settings) => {
          const index = seen.get(settings.type) ?? 0;
          seen.set(settings.type, index + 1);
          const integration = new Integration(settings, config.templates, ALERTMANAGER_VERSION);
          return {
            integration,
            name: `${name}/${settings.type}/${index}`,
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
      externalUrl: () => (this.#options.externalUrl ?? this.#http.url).replace(/\/+$/, ""),
      log: log.with({ subsystem: "dispatcher" }),
      now: this.#now,
    });
    const dispatcher = new Dispatcher(
      config.route,
      this.#alerts,
      (group, alerts, now, signal) => pipeline.run(group, alerts, now, signal),
      log.with({ subsystem: "dispatcher" }),
      this.#now,
    );
    return { config, inhibitor, dispatcher, channels };
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
      config = loadAlertmanagerConfigFile(configFile);
    } catch (error) {
      Object.assign(this.#reload, { successful: false, message: describeError(error) });
      this.#metrics.reloadSuccessful.set(0);
      log.error("Loading configuration file failed, the running one stays", { file: configFile, err: error });
      throw error;
    }
    await this.#stopRunning();
    const { channels } = this.#running;
    this.#running = this.#start(config);
    // What is known of a channel outlives the reload.
    for (const channel of [...this.#running.channels.values()].flat()) {
      const before = [...channels.values()].flat().find(({ name }) => name === channel.name);
      if (before) {
        const { sent, failed, lastError, lastSentAt } = before;
        Object.assign(channel, { sent, failed, lastError, lastSentAt });
      }
    }
    Object.assign(this.#reload, { successful: true, message: "" });
    this.#metrics.reloadSuccessful.set(1);
    this.#metrics.reloadSuccessTime.set(this.#now() / 1000);
    log.info("Completed loading of configuration file", { file: configFile });
  }

  async #stopRunning(): Promise<void> {
    await this.#running.dispatcher[Symbol.asyncDispose]();
    const channels = [...this.#running.channels.values()].flat();
    await Promise.all(channels.map(({ integration }) => integration[Symbol.asyncDispose]()));
  }

  #alertCounts(): { active: number; suppressed: number } {
    const counts = { active: 0, suppressed: 0 };
    for (const alert of this.#alerts.all()) {
      if (!isResolved(alert, this.#now())) counts[alertStatus(this.#context, alert).state]++;
    }
    return counts;
  }

  #silenceCounts(): { active: number; pending: number; expired: number } {
    const counts = { active: 0, pending: 0, expired: 0 };
    for (const silence of this.#silences.all()) counts[silenceState(silence, this.#now())]++;
    return counts;
  }

  #collect(): void {
    const now = this.#now();
    this.#alerts.collect(now);
    this.#notifications.collect(now);
    try {
      this.#silences.collect(now);
    } catch (error) {
      this.#options.log.error("silences could not be tidied", { err: error });
    }
  }

  status(): AlertmanagerStatus {
    return {
      ...this.#alertCounts(),
      silences: this.#silenceCounts().active,
      groups: this.#running.dispatcher.size,
      receivers: [...this.#running.channels].map(([name, channels]) => ({
        name,
        integrations: channels.map(({ integration, sent, failed, lastError, lastSentAt }) => ({
          type: integration.config.type,
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
    clearInterval(this.#collecting);
    await this.#http.close();
    await this.#stopRunning();
    this.#notifications[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Reads the configuration and listens; throws, with everything closed again, when it cannot. */
export async function createAlertmanager(options: AlertmanagerOptions): Promise<Alertmanager> {
  const config = loadAlertmanagerConfigFile(options.configFile);
  const server = new Server(options, config);
  try {
    await server.listen();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}
