/** Alerts about Prometheus and Alertmanager themselves. */
import type { RuleSet } from "../types.ts";

const PROMETHEUS = 'job="prometheus"';
const ALERTMANAGER = 'job="alertmanager"';

export const prometheus: RuleSet = {
  name: "prometheus-rules",
  groups: [
    {
      name: "prometheus",
      rules: [
        {
          alert: "PrometheusBadConfig",
          expr: `max_over_time(prometheus_config_last_reload_successful{${PROMETHEUS}}[5m]) == 0`,
          for: "10m",
          labels: { severity: "critical" },
          annotations: {
            summary: "Prometheus could not load its configuration.",
            description: "{{ $labels.instance }} runs on with the last configuration that was good.",
          },
        },
        {
          alert: "PrometheusRuleFailures",
          expr: `increase(prometheus_rule_evaluation_failures_total{${PROMETHEUS}}[5m]) > 0`,
          for: "15m",
          labels: { severity: "critical" },
          annotations: {
            summary: "Rules fail to evaluate.",
            description: '{{ printf "%.0f" $value }} evaluations of {{ $labels.rule_group }} failed in five minutes.',
          },
        },
        {
          alert: "PrometheusMissingRuleEvaluations",
          expr: `increase(prometheus_rule_group_iterations_missed_total{${PROMETHEUS}}[5m]) > 0`,
          for: "15m",
          labels: { severity: "warning" },
          annotations: {
            summary: "Rule groups take longer than their interval.",
            description: '{{ $labels.rule_group }} missed {{ printf "%.0f" $value }} evaluations in five minutes.',
          },
        },
        {
          alert: "PrometheusErrorSendingAlertsToAnyAlertmanager",
          expr:
            `min without (alertmanager) (rate(prometheus_notifications_errors_total{${PROMETHEUS}}[5m]) ` +
            `/ rate(prometheus_notifications_sent_total{${PROMETHEUS}}[5m])) * 100 > 3`,
          for: "15m",
          labels: { severity: "critical" },
          annotations: {
            summary: "Alerts do not reach any Alertmanager.",
            description: '{{ printf "%.1f" $value }}% of the alerts of {{ $labels.instance }} could not be sent.',
          },
        },
        {
          alert: "PrometheusNotConnectedToAlertmanagers",
          expr: `max_over_time(prometheus_notifications_alertmanagers_discovered{${PROMETHEUS}}[5m]) < 1`,
          for: "10m",
          labels: { severity: "warning" },
          annotations: {
            summary: "Prometheus knows no Alertmanager.",
            description: "{{ $labels.instance }} has nobody to send alerts to.",
          },
        },
      ],
    },
    {
      name: "alertmanager.rules",
      rules: [
        {
          alert: "AlertmanagerFailedReload",
          expr: `max_over_time(alertmanager_config_last_reload_successful{${ALERTMANAGER}}[5m]) == 0`,
          for: "10m",
          labels: { severity: "critical" },
          annotations: {
            summary: "Alertmanager could not load its configuration.",
            description: "{{ $labels.instance }} runs on with the last configuration that was good.",
          },
        },
        {
          alert: "AlertmanagerFailedToSendAlerts",
          expr:
            `rate(alertmanager_notifications_failed_total{${ALERTMANAGER}}[15m]) ` +
            `/ rate(alertmanager_notifications_total{${ALERTMANAGER}}[15m]) > 0.01`,
          for: "5m",
          labels: { severity: "warning" },
          annotations: {
            summary: "Notifications do not arrive.",
            description:
              "{{ $labels.instance }} failed to send {{ $value | humanizePercentage }} of its notifications to " +
              "{{ $labels.integration }}.",
          },
        },
      ],
    },
  ],
};
