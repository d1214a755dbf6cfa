/** Self-metrics of the database, under upstream's names. */
import type { Registry } from "@pharos/kit";
import type { BlockStore } from "./block/store.ts";
import type { Compactor } from "./compact/compactor.ts";
import type { Head } from "./head/head.ts";

export function registerTsdbMetrics(registry: Registry, head: Head, store: BlockStore, compactor: Compactor): void {
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
    metrics: [
      { labels: ["type", "float"], value: head.samples },
      { labels: ["type", "histogram"], value: head.histogramSamples },
    ],
  }));
  registry.gaugeFunction(
    "prometheus_tsdb_blocks_loaded",
    "Number of currently loaded data blocks",
    () => store.all.length,
  );
  registry.gaugeFunction(
    "prometheus_tsdb_storage_blocks_bytes",
    "The number of bytes that are currently used for local storage by all blocks.",
    () => store.bytes,
  );
  registry.gaugeFunction(
    "prometheus_tsdb_wal_storage_size_bytes",
    "Size of the write log directory.",
    () => head.logBytes,
  );
  registry.gaugeFunction("prometheus_tsdb_lowest_timestamp", "Lowest timestamp value stored in the database.", () =>
    Math.min(store.all[0]?.meta.minTime ?? Number.POSITIVE_INFINITY, head.minTime),
  );
  registry.counterFunction(
    "prometheus_tsdb_compactions_total",
    "Total number of compactions that were executed for the partition.",
    () => compactor.compactions,
  );
  registry.counterFunction(
    "prometheus_tsdb_compactions_failed_total",
    "Total number of compactions that failed for the partition.",
    () => compactor.failures,
  );
}
