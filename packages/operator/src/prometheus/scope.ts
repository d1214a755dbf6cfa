/** What generating one job needs to know besides the monitor itself. */
import type { AssetStore } from "../assets.ts";
import type { CommonPrometheusSpec } from "../resources/prometheus.ts";
import type { Resource } from "../resources/types.ts";
import type { VersionGate } from "../version.ts";
import type { ClientScope } from "./http-client.ts";

/** What the operator's flags and the cluster decide about generation. */
export interface GenerationFeatures {
  /** spec.shardingStrategy of mode Topology is acted upon. */
  topologySharding?: boolean;
  /** Shards that were scaled away keep their data and scrape nothing. */
  retentionPolicies?: boolean;
  /** An agent on every node, each scraping the Pods of its node. */
  daemonSet?: boolean;
  /** The cluster copies the zone of the node into a label of its Pods. */
  podTopologyLabels?: boolean;
  inlineTls?: boolean;
}

export interface GenerationScope {
  /** The Prometheus or PrometheusAgent. */
  prometheus: Resource<CommonPrometheusSpec>;
  assets: AssetStore;
  gate: VersionGate;
  /** Whether the cluster serves discovery.k8s.io/v1. */
  endpointSlices: boolean;
  /** `api_server` of discovery when the resource names none; absent in a cluster. */
  apiServer: string | undefined;
  features?: GenerationFeatures;
}

/** References of an object of this namespace. */
export function clientScope({ assets, gate, features }: GenerationScope, namespace: string): ClientScope {
  return { namespace, assets, gate, inlineTls: features?.inlineTls };
}

/** References of the Prometheus resource itself. */
export function ownScope(scope: GenerationScope): ClientScope {
  return clientScope(scope, scope.prometheus.metadata.namespace ?? "");
}

/** Namespaces whose objects a monitor may find, as `namespaces` of kubernetes_sd_configs; undefined means all. */
export function targetNamespaces(
  selector: { any?: boolean; matchNames?: string[] } | undefined,
  ownNamespace: string,
  { prometheus }: GenerationScope,
): string[] | undefined {
  if (prometheus.spec.ignoreNamespaceSelectors) return [ownNamespace];
  if (selector?.any) return undefined;
  return selector?.matchNames?.length ? selector.matchNames : [ownNamespace];
}

export function isExcludedFromEnforcement(
  { prometheus }: GenerationScope,
  resource: string,
  namespace: string,
  name: string,
): boolean {
  return (prometheus.spec.excludedFromEnforcement ?? []).some(
    (entry) =>
      entry.resource === resource &&
      entry.namespace === namespace &&
      (!entry.name || entry.name === name) &&
      (entry.group || "monitoring.coreos.com") === "monitoring.coreos.com",
  );
}

/** The rule that pins the namespace label, last in its list; none when nothing is enforced. */
export function enforcedNamespaceRule(scope: GenerationScope, resource: string, namespace: string, name: string) {
  const label = scope.prometheus.spec.enforcedNamespaceLabel;
  if (!label || isExcludedFromEnforcement(scope, resource, namespace, name)) return [];
  return [{ target_label: label, replacement: namespace }];
}
