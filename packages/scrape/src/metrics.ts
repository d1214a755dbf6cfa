/** Self-metrics of scraping, under upstream's names. */
import type { Registry } from "@pharos/kit";

export type ScrapeMetrics = ReturnType<typeof createScrapeMetrics>;

export function createScrapeMetrics(registry: Registry) {
  const counter = (name: string, help: string) => registry.counter(`prometheus_target_${name}`, help);
  return {
    bodySizeLimit: counter(
      "scrapes_exceeded_body_size_limit_total",
      "Total number of scrapes that hit the body size limit",
    ),
    sampleLimit: counter(
      "scrapes_exceeded_sample_limit_total",
      "Total number of scrapes that hit the sample limit and were rejected.",
    ),
    labelLimits: counter(
      "scrape_pool_exceeded_label_limits_total",
      "Total number of times scrape pools hit the label limits, during sync or config reload.",
    ),
    targetLimit: counter(
      "scrape_pool_exceeded_target_limit_total",
      "Total number of times scrape pools hit the target limit, during sync or config reload.",
    ),
    duplicate: counter(
      "scrapes_sample_duplicate_timestamp_total",
      "Total number of samples rejected due to duplicate timestamps but different values.",
    ),
    outOfOrder: counter(
      "scrapes_sample_out_of_order_total",
      "Total number of samples rejected due to not being out of the expected order.",
    ),
    outOfBounds: counter(
      "scrapes_sample_out_of_bounds_total",
      "Total number of samples rejected due to timestamp falling outside of the time bounds.",
    ),
    overBudget: registry.counter(
      "pharos_scrape_series_over_budget_total",
      "Total number of new series refused because the memory budget is used up.",
      ["scrape_job"],
    ),
    targets: registry.gauge("prometheus_target_scrape_pool_targets", "Current number of targets in this scrape pool.", [
      "scrape_job",
    ]),
    syncs: registry.counter(
      "prometheus_target_scrape_pool_sync_total",
      "Total number of syncs that were executed on a scrape pool.",
      ["scrape_job"],
    ),
    interval: registry.histogram(
      "prometheus_target_interval_length_histogram_seconds",
      "Actual intervals between scrapes as a histogram.",
      ["interval"],
      [0.01, 0.1, 1, 10, 100],
    ),
  };
}
