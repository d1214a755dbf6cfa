/** Self-metrics of the database, under upstream's names. */
import type { Registry } from "@pharos/kit";
import type { Head } from "./head/head.ts";

export function registerTsdbMetrics(registry: Registry, head: Head): void {
  registry.gaugeFunction(
    "prometheus_tsdb_head_series",
    "Total number of series in the head block.",
    () => head.seriesCount,
  );
  registry.gaugeFunction(
    "prometheus_tsdb_head_chunks",
    "Total number of chunks in the head block.",
    () => head.chunkCount,
  );
  registry.counterFunction(
    "prometheus_tsdb_head_series_created_total",
    "Total number of series created in the head",
    () => head.created,
  );
  registry.counterFunction(
    "prometheus_tsdb_head_series_removed_total",
    "Total number of series removed in the head",
    () => head.removed,
  );
  registry.gaugeFunction("prometheus_tsdb_head_max_time", "Maximum timestamp of the head block.", () => head.maxTime);
  registry.gaugeFunction("prometheus_tsdb_head_min_time", "Minimum time bound of the head block.", () => head.minTime);
  registry.counterFunction(
    "pharos_tsdb_series_over_budget_total",
    "New series refused because the memory budget is used up.",
    () => head.refused,
  );
  registry.collect(() => ({
    name: "prometheus_tsdb_head_samples_appended_total",
    help: "Total number of appended samples.",
    type: "counter",
    metrics: [{ labels: ["type", "float"], value: head.samples }],
  }));
}
