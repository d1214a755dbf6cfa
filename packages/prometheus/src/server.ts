/**
 * A Prometheus server: database, scraping, rules, alert sending and the HTTP API, wired together, with reload that takes
 * all of a new configuration or nothing of it.
 */

import { Discovery } from "@pharos/discovery";
import { createHttpServer, type HttpServer, mountMetrics, Registry, registerProcessMetrics } from "@pharos/kit";
import { describeError, formatDuration } from "@pharos/model";
import { Notifier } from "@pharos/notify";
import { Engine } from "@pharos/promql";
import { loadRuleFiles, RuleManager } from "@pharos/rules";
import { ScrapeManager } from "@pharos/scrape";
import { type Db, type DbSettings, openDb } from "@pharos/tsdb";
import { AlertmanagerDiscovery } from "./alertmanager-discovery.ts";
import { mountAdminApi } from "./api/admin.ts";
import type { ApiContext } from "./api/context.ts";
import { sendError } from "./api/envelope.ts";
import { mountQueryApi } from "./api/query.ts";
import { mountRemoteWrite } from "./api/remote-write.ts";
import { mountRulesApi } from "./api/rules.ts";
import { mountSeriesApi } from "./api/series.ts";
import { mountStatusApi } from "./api/status.ts";
import { mountTargetsApi } from "./api/targets.ts";
import { expandRuleFiles, loadConfigFile, type PrometheusConfig } from "./config/config.ts";
import { redactConfig } from "./config/redact.ts";
import type { StorageConfig } from "./config/storage.ts";
import { notificationFacts, type PrometheusFacts, poolFacts, ruleFacts, seriesCount } from "./facts.ts";
import type { PrometheusOptions } from "./options.ts";
import { createRuleQuery } from "./rule-query.ts";
import { mountPages } from "./web/pages.ts";

export interface PrometheusServer extends AsyncDisposable {
  /** Base URL it listens on. */
  readonly url: string;
  /** Takes the configuration file as it is now, rule files included; throws and keeps the running one when it is bad. */
  reload(): Promise<void>;
  facts(): PrometheusFacts;
  close(): Promise<void>;
}

function retentionText({ timeMs, bytes }: PrometheusOptions["retention"]): string {
  const parts = [];
  if (timeMs > 0) parts.push(formatDuration(timeMs));
  if (bytes > 0) parts.push(`${bytes}B`);
  return parts.join(" or ") || "none";
}

class Server implements PrometheusServer {
  readonly #options: PrometheusOptions;
  readonly #registry: Registry;
  readonly #db: Db;
  readonly #scrape: ScrapeManager;
  readonly #discovery: Discovery;
  readonly #rules: RuleManager;
  readonly #notifier: Notifier;
  readonly #alertmanagers: AlertmanagerDiscovery;
  readonly #http: HttpServer;
  readonly #reload = { successful: true, lastSuccess: 0, message: "" };
  readonly #metrics;
  #config: PrometheusConfig | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #ready = false;
  /** Gives the rules of the running configuration to the manager. */
  #updateRules: () => Promise<void> = async () => {};

  constructor(options: PrometheusOptions, registry: Registry, db: Db) {
    const { log } = options;
    const now = options.now ?? Date.now;
    this.#options = options;
    this.#registry = registry;
    this.#db = db;
    const engine = new Engine({
      lookbackMs: options.query?.lookbackMs,
      timeoutMs: options.query?.timeoutMs,
      maxSamples: options.query?.maxSamples,
      maxQueryBytes: options.query?.maxBytes,
      maxTotalBytes: options.query?.maxTotalBytes,
    });
    const { storeStartTimestamps = false, zeroAtStart = false } = options.storage ?? {};
    const startTimestamps = storeStartTimestamps || zeroAtStart;
    this.#scrape = new ScrapeManager({
      appendable: db,
      log: log.with({ subsystem: "scrape" }),
      registry,
      now,
      startTimestamps,
    });
    this.#discovery = new Discovery({
      log: log.with({ subsystem: "discovery" }),
      registry,
      onUpdate: (job, groups) => this.#scrape.updateTargets(job, groups),
    });
    this.#notifier = new Notifier({ log: log.with({ subsystem: "notify" }), registry });
    this.#alertmanagers = new AlertmanagerDiscovery(this.#notifier, log.with({ subsystem: "notify" }), registry);
    this.#http = createHttpServer({ ...options.listen, log, registry, metricsPrefix: "prometheus", cors: true });
    this.#rules = new RuleManager({
      query: createRuleQuery(engine, db),
      appendable: db,
      queryable: db,
      notify: (alerts) => this.#notifier.send(alerts),
      externalUrl: () => this.#externalUrl,
      log: log.with({ subsystem: "rules" }),
      registry,
      now,
      resendDelay: options.rules?.resendDelayMs ?? 60_000,
      outageTolerance: options.rules?.outageToleranceMs ?? 3_600_000,
      forGracePeriod: options.rules?.forGracePeriodMs ?? 600_000,
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
    registry
      .gauge("prometheus_build_info", "A metric with a constant '1' value labeled by version.", [
        "version",
        "goversion",
      ])
      .labels(options.version, `node ${process.version}`)
      .set(1);
    this.#mount(engine, now);
  }

  get url(): string {
    return this.#http.url;
  }

  get #externalUrl(): string {
    return (this.#options.externalUrl ?? this.#http.url).replace(/\/+$/, "");
  }

  #mount(engine: Engine, now: () => number): void {
    const { app } = this.#http;
    const options = this.#options;
    const context: ApiContext = {
      engine,
      storage: this.#db,
      db: this.#db,
      rules: this.#rules,
      scrape: this.#scrape,
      notifier: this.#notifier,
      version: options.version,
      flags: options.flags ?? {},
      storagePath: options.storagePath,
      enableAdminApi: options.enableAdminApi,
      remoteWrite: {
        enabled: options.remoteWriteReceiver !== undefined,
        versions: options.remoteWriteReceiver?.versions ?? [],
      },
      retentionText: retentionText(options.retention),
      configText: () => redactConfig(this.#config?.text ?? ""),
      reloadStatus: () => this.#reload,
      replay: () => replayState(this.#db),
      now,
    };
    mountQueryApi(app, context);
    mountSeriesApi(app, context);
    mountTargetsApi(app, context);
    mountRulesApi(app, context);
    mountStatusApi(app, context);
    mountAdminApi(app, context);
    mountRemoteWrite(app, context);
    mountMetrics(app, this.#registry);
    mountPages(app, {
      isReady: () => this.#ready && this.#db.ready,
      reload: () => this.reload(),
      quit: () => options.onQuit?.(),
      enableLifecycle: options.enableLifecycle,
      version: options.version,
      uiUrl: options.uiUrl,
    });
    app.setNotFoundHandler((request, reply) => {
      if (request.url.startsWith("/api/")) return sendError(reply.code(404), new Error("404 page not found"));
      return reply.code(404).type("text/plain; charset=utf-8").send("404 page not found\n");
    });
  }

  async start(): Promise<void> {
    await this.#http.listen();
    await this.reload();
    this.#ready = true;
    // Rules would see a gap where the log has not been read yet, and resolve what is firing.
    void this.#db.replayed.then(() => this.#startRules());
    this.#options.log.info("Server is ready to receive web requests.", { url: this.url });
  }

  async #startRules(): Promise<void> {
    // A log that could not be read leaves a gap for good: rules over it would resolve what is firing.
    if (!this.#ready || !this.#db.ready) return;
    this.#metrics.ready.set(1);
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
      const config = loadConfigFile(configFile);
      const groups = loadRuleFiles(expandRuleFiles(config.ruleFiles));
      // Nothing below refuses: everything that can be wrong with a configuration was checked above.
      const { externalLabels, evaluationInterval, ruleQueryOffset } = config.global;
      this.#config = config;
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
      log.error("Error reloading config, the running one stays", { filename: configFile, err: error });
      throw error;
    }
    this.#reload.successful = true;
    this.#reload.message = "";
    this.#reload.lastSuccess = Date.now();
    this.#metrics.successful.set(1);
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
    await this.#discovery.stop();
    await this.#rules.stop();
    await this.#scrape.stop();
    await this.#alertmanagers.stop();
    await this.#notifier.stop();
    await this.#http.close();
    await this.#db.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
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

/** Opens the database, loads the configuration and listens. Throws, with everything closed again, when any of it fails. */
export async function createPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const registry = new Registry();
  registerProcessMetrics(registry);
  // Read before anything is opened: a bad file at start is an error, not a half-started server.
  const { storage } = loadConfigFile(options.configFile);
  const db = await openDb({
    dir: options.storagePath,
    ...options.storage,
    ...storageSettings(storage, options),
    maxExemplars: storage.maxExemplars,
    background: true,
    threads: true,
    registry,
    log: options.log.with({ subsystem: "tsdb" }),
    now: options.now,
  });
  let server: Server | undefined;
  try {
    server = new Server(options, registry, db);
    await server.start();
    return server;
  } catch (error) {
    if (server) await server.close();
    else await db.close();
    throw error;
  }
}
