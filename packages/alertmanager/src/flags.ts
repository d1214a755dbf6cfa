/** Alertmanager's own flags and Pharos'; any other is refused by name. */
import { hostname } from "node:os";
import type { FlagSpecs, ParsedFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { readClusterTls } from "./cluster/tls.ts";
import type { MatcherMode } from "./matcher/compat.ts";
import type { AlertmanagerOptions, KubernetesOptions } from "./server.ts";

export const alertmanagerFlags = {
  "config.file": { type: "string", default: "alertmanager.yml", help: "Alertmanager configuration file name." },
  "storage.path": { type: "string", default: "data/", help: "Base path for data storage." },
  "data.retention": { type: "duration", default: "120h", help: "How long to keep data for." },
  "data.maintenance-interval": {
    type: "duration",
    default: "15m",
    help: "Interval between garbage collection and snapshotting to disk of the silences and the notification logs.",
  },
  "silences.max-silences": {
    type: "number",
    default: "0",
    help: "Maximum number of silences, including expired silences. If negative or zero, no limit is set.",
  },
  "silences.max-silence-size-bytes": {
    type: "number",
    default: "0",
    help: "Maximum silence size in bytes. If negative or zero, no limit is set.",
  },
  "log.silences": { type: "boolean", help: "Log creation, update and expiry of silences." },
  "alerts.gc-interval": { type: "duration", default: "30m", help: "Interval between alert GC." },
  "alerts.per-alertname-limit": {
    type: "number",
    default: "0",
    help: "Maximum number of alerts per alertname. If negative or zero, no limit is set.",
  },
  "dispatch.maintenance-interval": {
    type: "duration",
    default: "30s",
    help: "Taken for upstream's sake: groups without alerts are removed at once.",
  },
  "dispatch.start-delay": {
    type: "duration",
    default: "0s",
    help: "Minimum amount of time to wait before dispatching alerts. This option should be synced with value of --rules.alert.resend-delay on Prometheus.",
  },
  "silences.reminder": {
    type: "duration",
    default: "0s",
    help: "How long before the end of a silence the receivers of its firing alerts are reminded of it; 0s: never.",
  },
  "silences.recurring": {
    type: "boolean",
    help: "Take silences that come back in weekly windows of local time. Each window is a silence of its own.",
  },
  "history.retention": {
    type: "duration",
    help: "How long to keep the history of alerts and notifications; as long as --data.retention without it, 0s keeps none.",
  },
  "history.max-bytes": {
    type: "bytes",
    default: "256MB",
    help: "Most bytes of history on disk; the oldest days go first.",
  },
  "web.listen-address": {
    type: "string",
    default: ":9093",
    help: "Address on which to expose metrics and web interface.",
  },
  "web.config.file": {
    type: "string",
    default: "",
    help: "Path to configuration file that can enable TLS or authentication.",
  },
  "web.external-url": {
    type: "string",
    help: "The URL under which Alertmanager is externally reachable (for example, if Alertmanager is served via a reverse proxy).",
  },
  "web.route-prefix": {
    type: "string",
    help: "Prefix for the internal routes of web endpoints. Defaults to path of --web.external-url.",
  },
  "web.get-concurrency": {
    type: "number",
    default: "0",
    help: "Maximum number of GET requests processed concurrently. If negative or zero, the limit is the number of processors or 8, whichever is larger.",
  },
  "web.timeout": {
    type: "duration",
    default: "0s",
    help: "Timeout for HTTP requests. If negative or zero, no timeout is set.",
  },
  "auto-gomemlimit.ratio": { type: "number", default: "0.9", help: "Taken for upstream's sake: there is no Go here." },
  "cluster.listen-address": {
    type: "string",
    default: "0.0.0.0:9094",
    help: "Listen address for the cluster. Set to empty string to disable HA mode.",
  },
  "cluster.advertise-address": { type: "string", default: "", help: "Explicit address to advertise in cluster." },
  "cluster.peer-name": {
    type: "string",
    default: "",
    help: "Explicit name of the peer, rather than generating a random one",
  },
  "cluster.peer": { type: "string", multiple: true, help: "Initial peers (may be repeated)." },
  "cluster.peer-timeout": {
    type: "duration",
    default: "15s",
    help: "Time to wait between peers to send notifications.",
  },
  "cluster.peers-resolve-timeout": {
    type: "duration",
    default: "15s",
    help: "Taken for upstream's sake: names of peers are resolved again and again.",
  },
  "cluster.gossip-interval": {
    type: "duration",
    default: "200ms",
    help: "Interval between sending gossip messages.",
  },
  "cluster.pushpull-interval": { type: "duration", default: "1m", help: "Interval for gossip state syncs." },
  "cluster.tcp-timeout": { type: "duration", default: "10s", help: "Timeout for exchanges of state with a peer." },
  "cluster.probe-timeout": {
    type: "duration",
    default: "500ms",
    help: "Timeout to wait for an ack from a probed node.",
  },
  "cluster.probe-interval": { type: "duration", default: "1s", help: "Interval between random node probes." },
  "cluster.settle-timeout": {
    type: "duration",
    default: "1m",
    help: "Maximum time to wait for cluster connections to settle before evaluating notifications.",
  },
  "cluster.reconnect-interval": {
    type: "duration",
    default: "10s",
    help: "Interval between attempting to reconnect to lost peers.",
  },
  "cluster.reconnect-timeout": {
    type: "duration",
    default: "6h",
    help: "Length of time to attempt to reconnect to a lost peer.",
  },
  "cluster.tls-config": {
    type: "string",
    default: "",
    help: "Path to config yaml file that can enable mutual TLS within the cluster.",
  },
  "cluster.allow-insecure-public-advertise-address-discovery": {
    type: "boolean",
    help: "Taken for upstream's sake: any address of this machine may be advertised.",
  },
  "cluster.label": {
    type: "string",
    default: "",
    help: "The cluster label is an optional string: only replicas with the same one talk to each other.",
  },
  "cluster.kubernetes": {
    type: "boolean",
    help: "Find the other replicas, and share silences and notifications with them, through the Kubernetes API, too.",
  },
  "cluster.kubernetes-name": {
    type: "string",
    default: "alertmanager",
    help: "Replicas of the same name in the same namespace belong together.",
  },
  "cluster.kubernetes-namespace": {
    type: "string",
    default: "",
    help: "Namespace of the objects through which replicas share; the pod's own when empty.",
  },
  "cluster.kubernetes-server": {
    type: "string",
    default: "",
    help: "Address of the Kubernetes API; that of the cluster this pod runs in when empty.",
  },
  "enable-feature": {
    type: "string",
    default: "",
    help: "Comma-separated experimental features to enable: classic-mode, utf8-strict-mode, receiver-name-in-metrics, alert-names-in-metrics. Others of upstream are taken and do nothing.",
  },
} as const satisfies FlagSpecs;

type Values = ParsedFlags<typeof alertmanagerFlags>["values"];

const FEATURES: ReadonlySet<string> = new Set([
  "alert-names-in-metrics", "receiver-name-in-metrics", "group-key-in-metrics", "classic-mode", "utf8-strict-mode", "auto-gomemlimit",
  "auto-gomaxprocs", "event-recorder",
]); // biome-ignore format: a list

function fault(flag: string, message: string, fix: string): UserError {
  return new UserError("alertmanager.flag", message, { where: { flag: `--${flag}` }, fix });
}

function address(
  values: Values,
  flag: "web.listen-address" | "cluster.listen-address",
): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(values[flag]);
  if (!match || Number(match[3]) > 65_535)
    throw fault(flag, `not an address: ${JSON.stringify(values[flag])}`, "Write it like 127.0.0.1:9093");
  return { host: match[1] || match[2] || "0.0.0.0", port: Number(match[3]) };
}

function matcherMode(features: string): MatcherMode {
  const given = features.split(",").filter((name) => name !== "");
  const unknown = given.find((name) => !FEATURES.has(name));
  if (unknown !== undefined)
    throw fault(
      "enable-feature",
      `unknown option ${JSON.stringify(unknown)}`,
      `Use one of ${[...FEATURES].join(", ")}`,
    );
  const [classic, strict] = [given.includes("classic-mode"), given.includes("utf8-strict-mode")];
  if (classic && strict)
    throw fault("enable-feature", "cannot have both classic and UTF-8 modes enabled", "Leave one of them out");
  return classic ? "classic" : strict ? "utf8-strict" : "fallback";
}

const CLUSTER_NAME = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;

function kubernetesOptions(values: Values): KubernetesOptions | undefined {
  if (!values["cluster.kubernetes"]) return undefined;
  const cluster = values["cluster.kubernetes-name"];
  if (!CLUSTER_NAME.test(cluster))
    throw fault(
      "cluster.kubernetes-name",
      `not a name: ${JSON.stringify(cluster)}`,
      "Use at most 40 lower case letters, digits and hyphens",
    );
  return { cluster, namespace: values["cluster.kubernetes-namespace"], server: values["cluster.kubernetes-server"] };
}

function clusterOptions(values: Values): AlertmanagerOptions["cluster"] {
  if (values["cluster.listen-address"] === "") return undefined;
  return {
    listen: address(values, "cluster.listen-address"),
    advertise: values["cluster.advertise-address"] || undefined,
    // A pod that is made anew under its old name finds what it left.
    name: values["cluster.peer-name"] || (values["cluster.kubernetes"] ? hostname() : undefined),
    kubernetes: kubernetesOptions(values),
    peers: values["cluster.peer"],
    label: values["cluster.label"],
    tls: values["cluster.tls-config"] === "" ? undefined : readClusterTls(values["cluster.tls-config"]),
    peerTimeout: values["cluster.peer-timeout"],
    gossipInterval: values["cluster.gossip-interval"],
    pushPullInterval: values["cluster.pushpull-interval"],
    probeInterval: values["cluster.probe-interval"],
    probeTimeout: values["cluster.probe-timeout"],
    tcpTimeout: values["cluster.tcp-timeout"],
    settleTimeout: values["cluster.settle-timeout"],
    reconnectInterval: values["cluster.reconnect-interval"],
    reconnectTimeout: values["cluster.reconnect-timeout"],
  };
}

export function alertmanagerOptions(values: Values): Omit<AlertmanagerOptions, "log"> {
  const externalUrl = values["web.external-url"];
  if (externalUrl !== undefined && !/^https?:\/\/[^/]/.test(externalUrl))
    throw fault(
      "web.external-url",
      `not an http or https URL: ${JSON.stringify(externalUrl)}`,
      "Write it like https://alerts.example.com",
    );
  const limit = (value: number): number => Math.max(0, value);
  return {
    configFile: values["config.file"],
    storageDir: values["storage.path"],
    listen: address(values, "web.listen-address"),
    externalUrl,
    routePrefix: values["web.route-prefix"],
    webConfigFile: values["web.config.file"],
    getConcurrency: limit(values["web.get-concurrency"]),
    requestTimeoutMs: values["web.timeout"],
    retentionMs: values["data.retention"],
    maintenanceIntervalMs: values["data.maintenance-interval"],
    gcIntervalMs: values["alerts.gc-interval"],
    silenceReminderMs: values["silences.reminder"],
    recurringSilences: values["silences.recurring"],
    historyRetentionMs: values["history.retention"],
    historyMaxBytes: values["history.max-bytes"],
    maxSilences: limit(values["silences.max-silences"]),
    maxSilenceSize: limit(values["silences.max-silence-size-bytes"]),
    logSilences: values["log.silences"],
    perAlertNameLimit: limit(values["alerts.per-alertname-limit"]),
    dispatchStartDelayMs: values["dispatch.start-delay"],
    matcherMode: matcherMode(values["enable-feature"]),
    receiverNamesInMetrics: values["enable-feature"].split(",").includes("receiver-name-in-metrics"),
    alertNamesInMetrics: values["enable-feature"].split(",").includes("alert-names-in-metrics"),
    cluster: clusterOptions(values),
  };
}
