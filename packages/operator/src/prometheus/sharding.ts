/**
 * Which shard scrapes a target: by the hash of its address, after the zone when shards are spread over zones. The
 * labels `__tmp_hash` and `__tmp_disable_sharding` are the user's to set.
 */
import type { CommonPrometheusSpec } from "../resources/prometheus.ts";
import type { Yaml } from "./http-client.ts";
import type { GenerationScope } from "./scope.ts";

const ZONE_LABELS = {
  node: "__meta_kubernetes_node_label",
  pod: "__meta_kubernetes_pod_label",
} as const;

/** What decides about shards. */
export type ShardingScope = Pick<GenerationScope, "prometheus" | "features">;

/** The zones that shards are spread over; none when sharding is by address alone. */
export function topologyZones({ prometheus, features }: ShardingScope): readonly string[] {
  const strategy = prometheus.spec.shardingStrategy;
  if (!features?.topologySharding || strategy?.mode !== "Topology") return [];
  return strategy.topology?.values ?? [];
}

export function shardCount(spec: CommonPrometheusSpec): number {
  return Math.max(1, spec.shards ?? 1);
}

/** Zone of a shard and its number within the zone: shards go round the zones. */
export function shardPlace(scope: ShardingScope, shard: number): { zone: string | undefined; inZone: number } {
  const zones = topologyZones(scope);
  if (zones.length === 0) return { zone: undefined, inZone: shard };
  return { zone: zones[shard % zones.length], inZone: Math.floor(shard / zones.length) };
}

/** Node metadata tells the zone where neither EndpointSlices nor labels of Pods do. */
export function needsNodeMetadata(scope: GenerationScope): boolean {
  return topologyZones(scope).length > 0 && !scope.features?.podTopologyLabels;
}

function zoneRules(scope: GenerationScope): Yaml[] {
  const label = ZONE_LABELS[scope.features?.podTopologyLabels ? "pod" : "node"];
  return [
    {
      source_labels: ["__meta_kubernetes_endpointslice_endpoint_zone", "__tmp_topology"],
      target_label: "__tmp_topology",
      regex: "(.+);",
      replacement: "$1",
      action: "replace",
    },
    {
      source_labels: [
        `${label}_topology_kubernetes_io_zone`,
        `${label}present_topology_kubernetes_io_zone`,
        "__tmp_topology",
      ],
      target_label: "__tmp_topology",
      regex: "(.+);true;",
      replacement: "$1",
      action: "replace",
    },
    {
      source_labels: ["__tmp_topology", "__tmp_disable_sharding"],
      regex: "$(TOPOLOGY_ZONE);|.+;.+",
      action: "keep",
    },
  ];
}

/** A shard outside the wanted ones still runs for its data, and scrapes nothing. */
function activeShardRules(shards: number): Yaml[] {
  return [
    { target_label: "__tmp_current_shard", replacement: "$(SHARD)", action: "replace" },
    {
      source_labels: ["__tmp_current_shard"],
      regex: Array.from({ length: shards }, (_, shard) => shard).join("|"),
      action: "keep",
    },
  ];
}

export function shardingRules(scope: GenerationScope, source: "__address__" | "__param_target"): Yaml[] {
  const shards = shardCount(scope.prometheus.spec);
  const zones = topologyZones(scope);
  const modulus = zones.length > 0 ? Math.max(1, Math.floor(shards / zones.length)) : shards;
  const variable = zones.length > 0 ? "INZONE_SHARD" : "SHARD";
  return [
    ...(scope.features?.retentionPolicies ? activeShardRules(shards) : []),
    ...(zones.length > 0 ? zoneRules(scope) : []),
    {
      source_labels: [source, "__tmp_hash"],
      target_label: "__tmp_hash",
      regex: "(.+);",
      replacement: "$1",
      action: "replace",
    },
    { source_labels: ["__tmp_hash"], target_label: "__tmp_hash", modulus, action: "hashmod" },
    { source_labels: ["__tmp_hash", "__tmp_disable_sharding"], regex: `$(${variable});|.+;.+`, action: "keep" },
  ];
}

/** Jobs whose relabelling the user writes whole: sharded only with several shards, and not where they hash already. */
export function shardUserRules(scope: GenerationScope, rules: readonly Yaml[]): readonly Yaml[] {
  if (shardCount(scope.prometheus.spec) === 1 || rules.some(({ action }) => action === "hashmod")) return rules;
  return [...rules, ...shardingRules(scope, "__address__")];
}
