/** Self-metrics of the database, under upstream's names; those that are Pharos' own begin with its name. */
import type { Registry } from "@pharos/kit";
import type { PageCache } from "./block/page-cache.ts";
import type { BlockStore } from "./block/store.ts";
import type { Compactor } from "./compact/compactor.ts";
import type { Head } from "./head/head.ts";
import type { Replay } from "./head/replay.ts";

export interface MetricSources {
  head: Head;
  store: BlockStore;
  compactor: Compactor;
  replay: Replay;
  cache: PageCache;
  retention: () => { seconds: number; bytes: number; percentage: number };
}

type Read = (sources: MetricSources) => number;

const P = "prometheus_tsdb_";

/** Unix ms as upstream shows them when there is nothing: 0. */
const finite = (value: number): number => (Number.isFinite(value) ? value : 0);

const GAUGES: readonly (readonly [string, string, Read])[] = [
  [`${P}head_series`, "Total number of series in the head block.", ({ head }) => head.seriesCount],
  [`${P}head_chunks`, "Total number of chunks in the head block.", ({ head }) => head.store.chunkCount],
  [`${P}head_chunks_storage_size_bytes`, "Size of the chunks_head directory.", ({ head }) => head.store.files.bytes],
  [`${P}head_max_time`, "Maximum timestamp of the head block. The unit is decided by the library consumer.", ({ head }) => finite(head.maxTime)],
  [`${P}head_min_time`, "Minimum time bound of the head block. The unit is decided by the library consumer.", ({ head }) => finite(head.minTime)],
  [`${P}head_max_time_seconds`, "Maximum timestamp of the head block.", ({ head }) => finite(head.maxTime) / 1000],
  [`${P}head_min_time_seconds`, "Minimum time bound of the head block.", ({ head }) => finite(head.minTime) / 1000],
  [`${P}head_active_appenders`, "Number of currently active appender transactions", ({ head }) => head.activeAppenders],
  [`${P}head_native_histogram_series`, "Number of native histogram series currently present in the head block.", ({ head }) => head.store.histogramSeries],
  [`${P}head_stale_series`, "Total number of stale series in the head block.", ({ head }) => head.staleCount()],
  [`${P}blocks_loaded`, "Number of currently loaded data blocks", ({ store }) => store.all.length],
  [`${P}storage_blocks_bytes`, "The number of bytes that are currently used for local storage by all blocks.", ({ store }) => store.bytes],
  [`${P}symbol_table_size_bytes`, "Size of symbol table in memory for loaded blocks", ({ store }) => store.symbolBytes],
  [`${P}wal_storage_size_bytes`, "Size of the write log directory.", ({ head }) => head.walBytes],
  [`${P}wal_segment_current`, "Write log segment index that TSDB is currently writing to.", ({ head }) => head.wal.segment],
  [`${P}data_replay_duration_seconds`, "Time taken to replay the data on disk.", ({ replay }) => replay.report.seconds],
  [`${P}lowest_timestamp`, "Lowest timestamp value stored in the database. The unit is decided by the library consumer.", (all) => finite(lowest(all))],
  [`${P}lowest_timestamp_seconds`, "Lowest timestamp value stored in the database.", (all) => finite(lowest(all)) / 1000],
  [`${P}retention_limit_seconds`, "How long to retain samples in storage.", ({ retention }) => retention().seconds],
  [`${P}retention_limit_bytes`, "Max number of bytes to be retained in the tsdb blocks, configured 0 means disabled", ({ retention }) => retention().bytes],
  [`${P}retention_limit_percentage`, "Max percentage of total storage space to be retained in the tsdb blocks, configured 0 means disabled", ({ retention }) => retention().percentage],
  [`${P}compaction_populating_block`, "Set to 1 when a block is currently being written to the disk.", ({ compactor }) => Number(compactor.writing)],
  [`${P}exemplar_exemplars_in_storage`, "Number of exemplars currently in circular storage.", ({ head }) => head.exemplars.count],
  [`${P}exemplar_series_with_exemplars_in_storage`, "Number of series with exemplars currently in circular storage.", ({ head }) => head.exemplars.seriesCount],
  [`${P}exemplar_last_exemplars_timestamp_seconds`, "The timestamp of the oldest exemplar stored in circular storage. Useful to check for what time range the current exemplar buffer limit allows. This usually means the last timestamp for all exemplars for a typical setup. This is not true though if one of the series timestamp is in future compared to rest series.", ({ head }) => head.exemplars.oldestTime / 1000],
  [`${P}exemplar_max_exemplars`, "Total number of exemplars the exemplar storage can store, resizeable.", ({ head }) => head.exemplars.capacity],
  ["pharos_tsdb_head_memory_bytes", "Bytes that series and samples of the head take in memory.", ({ head }) => head.store.bytes],
  ["pharos_tsdb_head_memory_budget_bytes", "Bytes they may take; 0 without a budget.", ({ head }) => head.budget.limit],
  ["pharos_tsdb_block_cache_bytes", "Bytes of blocks and head chunks that are kept in memory.", ({ cache }) => cache.bytes],
  ["pharos_tsdb_replay_remaining_bytes", "Bytes of the write-ahead log that are still to be read after the start.", ({ replay }) => Math.max(0, replay.progress.total - replay.progress.done)],
]; // biome-ignore format: one metric a line

const COUNTERS: readonly (readonly [string, string, Read])[] = [
  [`${P}head_series_created_total`, "Total number of series created in the head", ({ head }) => head.created],
  [`${P}head_series_removed_total`, "Total number of series removed in the head", ({ head }) => head.removed],
  [`${P}head_series_not_found_total`, "Total number of requests for series that were not found.", ({ head }) => head.notFound],
  [`${P}head_chunks_created_total`, "Total number of chunks created in the head", ({ head }) => head.store.chunksCreated],
  [`${P}head_chunks_removed_total`, "Total number of chunks removed in the head", ({ head }) => head.store.chunksCreated - head.store.chunkCount],
  [`${P}mmap_chunks_total`, "Total number of chunks that were memory-mapped.", ({ head }) => head.store.files.written],
  [`${P}mmap_chunk_corruptions_total`, "Total number of memory-mapped chunk corruptions.", ({ replay }) => replay.report.chunkCorruptions],
  [`${P}head_appenders_created_total`, "Total number of appender transactions created.", ({ head }) => head.appenders],
  [`${P}head_truncations_total`, "Total number of head truncations attempted.", ({ head }) => head.truncations],
  [`${P}head_truncations_failed_total`, "Total number of head truncations that failed.", () => 0],
  [`${P}compactions_total`, "Total number of compactions that were executed for the partition.", ({ compactor }) => compactor.compactions],
  [`${P}compactions_failed_total`, "Total number of compactions that failed for the partition.", ({ compactor }) => compactor.failures],
  [`${P}compactions_triggered_total`, "Total number of triggered compactions for the partition.", ({ compactor }) => compactor.triggered],
  [`${P}compactions_skipped_total`, "Total number of skipped compactions due to disabled auto compaction.", () => 0],
  [`${P}stale_series_compactions_triggered_total`, "Total number of triggered stale series compactions.", ({ compactor }) => compactor.staleTriggered],
  [`${P}stale_series_compactions_failed_total`, "Total number of stale series compactions that failed.", ({ compactor }) => compactor.staleFailures],
  [`${P}vertical_compactions_total`, "Total number of compactions done on overlapping blocks.", ({ compactor }) => compactor.vertical],
  [`${P}checkpoint_creations_total`, "Total number of checkpoint creations attempted.", ({ compactor }) => compactor.checkpoints],
  [`${P}checkpoint_creations_failed_total`, "Total number of checkpoint creations that failed.", ({ compactor }) => compactor.checkpointFailures],
  [`${P}checkpoint_deletions_total`, "Total number of checkpoint deletions attempted.", ({ compactor }) => compactor.checkpoints],
  [`${P}checkpoint_deletions_failed_total`, "Total number of checkpoint deletions that failed.", () => 0],
  [`${P}reloads_total`, "Number of times the database reloaded block data from disk.", ({ store }) => store.reloads],
  [`${P}reloads_failures_total`, "Number of times the database failed to reloadBlocks block data from disk.", ({ store }) => store.failed],
  [`${P}size_retentions_total`, "The number of times that blocks were deleted because the maximum number of bytes was exceeded.", ({ store }) => store.sizeRetentions],
  [`${P}time_retentions_total`, "The number of times that blocks were deleted because the maximum time limit was exceeded.", ({ store }) => store.timeRetentions],
  [`${P}wal_corruptions_total`, "Total number of WAL corruptions.", ({ replay }) => replay.report.corruptions.length],
  [`${P}wal_writes_failed_total`, "Total number of write log writes that failed.", ({ head }) => head.walFailures],
  [`${P}wal_page_flushes_total`, "Total number of page flushes.", ({ head }) => head.wal.writes],
  [`${P}exemplar_exemplars_appended_total`, "Total number of appended exemplars.", ({ head }) => head.exemplars.appended],
  [`${P}exemplar_out_of_order_exemplars_total`, "Total number of out of order exemplar ingestion failed attempts.", ({ head }) => head.exemplars.outOfOrder],
]; // biome-ignore format: one metric a line

function lowest({ head, store }: MetricSources): number {
  return Math.min(store.all[0]?.meta.minTime ?? Number.POSITIVE_INFINITY, head.minTime);
}

export function registerTsdbMetrics(registry: Registry, sources: MetricSources): void {
  for (const [name, help, read] of GAUGES) registry.gaugeFunction(name, help, () => read(sources));
  for (const [name, help, read] of COUNTERS) registry.counterFunction(name, help, () => read(sources));
  const { head, replay } = sources;
  const byType = (name: string, help: string, float: () => number, histogram?: () => number): void =>
    registry.collect(() => ({
      name: P + name,
      help,
      type: "counter",
      metrics: [
        { labels: ["type", "float"], value: float() },
        ...(histogram ? [{ labels: ["type", "histogram"], value: histogram() }] : []),
      ],
    }));
  byType("head_samples_appended_total", "Total number of appended samples.", () => head.store.floats, () => head.store.histograms); // biome-ignore format: one metric a line
  byType("head_out_of_order_samples_appended_total", "Total number of appended out of order samples.", () => head.late.samples); // biome-ignore format: one metric a line
  byType("out_of_order_samples_total", "Total number of out of order samples ingestion failed attempts due to out of order being disabled.", () => head.refusals.outOfOrder); // biome-ignore format: one metric a line
  byType("out_of_bound_samples_total", "Total number of out of bound samples ingestion failed attempts with out of order support disabled.", () => head.refusals.outOfBounds); // biome-ignore format: one metric a line
  byType("too_old_samples_total", "Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside of time window.", () => head.refusals.tooOld); // biome-ignore format: one metric a line
  registry.collect(() => ({
    name: `${P}wal_replay_unknown_refs_total`,
    help: "Total number of unknown series references encountered during WAL replay.",
    type: "counter",
    metrics: [{ labels: ["type", "samples"], value: replay.report.unknownRefs }],
  }));
  registry.collect(() => ({
    name: "pharos_tsdb_series_over_budget_total",
    help: "New series refused because the memory budget is used up, by who reported them.",
    type: "counter",
    metrics: head.budget.sources.map(({ name, refused }) => ({ labels: ["source", name], value: refused })),
  }));
}
