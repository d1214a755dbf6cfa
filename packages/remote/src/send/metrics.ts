/** Metrics of remote write, under upstream's names. */
import { DEFAULT_BUCKETS, type Registry } from "@pharos/kit";

const LABELS = ["remote_name", "url"] as const;
const DROPPED =
  "which were dropped after being read from the WAL before being sent via remote write, either via relabelling, due to being too old or unintentionally because of an unknown reference ID.";
const FAILED = "which failed on send to remote storage, non-recoverable errors.";
const RETRIED = "which failed on send to remote storage but were retried because the send error was recoverable.";
const KINDS = ["samples", "exemplars", "histograms", "metadata"] as const;
const ROWS = ["samples", "exemplars", "histograms"] as const;

type Row = (typeof ROWS)[number];
type Kind = (typeof KINDS)[number];
const record = <K extends string, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> =>
  Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;

/** Declares every family once; a queue takes its children with `queueMetrics`. */
export class SendMetrics {
  readonly #vectors;
  readonly #watcher;

  constructor(registry: Registry) {
    const counter = (name: string, help: string, extra: readonly string[] = []) =>
      registry.counter(`prometheus_remote_storage_${name}`, help, [...LABELS, ...extra]);
    const gauge = (name: string, help: string) => registry.gauge(`prometheus_remote_storage_${name}`, help, LABELS);
    const noun = (kind: Kind): string => (kind === "metadata" ? "metadata entries" : kind);
    this.#vectors = {
      sent: record(KINDS, (kind) => counter(`${kind}_total`, `Total number of ${noun(kind)} sent to remote storage.`)),
      failed: record(KINDS, (kind) => counter(`${kind}_failed_total`, `Total number of ${noun(kind)} ${FAILED}`)),
      retried: record(KINDS, (kind) => counter(`${kind}_retried_total`, `Total number of ${noun(kind)} ${RETRIED}`)),
      dropped: record(ROWS, (kind) =>
        counter(`${kind}_dropped_total`, `Total number of ${kind} ${DROPPED}`, ["reason"]),
      ),
      pending: record(ROWS, (kind) =>
        gauge(
          `${kind}_pending`,
          `The number of ${kind} pending in the queues shards to be sent to the remote storage.`,
        ),
      ),
      enqueueRetries: counter(
        "enqueue_retries_total",
        "Total number of times enqueue has failed because a shards queue was full.",
      ),
      duration: registry.histogram(
        "prometheus_remote_storage_sent_batch_duration_seconds",
        "Duration of send calls to the remote storage.",
        LABELS,
        [...DEFAULT_BUCKETS, 25, 60, 120, 300],
      ),
      highest: gauge(
        "queue_highest_timestamp_seconds",
        "Timestamp from a WAL sample, the highest timestamp enqueued by this queue, in seconds since epoch.",
      ),
      highestSent: gauge(
        "queue_highest_sent_timestamp_seconds",
        "Timestamp from a WAL sample, the highest timestamp successfully sent by this queue, in seconds since epoch. Initialized to 0 when no data has been sent yet.",
      ),
      capacity: gauge(
        "shard_capacity",
        "The capacity of each shard of the queue used for parallel sending to the remote storage.",
      ),
      shards: gauge("shards", "The number of shards used for parallel sending to the remote storage."),
      shardsMax: gauge("shards_max", "The maximum number of shards that the queue is allowed to run."),
      shardsMin: gauge("shards_min", "The minimum number of shards that the queue is allowed to run."),
      shardsDesired: gauge(
        "shards_desired",
        "The number of shards that the queues shard calculation wants to run based on the rate of samples in vs. samples out.",
      ),
      bytes: counter(
        "bytes_total",
        "The total number of bytes of data (not metadata) sent by the queue after compression. Note that when exemplars over remote write is enabled the exemplars are included in a remote write request count towards this metric.",
      ),
      metadataBytes: counter(
        "metadata_bytes_total",
        "The total number of bytes of metadata sent by the queue after compression.",
      ),
      maxPerSend: gauge(
        "max_samples_per_send",
        "The maximum number of samples to be sent, in a single request, to the remote storage. Note that, when sending of exemplars over remote write is enabled, exemplars count towards this limit.",
      ),
      lag: registry.gauge(
        "pharos_remote_write_lag_seconds",
        "How far what was acknowledged by the receiver is behind the newest sample.",
        LABELS,
      ),
      behind: registry.gauge(
        "pharos_remote_write_log_behind_bytes",
        "Bytes of the write-ahead log that the queue still has to send.",
        LABELS,
      ),
      lost: registry.counter(
        "pharos_remote_write_log_lost_total",
        "Stretches of the write-ahead log that were gone, or damaged, before they were sent.",
        LABELS,
      ),
    };
    this.#watcher = {
      records: registry.counter(
        "prometheus_wal_watcher_records_read_total",
        "Number of records read by the WAL watcher from the WAL.",
        ["consumer", "type"],
      ),
      failures: registry.counter(
        "prometheus_wal_watcher_record_decode_failures_total",
        "Number of records read by the WAL watcher that resulted in an error when decoding.",
        ["consumer"],
      ),
      preTailing: registry.counter(
        "prometheus_wal_watcher_samples_sent_pre_tailing_total",
        "Number of sample records read by the WAL watcher and sent to remote write during replay of existing WAL.",
        ["consumer"],
      ),
      segment: registry.gauge(
        "prometheus_wal_watcher_current_segment",
        "Current segment the WAL watcher is reading records from.",
        ["consumer"],
      ),
    };
  }

  queue(name: string, url: string) {
    const vectors = this.#vectors;
    const labels = [name, url] as const;
    const { sent, failed, retried, dropped, pending, ...single } = vectors;
    return {
      sent: record(KINDS, (kind) => sent[kind].labels(...labels)),
      failed: record(KINDS, (kind) => failed[kind].labels(...labels)),
      retried: record(KINDS, (kind) => retried[kind].labels(...labels)),
      dropped: (kind: Row, reason: string) => dropped[kind].labels(...labels, reason),
      pending: record(ROWS, (kind) => pending[kind].labels(...labels)),
      enqueueRetries: single.enqueueRetries.labels(...labels),
      duration: single.duration.labels(...labels),
      highest: single.highest.labels(...labels),
      highestSent: single.highestSent.labels(...labels),
      capacity: single.capacity.labels(...labels),
      shards: single.shards.labels(...labels),
      shardsMax: single.shardsMax.labels(...labels),
      shardsMin: single.shardsMin.labels(...labels),
      shardsDesired: single.shardsDesired.labels(...labels),
      bytes: single.bytes.labels(...labels),
      metadataBytes: single.metadataBytes.labels(...labels),
      maxPerSend: single.maxPerSend.labels(...labels),
      lag: single.lag.labels(...labels),
      behind: single.behind.labels(...labels),
      lost: single.lost.labels(...labels),
      /** A record of this type (its first byte) was read. */
      record: (type: number) => this.#watcher.records.labels(name, RECORD_NAMES[type] ?? "unknown").inc(),
      failures: this.#watcher.failures.labels(name),
      segment: this.#watcher.segment.labels(name),
      preTailing: this.#watcher.preTailing.labels(name),
      /** The series of a queue that is gone end. */
      remove: () => {
        const { sent, failed, retried, dropped, pending, ...single } = vectors;
        for (const vector of [sent, failed, retried, pending].flatMap((each) => Object.values(each)))
          vector.remove(...labels);
        for (const vector of Object.values(single)) vector.remove(...labels);
        for (const vector of Object.values(dropped))
          for (const reason of DROP_REASONS) vector.remove(...labels, reason);
        this.#watcher.failures.remove(name);
        this.#watcher.segment.remove(name);
        this.#watcher.preTailing.remove(name);
        for (const type of [...Object.values(RECORD_NAMES), "unknown"]) this.#watcher.records.remove(name, type);
      },
    };
  }
}

/** Types of the log's records, as upstream's metric calls them. */
const RECORD_NAMES: Readonly<Record<number, string>> = {
  1: "series",
  2: "samples",
  3: "tombstones",
  4: "exemplars",
  5: "mmapmarkers",
  6: "metadata",
  7: "histogram_samples",
  8: "float_histogram_samples",
  9: "custom_buckets_histogram_samples",
  10: "custom_buckets_float_histogram_samples",
  11: "samples_v2",
  12: "histogram_samples_v2",
  13: "float_histogram_samples_v2",
};

export const DROP_REASONS = [
  "too_old",
  "dropped_series",
  "unintentionally_dropped_series",
  "nhcb_in_rw1_not_supported",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
export type QueueMetrics = ReturnType<SendMetrics["queue"]>;
