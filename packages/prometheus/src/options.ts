/** What starting a Prometheus takes; the command line and the operator's local driver fill it in. */

import type { Logger } from "@pharos/kit";
import type { WriteVersion } from "@pharos/remote";

export interface PrometheusOptions {
  configFile: string;
  storagePath: string;
  listen: { host: string; port: number };
  /** As clients reach it; without one, the address it listens on. */
  externalUrl?: string;
  /** Base URL of a UI to send people to. */
  uiUrl?: string;
  /** 0 means no limit of this kind. */
  retention: { timeMs: number; bytes: number };
  storage?: {
    walCompression?: "none" | "snappy" | "zstd";
    /** Length of the blocks the head is cut into, and the longest made by merging, ms. */
    minBlockMs?: number;
    maxBlockMs?: number;
    /** Bytes that series and samples may take in memory; 0: any. */
    memoryBudgetBytes?: number;
    lock?: boolean;
    /** Upstream's features st-storage, histograms-st-encoding and created-timestamp-zero-ingestion. */
    storeStartTimestamps?: boolean;
    histogramStartEncoding?: boolean;
    zeroAtStart?: boolean;
    /** Where the configuration does not say; upstream's feature xor2-encoding makes it "xor2". */
    floatEncoding?: "xor" | "xor2";
    /** Upstream's feature memory-snapshot-on-shutdown. */
    snapshotOnShutdown?: boolean;
  };
  enableLifecycle: boolean;
  enableAdminApi: boolean;
  /** The receiver of remote write; off when absent. */
  remoteWriteReceiver?: { versions: readonly WriteVersion[] };
  query?: {
    lookbackMs?: number;
    timeoutMs?: number;
    maxSamples?: number;
    maxConcurrency?: number;
    /** Bytes that one query, and all together, may hold. */
    maxBytes?: number;
    maxTotalBytes?: number;
  };
  rules?: { resendDelayMs?: number; outageToleranceMs?: number; forGracePeriodMs?: number };
  /** For /status/flags. */
  flags?: Readonly<Record<string, string>>;
  log: Logger;
  /** Version of Prometheus whose behaviour clients may expect. */
  version: string;
  now?: () => number;
  /** Called by /-/quit. */
  onQuit?: () => void;
}
