import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { createPrometheus } from "@pharos/prometheus";
import { PROMETHEUS_VERSION } from "../version.ts";
import { type Command, interrupted, LOG_FLAGS, loggerFrom, splitAddress } from "./command.ts";

/** Prometheus' own flags, as far as this version acts on them; any other is refused by name. */
const FLAGS = {
  "config.file": { type: "string", default: "prometheus.yml", help: "Prometheus configuration file path." },
  "web.listen-address": {
    type: "string",
    default: "0.0.0.0:9090",
    help: "Address to listen on for the API and telemetry.",
  },
  "web.external-url": { type: "string", help: "The URL under which Prometheus is externally reachable." },
  "web.enable-lifecycle": { type: "boolean", help: "Enable shutdown and reload via HTTP request." },
  "web.enable-admin-api": { type: "boolean", help: "Enable API endpoints for admin control actions." },
  "web.enable-remote-write-receiver": { type: "boolean", help: "Enable API endpoint accepting remote write requests." },
  "web.remote-write-receiver.accepted-protobuf-messages": {
    type: "string",
    multiple: true,
    choices: ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"],
    help: "List of the remote write protobuf messages to accept when receiving the remote writes; both when none is given.",
  },
  "storage.tsdb.path": { type: "string", default: "data/", help: "Base path for metrics storage." },
  "storage.tsdb.retention.time": {
    type: "duration",
    help: "How long to retain samples in storage. 15d when neither time nor size is given.",
  },
  "storage.tsdb.retention.size": { type: "bytes", help: "Maximum number of bytes that can be stored for blocks." },
  "storage.tsdb.no-lockfile": { type: "boolean", help: "Do not create lockfile in data directory." },
  "storage.tsdb.wal-compression": { type: "boolean", optional: true, help: "Compress the tsdb WAL.", hidden: true },
  "storage.tsdb.wal-compression-type": {
    type: "string",
    default: "snappy",
    choices: ["snappy", "zstd"],
    help: "Compression algorithm for the tsdb WAL: snappy or zstd.",
    hidden: true,
  },
  "storage.tsdb.min-block-duration": {
    type: "duration",
    default: "2h",
    help: "Minimum duration of a data block before being persisted.",
    hidden: true,
  },
  "storage.tsdb.max-block-duration": {
    type: "duration",
    help: "Maximum duration compacted blocks may span; 10% of the retention period when it is not given.",
    hidden: true,
  },
  "storage.tsdb.memory-budget": {
    type: "bytes",
    help: "Bytes that series and samples may take in memory. Towards it new series are refused, those of the sources that grew most first. Pharos' own flag.",
  },
  "query.lookback-delta": {
    type: "duration",
    default: "5m",
    help: "The maximum lookback duration for retrieving metrics.",
  },
  "query.timeout": { type: "duration", default: "2m", help: "Maximum time a query may take before being aborted." },
  "query.max-samples": {
    type: "number",
    default: "50000000",
    help: "Maximum number of samples a single query can load into memory.",
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
  "rules.alert.for-outage-tolerance": {
    type: "duration",
    default: "1h",
    help: 'Max time to tolerate prometheus outage for restoring "for" state of alert.',
  },
  "rules.alert.for-grace-period": {
    type: "duration",
    default: "10m",
    help: 'Minimum duration between alert and restored "for" state.',
  },
  "rules.alert.resend-delay": {
    type: "duration",
    default: "1m",
    help: "Minimum amount of time to wait before resending an alert to Alertmanager.",
  },
  ...LOG_FLAGS,
} as const satisfies FlagSpecs;

const DEFAULT_RETENTION_MS = 15 * 86_400_000;

function writeVersions(messages: readonly string[]): (1 | 2)[] {
  if (messages.length === 0) return [1, 2];
  return messages.map((message) => (message === "prometheus.WriteRequest" ? 1 : 2));
}

export const prometheus: Command = {
  name: "prometheus",
  summary: "Run a Prometheus server.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    const listen = splitAddress(values["web.listen-address"]);
    if (!listen) {
      throw new UserError("pharos.flag", `not an address: ${JSON.stringify(values["web.listen-address"])}`, {
        where: { flag: "--web.listen-address" },
        fix: "Write it like 127.0.0.1:9090",
      });
    }
    const log = loggerFrom(values);
    let quit: () => void = () => {};
    const quitRequested = new Promise<void>((resolve) => (quit = resolve));
    const stopRequested = interrupted();
    const bytes = values["storage.tsdb.retention.size"] ?? 0;
    await using server = await createPrometheus({
      configFile: values["config.file"],
      storagePath: values["storage.tsdb.path"],
      listen,
      externalUrl: values["web.external-url"],
      retention: { timeMs: values["storage.tsdb.retention.time"] ?? (bytes > 0 ? 0 : DEFAULT_RETENTION_MS), bytes },
      remoteWriteReceiver: values["web.enable-remote-write-receiver"]
        ? { versions: writeVersions(values["web.remote-write-receiver.accepted-protobuf-messages"]) }
        : undefined,
      storage: {
        lock: !values["storage.tsdb.no-lockfile"],
        walCompression:
          values["storage.tsdb.wal-compression"] === false
            ? "none"
            : (values["storage.tsdb.wal-compression-type"] as "snappy" | "zstd"),
        minBlockMs: values["storage.tsdb.min-block-duration"],
        maxBlockMs: values["storage.tsdb.max-block-duration"],
        memoryBudgetBytes: values["storage.tsdb.memory-budget"],
      },
      enableLifecycle: values["web.enable-lifecycle"],
      enableAdminApi: values["web.enable-admin-api"],
      query: {
        lookbackMs: values["query.lookback-delta"],
        timeoutMs: values["query.timeout"],
        maxSamples: values["query.max-samples"],
        maxBytes: values["query.max-bytes"],
        maxTotalBytes: values["query.max-total-bytes"],
      },
      rules: {
        outageToleranceMs: values["rules.alert.for-outage-tolerance"],
        forGracePeriodMs: values["rules.alert.for-grace-period"],
        resendDelayMs: values["rules.alert.resend-delay"],
      },
      flags: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value ?? "")])),
      log,
      version: PROMETHEUS_VERSION,
      onQuit: quit,
    });
    // A failed reload is logged by the server and changes nothing.
    process.on("SIGHUP", () => void server.reload().catch(() => {}));
    await Promise.race([stopRequested, quitRequested]);
    log.info("See you next time!");
    return 0;
  },
};
