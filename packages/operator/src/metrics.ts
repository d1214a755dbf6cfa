/** The operator's metrics, under the names of the operator that people already have alerts on. */
import type { Registry } from "@pharos/kit";

export type OperatorMetrics = ReturnType<typeof createOperatorMetrics>;

export function createOperatorMetrics(registry: Registry) {
  return {
    operations: registry.counter(
      "prometheus_operator_reconcile_operations_total",
      "Total number of reconcile operations",
      ["controller"],
    ),
    errors: registry.counter(
      "prometheus_operator_reconcile_errors_total",
      "Number of errors that occurred during reconcile operations",
      ["controller"],
    ),
    duration: registry.histogram("prometheus_operator_reconcile_duration_seconds", "Histogram of reconcile operations"),
    triggered: registry.counter(
      "prometheus_operator_triggered_total",
      "Number of times a Kubernetes object event triggered a reconciliation",
      ["triggered_by", "action"],
    ),
    syncs: registry.gauge("prometheus_operator_syncs", "Number of objects per sync status (ok/failed)", [
      "controller",
      "status",
    ]),
    managed: registry.gauge(
      "prometheus_operator_managed_resources",
      "Number of resources managed by the operator's controller",
      ["resource", "state"],
    ),
    specReplicas: registry.gauge("prometheus_operator_spec_replicas", "Number of expected replicas for the object", [
      "controller",
      "namespace",
      "name",
    ]),
    specShards: registry.gauge("prometheus_operator_spec_shards", "Number of expected shards for the object", [
      "controller",
      "namespace",
      "name",
    ]),
    sampleLimit: registry.gauge(
      "prometheus_operator_prometheus_enforced_sample_limit",
      "Global limit on the number of scraped samples per scrape target",
      ["controller", "namespace", "name"],
    ),
    ready: registry.gauge(
      "prometheus_operator_ready",
      "1 when the controller is ready to reconcile resources, 0 otherwise",
    ),
  };
}
