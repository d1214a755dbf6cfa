/** Alertmanager's metrics of itself, under upstream's names. */
import type { Counter, Gauge, Histogram, Registry } from "@pharos/kit";

export interface AlertmanagerMetrics {
  received: Counter;
  invalid: Counter;
  limited: Counter;
  notifications: Counter;
  notificationsFailed: Counter;
  requests: Counter;
  requestsFailed: Counter;
  suppressed: Counter;
  latency: Histogram;
  reloadSuccessful: Gauge;
  reloadSuccessTime: Gauge;
  configHash: Gauge;
  receivers: Gauge;
  integrations: Gauge;
  inhibitionRules: Gauge;
  inFlight: Gauge;
  limitExceeded: Counter;
  nflogSnapshotSize: Gauge;
  nflogMaintenance: Counter;
  nflogMaintenanceErrors: Counter;
  nflogPropagated: Counter;
  silencesSnapshotSize: Gauge;
  silencesMaintenance: Counter;
  silencesMaintenanceErrors: Counter;
  silencesPropagated: Counter;
}

export interface MetricSources {
  alerts(): { active: number; suppressed: number };
  silences(): { active: number; pending: number; expired: number };
  groups(): number;
  /** undefined: no cluster. */
  cluster(): { members: number; failed: number; position: number; name: string } | undefined;
}

const FAILURES = [
  "other", "clientError", "serverError", "contextCanceled", "contextDeadlineExceeded", "authError", "rateLimited",
]; // biome-ignore format: a list

export function registerMetrics(registry: Registry, version: string, sources: MetricSources): AlertmanagerMetrics {
  const { counter, gauge } = {
    counter: registry.counter.bind(registry),
    gauge: registry.gauge.bind(registry),
  };
  gauge(
    "alertmanager_build_info",
    "A metric with a constant '1' value labeled by version, revision, branch, goversion from which alertmanager was built, and the goos and goarch for the build.",
    ["version", "goversion"],
  )
    .labels(version, `node ${process.version}`)
    .set(1);
  const clusterGauge = (
    name: string,
    help: string,
    read: (cluster: NonNullable<ReturnType<MetricSources["cluster"]>>) => number,
  ): void => {
    registry.collect(() => {
      const cluster = sources.cluster();
      return { name, help, type: "gauge", metrics: cluster ? [{ labels: [], value: read(cluster) }] : [] };
    });
  };
  registry.gaugeFunction("alertmanager_cluster_enabled", "Indicates whether the clustering is enabled or not.", () =>
    sources.cluster() ? 1 : 0,
  );
  clusterGauge(
    "alertmanager_cluster_members",
    "Number indicating current number of members in cluster.",
    ({ members }) => members,
  );
  clusterGauge(
    "alertmanager_cluster_failed_peers",
    "Number indicating the current number of failed peers in the cluster.",
    ({ failed }) => failed,
  );
  clusterGauge(
    "alertmanager_peer_position",
    "Position the Alertmanager instance believes it's in. The position determines a peer's behavior in the cluster.",
    ({ position }) => position,
  );
  registry.collect(() => {
    const cluster = sources.cluster();
    return {
      name: "alertmanager_cluster_peer_info",
      help: "A metric with a constant '1' value labeled by peer name.",
      type: "gauge",
      metrics: cluster ? [{ labels: ["peer", cluster.name], value: 1 }] : [],
    };
  });
  registry.gaugeFunction(
    "alertmanager_dispatcher_aggregation_groups",
    "Number of active aggregation groups.",
    sources.groups,
  );
  const byState = (name: string, help: string, read: () => Record<string, number>): void => {
    registry.collect(() => ({
      name,
      help,
      type: "gauge",
      metrics: Object.entries(read()).map(([state, value]) => ({ labels: ["state", state], value })),
    }));
  };
  byState("alertmanager_alerts", "How many alerts by state.", () => sources.alerts());
  byState("alertmanager_silences", "How many silences by state.", () => sources.silences());
  const store = (name: "nflog" | "silences", what: string) => ({
    size: gauge(`alertmanager_${name}_snapshot_size_bytes`, `Size of the last ${what} snapshot in bytes.`),
    maintenance: counter(
      `alertmanager_${name}_maintenance_total`,
      `How many maintenances were executed for the ${what}.`,
    ),
    errors: counter(
      `alertmanager_${name}_maintenance_errors_total`,
      `How many maintenances were executed for the ${what} that failed.`,
    ),
    propagated: counter(
      `alertmanager_${name}_gossip_messages_propagated_total`,
      "Number of received gossip messages that have been further gossiped.",
    ),
  });
  const nflog = store("nflog", "notification log");
  const silences = store("silences", "silences");
  const notificationsFailed = counter(
    "alertmanager_notifications_failed_total",
    "The total number of failed notifications.",
    ["integration", "reason"],
  );
  return {
    received: counter("alertmanager_alerts_received_total", "The total number of received alerts.", [
      "status",
      "version",
    ]),
    invalid: counter("alertmanager_alerts_invalid_total", "The total number of received alerts that were invalid.", [
      "version",
    ]),
    limited: counter(
      "alertmanager_alerts_limited_total",
      "Total number of alerts that were dropped due to per alert name limit",
    ),
    notifications: counter("alertmanager_notifications_total", "The total number of attempted notifications.", [
      "integration",
    ]),
    notificationsFailed,
    requests: counter(
      "alertmanager_notification_requests_total",
      "The total number of attempted notification requests.",
      ["integration"],
    ),
    requestsFailed: counter(
      "alertmanager_notification_requests_failed_total",
      "The total number of failed notification requests.",
      ["integration"],
    ),
    suppressed: counter(
      "alertmanager_notifications_suppressed_total",
      "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.",
      ["reason"],
    ),
    latency: registry.histogram(
      "alertmanager_notification_latency_seconds",
      "The latency of notifications in seconds.",
      ["integration"],
      [1, 5, 10, 15, 20],
    ),
    reloadSuccessful: gauge(
      "alertmanager_config_last_reload_successful",
      "Whether the last configuration reload attempt was successful.",
    ),
    reloadSuccessTime: gauge(
      "alertmanager_config_last_reload_success_timestamp_seconds",
      "Timestamp of the last successful configuration reload.",
    ),
    configHash: gauge("alertmanager_config_hash", "Hash of the currently loaded alertmanager configuration."),
    receivers: gauge("alertmanager_receivers", "Number of configured receivers."),
    integrations: gauge("alertmanager_integrations", "Number of configured integrations."),
    inhibitionRules: gauge("alertmanager_inhibition_rules", "Number of configured inhibition rules."),
    inFlight: gauge("alertmanager_http_requests_in_flight", "Current number of HTTP requests being processed.", [
      "method",
    ]),
    limitExceeded: counter(
      "alertmanager_http_concurrency_limit_exceeded_total",
      "Total number of times an HTTP request failed because the concurrency limit was reached.",
      ["method"],
    ),
    nflogSnapshotSize: nflog.size,
    nflogMaintenance: nflog.maintenance,
    nflogMaintenanceErrors: nflog.errors,
    nflogPropagated: nflog.propagated,
    silencesSnapshotSize: silences.size,
    silencesMaintenance: silences.maintenance,
    silencesMaintenanceErrors: silences.errors,
    silencesPropagated: silences.propagated,
  };
}

/** Series of an integration exist from the start, so that a rate over the first failure is seen. */
export function initializeIntegration(metrics: AlertmanagerMetrics, integration: string): void {
  metrics.notifications.labels(integration);
  metrics.requests.labels(integration);
  metrics.requestsFailed.labels(integration);
  metrics.latency.labels(integration);
  for (const reason of FAILURES) metrics.notificationsFailed.labels(integration, reason);
}
