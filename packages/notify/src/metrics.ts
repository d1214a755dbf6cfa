/** Self-metrics of alert sending, under upstream's names. */
import type { Registry } from "@pharos/kit";

export type NotifyMetrics = ReturnType<typeof createNotifyMetrics>;

export function createNotifyMetrics(registry: Registry) {
  const labels = ["alertmanager"];
  return {
    sent: registry.counter("prometheus_notifications_sent_total", "Total number of alerts sent.", labels),
    errors: registry.counter(
      "prometheus_notifications_errors_total",
      "Total number of sent alerts affected by errors.",
      labels,
    ),
    dropped: registry.counter(
      "prometheus_notifications_dropped_total",
      "Total number of alerts dropped due to errors when sending to Alertmanager.",
      labels,
    ),
    capacity: registry.gauge(
      "prometheus_notifications_queue_capacity",
      "The capacity of the alert notifications queue.",
    ),
    latencySummary: registry.summary(
      "prometheus_notifications_latency_seconds",
      "Latency quantiles for sending alert notifications.",
      labels,
    ),
    latency: registry.histogram(
      "prometheus_notifications_latency_histogram_seconds",
      "Latency histogram for sending alert notifications.",
      labels,
      [0.01, 0.1, 1, 10],
    ),
    discovered: registry.gauge(
      "prometheus_notifications_alertmanagers_discovered",
      "The number of alertmanagers discovered and active.",
    ),
  };
}
