/** Prometheus' own flags, and what they make of the options of a server. */
import { hostname } from "node:os";
import { type FlagSpecs, flagTexts, formatBytes, type ParsedFlags } from "@pharos/kit";
import { compileRe2, describeError, formatDuration, UserError } from "@pharos/model";
import { FEATURE_NAMES, type Features, NO_FEATURES } from "./features.ts";
import type { PrometheusOptions } from "./options.ts";

const WRITE_MESSAGES = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] as const;
const NO_EFFECT = "Taken as Prometheus does; it has no effect here.";

export const prometheusFlags = {
  "config.file": { type: "string", default: "prometheus.yml", help: "Prometheus configuration file path." },
  "config.auto-reload": {
    type: "boolean",
    help: "Enable automatic configuration file reloading. See also --config.auto-reload-interval.",
  },
  "config.auto-reload-interval": {
    type: "duration",
    default: "30s",
    help: "Specifies the interval for checking and automatically reloading the Prometheus configuration file upon detecting changes. Only used when --config.auto-reload is set.",
  },
  "web.listen-address": {
    type: "string",
    multiple: true,
    default: "0.0.0.0:9090",
    help: "Address to listen on for UI, API, and telemetry. Can be repeated.",
  },
  "auto-gomaxprocs": { type: "boolean", default: "true", help: NO_EFFECT, hidden: true },
  "auto-gomemlimit": { type: "boolean", default: "true", help: NO_EFFECT, hidden: true },
  "auto-gomemlimit.ratio": { type: "number", default: "0.9", help: NO_EFFECT, hidden: true },
  "auto-gomemlimit.refresh-interval": { type: "duration", default: "0s", help: NO_EFFECT, hidden: true },
  "web.config.file": {
    type: "string",
    default: "",
    help: "Path to configuration file that can enable TLS or authentication.",
  },
  "web.read-timeout": {
    type: "duration",
    default: "5m",
    help: "Maximum duration before timing out read of the request, and closing idle connections.",
  },
  "web.max-connections": {
    type: "number",
    default: "512",
    help: "Maximum number of simultaneous connections across all listeners.",
  },
  "web.max-notifications-subscribers": {
    type: "number",
    default: "16",
    help: "Limits the maximum number of subscribers that can concurrently receive live notifications. If the limit is reached, new subscription requests will be denied until existing connections close.",
  },
  "web.external-url": {
    type: "string",
    help: "The URL under which Prometheus is externally reachable (for example, if Prometheus is served via a reverse proxy). Used for generating relative and absolute links back to Prometheus itself. If the URL has a path portion, it will be used to prefix all HTTP endpoints served by Prometheus. If omitted, relevant URL components will be derived automatically.",
  },
  "web.route-prefix": {
    type: "string",
    help: "Prefix for the internal routes of web endpoints. Defaults to path of --web.external-url.",
  },
  "web.user-assets": { type: "string", help: "Path to static asset directory, available at /user." },
  "web.local-assets": { type: "string", help: NO_EFFECT, hidden: true },
  "web.enable-lifecycle": { type: "boolean", help: "Enable shutdown and reload via HTTP request." },
  "web.enable-admin-api": { type: "boolean", help: "Enable API endpoints for admin control actions." },
  "web.enable-remote-write-receiver": { type: "boolean", help: "Enable API endpoint accepting remote write requests." },
  "web.remote-write-receiver.accepted-protobuf-messages": {
    type: "string",
    multiple: true,
    choices: WRITE_MESSAGES,
    help: "List of the remote write protobuf messages to accept when receiving the remote writes; both when none is given.",
  },
  "web.enable-otlp-receiver": { type: "boolean", help: "Enable API endpoint accepting OTLP write requests." },
  "web.console.templates": {
    type: "string",
    default: "consoles",
    help: "Path to the console template directory, available at /consoles.",
  },
  "web.console.libraries": {
    type: "string",
    default: "console_libraries",
    help: "Path to the console library directory.",
  },
  "web.page-title": {
    type: "string",
    default: "Prometheus Time Series Collection and Processing Server",
    help: NO_EFFECT,
    hidden: true,
  },
  "web.cors.origin": {
    type: "string",
    default: ".*",
    help: "Regex for CORS origin. It is fully anchored. Example: 'https?://(domain1|domain2)\\.com'",
  },
  "web.search.max-limit": {
    type: "number",
    default: "10000",
    help: 'Hard upper bound on the "limit" query parameter accepted by the experimental search API (--enable-feature=search-api). 0 disables the cap. Use with server mode only.',
  },
  "storage.tsdb.path": {
    type: "string",
    default: "data/",
    help: "Base path for metrics storage. Use with server mode only.",
  },
  "storage.tsdb.min-block-duration": {
    type: "duration",
    default: "2h",
    help: "Minimum duration of a data block before being persisted. For use in testing.",
    hidden: true,
  },
  "storage.tsdb.max-block-duration": {
    type: "duration",
    help: "Maximum duration compacted blocks may span; a tenth of the retention when it is not given.",
    hidden: true,
  },
  "storage.tsdb.max-block-chunk-segment-size": { type: "bytes", help: NO_EFFECT, hidden: true },
  "storage.tsdb.wal-segment-size": { type: "bytes", help: NO_EFFECT, hidden: true },
  "storage.tsdb.retention.time": {
    type: "duration",
    help: "How long to retain samples in storage. If neither this flag nor storage.tsdb.retention.size is set, the retention time defaults to 15d. The configuration's storage.tsdb.retention.time goes before it. Use with server mode only.",
  },
  "storage.tsdb.retention.size": {
    type: "bytes",
    help: 'Maximum number of bytes that can be stored for blocks. A unit is required, such as "512MB"; powers of 2. The configuration\'s storage.tsdb.retention.size goes before it. Use with server mode only.',
  },
  "storage.tsdb.no-lockfile": {
    type: "boolean",
    help: "Do not create lockfile in data directory. Use with server mode only.",
  },
  "storage.tsdb.allow-overlapping-compaction": { type: "boolean", default: "true", help: NO_EFFECT, hidden: true },
  "storage.tsdb.wal-compression": { type: "boolean", default: "true", help: "Compress the tsdb WAL.", hidden: true },
  "storage.tsdb.wal-compression-type": {
    type: "string",
    default: "snappy",
    choices: ["snappy", "zstd"],
    help: "Compression algorithm for the tsdb WAL: snappy or zstd.",
    hidden: true,
  },
  "storage.tsdb.head-chunks-write-queue-size": { type: "number", default: "0", help: NO_EFFECT, hidden: true },
  "storage.tsdb.samples-per-chunk": { type: "number", default: "120", help: NO_EFFECT, hidden: true },
  "storage.tsdb.delayed-compaction.max-percent": { type: "number", default: "10", help: NO_EFFECT, hidden: true },
  "storage.tsdb.delay-compact-file.path": { type: "string", default: "", help: NO_EFFECT, hidden: true },
  "storage.tsdb.block-reload-interval": { type: "duration", default: "1m", help: NO_EFFECT, hidden: true },
  "storage.tsdb.memory-budget": {
    type: "bytes",
    help: "Bytes that series and samples may take in memory. Towards it new series are refused, those of the sources that grew most first. Pharos' own flag.",
  },
  "storage.agent.path": {
    type: "string",
    default: "data-agent/",
    help: "Base path for metrics storage. Use with agent mode only.",
  },
  "storage.agent.wal-segment-size": { type: "bytes", help: NO_EFFECT, hidden: true },
  "storage.agent.wal-compression": {
    type: "boolean",
    default: "true",
    help: "Compress the agent WAL. Use with agent mode only.",
  },
  "storage.agent.wal-compression-type": {
    type: "string",
    default: "snappy",
    choices: ["snappy", "zstd"],
    help: "Compression algorithm for the agent WAL. Use with agent mode only.",
    hidden: true,
  },
  "storage.agent.wal-truncate-frequency": {
    type: "duration",
    help: "The frequency at which to truncate the WAL and remove old data. Use with agent mode only.",
    hidden: true,
  },
  "storage.agent.retention.min-time": {
    type: "duration",
    default: "5m",
    help: "Minimum age samples may be before being considered for deletion when the WAL is truncated. Use with agent mode only.",
  },
  "storage.agent.retention.max-time": {
    type: "duration",
    default: "4h",
    help: "Maximum age samples may be before being forcibly deleted when the WAL is truncated. Use with agent mode only.",
  },
  "storage.agent.checkpoint-from-in-memory-series": { type: "boolean", help: NO_EFFECT, hidden: true },
  "storage.agent.checkpoint-batch-size": { type: "number", default: "1000", help: NO_EFFECT, hidden: true },
  "storage.agent.no-lockfile": {
    type: "boolean",
    help: "Do not create lockfile in data directory. Use with agent mode only.",
  },
  "storage.remote.flush-deadline": {
    type: "duration",
    default: "1m",
    help: "How long to wait flushing sample on shutdown or config reload.",
  },
  "storage.remote.log-budget": {
    type: "bytes",
    default: "8GB",
    help: "Bytes of the write-ahead log kept for remote write receivers that are behind; beyond it the oldest is given up. 0 means no limit. Pharos' own flag.",
  },
  "storage.remote.read-sample-limit": {
    type: "number",
    default: "5e7",
    help: "Maximum overall number of samples to return via the remote read interface, in a single query. 0 means no limit. This limit is ignored for streamed response types. Use with server mode only.",
  },
  "storage.remote.read-concurrent-limit": {
    type: "number",
    default: "10",
    help: "Maximum number of concurrent remote read calls. 0 means no limit. Use with server mode only.",
  },
  "storage.remote.read-max-bytes-in-frame": {
    type: "number",
    default: "1048576",
    help: "Maximum number of bytes in a single frame for streaming remote read response types before marshalling. Use with server mode only.",
  },
  "rules.alert.for-outage-tolerance": {
    type: "duration",
    default: "1h",
    help: 'Max time to tolerate prometheus outage for restoring "for" state of alert. Use with server mode only.',
  },
  "rules.alert.for-grace-period": {
    type: "duration",
    default: "10m",
    help: 'Minimum duration between alert and restored "for" state. This is maintained only for alerts with configured "for" time greater than grace period. Use with server mode only.',
  },
  "rules.alert.resend-delay": {
    type: "duration",
    default: "1m",
    help: "Minimum amount of time to wait before resending an alert to Alertmanager. Use with server mode only.",
  },
  "rules.max-concurrent-evals": {
    type: "number",
    default: "4",
    help: "Global concurrency limit for independent rules that can run concurrently. Use with server mode only.",
  },
  "scrape.adjust-timestamps": {
    type: "boolean",
    default: "true",
    help: "Adjust scrape timestamps to the schedule.",
    hidden: true,
  },
  "scrape.timestamp-tolerance": {
    type: "duration",
    default: "2ms",
    help: "How far scrape timestamps are adjusted at most.",
    hidden: true,
  },
  "scrape.discovery-reload-interval": {
    type: "duration",
    help: "Interval used by scrape manager to throttle target groups updates; 200ms when it is not given.",
    hidden: true,
  },
  "alertmanager.notification-queue-capacity": {
    type: "number",
    default: "10000",
    help: "The capacity of the queue for pending Alertmanager notifications. Use with server mode only.",
  },
  "alertmanager.notification-batch-size": {
    type: "number",
    default: "256",
    help: "The maximum number of notifications per batch to send to the Alertmanager. Use with server mode only.",
  },
  "alertmanager.drain-notification-queue-on-shutdown": {
    type: "boolean",
    default: "true",
    help: "Send any outstanding Alertmanager notifications when shutting down, the default. If false, they are dropped. Use with server mode only.",
  },
  "query.lookback-delta": {
    type: "duration",
    default: "5m",
    help: "The maximum lookback duration for retrieving metrics during expression evaluations and federation. Use with server mode only.",
  },
  "query.timeout": {
    type: "duration",
    default: "2m",
    help: "Maximum time a query may take before being aborted. Use with server mode only.",
  },
  "query.max-concurrency": {
    type: "number",
    default: "20",
    help: "Maximum number of queries executed concurrently. Use with server mode only.",
  },
  "query.max-samples": {
    type: "number",
    default: "50000000",
    help: "Maximum number of samples a single query can load into memory. Use with server mode only.",
  },
  "query.max-bytes": {
    type: "bytes",
    default: "1GB",
    help: "Bytes that a query may hold in memory; one that needs more fails and says what to narrow. Pharos' own flag.",
  },
  "query.max-total-bytes": {
    type: "bytes",
    default: "2GB",
    help: "Bytes that all running queries together may hold in memory. Pharos' own flag.",
  },
  "query.threads": {
    type: "number",
    help: "Threads that evaluate heavy queries; 0 evaluates all in the main thread. By default as many as there are cores, up to 8, and none on a single core. Pharos' own flag.",
  },
  "enable-feature": {
    type: "string",
    multiple: true,
    help: `Comma separated feature names to enable. Valid options: ${FEATURE_NAMES.join(", ")}.`,
  },
  agent: { type: "boolean", help: "Run Prometheus in 'Agent mode'." },
} as const satisfies FlagSpecs;

export type PrometheusFlagValues = ParsedFlags<typeof prometheusFlags>["values"];

/** How soon news of discovery is acted on, ms. */
const DISCOVERY_MS = 200;
const DEFAULT_RETENTION_MS = 15 * 86_400_000;

function fault(flag: string, message: string, fix?: string): UserError {
  return new UserError("prometheus.flag", message, { where: { flag: `--${flag}` }, fix });
}

/** Host and port of upstream's `[host]:port` addresses; an empty host is every interface. */
function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[3]) > 65_535) {
    throw fault("web.listen-address", `not an address: ${JSON.stringify(text)}`, "Write it like 127.0.0.1:9090");
  }
  return { host: match[1] || match[2] || "0.0.0.0", port: Number(match[3]) };
}

/**
 * As upstream's computeExternalURL: quotes around it are a mistake of shells, a slash at the end is cut off; without one,
 * the name of the machine.
 */
function externalUrlOf(text: string | undefined, port: number): string | undefined {
  if (text === undefined || text === "") return port === 0 ? undefined : `http://${hostname()}:${port}`;
  const fail = (reason: string): UserError =>
    fault("web.external-url", `parse external URL ${JSON.stringify(text)}: ${reason}`);
  if (/^["']|["']$/.test(text)) throw fail("URL must not begin or end with quotes");
  if (!URL.canParse(text)) throw fail("not a URL");
  return text.replace(/\/+$/, "");
}

function checkCors(pattern: string): string {
  try {
    compileRe2(`^(?:${pattern})$`);
  } catch (error) {
    throw fault(
      "web.cors.origin",
      `could not compile CORS regex string ${JSON.stringify(pattern)}: ${describeError(error)}`,
    );
  }
  return pattern;
}

function searchLimitOf(limit: number): number {
  if (limit >= 0) return limit;
  throw fault(
    "web.search.max-limit",
    `--web.search.max-limit must be non-negative; got ${limit} (use 0 to disable the cap)`,
  );
}

/** Flags of the other mode that were given are refused, as upstream does. */
export function checkMode(argv: readonly string[], agent: boolean): void {
  const other = agent ? / Use with server mode only\.$/ : / Use with agent mode only\.$/;
  const given = argv.flatMap((arg) => /^--(?:no-)?([^=]+)/.exec(arg)?.[1] ?? []);
  const wrong = given.filter((name) => other.test(prometheusFlags[name as keyof typeof prometheusFlags]?.help ?? ""));
  if (wrong.length === 0) return;
  const list = wrong.map((name) => JSON.stringify(`--${name}`)).join(" ");
  const why = agent ? "can not be used in agent mode" : "can only be used in agent mode";
  throw new UserError("prometheus.mode", `The following flag(s) ${why}: [${list}]`);
}

/** Options of a server from the values of its flags; a UserError names the flag that does not do. */
export function prometheusOptions(
  values: PrometheusFlagValues,
  features: Features,
): Omit<PrometheusOptions, "log" | "version" | "flags"> {
  const bytes = values["storage.tsdb.retention.size"] ?? 0;
  const ratio = values["auto-gomemlimit.ratio"];
  if (ratio <= 0 || ratio > 1) {
    throw fault("auto-gomemlimit.ratio", "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.");
  }
  const autoReload = values["config.auto-reload"] || features.has("auto-reload-config");
  const given = values["web.remote-write-receiver.accepted-protobuf-messages"];
  const messages: readonly string[] = given.length > 0 ? given : WRITE_MESSAGES;
  const [listen, ...moreListen] = values["web.listen-address"].map(addressOf);
  return {
    configFile: values["config.file"],
    storagePath: values["storage.tsdb.path"],
    listen,
    moreListen,
    externalUrl: externalUrlOf(values["web.external-url"], listen.port),
    routePrefix: values["web.route-prefix"],
    webConfigFile: values["web.config.file"],
    readTimeoutMs: values["web.read-timeout"],
    maxConnections: values["web.max-connections"],
    corsOrigin: checkCors(values["web.cors.origin"]),
    consoles: { templates: values["web.console.templates"], libraries: values["web.console.libraries"] },
    userAssets: values["web.user-assets"] || undefined,
    maxNotificationSubscribers: values["web.max-notifications-subscribers"],
    autoReloadMs: autoReload ? Math.max(1000, values["config.auto-reload-interval"]) : 0,
    features,
    searchMaxLimit: searchLimitOf(values["web.search.max-limit"]),
    retention: { timeMs: values["storage.tsdb.retention.time"] ?? (bytes > 0 ? 0 : DEFAULT_RETENTION_MS), bytes },
    remoteWriteReceiver: values["web.enable-remote-write-receiver"]
      ? { versions: messages.map((message) => (message === "prometheus.WriteRequest" ? 1 : 2)) }
      : undefined,
    storage: {
      lock: !values["storage.tsdb.no-lockfile"],
      walCompression: values["storage.tsdb.wal-compression"]
        ? (values["storage.tsdb.wal-compression-type"] as "snappy" | "zstd")
        : "none",
      minBlockMs: values["storage.tsdb.min-block-duration"],
      maxBlockMs: values["storage.tsdb.max-block-duration"],
      memoryBudgetBytes: values["storage.tsdb.memory-budget"],
      storeStartTimestamps: features.has("st-storage"),
      histogramStartEncoding: features.has("histograms-st-encoding"),
      zeroAtStart: features.has("created-timestamp-zero-ingestion"),
      floatEncoding: features.has("xor2-encoding") ? "xor2" : undefined,
      snapshotOnShutdown: features.has("memory-snapshot-on-shutdown"),
    },
    remoteWrite: {
      flushDeadlineMs: values["storage.remote.flush-deadline"],
      logBudgetBytes: values["storage.remote.log-budget"],
    },
    remoteRead: {
      sampleLimit: values["storage.remote.read-sample-limit"],
      concurrency: values["storage.remote.read-concurrent-limit"],
      frameBytes: values["storage.remote.read-max-bytes-in-frame"],
    },
    otlpReceiver: values["web.enable-otlp-receiver"],
    enableLifecycle: values["web.enable-lifecycle"],
    enableAdminApi: values["web.enable-admin-api"],
    query: {
      lookbackMs: values["query.lookback-delta"],
      timeoutMs: values["query.timeout"],
      maxSamples: values["query.max-samples"],
      maxConcurrency: values["query.max-concurrency"],
      maxBytes: values["query.max-bytes"],
      maxTotalBytes: values["query.max-total-bytes"],
      threads: values["query.threads"],
    },
    rules: {
      outageToleranceMs: values["rules.alert.for-outage-tolerance"],
      forGracePeriodMs: values["rules.alert.for-grace-period"],
      resendDelayMs: values["rules.alert.resend-delay"],
      maxConcurrentEvals: features.has("concurrent-rule-eval") ? values["rules.max-concurrent-evals"] : 1,
    },
    notify: {
      capacity: values["alertmanager.notification-queue-capacity"],
      batchSize: values["alertmanager.notification-batch-size"],
      drain: values["alertmanager.drain-notification-queue-on-shutdown"],
    },
    scrape: {
      discoveryThrottleMs: values["scrape.discovery-reload-interval"] ?? DISCOVERY_MS,
      timestampToleranceMs: values["scrape.adjust-timestamps"] ? values["scrape.timestamp-tolerance"] : 0,
    },
  };
}

/** As /status/flags shows them: in their own syntax, what was not given as what it comes to. */
export function shownFlags(values: PrometheusFlagValues): Record<string, string> {
  const texts = flagTexts(prometheusFlags, values);
  const { retention, routePrefix, externalUrl } = prometheusOptions(values, NO_FEATURES);
  const day = 86_400_000;
  const longestBlock = retention.timeMs > 0 ? Math.min(retention.timeMs / 10, 31 * day) : 31 * day;
  const path = routePrefix ?? (externalUrl ? new URL(externalUrl).pathname : "");
  return {
    ...texts,
    "storage.tsdb.retention.time": formatDuration(retention.timeMs),
    "storage.tsdb.max-block-duration": formatDuration(values["storage.tsdb.max-block-duration"] ?? longestBlock),
    "web.remote-write-receiver.accepted-protobuf-messages":
      texts["web.remote-write-receiver.accepted-protobuf-messages"] || WRITE_MESSAGES.join(","),
    "scrape.discovery-reload-interval": formatDuration(values["scrape.discovery-reload-interval"] ?? DISCOVERY_MS),
    "web.route-prefix": `/${path.replace(/^\/+|\/+$/g, "")}`,
  };
}

/** `15d or 512MiB or 80%`, as /status/runtimeinfo shows it. */
export function retentionText(timeMs: number, bytes: number, percentage: number): string {
  const parts = [];
  if (timeMs > 0) parts.push(formatDuration(timeMs));
  if (bytes > 0) parts.push(formatBytes(bytes));
  if (percentage > 0) parts.push(`${percentage}%`);
  return parts.join(" or ");
}
