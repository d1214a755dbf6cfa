/** Self-metrics of rule evaluation, under upstream's names. */
import type { Registry } from "@pharos/kit";

export type RuleMetrics = ReturnType<typeof createRuleMetrics>;

export function createRuleMetrics(registry: Registry) {
  const group = ["rule_group"];
  return {
    evaluations: registry.counter("prometheus_rule_evaluations_total", "The total number of rule evaluations.", group),
    failures: registry.counter(
      "prometheus_rule_evaluation_failures_total",
      "The total number of rule evaluation failures.",
      group,
    ),
    missed: registry.counter(
      "prometheus_rule_group_iterations_missed_total",
      "The total number of rule group evaluations missed due to slow rule group evaluation.",
      group,
    ),
    scheduled: registry.counter(
      "prometheus_rule_group_iterations_total",
      "The total number of scheduled rule group evaluations, whether executed or missed.",
      group,
    ),
    lastEvaluation: registry.gauge(
      "prometheus_rule_group_last_evaluation_timestamp_seconds",
      "The timestamp of the last rule group evaluation in seconds.",
      group,
    ),
    lastDuration: registry.gauge(
      "prometheus_rule_group_last_duration_seconds",
      "The duration of the last rule group evaluation.",
      group,
    ),
    interval: registry.gauge("prometheus_rule_group_interval_seconds", "The interval of a rule group.", group),
    rules: registry.gauge("prometheus_rule_group_rules", "The number of rules.", group),
    groupDuration: registry.histogram(
      "prometheus_rule_group_duration_seconds",
      "The duration of rule group evaluations.",
      [],
      [0.01, 0.1, 0.5, 1, 5, 10, 30],
    ),
    ruleDuration: registry.histogram(
      "prometheus_rule_evaluation_duration_seconds",
      "The duration for a rule to execute.",
      [],
      [0.001, 0.01, 0.1, 0.5, 1, 5, 10],
    ),
  };
}
