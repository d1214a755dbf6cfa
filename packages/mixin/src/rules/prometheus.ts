/** Alerts about Prometheus itself. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

/** A counter of something that should never happen, over five minutes. */
function never(
  p: string,
  name: string,
  metric: string,
  spec: { severity: "critical" | "warning"; for?: string; over?: string; summary: string; description: string },
): Rule {
  const { severity, summary, description, over = "5m" } = spec;
  return alert(name, {
    severity,
    for: spec.for ?? "15m",
    expr: `increase(${metric}{${p}}[${over}]) > 0`,
    summary,
    description,
  });
}

function configuration(p: string): Rule[] {
  return [
    alert("PrometheusBadConfig", {
      severity: "critical",
      for: "10m",
      // Over five minutes, so that a failed scrape does not end the alert; here and wherever a gauge is watched.
      expr: `max_over_time(prometheus_config_last_reload_successful{${p}}[5m]) == 0`,
      summary: "Prometheus could not load its configuration.",
      description: "{{ $labels.instance }} runs on with the last configuration that was good.",
    }),
    never(p, "PrometheusSDRefreshFailure", "prometheus_sd_refresh_failures_total", {
      severity: "warning",
      for: "20m",
      over: "10m",
      summary: "Service discovery fails.",
      description: "{{ $labels.instance }} fails to refresh its targets by {{ $labels.mechanism }}.",
    }),
    never(p, "PrometheusKubernetesListWatchFailures", "prometheus_sd_kubernetes_failures_total", {
      severity: "warning",
      summary: "Discovery of Kubernetes targets fails.",
      description: `{{ $labels.instance }} failed {{ printf "%.0f" $value }} times in five minutes to list or watch objects.`,
    }),
    never(p, "PrometheusTargetSyncFailure", "prometheus_target_sync_failed_total", {
      severity: "critical",
      for: "5m",
      over: "30m",
      summary: "Targets cannot be set up.",
      description: `{{ printf "%.0f" $value }} targets of {{ $labels.scrape_job }} could not be set up by {{ $labels.instance }},
        because their labels or addresses are not valid.`,
    }),
  ];
}

function notifications(p: string): Rule[] {
  const failing = `
    rate(prometheus_notifications_errors_total{${p}}[5m]) / rate(prometheus_notifications_sent_total{${p}}[5m])`;
  return [
    alert("PrometheusNotificationQueueRunningFull", {
      severity: "warning",
      for: "15m",
      expr: `
        predict_linear(prometheus_notifications_queue_length{${p}}[5m], 60 * 30)
        > min_over_time(prometheus_notifications_queue_capacity{${p}}[5m])`,
      summary: "The queue of alerts will be full within half an hour.",
      description: "{{ $labels.instance }} makes alerts faster than it can send them.",
    }),
    alert("PrometheusErrorSendingAlertsToSomeAlertmanagers", {
      severity: "warning",
      for: "15m",
      expr: `${failing} * 100 > 1`,
      summary: "Alerts do not reach one of the Alertmanagers.",
      description: `{{ printf "%.1f" $value }}% of the alerts that {{ $labels.instance }} sends to {{ $labels.alertmanager }}
        fail.`,
    }),
    alert("PrometheusErrorSendingAlertsToAnyAlertmanager", {
      severity: "critical",
      for: "15m",
      expr: `min without (alertmanager) (${failing}) * 100 > 3`,
      summary: "Alerts do not reach any Alertmanager.",
      description: `Even to the Alertmanager that works best, {{ printf "%.1f" $value }}% of the alerts of
        {{ $labels.instance }} could not be sent.`,
    }),
    alert("PrometheusNotConnectedToAlertmanagers", {
      severity: "warning",
      for: "10m",
      expr: `max_over_time(prometheus_notifications_alertmanagers_discovered{${p}}[5m]) < 1`,
      summary: "Prometheus knows no Alertmanager.",
      description: "{{ $labels.instance }} has nobody to send alerts to.",
    }),
  ];
}

function storage(p: string): Rule[] {
  return [
    never(p, "PrometheusTSDBReloadsFailing", "prometheus_tsdb_reloads_failures_total", {
      severity: "warning",
      for: "4h",
      over: "3h",
      summary: "Blocks cannot be loaded from disk.",
      description: `{{ $labels.instance }} failed {{ printf "%.0f" $value }} times in three hours to load its blocks.`,
    }),
    never(p, "PrometheusTSDBCompactionsFailing", "prometheus_tsdb_compactions_failed_total", {
      severity: "warning",
      for: "4h",
      over: "3h",
      summary: "Blocks cannot be compacted.",
      description: `{{ printf "%.0f" $value }} compactions of {{ $labels.instance }} failed within three hours.`,
    }),
    alert("PrometheusNotIngestingSamples", {
      severity: "warning",
      for: "10m",
      // Without targets and rules there is nothing to take in.
      expr: `
        sum without (type) (rate(prometheus_tsdb_head_samples_appended_total{${p}}[5m])) <= 0
        and (
          sum without (scrape_job) (prometheus_target_metadata_cache_entries{${p}}) > 0
          or sum without (rule_group) (prometheus_rule_group_rules{${p}}) > 0)`,
      summary: "Prometheus takes in no samples.",
      description: "{{ $labels.instance }} has targets or rules, and stores nothing.",
    }),
    alert("PrometheusDuplicateTimestamps", {
      severity: "warning",
      for: "10m",
      expr: `rate(prometheus_target_scrapes_sample_duplicate_timestamp_total{${p}}[5m]) > 0`,
      summary: "Samples are dropped: another of the same time is there.",
      description: `{{ $labels.instance }} drops {{ printf "%.4g" $value }} samples a second because a different sample of the same
        series and time is there already.`,
    }),
    alert("PrometheusOutOfOrderTimestamps", {
      severity: "warning",
      for: "10m",
      expr: `rate(prometheus_target_scrapes_sample_out_of_order_total{${p}}[5m]) > 0`,
      summary: "Samples are dropped: a later one is there.",
      description: `{{ $labels.instance }} drops {{ printf "%.4g" $value }} samples a second because they come after later
        ones.`,
    }),
  ];
}

function remoteWrite({ limit }: Settings, p: string): Rule[] {
  const failed = `rate(prometheus_remote_storage_samples_failed_total{${p}}[5m])`;
  const sent = `rate(prometheus_remote_storage_samples_total{${p}}[5m])`;
  const url = "{{ $labels.remote_name }}:{{ $labels.url }}";
  return [
    alert("PrometheusRemoteStorageFailures", {
      severity: "critical",
      for: "15m",
      expr: `${failed} / (${failed} + ${sent}) * 100 > 1`,
      summary: "Samples cannot be sent to remote storage.",
      description: `{{ printf "%.1f" $value }}% of the samples that {{ $labels.instance }} sends to ${url} fail for good.`,
    }),
    alert("PrometheusRemoteWriteBehind", {
      severity: "critical",
      for: "15m",
      expr: `
        max_over_time(prometheus_remote_storage_queue_highest_timestamp_seconds{${p}}[5m])
        - max_over_time(prometheus_remote_storage_queue_highest_sent_timestamp_seconds{${p}}[5m])
        > ${limit.remoteWriteBehind}`,
      summary: "Remote write is behind.",
      description: `What {{ $labels.instance }} sends to ${url} is {{ $value | humanizeDuration }} behind.`,
    }),
    alert("PrometheusRemoteWriteDesiredShards", {
      severity: "warning",
      for: "15m",
      expr: `
        max_over_time(prometheus_remote_storage_shards_desired{${p}}[5m])
        > max_over_time(prometheus_remote_storage_shards_max{${p}}[5m])`,
      summary: "Remote write wants more shards than it may have.",
      description: `{{ $labels.instance }} would need {{ printf "%.0f" $value }} shards to keep up with ${url}, and may not have so
        many.`,
    }),
  ];
}

function limits(p: string): Rule[] {
  const hit = (name: string, metric: string, summary: string, what: string): Rule =>
    never(p, name, metric, {
      severity: "warning",
      summary,
      description: `{{ $labels.instance }} refused ${what} {{ printf "%.0f" $value }} times in five minutes.`,
    });
  return [
    hit(
      "PrometheusTargetLimitHit",
      "prometheus_target_scrape_pool_exceeded_target_limit_total",
      "A scrape job has more targets than it may have.",
      "a job for its number of targets",
    ),
    hit(
      "PrometheusLabelLimitHit",
      "prometheus_target_scrape_pool_exceeded_label_limits_total",
      "Targets or their series have too many or too long labels.",
      "a scrape for its labels",
    ),
    hit(
      "PrometheusScrapeBodySizeLimitHit",
      "prometheus_target_scrapes_exceeded_body_size_limit_total",
      "Targets answer with more bytes than they may.",
      "a scrape for its size",
    ),
    hit(
      "PrometheusScrapeSampleLimitHit",
      "prometheus_target_scrapes_exceeded_sample_limit_total",
      "Targets have more samples than they may.",
      "a scrape for its number of samples",
    ),
  ];
}

function rulesAndQueries({ limit }: Settings, p: string): Rule[] {
  return [
    never(p, "PrometheusRuleFailures", "prometheus_rule_evaluation_failures_total", {
      severity: "critical",
      summary: "Rules fail to evaluate.",
      description: `{{ printf "%.0f" $value }} evaluations of {{ $labels.rule_group }} by {{ $labels.instance }} failed in five
        minutes.`,
    }),
    never(p, "PrometheusMissingRuleEvaluations", "prometheus_rule_group_iterations_missed_total", {
      severity: "warning",
      summary: "Rule groups take longer than their interval.",
      description: `{{ $labels.rule_group }} missed {{ printf "%.0f" $value }} evaluations in five minutes at
        {{ $labels.instance }}.`,
    }),
    alert("PrometheusHighQueryLoad", {
      severity: "warning",
      for: "15m",
      expr: `
        avg_over_time(prometheus_engine_queries{${p}}[5m])
        / max_over_time(prometheus_engine_queries_concurrent_max{${p}}[5m]) > ${limit.queryLoad}`,
      summary: "Prometheus is near its limit of queries at a time.",
      description: `{{ $labels.instance }} has {{ $value | humanizePercentage }} of its places for queries taken: more will wait
        in line.`,
    }),
  ];
}

export function prometheus(settings: Settings): RuleSet {
  const p = settings.job.prometheus;
  return {
    name: "prometheus-rules",
    groups: [
      {
        name: "prometheus",
        rules: [
          ...configuration(p),
          ...notifications(p),
          ...storage(p),
          ...remoteWrite(settings, p),
          ...limits(p),
          ...rulesAndQueries(settings, p),
        ],
      },
    ],
  };
}
