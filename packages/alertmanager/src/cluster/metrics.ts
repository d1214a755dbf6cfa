/** The cluster's metrics, under upstream's names. */
import type { Registry } from "@pharos/kit";

export interface ClusterFacts {
  name: string;
  members: number;
  failed: number;
  position: number;
  /** Probes that those who count as present have missed; 0 is healthy. */
  missedProbes: number;
  joined: number;
  left: number;
  reconnected: number;
  reconnectionsFailed: number;
  /** Entries that wait to be told. */
  queued: number;
  sent: Messages;
  received: Messages;
}

/** Exchanges of everything, and of what changed. */
export interface Messages {
  full_state: number;
  update: number;
}

const GAUGES: readonly (readonly [name: string, help: string, read: (facts: ClusterFacts) => number])[] = [
  ["alertmanager_cluster_members", "Number indicating current number of members in cluster.", (facts) => facts.members],
  ["alertmanager_cluster_failed_peers", "Number indicating the current number of failed peers in the cluster.", (facts) => facts.failed],
  ["alertmanager_peer_position", "Position the Alertmanager instance believes it's in. The position determines a peer's behavior in the cluster.", (facts) => facts.position],
  ["alertmanager_cluster_health_score", "Health score of the cluster. Lower values are better and zero means 'totally healthy'.", (facts) => facts.missedProbes],
  ["alertmanager_cluster_messages_queued", "Number of cluster messages which are queued.", (facts) => facts.queued],
]; // biome-ignore format: a table

const COUNTERS: readonly (readonly [name: string, help: string, read: (facts: ClusterFacts) => number])[] = [
  ["alertmanager_cluster_peers_joined_total", "A counter of the number of peers that have joined.", (facts) => facts.joined],
  ["alertmanager_cluster_peers_left_total", "A counter of the number of peers that have left.", (facts) => facts.left],
  ["alertmanager_cluster_reconnections_total", "A counter of the number of cluster peer reconnections.", (facts) => facts.reconnected],
  ["alertmanager_cluster_reconnections_failed_total", "A counter of the number of failed cluster peer reconnection attempts.", (facts) => facts.reconnectionsFailed],
]; // biome-ignore format: a table

/** `read` answers undefined where there is no cluster: then nothing is told but that. */
export function registerClusterMetrics(registry: Registry, read: () => ClusterFacts | undefined): void {
  registry.gaugeFunction("alertmanager_cluster_enabled", "Indicates whether the clustering is enabled or not.", () =>
    read() ? 1 : 0,
  );
  for (const [table, type] of [
    [GAUGES, "gauge"],
    [COUNTERS, "counter"],
  ] as const)
    for (const [name, help, value] of table)
      registry.collect(() => {
        const facts = read();
        return { name, help, type, metrics: facts ? [{ labels: [], value: value(facts) }] : [] };
      });
  for (const direction of ["sent", "received"] as const)
    registry.collect(() => {
      const facts = read();
      return {
        name: `alertmanager_cluster_messages_${direction}_total`,
        help: `Total number of cluster messages ${direction}.`,
        type: "counter",
        metrics: Object.entries(facts?.[direction] ?? {}).map(([kind, value]) => ({
          labels: ["msg_type", kind],
          value,
        })),
      };
    });
  registry.collect(() => {
    const facts = read();
    return {
      name: "alertmanager_cluster_peer_info",
      help: "A metric with a constant '1' value labeled by peer name.",
      type: "gauge",
      metrics: facts ? [{ labels: ["peer", facts.name], value: 1 }] : [],
    };
  });
}
