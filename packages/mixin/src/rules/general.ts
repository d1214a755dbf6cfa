/** Alerts about monitoring as a whole. Names are those every runbook knows. */
import type { Settings } from "../params.ts";
import { alert, type RuleSet, record } from "../types.ts";

export function general({ by, limit }: Settings): RuleSet {
  return {
    name: "general-rules",
    groups: [
      {
        name: "general.rules",
        rules: [
          alert("Watchdog", {
            severity: "none",
            expr: "vector(1)",
            summary: "An alert that always fires, to prove that the whole alerting path works.",
            description: `This alert fires as long as Prometheus evaluates rules and Alertmanager takes its alerts. Send it to a
              dead man's switch: silence there means that nobody would be told of anything else either.`,
          }),
          alert("TargetDown", {
            severity: "warning",
            for: "10m",
            expr: `
              100 * (count by (${by("job", "namespace", "service")}) (up == 0)
                / count by (${by("job", "namespace", "service")}) (up)) > ${limit.targetsDownPercent}`,
            summary: "Targets of {{ $labels.job }} cannot be scraped.",
            description: `{{ printf "%.4g" $value }}% of the targets of {{ $labels.job }}/{{ $labels.service }} in namespace
              {{ $labels.namespace }} are down.`,
          }),
          alert("InfoInhibitor", {
            severity: "none",
            expr: `
              group by (${by("namespace")}) (ALERTS{severity="info"} == 1)
                unless on (${by("namespace")}) group by (${by("namespace")}) (
                  ALERTS{alertname!="InfoInhibitor",alertstate="firing",severity=~"warning|critical"} == 1)`,
            summary: "Only alerts of severity info fire in a namespace.",
            description: `Route this alert nowhere and let it inhibit alerts of severity info in namespace
              {{ $labels.namespace }}: they are worth reading beside a warning, not alone.`,
          }),
        ],
      },
      {
        name: "kube-prometheus-general.rules",
        rules: [
          record("count:up1", "count without (instance, pod, node) (up == 1)"),
          record("count:up0", "count without (instance, pod, node) (up == 0)"),
        ],
      },
    ],
  };
}
