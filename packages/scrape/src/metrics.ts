/** Self-metrics of scraping, under upstream's names and help texts. */
import type { SummaryMetric } from "@pharos/exposition";
import type { Registry } from "@pharos/kit";

export type ScrapeMetrics = ReturnType<typeof createScrapeMetrics>;

const QUANTILES = [0.01, 0.05, 0.5, 0.9, 0.99];
/** Observations a summary's quantiles are taken from, as upstream's ten minutes, and not more than so many. */
const WINDOW_MS = 10 * 60_000;
const MAX_OBSERVATIONS = 1024;

/** Quantiles of what was seen lately, exact over at most MAX_OBSERVATIONS values. */
class RecentSummary {
  readonly #values = new Float64Array(MAX_OBSERVATIONS);
  readonly #times = new Float64Array(MAX_OBSERVATIONS);
  #next = 0;
  count = 0;
  sum = 0;

  observe(value: number): void {
    this.#values[this.#next] = value;
    this.#times[this.#next] = Date.now();
    this.#next = (this.#next + 1) % MAX_OBSERVATIONS;
    this.count++;
    this.sum += value;
  }

  metric(label: string, value: string): SummaryMetric {
    const oldest = Date.now() - WINDOW_MS;
    const recent = this.#values.filter((_value, i) => this.#times[i] > oldest).sort();
    return {
      labels: [label, value],
      count: this.count,
      sum: this.sum,
      quantiles: QUANTILES.map((quantile) => ({
        quantile,
        value:
          recent.length === 0 ? Number.NaN : recent[Math.min(recent.length - 1, Math.floor(quantile * recent.length))],
      })),
    };
  }
}

class SummaryVector {
  readonly #children = new Map<string, RecentSummary>();

  constructor(registry: Registry, name: string, help: string, label: string) {
    registry.collect(() => ({
      name,
      help,
      type: "summary",
      metrics: [...this.#children].map(([value, child]) => child.metric(label, value)),
    }));
  }

  observe(label: string, value: number): void {
    let child = this.#children.get(label);
    if (!child) this.#children.set(label, (child = new RecentSummary()));
    child.observe(value);
  }

  remove(label: string): void {
    this.#children.delete(label);
  }
}

export function createScrapeMetrics(registry: Registry) {
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    registry.counter(`prometheus_target_${name}`, help, labels);
  const gauge = (name: string, help: string) => registry.gauge(`prometheus_target_${name}`, help, ["scrape_job"]);
  const summary = (name: string, help: string, label: string) =>
    new SummaryVector(registry, `prometheus_target_${name}`, help, label);
  return {
    pools: counter("scrape_pools_total", "Total number of scrape pool creation attempts."),
    poolsFailed: counter("scrape_pools_failed_total", "Total number of scrape pool creations that failed."),
    reloads: counter("scrape_pool_reloads_total", "Total number of scrape pool reloads."),
    reloadsFailed: counter("scrape_pool_reloads_failed_total", "Total number of failed scrape pool reloads."),
    reloadLength: summary(
      "reload_length_seconds",
      "Actual interval to reload the scrape pool with a given configuration.",
      "interval",
    ),
    syncs: counter("scrape_pool_sync_total", "Total number of syncs that were executed on a scrape pool.", [
      "scrape_job",
    ]),
    syncLength: summary("sync_length_seconds", "Actual interval to sync the scrape pool.", "scrape_job"),
    syncLengths: registry.histogram(
      "prometheus_target_sync_length_histogram_seconds",
      "Actual interval to sync the scrape pool.",
      ["scrape_job"],
      [0.01, 0.1, 1, 10],
    ),
    cacheFlushed: counter(
      "scrapes_cache_flush_forced_total",
      "How many times a scrape cache was flushed due to getting big while scrapes are failing.",
    ),
    syncFailed: counter("sync_failed_total", "Total number of target sync failures.", ["scrape_job"]),
    targets: gauge("scrape_pool_targets", "Current number of targets in this scrape pool."),
    targetLimits: gauge("scrape_pool_target_limit", "Maximum number of targets allowed in this scrape pool."),
    targetLimit: counter(
      "scrape_pool_exceeded_target_limit_total",
      "Total number of times scrape pools hit the target limit, during sync or config reload.",
    ),
    labelLimits: counter(
      "scrape_pool_exceeded_label_limits_total",
      "Total number of times scrape pools hit the label limits, during sync or config reload.",
    ),
    bodySizeLimit: counter(
      "scrapes_exceeded_body_size_limit_total",
      "Total number of scrapes that hit the body size limit",
    ),
    sampleLimit: counter(
      "scrapes_exceeded_sample_limit_total",
      "Total number of scrapes that hit the sample limit and were rejected.",
    ),
    bucketLimit: counter(
      "scrapes_exceeded_native_histogram_bucket_limit_total",
      "Total number of scrapes that hit the native histogram bucket limit and were rejected.",
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
    exemplarOutOfOrder: counter(
      "scrapes_exemplar_out_of_order_total",
      "Total number of exemplar rejected due to not being out of the expected order.",
    ),
    overBudget: registry.counter(
      "pharos_scrape_series_over_budget_total",
      "Total number of new series refused because the memory budget is used up.",
      ["scrape_job"],
    ),
    intervalLength: summary("interval_length_seconds", "Actual intervals between scrapes.", "interval"),
    interval: registry.histogram(
      "prometheus_target_interval_length_histogram_seconds",
      "Actual intervals between scrapes.",
      ["interval"],
      [0.01, 0.1, 1, 10],
    ),
    duration: registry.histogram(
      "prometheus_target_scrape_duration_seconds",
      "Total duration of the scrape from start to commit completion in seconds.",
    ),
  };
}
