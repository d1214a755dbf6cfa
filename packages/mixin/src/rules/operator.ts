/** Alerts about the operator, and about the sidecars that load what it generates. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

export function operator({ by, job, limit }: Settings): RuleSet {
  const o = job.operator;
  const controller = by("controller", "namespace");
  const where = "controller {{ $labels.controller }} of the operator in namespace {{ $labels.namespace }}";
  const ratio = (
    name: string,
    [failed, all]: readonly [string, string],
    window: string,
    wait: string,
    threshold: number,
    summary: string,
    what: string,
  ): Rule =>
    alert(name, {
      severity: "warning",
      for: wait,
      expr: `
        sum by (${controller}) (rate(prometheus_operator_${failed}_total{${o}}[${window}]))
        / sum by (${controller}) (rate(prometheus_operator_${all}_total{${o}}[${window}])) > ${threshold}`,
      summary,
      description: `{{ $value | humanizePercentage }} of the ${what} of ${where} fail.`,
    });
  return {
    name: "prometheus-operator-rules",
    groups: [
      {
        name: "prometheus-operator",
        rules: [
          ratio(
            "PrometheusOperatorListErrors",
            ["list_operations_failed", "list_operations"],
            "10m",
            "15m",
            limit.operatorListErrors,
            "The operator fails to list objects.",
            "list requests",
          ),
          ratio(
            "PrometheusOperatorWatchErrors",
            ["watch_operations_failed", "watch_operations"],
            "5m",
            "15m",
            limit.operatorListErrors,
            "The operator fails to watch objects.",
            "watch requests",
          ),
          alert("PrometheusOperatorSyncFailed", {
            severity: "warning",
            for: "10m",
            expr: `min_over_time(prometheus_operator_syncs{${o},status="failed"}[5m]) > 0`,
            summary: "The operator cannot bring objects into the state they ask for.",
            description: `{{ $value }} objects of ${where} could not be reconciled.`,
          }),
          ratio(
            "PrometheusOperatorReconcileErrors",
            ["reconcile_errors", "reconcile_operations"],
            "5m",
            "10m",
            limit.operatorReconcileErrors,
            "The operator fails to reconcile.",
            "attempts to reconcile",
          ),
          ratio(
            "PrometheusOperatorStatusUpdateErrors",
            ["status_update_errors", "status_update_operations"],
            "5m",
            "10m",
            limit.operatorReconcileErrors,
            "The operator fails to write the status of objects.",
            "status updates",
          ),
          alert("PrometheusOperatorNodeLookupErrors", {
            severity: "warning",
            for: "10m",
            // A counter of failures upstream, the number of nodes without an address here.
            expr: `
              rate(prometheus_operator_node_address_lookup_errors_total{${o}}[5m]) > 0.1
              or prometheus_operator_node_address_lookup_errors{${o}} > 0`,
            summary: "The operator cannot find the addresses of nodes.",
            description: `The operator in namespace {{ $labels.namespace }} cannot find the addresses of nodes, and so not all
              kubelets are scraped.`,
          }),
          alert("PrometheusOperatorNotReady", {
            severity: "warning",
            for: "5m",
            expr: `min by (${controller}) (max_over_time(prometheus_operator_ready{${o}}[5m]) == 0)`,
            summary: "The operator is not ready.",
            description: `The ${where} is not ready to reconcile.`,
          }),
          alert("PrometheusOperatorRejectedResources", {
            severity: "warning",
            for: "5m",
            expr: `min_over_time(prometheus_operator_managed_resources{${o},state="rejected"}[5m]) > 0`,
            summary: "The operator leaves objects out because they are not valid.",
            description: `The ${where} leaves out {{ $value }} objects of kind {{ $labels.resource }}; the status of each says
              why.`,
          }),
        ],
      },
      {
        name: "config-reloaders",
        rules: [
          alert("ConfigReloaderSidecarErrors", {
            severity: "warning",
            for: "10m",
            expr: 'max_over_time(reloader_last_reload_successful{namespace!=""}[5m]) == 0',
            summary: "A sidecar fails to reload a configuration.",
            description: `The config reloader of {{ $labels.namespace }}/{{ $labels.pod }} fails to reload: the program beside it
              runs on with an old configuration.`,
          }),
        ],
      },
    ],
  };
}
