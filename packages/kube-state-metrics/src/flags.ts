/** Upstream's flags. */
import type { FlagSpecs } from "@pharos/kit";
import { DEFAULT_RESOURCES } from "./resources.ts";

const AUTO_SHARDING =
  "Expects --pod and --pod-namespace both; from them the shard and the number of shards are found, which then precede --shard and --total-shards.";
const ALLOW =
  'An entry is resource=[key,…], as in "pods=[app,team.example.org/*],namespaces=[*]"; "*" as resource stands for all. A "*" alone allows every key, at a price; it counts only as the first of a list. Other keys may have one "*".';
const CONTINUE = "Keep running when the file does not exist yet, and load it when it appears.";

export const kubeStateMetricsFlags = {
  apiserver: { type: "string", default: "", help: "URL of the API server." },
  "auth-filter": {
    type: "boolean",
    default: "false",
    help: "Require a token that the Kubernetes API knows and allows to read the path.",
  },
  "auto-gomemlimit": { type: "boolean", default: "false", help: "Accepted and without effect.", hidden: true },
  "auto-gomemlimit-ratio": { type: "number", default: "0.9", help: "Accepted and without effect.", hidden: true },
  config: {
    type: "string",
    default: "",
    help: "File of options in YAML; what it says precedes the flags. Changes are followed.",
  },
  "continue-without-config": { type: "boolean", default: "false", help: `For --config: ${CONTINUE}` },
  "continue-without-custom-resource-state-config-file": {
    type: "boolean",
    default: "false",
    help: `For --custom-resource-state-config-file: ${CONTINUE}`,
  },
  "custom-resource-state-config": {
    type: "string",
    default: "",
    help: "Configuration of metrics of custom resources, in YAML.",
  },
  "custom-resource-state-config-file": {
    type: "string",
    default: "",
    help: "File of such a configuration. Changes are followed.",
  },
  "custom-resource-state-only": {
    type: "boolean",
    default: "false",
    help: "Only metrics of custom resources.",
  },
  "enable-gzip-encoding": { type: "boolean", default: "false", help: "Compress answers for clients that take gzip." },
  host: { type: "string", default: "::", help: "Host to expose metrics on." },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Kubeconfig file. Without it and --apiserver, the pod's own account.",
  },
  "metric-allowlist": {
    type: "string",
    multiple: true,
    help: "Comma-separated names or regular expressions of the only metrics to expose. Not together with --metric-denylist.",
  },
  "metric-annotations-allowlist": {
    type: "string",
    default: "",
    help: `Comma-separated list of annotations that become labels of the *_annotations metrics. ${ALLOW}`,
  },
  "metric-denylist": {
    type: "string",
    multiple: true,
    help: "Comma-separated names or regular expressions of metrics not to expose.",
  },
  "metric-labels-allowlist": {
    type: "string",
    default: "",
    help: `Comma-separated list of Kubernetes labels that become labels of the *_labels metrics. ${ALLOW}`,
  },
  "metric-opt-in-list": {
    type: "string",
    multiple: true,
    help: "Comma-separated regular expressions of metrics to expose that are off by default.",
  },
  namespaces: { type: "string", multiple: true, help: "Comma-separated namespaces to watch; absent: all." },
  "namespaces-denylist": { type: "string", multiple: true, help: "Comma-separated namespaces not to watch." },
  node: {
    type: "string",
    default: "",
    help: "Only pods of this node, for running on each node. Other resources cannot be split that way.",
  },
  "object-limit": { type: "number", default: "0", help: "Objects listed of a resource at most; 0: all." },
  pod: { type: "string", default: "", help: `Name of this program's pod. ${AUTO_SHARDING}` },
  "pod-namespace": { type: "string", default: "", help: `Namespace of this program's pod. ${AUTO_SHARDING}` },
  port: { type: "number", default: "8080", help: "Port to expose metrics on." },
  resources: {
    type: "string",
    multiple: true,
    help: `Comma-separated resources to watch; absent: ${DEFAULT_RESOURCES.join(", ")}.`,
  },
  "server-idle-timeout": { type: "duration", default: "5m", help: "How long an idle connection is kept." },
  "server-read-header-timeout": { type: "duration", default: "5s", help: "Time for reading a request's header." },
  "server-read-timeout": { type: "duration", default: "1m", help: "Time for reading a request." },
  "server-write-timeout": { type: "duration", default: "1m", help: "Time for writing an answer." },
  shard: { type: "number", default: "0", help: "Which shard this instance is, from 0." },
  "telemetry-host": { type: "string", default: "::", help: "Host to expose this program's own metrics on." },
  "telemetry-port": { type: "number", default: "8081", help: "Port to expose this program's own metrics on." },
  "tls-config": { type: "string", default: "", help: "Web configuration file: TLS and users, for both ports." },
  "total-shards": { type: "number", default: "1", help: "Number of shards; 1: no sharding." },
  "track-unscheduled-pods": {
    type: "boolean",
    default: "false",
    help: "Only pods without a node; one such instance beside those that have --node.",
  },
  "use-apiserver-cache": {
    type: "boolean",
    default: "false",
    help: "Lists may come from the API server's cache (resourceVersion=0).",
  },
  v: { type: "number", default: "0", help: "Verbosity up to which errors of custom resource metrics are logged." },
} as const satisfies FlagSpecs;
