/** Command line of Prometheus, server and agent. Source: upstream's generator; what a version lacks is left out. */
import { messageName } from "../../prometheus/remote-write.ts";
import { DEFAULT_RETENTION, RETENTION_IN_CONFIG } from "../../prometheus/storage.ts";
import type { CommonPrometheusSpec, PrometheusSpec } from "../../resources/prometheus.ts";
import type { Argument } from "../../resources/workload.ts";
import { atLeast, type VersionGate } from "../../version.ts";

export const PROMETHEUS_FOLDERS = {
  config: "/etc/prometheus/config",
  output: "/etc/prometheus/config_out",
  rules: "/etc/prometheus/rules",
  certificates: "/etc/prometheus/certs",
  web: "/etc/prometheus/web_config",
  storage: "/prometheus",
  logs: "/var/log/prometheus",
} as const;

export const OUTPUT_FILE = `${PROMETHEUS_FOLDERS.output}/prometheus.env.yaml`;

/** Which compaction goes together with a Thanos sidecar that uploads blocks. */
export type Compaction = "default" | "disabled" | "delayed";

/** The file by which the sidecar tells which blocks it has uploaded. */
export const SHIPPER_FILE = "thanos.shipper.json";

export function compactionOf(
  { disableCompaction, thanos }: PrometheusSpec,
  version: string,
  thanosVersion: string,
): Compaction {
  if (disableCompaction) return "disabled";
  if (!thanos?.objectStorageConfig && !thanos?.objectStorageConfigFile) return "default";
  return atLeast(version, "3.9.0") && atLeast(thanosVersion, "0.41.0") ? "delayed" : "disabled";
}

export function routePrefix({ routePrefix: prefix, externalUrl }: CommonPrometheusSpec): string {
  if (prefix) return prefix;
  return externalUrl && URL.canParse(externalUrl) ? new URL(externalUrl).pathname : "/";
}

class Arguments {
  readonly list: Argument[] = [];
  readonly #gate: VersionGate;

  constructor(gate: VersionGate) {
    this.#gate = gate;
  }

  add(name: string, value?: string | number, since?: string): void {
    if (since !== undefined && !this.#gate.allows(`--${name}`, since)) return;
    this.list.push(value === undefined ? { name } : { name, value: String(value) });
  }

  /** Only with a value that says something. */
  opt(name: string, value: string | number | undefined, since?: string): void {
    if (value !== undefined && value !== "") this.add(name, value, since);
  }
}

function features(spec: CommonPrometheusSpec, args: Arguments, { version }: VersionGate): void {
  const remoteWrite2 = spec.remoteWrite?.some(({ messageVersion }) => messageVersion === "V2.0");
  if (remoteWrite2 && atLeast(version, "2.54.0") && !atLeast(version, "3.4.0")) {
    args.add("enable-feature", "metadata-wal-records");
  }
  const otlp = spec.enableOTLPReceiver ?? spec.otlp !== undefined;
  if (otlp && atLeast(version, "3.0.0-0")) args.add("web.enable-otlp-receiver");
  else if (otlp) args.add("enable-feature", "otlp-write-receiver", "2.47.0");
  if (spec.enableFeatures?.length) args.add("enable-feature", spec.enableFeatures.join(","), "2.25.0");
  if (spec.tsdb?.chunkEncoding?.floats === "Xor2" && !spec.enableFeatures?.includes("xor2-encoding")) {
    args.add("enable-feature", "xor2-encoding", "3.13.0");
  }
}

function common(spec: CommonPrometheusSpec, gate: VersionGate): Arguments {
  const args = new Arguments(gate);
  args.add("config.file", OUTPUT_FILE);
  if (!atLeast(gate.version, "3.0.0-0")) {
    args.add("web.console.templates", "/etc/prometheus/consoles");
    args.add("web.console.libraries", "/etc/prometheus/console_libraries");
  }
  if ((spec.reloadStrategy ?? "HTTP") === "HTTP") args.add("web.enable-lifecycle");
  args.opt("web.page-title", spec.web?.pageTitle);
  args.opt("web.max-connections", spec.web?.maxConnections);
  if (spec.enableRemoteWriteReceiver) {
    args.add("web.enable-remote-write-receiver", undefined, "2.33.0");
    const messages = spec.remoteWriteReceiverMessageVersions?.map(messageName).join(",");
    args.opt("web.remote-write-receiver.accepted-protobuf-messages", messages, "2.54.0");
  }
  features(spec, args, gate);
  args.opt("web.external-url", spec.externalUrl);
  args.add("web.route-prefix", routePrefix(spec));
  if (spec.logLevel !== "info") args.opt("log.level", spec.logLevel);
  if (spec.logFormat !== "logfmt") args.opt("log.format", spec.logFormat);
  if (spec.listenLocal) args.add("web.listen-address", "127.0.0.1:9090");
  return args;
}

export function serverArguments(spec: PrometheusSpec, gate: VersionGate, compaction: Compaction): Argument[] {
  const args = common(spec, gate);
  const { version } = gate;
  if (!atLeast(version, RETENTION_IN_CONFIG)) {
    args.opt("storage.tsdb.retention.time", spec.retention || (spec.retentionSize ? "" : DEFAULT_RETENTION));
    args.opt("storage.tsdb.retention.size", spec.retentionSize);
  }
  args.add("storage.tsdb.path", PROMETHEUS_FOLDERS.storage);
  if (spec.enableAdminAPI) args.add("web.enable-admin-api");
  const alert = spec.rules?.alert;
  args.opt("rules.alert.for-outage-tolerance", alert?.forOutageTolerance);
  args.opt("rules.alert.for-grace-period", alert?.forGracePeriod);
  args.opt("rules.alert.resend-delay", alert?.resendDelay);
  args.opt("query.lookback-delta", spec.query?.lookbackDelta);
  if (spec.query?.maxSamples) args.add("query.max-samples", spec.query.maxSamples);
  if (spec.query?.maxConcurrency) args.add("query.max-concurrency", spec.query.maxConcurrency);
  args.opt("query.timeout", spec.query?.timeout);
  if (spec.allowOverlappingBlocks && gate.allowsBefore("--storage.tsdb.allow-overlapping-blocks", "2.39.0")) {
    args.add("storage.tsdb.allow-overlapping-blocks");
  }
  if (spec.walCompression !== undefined) {
    args.add(
      spec.walCompression ? "storage.tsdb.wal-compression" : "no-storage.tsdb.wal-compression",
      undefined,
      "2.11.0",
    );
  }
  if (compaction === "disabled") {
    const block = spec.thanos?.blockSize || "2h";
    args.add("storage.tsdb.max-block-duration", block);
    args.add("storage.tsdb.min-block-duration", block);
  }
  if (compaction === "delayed") {
    args.add("storage.tsdb.delay-compact-file.path", `${PROMETHEUS_FOLDERS.storage}/${SHIPPER_FILE}`);
  }
  if (spec.tsdb?.outOfOrderTimeWindow && compaction !== "default" && atLeast(version, "2.55.0")) {
    args.add("no-storage.tsdb.allow-overlapping-compaction");
  }
  return args.list;
}

export function agentArguments(spec: CommonPrometheusSpec, gate: VersionGate): Argument[] {
  const args = common(spec, gate);
  if (atLeast(gate.version, "3.0.0-0")) args.add("agent");
  else args.add("enable-feature", "agent", "2.32.0");
  args.add("storage.agent.path", PROMETHEUS_FOLDERS.storage);
  if (spec.walCompression !== undefined) {
    args.add(spec.walCompression ? "storage.agent.wal-compression" : "no-storage.agent.wal-compression");
  }
  return args.list;
}
