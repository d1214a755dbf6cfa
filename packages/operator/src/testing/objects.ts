/** Objects for tests: the least that makes each of them whole. */

import type { AlertmanagerScope } from "../alertmanager/scope.ts";
import { type AssetLookup, AssetStore } from "../assets.ts";
import type { GenerationScope } from "../prometheus/scope.ts";
import type {
  Alertmanager,
  AlertmanagerConfig,
  PodMonitor,
  Probe,
  Prometheus,
  PrometheusRule,
  ScrapeConfig,
  ServiceMonitor,
} from "../resources/types.ts";
import { DEFAULT_ALERTMANAGER_VERSION, DEFAULT_PROMETHEUS_VERSION, VersionGate } from "../version.ts";

function object<T>(apiVersion: string, kind: string) {
  return (spec: unknown, metadata: { name?: string; namespace?: string; labels?: Record<string, string> } = {}): T =>
    ({
      apiVersion: `monitoring.coreos.com/${apiVersion}`,
      kind,
      metadata: { name: "test", namespace: "default", uid: `uid-${kind}-${metadata.name ?? "test"}`, ...metadata },
      spec,
    }) as T;
}

export const serviceMonitor = object<ServiceMonitor>("v1", "ServiceMonitor");
export const podMonitor = object<PodMonitor>("v1", "PodMonitor");
export const probe = object<Probe>("v1", "Probe");
export const scrapeConfig = object<ScrapeConfig>("v1alpha1", "ScrapeConfig");
export const prometheusRule = object<PrometheusRule>("v1", "PrometheusRule");
export const prometheus = object<Prometheus>("v1", "Prometheus");
export const alertmanager = object<Alertmanager>("v1", "Alertmanager");
export const alertmanagerConfig = object<AlertmanagerConfig>("v1alpha1", "AlertmanagerConfig");

/** A lookup in `Kind/namespace/name` → keys. */
export function lookupOf(objects: Record<string, Record<string, string>> = {}): AssetLookup {
  return (kind, namespace, name) => objects[`${kind}/${namespace}/${name}`];
}

export function scopeOf(
  instance: Prometheus = prometheus({}),
  objects: Record<string, Record<string, string>> = {},
  version = instance.spec.version ?? DEFAULT_PROMETHEUS_VERSION,
): GenerationScope {
  return {
    prometheus: instance,
    assets: new AssetStore(lookupOf(objects), "/certs"),
    gate: new VersionGate(version),
    endpointSlices: true,
    apiServer: undefined,
  };
}

export function alertmanagerScope(
  instance: Alertmanager = alertmanager({}),
  objects: Record<string, Record<string, string>> = {},
  version = DEFAULT_ALERTMANAGER_VERSION,
): AlertmanagerScope {
  return {
    alertmanager: instance,
    assets: new AssetStore(lookupOf(objects), "/certs"),
    gate: new VersionGate(version),
  };
}
