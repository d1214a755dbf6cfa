/** Alerts about monitoring as a whole. Names are those every runbook knows. */
import type { RuleSet } from "../types.ts";

export const general: RuleSet = {
  name: "general-rules",
  groups: [
    {
      name: "general.rules",
      rules: [
        {
          alert: "Watchdog",
          expr: "vector(1)",
          labels: { severity: "none" },
          annotations: {
            summary: "An alert that always fires, to prove that the whole alerting path works.",
            description:
              "This alert fires as long as Prometheus evaluates rules and Alertmanager takes its alerts. Send it to a " +
              "dead man's switch: silence there means that nobody would be told of anything else either.",
          },
        },
        {
          alert: "TargetDown",
          expr:
            "100 * (count by (cluster, job, namespace, service) (up == 0) " +
            "/ count by (cluster, job, namespace, service) (up)) > 10",
          for: "10m",
          labels: { severity: "warning" },
          annotations: {
            summary: "Targets of {{ $labels.job }} cannot be scraped.",
            description:
              '{{ printf "%.4g" $value }}% of the targets of {{ $labels.job }}/{{ $labels.service }} in namespace ' +
              "{{ $labels.namespace }} are down.",
          },
        },
      ],
    },
  ],
};
