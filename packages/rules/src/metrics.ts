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
    ruleDurations: registry.gauge(
      "prometheus_rule_group_last_rule_duration_sum_seconds",
      "The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. This should be higher than the group duration if rules are evaluated concurrently.",
      group,
    ),
    restoreDuration: registry.gauge(
      "prometheus_rule_group_last_restore_duration_seconds",
      "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.",
      group,
    ),
    samples: registry.gauge(
      "prometheus_rule_group_last_evaluation_samples",
      "The number of samples returned during the last rule group evaluation.",
      group,
    ),
    expansions: registry.counter(
      "prometheus_template_text_expansions_total",
      "The total number of template text expansions.",
    ),
    expansionFailures: registry.counter(
      "prometheus_template_text_expansion_failures_total",
      "The total number of template text expansion failures.",
    ),
    groupDuration: both(
      registry,
      "prometheus_rule_group_duration",
      "The duration of rule group evaluations.",
      [0.01, 0.05, 0.5, 0.9, 0.99],
    ),
    ruleDuration: both(registry, "prometheus_rule_evaluation_duration", "The duration for a rule to execute."),
  };
}

/** The same observations as a summary and, under `…_histogram_seconds`, as a histogram. */
function both(registry: Registry, name: string, help: string, quantiles?: readonly number[]) {
  const summary = registry.summary(`${name}_seconds`, help, [], quantiles);
  const histogram = registry.histogram(`${name}_histogram_seconds`, help, [], [0.01, 0.1, 1, 10]);
  return {
    observe(seconds: number): void {
      summary.observe(seconds);
      histogram.observe(seconds);
    },
  };
}

/** Makes the series of a group, with nothing counted yet, as they exist from its start. */
export function startGroupMetrics(metrics: RuleMetrics, key: string): void {
  for (const vector of perGroup(metrics)) vector.labels(key);
}

/** Ends the series of a group that is gone. */
export function endGroupMetrics(metrics: RuleMetrics, key: string): void {
  for (const vector of perGroup(metrics)) vector.remove(key);
}

/** The metrics that have a series for each group. */
function perGroup(metrics: RuleMetrics) {
  const { evaluations, failures, missed, scheduled, lastEvaluation, lastDuration, interval } = metrics;
  const { rules, ruleDurations, restoreDuration, samples } = metrics;
  return [
    evaluations,
    failures,
    missed,
    scheduled,
    lastEvaluation,
    lastDuration,
    interval,
    rules,
    ruleDurations,
    restoreDuration,
    samples,
  ];
}
