/** Alerts about kube-state-metrics: without it the alerts about workloads are blind. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

export function kubeStateMetrics({ by, job }: Settings): RuleSet {
  const k = job.kubeStateMetrics;
  const failing = (name: string, what: "list" | "watch"): Rule => {
    const rate = (more: string): string => `sum by (${by()}) (rate(kube_state_metrics_${what}_total{${k}${more}}[5m]))`;
    return alert(name, {
      severity: "critical",
      for: "15m",
      expr: `${rate(',result="error"')} / ${rate("")} > 0.01`,
      summary: `kube-state-metrics fails to ${what} objects.`,
      description: `{{ $value | humanizePercentage }} of the attempts of kube-state-metrics to ${what} objects fail: what it
        tells may be missing or out of date.`,
    });
  };
  return {
    name: "kube-state-metrics-rules",
    groups: [
      {
        name: "kube-state-metrics",
        rules: [
          failing("KubeStateMetricsListErrors", "list"),
          failing("KubeStateMetricsWatchErrors", "watch"),
          alert("KubeStateMetricsShardingMismatch", {
            severity: "critical",
            for: "15m",
            expr: `stdvar by (${by()}) (kube_state_metrics_total_shards{${k}}) != 0`,
            summary: "Shards of kube-state-metrics disagree on their number.",
            description: `Instances of kube-state-metrics are set up with different numbers of shards: objects are told twice
              or not at all.`,
          }),
          alert("KubeStateMetricsShardsMissing", {
            severity: "critical",
            for: "15m",
            // Each shard that is there sets its bit.
            expr: `
              2 ^ max by (${by()}) (kube_state_metrics_total_shards{${k}}) - 1
              - sum by (${by()}) (
                  2 ^ max by (${by("shard_ordinal")}) (kube_state_metrics_shard_ordinal{${k}})) != 0`,
            summary: "A shard of kube-state-metrics is missing.",
            description: "Objects of the shards that are missing are told by nobody.",
          }),
        ],
      },
    ],
  };
}
