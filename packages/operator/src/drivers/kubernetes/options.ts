/** What an operator's flags say about the workloads it makes. */
import type { GenerationFeatures } from "../../prometheus/scope.ts";
import { DEFAULT_ALERTMANAGER_VERSION, DEFAULT_PROMETHEUS_VERSION, DEFAULT_THANOS_VERSION } from "../../version.ts";

export interface WorkloadOptions {
  /** Images without a tag get the version of the resource. */
  images: { prometheus: string; alertmanager: string; thanos: string; configReloader: string };
  /** cpu and memory of the config reloader; "0" leaves a value out. */
  reloader: { cpuRequest: string; cpuLimit: string; memoryRequest: string; memoryLimit: string; probes: boolean };
  /** Name of the loopback address inside a Pod. */
  localHost: string;
  /** DNS domain of the cluster; "" relies on search domains. */
  clusterDomain: string;
  /** Put on everything that is made. */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  features: GenerationFeatures;
  /** What is done about Pods that hang in an old revision. */
  repairPolicy: "none" | "evict" | "delete";
  /** `metadata.name` of the controller in events and field managers. */
  fieldManager: string;
}

/** The operator's version whose reloader is compatible with what is generated. */
const RELOADER_VERSION = "v0.93.0";

export const DEFAULT_WORKLOAD_OPTIONS: WorkloadOptions = {
  images: {
    prometheus: "quay.io/prometheus/prometheus",
    alertmanager: "quay.io/prometheus/alertmanager",
    thanos: "quay.io/thanos/thanos",
    configReloader: `quay.io/prometheus-operator/prometheus-config-reloader:${RELOADER_VERSION}`,
  },
  reloader: { cpuRequest: "10m", cpuLimit: "10m", memoryRequest: "50Mi", memoryLimit: "50Mi", probes: false },
  localHost: "localhost",
  clusterDomain: "",
  labels: {},
  annotations: {},
  features: { topologySharding: true, retentionPolicies: true },
  repairPolicy: "none",
  fieldManager: "pharos-operator",
};

export const DEFAULT_VERSIONS = {
  Prometheus: DEFAULT_PROMETHEUS_VERSION,
  PrometheusAgent: DEFAULT_PROMETHEUS_VERSION,
  Alertmanager: DEFAULT_ALERTMANAGER_VERSION,
  ThanosRuler: DEFAULT_THANOS_VERSION,
} as const;

/** A tag or digest in the last part of an image's name, where a port of its registry does not count. */
function isComplete(image: string): boolean {
  return image.includes("@") || image.slice(image.lastIndexOf("/") + 1).includes(":");
}

/** The image of a container: as the resource says, else the base with digest, tag or version. */
export function imageOf(
  spec: { image?: string; baseImage?: string; sha?: string; tag?: string },
  base: string,
  version: string,
): string {
  if (spec.image?.trim()) return spec.image;
  const name = spec.baseImage || base;
  if (isComplete(name)) return name;
  if (spec.sha) return `${name}@sha256:${spec.sha}`;
  return `${name}:${spec.tag || version}`;
}
