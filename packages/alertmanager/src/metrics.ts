/** Alertmanager's metrics of itself, under upstream's names. */
import type { Counter, Gauge, Histogram, Registry } from "@pharos/kit";

export interface AlertmanagerMetrics {
  received: Counter;
  invalid: Counter;
  notifications: Counter;
  notificationsFailed: Counter;
  requests: Counter;
  requestsFailed: Counter;
  suppressed: Counter;
  latency: Histogram;
  reloadSuccessful: Gauge;
  reloadSuccessTime: Gauge;
}

export interface MetricSources {
  alerts(): { active: number; suppressed: number };
  silences(): { active: number; pending: number; expired: number };
  groups(): number;
}

export function registerMetrics(registry: Registry, version: string, sources: MetricSources): AlertmanagerMetrics {
  registry
    .gauge("alertmanager_build_info", "A metric with a constant '1' value labeled by version.", [
      "version",
      "goversion",
    ])
    .labels(version, `node ${process.version}`)
    .set(1);
  registry.gaugeFunction(
    "alertmanager_cluster_enabled",
    "Indicates whether the clustering is enabled or not.",
    () => 0,
  );
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
  return {
    received: registry.counter("alertmanager_alerts_received_total", "The total number of received alerts.", [
      "status",
      "version",
    ]),
    invalid: registry.counter(
      "alertmanager_alerts_invalid_total",
      "The total number of received alerts that were invalid.",
      ["version"],
    ),
    notifications: registry.counter(
      "alertmanager_notifications_total",
      "The total number of attempted notifications.",
      ["integration"],
    ),
    notificationsFailed: registry.counter(
      "alertmanager_notifications_failed_total",
      "The total number of failed notifications.",
      ["integration", "reason"],
    ),
    requests: registry.counter(
      "alertmanager_notification_requests_total",
      "The total number of attempted notification requests.",
      ["integration"],
    ),
    requestsFailed: registry.counter(
      "alertmanager_notification_requests_failed_total",
      "The total number of failed notification requests.",
      ["integration"],
    ),
    suppressed: registry.counter(
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
    reloadSuccessful: registry.gauge(
      "alertmanager_config_last_reload_successful",
      "Whether the last configuration reload attempt was successful.",
    ),
    reloadSuccessTime: registry.gauge(
      "alertmanager_config_last_reload_success_timestamp_seconds",
      "Timestamp of the last successful configuration reload.",
    ),
  };
}
