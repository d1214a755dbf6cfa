/** What a database is opened with. */
import type { Logger, Registry } from "@pharos/kit";
import type { BlockMeta } from "./block/meta.ts";
import type { WalCompression } from "./wal/segments.ts";

/** What may be changed while the database is open. */
export interface DbSettings {
  /** ms; 0: samples are kept for ever. */
  retentionMs?: number;
  /** Bytes of blocks and log; 0: any. The oldest blocks go first. */
  retentionBytes?: number;
  /** Share of the disk, 0 to 100; 0: any. Where it and `retentionBytes` are both given it counts. */
  retentionPercentage?: number;
  /** How far behind the newest sample late ones are taken, ms; 0 (the default): not at all. */
  outOfOrderTimeWindowMs?: number;
  /**
   * Encoding of new chunks of floats; "xor" by default. Older versions of Prometheus, and other readers of blocks, do not know
   * "xor2".
   */
  floatEncoding?: "xor" | "xor2";
  /**
   * New blocks say in their description who wrote them, as Thanos wants it: external labels, and a name for the kind of writer
   * ("sidecar" by default, as which Thanos' own tools know blocks of a Prometheus).
   */
  thanos?: { labels: Readonly<Record<string, string>>; source?: string };
  /** Share of stale series in the head, 0 to 1, from which on they are written to blocks and leave it; 0 (the default): never. */
  staleSeriesThreshold?: number;
}

export interface DbOptions extends DbSettings {
  dir: string;
  /** Whether other processes are kept out (the default). */
  lock?: boolean;
  /** How the log is packed; true (the default) is snappy, false none. */
  walCompression?: boolean | WalCompression;
  maxExemplars?: number;
  /**
   * Start (created) timestamps are kept with their samples: upstream's feature `st-storage`. Needs the float encoding "xor2"; the
   * log then has records that Prometheus before 3.11 does not know.
   */
  storeStartTimestamps?: boolean;
  /** Chunks of histograms have start timestamps too: upstream's feature `histograms-st-encoding`, which no older version reads. */
  histogramStartEncoding?: boolean;
  /** The head is written to a snapshot when the database is closed, and read from it at the next start. */
  snapshotOnShutdown?: boolean;
  /** A zero is put where a counter says it began: upstream's feature `created-timestamp-zero-ingestion`. */
  zeroAtStart?: boolean;
  /** Bytes that series and samples may take in memory; 0: any. */
  memoryBudgetBytes?: number;
  /** Bytes of blocks and head chunks kept in memory once read; 256 MiB by default. */
  cacheBytes?: number;
  /** Length of the blocks the head is cut into, ms; two hours by default. */
  minBlockMs?: number;
  /** The longest blocks made by merging, ms; 0: a tenth of the retention, at most 31 days. */
  maxBlockMs?: number;
  /** Do not wait for the log: `openDb` resolves when blocks can be read and samples are taken; `Db.replayed` tells when the rest is there. */
  background?: boolean;
  /** Blocks are written in a thread of its own. */
  threads?: boolean;
  registry?: Registry;
  log?: Logger;
  now?: () => number;
  /** Bytes of the log read so far, and in all. */
  onReplay?: (done: number, total: number) => void;
  /**
   * Called with each new block before those it replaces are removed; for copies to object storage. The folder stays for as long as
   * a promise it answers is pending, whatever becomes of the block meanwhile. What goes wrong is logged, and nothing else.
   */
  onBlock?: (meta: BlockMeta, dir: string) => void | Promise<void>;
}

export const DEFAULT_BLOCK_MS = 2 * 3600_000;
/** The system keeps the files in memory as well: what is not here costs a copy, a fraction of what decoding it takes. */
export const DEFAULT_CACHE_BYTES = 32 * 2 ** 20;
