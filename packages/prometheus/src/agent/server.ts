/**
 * An agent: it scrapes and sends on by remote write, and keeps no more than the log of what is not sent yet. There are no
 * queries, no rules and no alerts; what needs them says so in upstream's words.
 */
import { Discovery } from "@pharos/discovery";
import {
  createHttpServer,
  type HttpServer,
  mountMetrics,
  prepareWeb,
  Registry,
  registerProcessMetrics,
  type Web,
} from "@pharos/kit";
import { describeError } from "@pharos/model";
import type { RemoteWriteSender } from "@pharos/remote";
import { ScrapeManager } from "@pharos/scrape";
import type { FastifyInstance } from "fastify";
import { mountMetadataApi } from "../api/metadata.ts";
import { mountNotificationsApi } from "../api/notifications.ts";
import { mountOtlp } from "../api/otlp.ts";
import { mountRemoteStatus } from "../api/remote-status.ts";
import { mountRemoteWrite } from "../api/remote-write.ts";
import { mountTargetsApi } from "../api/targets.ts";
import { buildInfo, registerBuildInfo } from "../build-info.ts";
import { loadConfigFile, type PrometheusConfig } from "../config/config.ts";
import { redactConfig } from "../config/redact.ts";
import { ConfigWatch } from "../config-watch.ts";
import { type PrometheusFacts, poolFacts } from "../facts.ts";
import { NO_FEATURES } from "../features.ts";
import { Notifications, RELOAD_FAILED, STOPPING } from "../notifications.ts";
import type { PrometheusOptions } from "../options.ts";
import { createSender } from "../remote/sender.ts";
import { deltaOf, type PrometheusServer, scrapeDefaults } from "../server.ts";
import { allowOrigins } from "../web/cors.ts";
import { watchRoutes } from "../web/not-found.ts";
import { mountPages } from "../web/pages.ts";
import { mountAgentStatus } from "./api.ts";
import { AgentStore } from "./store.ts";

/** Options of the log, as the flags of agent mode give them. */
export interface AgentOptions extends PrometheusOptions {
  agent: { truncateMs: number; minAgeMs: number; maxAgeMs: number };
}

const DEFAULT_SUBSCRIBERS = 16;
const DEFAULT_LOOKBACK_MS = 5 * 60_000;

class Agent implements PrometheusServer {
  readonly #options: AgentOptions;
  readonly #registry: Registry;
  readonly #store: AgentStore;
  readonly #scrape: ScrapeManager;
  readonly #discovery: Discovery;
  readonly #sender: RemoteWriteSender;
  readonly #notifications: Notifications;
  readonly #http: HttpServer;
  readonly #reload = { successful: true, lastSuccess: 0, message: "" };
  readonly #metrics;
  #config: PrometheusConfig | undefined;
  #watch: ConfigWatch | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #ready = false;
  #stopping = false;

  constructor(options: AgentOptions, registry: Registry, store: AgentStore, web: Web | undefined) {
    const { log } = options;
    const now = options.now ?? Date.now;
    this.#options = options;
    this.#registry = registry;
    this.#store = store;
    this.#notifications = new Notifications(options.maxNotificationSubscribers ?? DEFAULT_SUBSCRIBERS, registry);
    this.#scrape = new ScrapeManager({
      appendable: store,
      log: log.with({ component: "scrape manager" }),
      registry,
      now,
      startTimestamps: options.storage?.storeStartTimestamps ?? false,
      timestampToleranceMs: options.scrape?.timestampToleranceMs,
    });
    this.#discovery = new Discovery({
      log: log.with({ component: "discovery manager scrape" }),
      registry,
      onUpdate: (job, groups) => this.#scrape.updateTargets(job, groups),
    });
    this.#sender = createSender(options.storagePath, store, this.#scrape, { ...options, registry });
    store.readBy(
      () => this.#sender.heldSegment(),
      () => this.#sender.lowestSent,
    );
    this.#http = createHttpServer({
      ...options.listen,
      more: options.moreListen,
      maxConnections: options.maxConnections,
      readTimeoutMs: options.readTimeoutMs,
      log,
      registry,
      metricsPrefix: "prometheus",
      web,
    });
    this.#metrics = {
      successful: registry.gauge(
        "prometheus_config_last_reload_successful",
        "Whether the last configuration reload attempt was successful.",
      ),
      successTime: registry.gauge(
        "prometheus_config_last_reload_success_timestamp_seconds",
        "Timestamp of the last successful configuration reload.",
      ),
      ready: registry.gauge(
        "prometheus_ready",
        "Whether Prometheus startup was fully completed and is ready for normal operation.",
      ),
    };
    registerBuildInfo(registry, options.version);
    this.#http.app.setNotFoundHandler(watchRoutes(this.#http.app));
    const prefix = this.#prefix;
    if (prefix === "") this.#mount(this.#http.app, now);
    else void this.#http.app.register(async (app) => this.#mount(app, now), { prefix });
  }

  get url(): string {
    return this.#http.url;
  }

  /** What all paths start with, without a slash at the end; "" for nothing. */
  get #prefix(): string {
    const { routePrefix, externalUrl } = this.#options;
    const path = routePrefix || (externalUrl ? new URL(externalUrl).pathname : "/");
    const trimmed = path.replace(/^\/+|\/+$/g, "");
    return trimmed === "" ? "" : `/${trimmed}`;
  }

  #mount(app: FastifyInstance, now: () => number): void {
    const options = this.#options;
    const features = options.features ?? NO_FEATURES;
    const agent = this;
    allowOrigins(app, options.corsOrigin ?? ".*");
    mountTargetsApi(app, {
      scrape: this.#scrape,
      get listenPort() {
        return Number(new URL(agent.#http.url).port);
      },
      externalUrl: () => (options.externalUrl ?? this.#http.url).replace(/\/+$/, ""),
      poolConfigText: (pool) => {
        const job = this.#config?.scrapeConfigs.find(({ jobName }) => jobName === pool);
        return job ? redactConfig(job.source()) : "";
      },
    });
    mountMetadataApi(app, { scrape: this.#scrape });
    mountNotificationsApi(app, { notifications: this.#notifications });
    mountRemoteStatus(app, this.#sender);
    const receiver = options.remoteWriteReceiver;
    mountRemoteWrite(app, {
      remoteWrite: { enabled: receiver !== undefined, versions: receiver?.versions ?? [] },
      storage: this.#store,
      registry: this.#registry,
      typeAndUnitLabels: features.has("type-and-unit-labels"),
      now,
    });
    mountOtlp(app, {
      enabled: options.otlpReceiver ?? false,
      storage: this.#store,
      registry: this.#registry,
      log: options.log.with({ component: "web" }),
      lookbackMs: DEFAULT_LOOKBACK_MS,
      delta: deltaOf(features),
      typeAndUnitLabels: features.has("type-and-unit-labels"),
      config: () => this.#config?.remote.otlp,
      now,
    });
    mountAgentStatus(app, {
      version: options.version,
      flags: options.flags ?? {},
      configText: () => redactConfig(this.#config?.text ?? ""),
      reloadStatus: () => this.#reload,
    });
    mountMetrics(app, this.#registry);
    mountPages(app, {
      appName: "Prometheus Agent",
      isReady: () => this.#ready,
      isStopping: () => this.#stopping,
      reload: () => this.reload(),
      quit: () => options.onQuit?.(),
      enableLifecycle: options.enableLifecycle,
      buildInfo: buildInfo(options.version),
      uiUrl: options.uiUrl,
    });
  }

  async start(): Promise<void> {
    await this.#http.listen();
    await this.reload();
    this.#ready = true;
    this.#metrics.ready.set(1);
    const { autoReloadMs = 0, configFile, log } = this.#options;
    // A failed reload is logged and changes nothing.
    if (autoReloadMs > 0) {
      this.#watch = new ConfigWatch(configFile, autoReloadMs, log, () => void this.reload().catch(() => {}));
    }
    log.info("Server is ready to receive web requests.", { url: this.url, mode: "agent" });
  }

  /** One at a time; a second request waits and then takes what the file says by then. */
  reload(): Promise<void> {
    const next = this.#reloading.then(
      () => this.#takeConfig(),
      () => this.#takeConfig(),
    );
    this.#reloading = next;
    return next;
  }

  async #takeConfig(): Promise<void> {
    const { log, configFile, features = NO_FEATURES } = this.#options;
    try {
      const config = loadConfigFile(configFile, { defaults: scrapeDefaults(features), agentMode: true });
      const { externalLabels } = config.global;
      this.#sender.apply(config.remote.remoteWrite, externalLabels);
      // Nothing below refuses: everything that can be wrong with a configuration was checked above.
      this.#config = config;
      this.#store.outOfOrderTimeWindowMs = config.storage.outOfOrderTimeWindowMs;
      this.#scrape.apply(config.scrapeConfigs, externalLabels);
      this.#discovery.apply(config.scrapeConfigs.map(({ jobName, sdConfigs }) => ({ job: jobName, sdConfigs })));
    } catch (error) {
      this.#reload.successful = false;
      this.#reload.message = describeError(error);
      this.#metrics.successful.set(0);
      this.#notifications.add(RELOAD_FAILED);
      log.error("Error reloading config, the running one stays", { filename: configFile, err: error });
      throw error;
    }
    this.#reload.successful = true;
    this.#reload.message = "";
    this.#reload.lastSuccess = Date.now();
    this.#metrics.successful.set(1);
    this.#notifications.remove(RELOAD_FAILED);
    this.#watch?.taken();
    this.#metrics.successTime.set(Date.now() / 1000);
    log.info("Completed loading of configuration file", { filename: configFile });
  }

  facts(): PrometheusFacts {
    const { successful, message } = this.#reload;
    return {
      pools: poolFacts(this.#scrape, (pool) => this.#discovery.reasonFor(pool)),
      series: this.#store.seriesCount,
      rules: { groups: 0, alerting: 0, recording: 0, pending: 0, firing: 0, failing: [], unmatched: [] },
      notifications: { sent: 0, failed: 0, dropped: 0, queued: 0, alertmanagers: [] },
      reload: { successful, message },
    };
  }

  /** Sources first, then what they feed. */
  async close(): Promise<void> {
    this.#ready = false;
    this.#stopping = true;
    this.#metrics.ready.set(0);
    this.#notifications.add(STOPPING);
    this.#watch?.[Symbol.dispose]();
    await this.#discovery.stop();
    await this.#scrape.stop();
    await this.#sender.stop();
    await this.#http.close();
    await this.#store[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Reads what an earlier run has left, loads the configuration and listens. Throws, with everything closed, when any of it fails. */
export async function createAgent(options: AgentOptions): Promise<PrometheusServer> {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const { features = NO_FEATURES, log, storage = {}, agent } = options;
  // Read before anything is opened: a bad file at start is an error, not a half-started server.
  const config = loadConfigFile(options.configFile, { defaults: scrapeDefaults(features), agentMode: true });
  const web = options.webConfigFile ? await prepareWeb({ configFile: options.webConfigFile, log }) : undefined;
  const store = await AgentStore.open({
    ...agent,
    dir: options.storagePath,
    compression: storage.walCompression ?? "snappy",
    lock: storage.lock ?? true,
    outOfOrderTimeWindowMs: config.storage.outOfOrderTimeWindowMs,
    storeStartTimestamps: storage.storeStartTimestamps ?? false,
    registry,
    log: log.with({ component: "agent" }),
    now: options.now,
  });
  let server: Agent | undefined;
  try {
    server = new Agent(options, registry, store, web);
    await server.start();
    return server;
  } catch (error) {
    if (server) await server.close();
    else await store[Symbol.asyncDispose]();
    throw error;
  }
}
