/**
 * A Prometheus server: database, scraping, rules, alert sending and the HTTP API, wired together, with reload that takes
 * all of a new configuration or nothing of it.
 */

import { availableParallelism } from "node:os";
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
import { describeError, Labels } from "@pharos/model";
import { Notifier } from "@pharos/notify";
import type { ParserOptions } from "@pharos/promql";
import type { FanoutStorage, RemoteWriteSender } from "@pharos/remote";
import { loadRuleFiles, RuleManager, type RuleQuery } from "@pharos/rules";
import { type ScrapeDefaults, ScrapeManager } from "@pharos/scrape";
import { type Db, type DbSettings, openDb } from "@pharos/tsdb";
import type { FastifyInstance } from "fastify";
import { AlertmanagerDiscovery } from "./alertmanager-discovery.ts";
import { mountAdminApi } from "./api/admin.ts";
import type { ApiContext } from "./api/context.ts";
import { mountFeaturesApi } from "./api/features.ts";
import { mountFederate } from "./api/federate.ts";
import { mountMetadataApi } from "./api/metadata.ts";
import { mountNotificationsApi } from "./api/notifications.ts";
import { mountOtlp } from "./api/otlp.ts";
import { mountQueryApi } from "./api/query.ts";
import { mountRemoteRead } from "./api/remote-read.ts";
import { mountRemoteStatus } from "./api/remote-status.ts";
import { mountRemoteWrite } from "./api/remote-write.ts";
import { mountRulesApi } from "./api/rules.ts";
import { mountSearchApi } from "./api/search.ts";
import { mountSeriesApi } from "./api/series.ts";
import { mountStatusApi } from "./api/status.ts";
import { mountTargetsApi } from "./api/targets.ts";
import { buildInfo, registerBuildInfo } from "./build-info.ts";
import { expandRuleFiles, loadConfigFile, type PrometheusConfig } from "./config/config.ts";
import { shownConfig, shownJob } from "./config/shown.ts";
import type { StorageConfig } from "./config/storage.ts";
import { ConfigWatch } from "./config-watch.ts";
import { notificationFacts, type PrometheusFacts, poolFacts, ruleFacts, seriesCount } from "./facts.ts";
import { type Features, NO_FEATURES } from "./features.ts";
import { retentionText } from "./flags.ts";
import { Notifications, RELOAD_FAILED, STARTING, STOPPING } from "./notifications.ts";
import type { PrometheusOptions } from "./options.ts";
import type { PlainEngineOptions } from "./query/messages.ts";
import { QueryThreads } from "./query/query-threads.ts";
import { createFanout } from "./remote/fanout.ts";
import { createSender } from "./remote/sender.ts";
import { createRuleQuery } from "./rule-query.ts";
import { enterOrigin, ServerEngine, withOrigin } from "./server-engine.ts";
import { mountConsoles } from "./web/consoles.ts";
import { allowOrigins } from "./web/cors.ts";
import { watchRoutes } from "./web/not-found.ts";
import { mountPages } from "./web/pages.ts";

export interface PrometheusServer extends AsyncDisposable {
  /** Base URL it listens on. */
  readonly url: string;
  /** Takes the configuration file as it is now, rule files included; throws and keeps the running one when it is bad. */
  reload(): Promise<void>;
  facts(): PrometheusFacts;
  close(): Promise<void>;
}

const DEFAULT_SUBSCRIBERS = 16;
const DEFAULT_LOOKBACK_MS = 5 * 60_000;
const DEFAULT_CONCURRENCY = 20;
const DEFAULT_SEARCH_LIMIT = 10_000;
const MAX_QUERY_THREADS = 8;

/** What the language of queries and rules has, by the features that are on. */
function languageOf({ has }: NonNullable<PrometheusOptions["features"]>): ParserOptions {
  return {
    experimentalFunctions: has("promql-experimental-functions"),
    extendedRangeSelectors: has("promql-extended-range-selectors"),
    binopFillModifiers: has("promql-binop-fill-modifiers"),
  };
}

export function scrapeDefaults({ has }: NonNullable<PrometheusOptions["features"]>): ScrapeDefaults {
  return {
    protobufFirst: has("created-timestamp-zero-ingestion") || has("st-storage"),
    extraScrapeMetrics: has("extra-scrape-metrics"),
  };
}

/** On a single core a thread for queries would only take turns with this one. */
function defaultQueryThreads(): number {
  const cores = availableParallelism();
  return cores > 1 ? Math.min(cores, MAX_QUERY_THREADS) : 0;
}

class Server implements PrometheusServer {
  readonly #options: PrometheusOptions;
  readonly #features: NonNullable<PrometheusOptions["features"]>;
  readonly #registry: Registry;
  readonly #db: Db;
  readonly #engine: ServerEngine;
  readonly #queryThreads: QueryThreads;
  readonly #notifications: Notifications;
  readonly #scrape: ScrapeManager;
  readonly #discovery: Discovery;
  readonly #rules: RuleManager;
  readonly #ruleQuery: RuleQuery;
  readonly #notifier: Notifier;
  readonly #alertmanagers: AlertmanagerDiscovery;
  readonly #sender: RemoteWriteSender;
  /** The database with the endpoints of remote read. */
  readonly #fanout: FanoutStorage;
  readonly #http: HttpServer;
  readonly #reload = { successful: true, lastSuccess: 0, message: "" };
  readonly #metrics;
  #config: PrometheusConfig | undefined;
  #watch: ConfigWatch | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #ready = false;
  #stopping = false;
  /** Gives the rules of the running configuration to the manager. */
  #updateRules: () => Promise<void> = async () => {};

  constructor(options: PrometheusOptions, registry: Registry, db: Db, web: Web | undefined) {
    const { log, features = NO_FEATURES } = options;
    const now = options.now ?? Date.now;
    this.#options = options;
    this.#features = features;
    this.#registry = registry;
    this.#db = db;
    this.#notifications = new Notifications(options.maxNotificationSubscribers ?? DEFAULT_SUBSCRIBERS, registry);
    this.#notifications.add(STARTING);
    this.#fanout = createFanout(db, { ...options, registry });
    const engineOptions: PlainEngineOptions = {
      ...languageOf(features),
      lookbackMs: options.query?.lookbackMs,
      timeoutMs: options.query?.timeoutMs,
      maxSamples: options.query?.maxSamples,
      maxQueryBytes: options.query?.maxBytes,
      maxTotalBytes: options.query?.maxTotalBytes,
      delayedNameRemoval: features.has("promql-delayed-name-removal"),
      typeAndUnitLabels: features.has("type-and-unit-labels"),
      useStartTimestamps: features.has("use-start-timestamps"),
    };
    const engineLog = log.with({ component: "query engine" });
    this.#queryThreads = new QueryThreads({
      count: options.query?.threads ?? defaultQueryThreads(),
      engine: engineOptions,
      share: () => db.share(),
      log: engineLog,
      registry,
    });
    this.#engine = new ServerEngine({
      ...engineOptions,
      sharedMemory: this.#queryThreads.memory,
      maxConcurrency: options.query?.maxConcurrency ?? DEFAULT_CONCURRENCY,
      defaultSubqueryStepMs: () => this.#config?.global.evaluationInterval ?? 60_000,
      pool: {
        storage: this.#fanout,
        workers: this.#queryThreads.workers,
        isShared: (mint, maxt) => this.#fanout.isLocal(mint, maxt),
      },
      registry,
      log: engineLog,
    });
    this.#ruleQuery = createRuleQuery(this.#engine, this.#fanout);
    const { storeStartTimestamps = false, zeroAtStart = false } = options.storage ?? {};
    this.#scrape = new ScrapeManager({
      appendable: db,
      log: log.with({ component: "scrape manager" }),
      registry,
      now,
      startTimestamps: storeStartTimestamps || zeroAtStart,
      timestampToleranceMs: options.scrape?.timestampToleranceMs,
    });
    this.#discovery = new Discovery({
      log: log.with({ component: "discovery manager scrape" }),
      registry,
      throttleMs: options.scrape?.discoveryThrottleMs,
      onUpdate: (job, groups) => this.#scrape.updateTargets(job, groups),
    });
    this.#notifier = new Notifier({ log: log.with({ component: "notifier" }), registry, ...options.notify });
    this.#alertmanagers = new AlertmanagerDiscovery(
      this.#notifier,
      log.with({ component: "discovery manager notify" }),
      registry,
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
    this.#sender = createSender(options.storagePath, db, this.#scrape, { ...options, registry });
    db.holdLog(() => this.#sender.heldSegment());
    this.#rules = new RuleManager({
      query: (expr, timeMs, signal) => this.#ruleQuery(expr, timeMs, signal),
      inGroup: ({ file, name }, work) => withOrigin({ ruleGroup: { file, name } }, work),
      appendable: db,
      queryable: db,
      notify: (alerts) => this.#notifier.send(alerts),
      externalUrl: () => this.#externalUrl,
      log: log.with({ component: "rule manager" }),
      registry,
      now,
      resendDelay: options.rules?.resendDelayMs ?? 60_000,
      outageTolerance: options.rules?.outageToleranceMs ?? 3_600_000,
      forGracePeriod: options.rules?.forGracePeriodMs ?? 600_000,
      maxConcurrentEvals: options.rules?.maxConcurrentEvals ?? 1,
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
    const prefix = this.#prefix;
    this.#http.app.setNotFoundHandler(watchRoutes(this.#http.app));
    if (prefix === "") this.#mount(this.#http.app, now);
    else {
      this.#http.app.get("/", async (_request, reply) => reply.redirect(prefix, 302));
      void this.#http.app.register(async (app) => this.#mount(app, now), { prefix });
    }
  }

  get url(): string {
    return this.#http.url;
  }

  get #externalUrl(): string {
    return (this.#options.externalUrl ?? this.#http.url).replace(/\/+$/, "");
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
    const server = this;
    const context: ApiContext = {
      engine: this.#engine,
      storage: this.#fanout,
      db: this.#db,
      rules: this.#rules,
      scrape: this.#scrape,
      notifier: this.#notifier,
      version: options.version,
      flags: options.flags ?? {},
      storagePath: options.storagePath,
      enableAdminApi: options.enableAdminApi,
      enableLifecycle: options.enableLifecycle,
      features: this.#features,
      registry: this.#registry,
      notifications: this.#notifications,
      otlpReceiver: options.otlpReceiver ?? false,
      autoReload: (options.autoReloadMs ?? 0) > 0,
      get listenPort() {
        return Number(new URL(server.#http.url).port);
      },
      externalUrl: () => this.#externalUrl,
      remoteWrite: {
        enabled: options.remoteWriteReceiver !== undefined,
        versions: options.remoteWriteReceiver?.versions ?? [],
      },
      retentionText: () => this.#retentionText(),
      configText: () => (this.#config ? shownConfig(this.#config) : ""),
      poolConfigText: (pool) => {
        const job = this.#config?.scrapeConfigs.find(({ jobName }) => jobName === pool);
        return job ? shownJob(job) : "";
      },
      reloadStatus: () => this.#reload,
      replay: () => replayState(this.#db),
      now,
    };
    allowOrigins(app, options.corsOrigin ?? ".*");
    app.addHook("onRequest", async (request) => {
      const path = request.url.split("?")[0];
      enterOrigin({ httpRequest: { clientIP: request.ip, method: request.method, path } });
    });
    mountQueryApi(app, context);
    mountSeriesApi(app, context);
    mountTargetsApi(app, context);
    mountMetadataApi(app, context);
    mountSearchApi(app, context, options.searchMaxLimit ?? DEFAULT_SEARCH_LIMIT);
    mountFeaturesApi(app, context);
    mountNotificationsApi(app, context);
    mountRulesApi(app, context);
    mountStatusApi(app, context);
    mountAdminApi(app, context);
    mountRemoteWrite(app, {
      remoteWrite: context.remoteWrite,
      storage: this.#db,
      registry: this.#registry,
      typeAndUnitLabels: this.#features.has("type-and-unit-labels"),
      now,
    });
    mountRemoteStatus(app, this.#sender);
    const externalLabels = (): Labels => this.#config?.global.externalLabels ?? Labels.empty;
    const registry = this.#registry;
    mountRemoteRead(app, { storage: this.#fanout, registry, limits: options.remoteRead ?? {}, externalLabels });
    const lookbackMs = options.query?.lookbackMs ?? DEFAULT_LOOKBACK_MS;
    mountOtlp(app, {
      enabled: options.otlpReceiver ?? false,
      storage: this.#db,
      registry,
      log: options.log.with({ component: "web" }),
      lookbackMs,
      delta: deltaOf(this.#features),
      typeAndUnitLabels: this.#features.has("type-and-unit-labels"),
      config: () => this.#config?.remote.otlp,
      now,
    });
    mountFederate(app, { storage: this.#db, registry, lookbackMs, externalLabels, now });
    mountMetrics(app, this.#registry);
    mountPages(app, {
      isReady: () => this.#ready && this.#db.ready,
      isStopping: () => this.#stopping,
      reload: () => this.reload(),
      quit: () => options.onQuit?.(),
      enableLifecycle: options.enableLifecycle,
      buildInfo: buildInfo(options.version),
      uiUrl: options.uiUrl,
    });
    mountConsoles(app, {
      templates: options.consoles?.templates ?? "consoles",
      libraries: options.consoles?.libraries ?? "console_libraries",
      userAssets: options.userAssets,
      query: this.#ruleQuery,
      externalUrl: () => this.#externalUrl,
      externalLabels,
      now,
    });
  }

  #retentionText(): string {
    const { retention } = this.#config?.storage ?? {};
    const { timeMs, bytes } = this.#options.retention;
    return retentionText(retention?.timeMs ?? timeMs, retention?.bytes ?? bytes, retention?.percentage ?? 0);
  }

  async start(): Promise<void> {
    await this.#http.listen();
    await this.reload();
    this.#ready = true;
    const { autoReloadMs = 0, configFile, log } = this.#options;
    // A failed reload is logged and changes nothing.
    if (autoReloadMs > 0)
      this.#watch = new ConfigWatch(configFile, autoReloadMs, log, () => void this.reload().catch(() => {}));
    // Rules would see a gap where the log has not been read yet, and resolve what is firing.
    void this.#db.replayed.then(() => this.#startRules());
    this.#options.log.info("Server is ready to receive web requests.", { url: this.url });
  }

  async #startRules(): Promise<void> {
    // A log that could not be read leaves a gap for good: rules over it would resolve what is firing.
    if (!this.#ready || !this.#db.ready) return;
    this.#metrics.ready.set(1);
    this.#notifications.remove(STARTING);
    await this.#updateRules();
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
    const { log, configFile } = this.#options;
    try {
      const config = loadConfigFile(configFile, { defaults: scrapeDefaults(this.#features) });
      const groups = loadRuleFiles(expandRuleFiles(config.ruleFiles), languageOf(this.#features));
      this.#fanout.apply(config.remote.remoteRead, config.global.externalLabels);
      this.#sender.apply(config.remote.remoteWrite, config.global.externalLabels);
      // Nothing below refuses: everything that can be wrong with a configuration was checked above.
      const { externalLabels, evaluationInterval, ruleQueryOffset } = config.global;
      this.#config = config;
      this.#engine.logTo(config.global.queryLogFile);
      this.#notifier.configure({ externalLabels, alertRelabelConfigs: config.alertRelabelConfigs });
      this.#alertmanagers.apply(config.alertmanagers);
      this.#scrape.apply(config.scrapeConfigs, externalLabels);
      this.#discovery.apply(config.scrapeConfigs.map(({ jobName, sdConfigs }) => ({ job: jobName, sdConfigs })));
      this.#updateRules = () =>
        this.#rules.update(groups, { interval: evaluationInterval, queryOffset: ruleQueryOffset, externalLabels });
      if (this.#db.ready) await this.#updateRules();
      this.#db.configure(storageSettings(config.storage, this.#options));
    } catch (error) {
      this.#reload.successful = false;
      this.#reload.message = describeError(error);
      this.#metrics.successful.set(0);
      this.#notifications.add(RELOAD_FAILED);
      log.error("Error reloading config, the running one stays", { filename: configFile, err: error });
      throw error;
    }
    if (this.#config?.tracing) log.warn("tracing is configured, but this version exports no spans");
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
      series: seriesCount(this.#db),
      rules: ruleFacts(this.#rules),
      notifications: notificationFacts(this.#notifier),
      reload: { successful, message },
    };
  }

  /** Sources first, then what they feed, the database last. */
  async close(): Promise<void> {
    this.#ready = false;
    this.#stopping = true;
    this.#metrics.ready.set(0);
    this.#notifications.add(STOPPING);
    this.#watch?.[Symbol.dispose]();
    await this.#discovery.stop();
    await this.#rules.stop();
    await this.#scrape.stop();
    await this.#alertmanagers.stop();
    await this.#notifier.stop();
    await this.#sender.stop();
    await this.#http.close();
    this.#engine[Symbol.dispose]();
    await this.#queryThreads[Symbol.asyncDispose]();
    await this.#fanout[Symbol.asyncDispose]();
    await this.#db.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function deltaOf(features: Features): "convert" | "store" | "refuse" {
  if (features.has("otlp-deltatocumulative")) return "convert";
  return features.has("otlp-native-delta-ingestion") ? "store" : "refuse";
}

/** What a configuration file may change of the storage while it runs. */
function storageSettings(
  { retention, outOfOrderTimeWindowMs, floatEncoding, staleSeriesCompactionThreshold }: StorageConfig,
  options: PrometheusOptions,
): DbSettings {
  return {
    retentionMs: retention.timeMs ?? options.retention.timeMs,
    retentionBytes: retention.bytes ?? options.retention.bytes,
    retentionPercentage: retention.percentage ?? 0,
    outOfOrderTimeWindowMs,
    floatEncoding: floatEncoding ?? options.storage?.floatEncoding ?? "xor",
    staleSeriesThreshold: staleSeriesCompactionThreshold,
  };
}

/** As /status/walreplay shows it, in MiB of the log. */
function replayState({ ready, replayProgress: { done, total } }: Db): ReturnType<ApiContext["replay"]> {
  const mib = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
  return { min: 0, max: mib(total), current: mib(done), state: ready ? "done" : "in progress" };
}

/** Reads the configuration and the rule files it names, and nothing else. A UserError says what is wrong with them. */
export function checkConfigFile(file: string, features: Features = NO_FEATURES): void {
  const { ruleFiles } = loadConfigFile(file, { defaults: scrapeDefaults(features) });
  loadRuleFiles(expandRuleFiles(ruleFiles), languageOf(features));
}

/** Opens the database, loads the configuration and listens. Throws, with everything closed again, when any of it fails. */
export async function createPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const registry = new Registry();
  registerProcessMetrics(registry);
  // Read before anything is opened: a bad file at start is an error, not a half-started server.
  const { features = NO_FEATURES, log } = options;
  const { storage } = loadConfigFile(options.configFile, { defaults: scrapeDefaults(features) });
  const web = options.webConfigFile ? await prepareWeb({ configFile: options.webConfigFile, log }) : undefined;
  const db = await openDb({
    dir: options.storagePath,
    ...options.storage,
    ...storageSettings(storage, options),
    maxExemplars: storage.maxExemplars,
    background: true,
    threads: true,
    registry,
    log: log.with({ component: "tsdb" }),
    now: options.now,
  });
  let server: Server | undefined;
  try {
    server = new Server(options, registry, db, web);
    await server.start();
    return server;
  } catch (error) {
    if (server) await server.close();
    else await db.close();
    throw error;
  }
}
