/** What starting a Prometheus takes; the command line and the operator's local driver fill it in. */

import type { Logger } from "@pharos/kit";
import type { WriteVersion } from "@pharos/remote";
import type { Features } from "./features.ts";

export interface RemoteWriteOptions {
  /** How long queues may go on sending when they are stopped; one minute by default. */
  flushDeadlineMs?: number;
  /** Bytes of the write-ahead log kept for receivers that are behind, 8 GiB by default; 0: any. */
  logBudgetBytes?: number;
}

export interface PrometheusOptions {
  configFile: string;
  storagePath: string;
  listen: { host: string; port: number };
  /** Further addresses. */
  moreListen?: readonly { host: string; port: number }[];
  /** As clients reach it; without one, the address it listens on. Its path is where everything is found below. */
  externalUrl?: string;
  /** Where everything is found below, when that is not the path of `externalUrl`. */
  routePrefix?: string;
  /** Web configuration file: TLS, users, headers; followed while the server runs. */
  webConfigFile?: string;
  /** ms */
  readTimeoutMs?: number;
  maxConnections?: number;
  /** Anchored regular expression of the origins whose pages may read answers; default: all. */
  corsOrigin?: string;
  /** Folders of console pages and of what they share. */
  consoles?: { templates: string; libraries: string };
  /** Folder shown below /user. */
  userAssets?: string;
  /** Streams of notifications at a time. */
  maxNotificationSubscribers?: number;
  /** How often the configuration is looked at, ms; 0: only when told. */
  autoReloadMs?: number;
  features?: Features;
  /** Results of a search at most; 0: any number. */
  searchMaxLimit?: number;
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
  /** The sender of remote write. */
  remoteWrite?: RemoteWriteOptions;
  /** Limits of answers to remote read; 0 means none. */
  remoteRead?: {
    /** Samples of one request; not of streamed answers. */
    sampleLimit?: number;
    /** Requests at a time. */
    concurrency?: number;
    /** Bytes of chunks in one frame of a streamed answer. */
    frameBytes?: number;
  };
  /** Whether metrics are taken by OTLP. */
  otlpReceiver?: boolean;
  query?: {
    lookbackMs?: number;
    timeoutMs?: number;
    maxSamples?: number;
    maxConcurrency?: number;
    /** Bytes that one query, and all together, may hold. */
    maxBytes?: number;
    maxTotalBytes?: number;
    /** Threads that evaluate heavy queries, 0 for none; as many as there are cores, up to 8, none on a single one. */
    threads?: number;
  };
  rules?: {
    resendDelayMs?: number;
    outageToleranceMs?: number;
    forGracePeriodMs?: number;
    /** Rules of all groups evaluated at a time beside those whose turn it is; 1: each group one after the other. */
    maxConcurrentEvals?: number;
  };
  notify?: {
    /** Alerts waiting for each Alertmanager at most. */
    capacity?: number;
    /** Alerts in a request at most. */
    batchSize?: number;
    /** Whether a stop waits for what is queued to be sent; true by default. */
    drain?: boolean;
  };
  scrape?: {
    /** How late a scrape may be and still get the timestamp of its turn, ms; 0: not at all. */
    timestampToleranceMs?: number;
    /** Targets found within so much time are taken together, ms. */
    discoveryThrottleMs?: number;
  };
  /** For /status/flags. */
  flags?: Readonly<Record<string, string>>;
  log: Logger;
  /** Version of Prometheus whose behaviour clients may expect. */
  version: string;
  now?: () => number;
  /** Called by /-/quit. */
  onQuit?: () => void;
}
