/** Alerts about Alertmanager: those about one replica, and those about all of them, which nobody may be told of. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

export function alertmanager({ by, job, limit }: Settings): RuleSet {
  const a = job.alertmanager;
  const cluster = by("namespace", "service");
  const failing = (more: string): string => `
    rate(alertmanager_notifications_failed_total{${a}${more}}[15m])
    / ignoring (reason) group_left () rate(alertmanager_notifications_total{${a}${more}}[15m])`;
  const clusterFailing = (severity: "critical" | "warning", op: "=~" | "!~"): Rule =>
    alert("AlertmanagerClusterFailedToSendAlerts", {
      severity,
      for: "5m",
      expr: `
        min by (${by("namespace", "service", "integration")}) (
          ${failing(`,integration${op}"${limit.criticalIntegrations}"`)} > 0) > ${limit.notificationsFailed}`,
      summary: "No Alertmanager of a cluster gets notifications out.",
      description: `Even the Alertmanager of {{ $labels.namespace }}/{{ $labels.service }} that works best failed to send
        {{ $value | humanizePercentage }} of its notifications by {{ $labels.integration }}.`,
    });
  const half = (what: string): string => `
    count by (${cluster}) (${what}) / count by (${cluster}) (up{${a}}) >= 0.5`;
  return {
    name: "alertmanager-rules",
    groups: [
      {
        name: "alertmanager.rules",
        rules: [
          alert("AlertmanagerFailedReload", {
            severity: "critical",
            for: "10m",
            expr: `max_over_time(alertmanager_config_last_reload_successful{${a}}[5m]) == 0`,
            summary: "Alertmanager could not load its configuration.",
            description: "{{ $labels.instance }} runs on with the last configuration that was good.",
          }),
          alert("AlertmanagerMembersInconsistent", {
            severity: "critical",
            for: "15m",
            expr: `
              max_over_time(alertmanager_cluster_members{${a}}[5m])
              < on (${cluster}) group_left () count by (${cluster}) (
                max_over_time(alertmanager_cluster_members{${a}}[5m]))`,
            summary: "An Alertmanager has not found all the others.",
            description:
              "{{ $labels.instance }} sees only {{ $value }} members of its cluster: notifications may come twice.",
          }),
          alert("AlertmanagerFailedToSendAlerts", {
            severity: "warning",
            for: "5m",
            expr: `${failing("")} > ${limit.notificationsFailed}`,
            summary: "Notifications do not arrive.",
            description: `{{ $labels.instance }} failed to send {{ $value | humanizePercentage }} of its notifications by
              {{ $labels.integration }}.`,
          }),
          clusterFailing("critical", "=~"),
          clusterFailing("warning", "!~"),
          alert("AlertmanagerConfigInconsistent", {
            severity: "critical",
            for: "20m",
            expr: `
              count by (${cluster}) (
                count_values by (${cluster}) ("config_hash", alertmanager_config_hash{${a}})) != 1`,
            summary: "The Alertmanagers of a cluster have different configurations.",
            description: `The Alertmanagers of {{ $labels.namespace }}/{{ $labels.service }} run {{ $value }} different
              configurations.`,
          }),
          alert("AlertmanagerClusterDown", {
            severity: "critical",
            for: "5m",
            expr: half(`avg_over_time(up{${a}}[5m]) < 0.5`),
            summary: "Half of a cluster of Alertmanagers is down.",
            description: `{{ $value | humanizePercentage }} of the Alertmanagers of
              {{ $labels.namespace }}/{{ $labels.service }} were down for at least half of the last five minutes.`,
          }),
          alert("AlertmanagerClusterCrashlooping", {
            severity: "critical",
            for: "5m",
            expr: half(`changes(process_start_time_seconds{${a}}[10m]) > 4`),
            summary: "Half of a cluster of Alertmanagers crashes again and again.",
            description: `{{ $value | humanizePercentage }} of the Alertmanagers of
              {{ $labels.namespace }}/{{ $labels.service }} were restarted at least five times within ten minutes.`,
          }),
          alert("AlertmanagerClusterFailedPeers", {
            severity: "warning",
            for: "15m",
            expr: `max_over_time(alertmanager_cluster_failed_peers{${a}}[5m]) > 0`,
            summary: "An Alertmanager has lost peers.",
            description: "{{ $labels.instance }} cannot reach {{ $value }} of its peers.",
          }),
        ],
      },
    ],
  };
}
