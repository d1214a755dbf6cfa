/** Flags of the operator in a cluster: upstream's. */
import type { FlagSpecs } from "@pharos/kit";
import { DEFAULT_WORKLOAD_OPTIONS } from "../drivers/kubernetes/options.ts";

const { images, reloader } = DEFAULT_WORKLOAD_OPTIONS;

const IGNORED = "Accepted and without effect.";
const ONLY_REFERENCED =
  "Accepted and without effect: only Secrets and ConfigMaps that something refers to are read and watched, wherever they are.";

const namespaces = (what: string) =>
  ({
    type: "string",
    multiple: true,
    help: `Comma-separated namespaces whose ${what} are looked after. Precedes --namespaces and --deny-namespaces.`,
  }) as const;
const selector = (what: string) =>
  ({ type: "string", default: "", help: `Label selector of the ${what} to look after.` }) as const;
const quantity = (what: string, value: string) =>
  ({ type: "string", default: value, help: `${what} of the config reloader. "0" sets none.` }) as const;
const image = (what: string, value: string) =>
  ({ type: "string", default: value, help: `Image of ${what}, without tag.` }) as const;
const without = (help: string) => ({ type: "string", default: "", help, hidden: true }) as const;

export const operatorFlags = {
  apiserver: { type: "string", default: "", help: "URL of the API server. Without it, the pod's own account." },
  kubeconfig: { type: "string", default: "", help: "Kubeconfig file." },
  "cert-file": { type: "string", default: "", help: "Client certificate for --apiserver." },
  "key-file": { type: "string", default: "", help: "Key of the client certificate." },
  "ca-file": { type: "string", default: "", help: "Authority that signed the API server's certificate." },
  "tls-insecure": { type: "boolean", default: "false", help: "Do not verify the API server's certificate." },

  namespaces: {
    type: "string",
    multiple: true,
    help: "Comma-separated namespaces to look after. Not together with --deny-namespaces.",
  },
  "deny-namespaces": {
    type: "string",
    multiple: true,
    help: "Comma-separated namespaces not to look after. Not together with --namespaces.",
  },
  "prometheus-instance-namespaces": namespaces("Prometheus and PrometheusAgent resources"),
  "alertmanager-instance-namespaces": namespaces("Alertmanager resources"),
  "alertmanager-config-namespaces": namespaces("AlertmanagerConfig resources"),
  "thanos-ruler-instance-namespaces": namespaces("ThanosRuler resources"),
  "prometheus-instance-selector": selector("Prometheus and PrometheusAgent resources"),
  "alertmanager-instance-selector": selector("Alertmanager resources"),
  "thanos-ruler-instance-selector": selector("ThanosRuler resources"),
  "controller-id": {
    type: "string",
    default: "",
    help: "Look after instances with this value of the annotation operator.prometheus.io/controller-id; without it, after those that have none.",
  },

  "prometheus-config-reloader": {
    type: "string",
    default: images.configReloader,
    help: "Image of the config reloader.",
  },
  "config-reloader-cpu-request": quantity("CPU request", reloader.cpuRequest),
  "config-reloader-cpu-limit": quantity("CPU limit", reloader.cpuLimit),
  "config-reloader-memory-request": quantity("Memory request", reloader.memoryRequest),
  "config-reloader-memory-limit": quantity("Memory limit", reloader.memoryLimit),
  "enable-config-reloader-probes": { type: "boolean", default: "false", help: "Probes of the config reloader." },
  "prometheus-default-base-image": image("Prometheus", images.prometheus),
  "alertmanager-default-base-image": image("Alertmanager", images.alertmanager),
  "thanos-default-base-image": image("Thanos", images.thanos),
  labels: {
    type: "string",
    multiple: true,
    help: "Labels for everything that is made: name=value, comma-separated.",
  },
  annotations: {
    type: "string",
    multiple: true,
    help: "Annotations for everything that is made: name=value, comma-separated.",
  },
  localhost: {
    type: "string",
    default: DEFAULT_WORKLOAD_OPTIONS.localHost,
    help: "Name of the loopback address inside a Pod.",
  },
  "cluster-domain": {
    type: "string",
    default: "",
    help: "DNS domain of the cluster. Without it, names rely on search domains.",
  },
  "repair-policy-for-statefulsets": {
    type: "string",
    default: "none",
    choices: ["none", "evict", "delete"],
    help: "What is done about Pods that hang in an old revision.",
  },
  "feature-gates": {
    type: "string",
    multiple: true,
    help: "Gates as name=true or name=false: PrometheusTopologySharding and PrometheusShardRetentionPolicy (both on without it).",
  },
  "disable-unmanaged-prometheus-configuration": {
    type: "boolean",
    default: "false",
    help: "Write the configuration even of a Prometheus that has no selector at all, over one that people wrote.",
  },

  "kubelet-service": {
    type: "string",
    default: "",
    help: "namespace/name of the Service that publishes the kubelets. Without it they are not published.",
  },
  "kubelet-selector": { type: "string", default: "", help: "Label selector of the nodes to publish." },
  "kubelet-node-address-priority": {
    type: "string",
    default: "internal",
    choices: ["internal", "external"],
    help: "Which address of a node is taken first.",
  },
  "kubelet-endpoints": { type: "boolean", default: "true", help: "Publish the kubelets as Endpoints." },
  "kubelet-endpointslice": { type: "boolean", default: "false", help: "Publish the kubelets as EndpointSlices." },
  "kubelet-http-metrics": { type: "boolean", default: "true", help: "Also the kubelets' port without TLS." },
  "kubelet-sync-period": { type: "duration", default: "3m", help: "How often the kubelets are looked at." },

  "web.listen-address": { type: "string", default: ":8080", help: "Address for metrics, health and webhooks." },
  "web.enable-tls": { type: "boolean", default: "false", help: "Serve them with TLS, as the webhooks need it." },
  "web.cert-file": { type: "string", default: "/etc/tls/private/tls.crt", help: "Certificate. Changes are followed." },
  "web.key-file": { type: "string", default: "/etc/tls/private/tls.key", help: "Key of the certificate." },
  "web.webhook-service": {
    type: "string",
    default: "",
    help: "namespace/name of the Service of the webhooks. With it, certificates are made here, kept in the Secret NAME-webhook-tls, renewed, and announced to the configurations that name the Service; --web.cert-file and --web.key-file do not count.",
  },
  "web.client-ca-file": { type: "string", default: "", help: "Clients must have a certificate of this authority." },
  "web.tls-min-version": {
    type: "string",
    default: "VersionTLS13",
    choices: ["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"],
    help: "Least version of TLS.",
  },
  "web.tls-cipher-suites": { type: "string", default: "", help: "Comma-separated cipher suites, by Go's names." },
  "web.tls-curves": {
    type: "string",
    default: "",
    help: "Comma-separated curves in order of preference, by Go's names.",
  },
  "web.enable-http2": { type: "boolean", default: "false", help: "Also HTTP/2." },
  "web.tls-reload-interval": { type: "duration", default: "1m", help: IGNORED, hidden: true },

  "watch-referenced-objects-in-all-namespaces": {
    type: "boolean",
    default: "false",
    help: ONLY_REFERENCED,
    hidden: true,
  },
  "secret-field-selector": without(ONLY_REFERENCED),
  "secret-label-selector": without(ONLY_REFERENCED),
  "configmap-field-selector": without(ONLY_REFERENCED),
  "configmap-label-selector": without(ONLY_REFERENCED),
  "auto-gomemlimit-ratio": { type: "number", default: "0", help: IGNORED, hidden: true },
} as const satisfies FlagSpecs;
