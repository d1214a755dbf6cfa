/** The operator's metrics, under the names of the operator that people already have alerts on. */
import type { Registry } from "@pharos/kit";
import { INSTANCE_KINDS, type InstanceKind } from "./drivers/driver.ts";
import type { OperatorReport } from "./report.ts";

export type OperatorMetrics = ReturnType<typeof createOperatorMetrics>;

const CONTROLLERS: Record<InstanceKind, string> = {
  Prometheus: "prometheus",
  PrometheusAgent: "prometheus-agent",
  Alertmanager: "alertmanager",
  ThanosRuler: "thanos",
};

/** Value of the label `controller`: upstream has one controller for each kind of instance. */
export function controllerOf(kind: string): string {
  if (kind === "AlertmanagerConfig") return CONTROLLERS.Alertmanager;
  return Object.hasOwn(CONTROLLERS, kind) ? CONTROLLERS[kind as InstanceKind] : CONTROLLERS.Prometheus;
}

export function createOperatorMetrics(registry: Registry) {
  const counter = (name: string, help: string) =>
    registry.counter(`prometheus_operator_${name}_total`, help, ["controller"]);
  const gauge = (name: string, help: string, ...labels: string[]) =>
    registry.gauge(`prometheus_operator_${name}`, help, ["controller", ...labels]);
  const metrics = {
    operations: counter("reconcile_operations", "Total number of reconcile operations"),
    errors: counter("reconcile_errors", "Number of errors that occurred during reconcile operations"),
    duration: registry.histogram("prometheus_operator_reconcile_duration_seconds", "Histogram of reconcile operations"),
    triggered: registry.counter(
      "prometheus_operator_triggered_total",
      "Number of times a Kubernetes object event triggered a reconciliation",
      ["controller", "triggered_by", "action"],
    ),
    lists: counter("list_operations", "Total number of list operations"),
    failedLists: counter("list_operations_failed", "Total number of list operations that failed"),
    watches: counter("watch_operations", "Total number of watch operations"),
    failedWatches: counter("watch_operations_failed", "Total number of watch operations that failed"),
    statusUpdates: counter("status_update_operations", "Total number of update operations to status subresources"),
    statusErrors: counter(
      "status_update_errors",
      "Number of errors that occurred during update operations to status subresources",
    ),
    syncs: gauge("syncs", "Number of objects per sync status (ok/failed)", "status"),
    managed: gauge(
      "managed_resources",
      "Number of resources managed by the operator's controller per state (selected/rejected)",
      "resource",
      "state",
    ),
    specReplicas: gauge("spec_replicas", "Number of expected replicas for the object", "namespace", "name"),
    specShards: gauge("spec_shards", "Number of expected shards for the object", "namespace", "name"),
    sampleLimit: gauge(
      "prometheus_enforced_sample_limit",
      "Global limit on the number of scraped samples per scrape target",
      "namespace",
      "name",
    ),
    ready: gauge("ready", "1 when the controller is ready to reconcile resources, 0 otherwise"),
  };
  // Rates of errors need a series before the first one.
  for (const controller of Object.values(CONTROLLERS)) {
    for (const of of [
      metrics.operations,
      metrics.errors,
      metrics.lists,
      metrics.failedLists,
      metrics.watches,
      metrics.failedWatches,
      metrics.statusUpdates,
      metrics.statusErrors,
    ]) {
      of.labels(controller);
    }
    metrics.ready.labels(controller).set(0);
  }
  return metrics;
}

interface InstanceSpec {
  replicas?: number;
  shards?: number;
  enforcedSampleLimit?: number;
}

/** Sets what a finished reconciliation found; what is gone has no series any more. */
export function countReport(
  metrics: OperatorMetrics,
  { instances, objects }: OperatorReport,
  specOf: (kind: InstanceKind, namespace: string, name: string) => InstanceSpec,
): void {
  const { managed, ready, sampleLimit, specReplicas, specShards, syncs } = metrics;
  for (const gauge of [managed, sampleLimit, specReplicas, specShards]) gauge.clear();
  for (const kind of INSTANCE_KINDS) {
    const own = instances.filter((instance) => instance.kind === kind);
    const controller = controllerOf(kind);
    ready.labels(controller).set(1);
    syncs.labels(controller, "ok").set(own.filter(({ failed }) => !failed).length);
    syncs.labels(controller, "failed").set(own.filter(({ failed }) => failed).length);
    for (const { namespace, name, selected } of own) {
      for (const [resource, count] of Object.entries(selected)) {
        managed.labels(controller, resource, "selected").inc(count);
        managed.labels(controller, resource, "rejected").inc(0);
      }
      const spec = specOf(kind, namespace, name);
      specReplicas.labels(controller, namespace, name).set(spec.replicas ?? 1);
      if (kind !== "Prometheus" && kind !== "PrometheusAgent") continue;
      specShards.labels(controller, namespace, name).set(spec.shards ?? 1);
      if (spec.enforcedSampleLimit) sampleLimit.labels(controller, namespace, name).set(spec.enforcedSampleLimit);
    }
  }
  for (const { kind, verdicts } of objects) {
    for (const { instance, accepted, code } of verdicts) {
      if (accepted || code === "operator.not-selected") continue;
      managed.labels(controllerOf(instance.split(" ")[0]), kind, "rejected").inc(1);
    }
  }
}
