/** Alertmanager's metrics of itself, under upstream's names. */
import type { Counter, Gauge, Histogram, Registry } from "@pharos/kit";
import { type ClusterFacts, registerClusterMetrics } from "./cluster/metrics.ts";

export interface AlertmanagerMetrics {
  receiverNames: boolean;
  alertNames: boolean;
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
  cluster(): ClusterFacts | undefined;
  queries(): { nflog: number; silences: number };
  /** 0: none. */
  perAlertNameLimit: number;
  /** Labels that upstream's features of these names add. */
  receiverNames: boolean;
  alertNames: boolean;
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
    ["version", "revision", "branch", "goversion", "goos", "goarch", "tags"],
  )
    .labels(version, "", "pharos", `node ${process.version}`, process.platform, process.arch, "")
    .set(1);
  registerClusterMetrics(registry, sources.cluster);
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
  const ofIntegration = sources.receiverNames ? ["integration", "receiver_name"] : ["integration"];
  const notificationsFailed = counter(
    "alertmanager_notifications_failed_total",
    "The total number of failed notifications.",
    [...ofIntegration, "reason"],
  );
  gauge("alertmanager_alerts_per_alert_limit", "Current limit on number of alerts per alert name").set(
    sources.perAlertNameLimit,
  );
  for (const [name, what] of [
    ["nflog", "notification log"],
    ["silences", "silence"],
  ] as const)
    registry.counterFunction(
      `alertmanager_${name}_queries_total`,
      `Number of ${what} queries were received.`,
      () => sources.queries()[name],
    );
  return {
    receiverNames: sources.receiverNames,
    alertNames: sources.alertNames,
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
      sources.alertNames ? ["alertname"] : [],
    ),
    notifications: counter(
      "alertmanager_notifications_total",
      "The total number of attempted notifications.",
      ofIntegration,
    ),
    notificationsFailed,
    requests: counter(
      "alertmanager_notification_requests_total",
      "The total number of attempted notification requests.",
      ofIntegration,
    ),
    requestsFailed: counter(
      "alertmanager_notification_requests_failed_total",
      "The total number of failed notification requests.",
      ofIntegration,
    ),
    suppressed: counter(
      "alertmanager_notifications_suppressed_total",
      "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.",
      ["reason"],
    ),
    latency: registry.histogram(
      "alertmanager_notification_latency_seconds",
      "The latency of notifications in seconds.",
      ofIntegration,
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

/** Values of the labels that say of whom a notification's series are. */
export function integrationLabels(
  { receiverNames }: AlertmanagerMetrics,
  integration: string,
  receiver: string,
): string[] {
  return receiverNames ? [integration, receiver] : [integration];
}

/** Series of an integration exist from the start, so that a rate over the first failure is seen. */
export function initializeIntegration(metrics: AlertmanagerMetrics, integration: string, receiver: string): void {
  const labels = integrationLabels(metrics, integration, receiver);
  metrics.notifications.labels(...labels);
  metrics.requests.labels(...labels);
  metrics.requestsFailed.labels(...labels);
  metrics.latency.labels(...labels);
  for (const reason of FAILURES) metrics.notificationsFailed.labels(...labels, reason);
}
