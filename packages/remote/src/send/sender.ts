/** All queues of `remote_write`: started, stopped and left alone as the configuration changes. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Logger, Registry } from "@pharos/kit";
import { type Labels, type MetricMetadata, UserError } from "@pharos/model";
import type { LogPosition } from "@pharos/tsdb";
import { redactUrl } from "../remote-config.ts";
import { WriteClient } from "./client.ts";
import type { RemoteWriteConfig } from "./config.ts";
import { EwmaRate } from "./ewma.ts";
import { type QueueMetrics, SendMetrics } from "./metrics.ts";
import { type QueueStatus, RemoteWriteQueue } from "./queue.ts";

export interface SenderOptions {
  /** Folder of the data; positions are kept below it. */
  dir: string;
  logDir: string;
  /** Resolves when the log may be read: nobody mends it any more. */
  ready: Promise<void>;
  logEnd(): LogPosition;
  log: Logger;
  registry: Registry;
  userAgent: string;
  /** How long a queue that ends may go on sending, ms. */
  flushMs: number;
  /** Bytes of the log that are kept for receivers that are behind; 0: any. */
  logBudgetBytes: number;
  /** Samples appended to the storage since it was opened. */
  appended(): { samples: number; histograms: number; exemplars: number };
  /** Newest time in the storage, Unix ms; 0 when there is none. */
  highestIn(): number;
  metadata(): Iterable<readonly [family: string, metadata: MetricMetadata]>;
  /** Series carry their type and unit as labels. */
  typeAndUnitLabels: boolean;
  /** How often the number of shards is looked at, ms; ten seconds by default. */
  shardUpdateMs?: number;
}

interface Running {
  queue: RemoteWriteQueue;
  client: WriteClient;
  metrics: QueueMetrics;
  hash: string;
}

const EWMA_WEIGHT = 0.2;
const SHARD_UPDATE_MS = 10_000;
const IN_TITLES = { samples: "Samples", histograms: "HistogramSamples", exemplars: "Exemplars" } as const;

/** The same for equal configurations; secrets do not count. */
function hashOf(config: RemoteWriteConfig): string {
  return createHash("md5").update(JSON.stringify(config)).digest("hex");
}

export class RemoteWriteSender implements AsyncDisposable {
  readonly #options: SenderOptions;
  readonly #metrics: SendMetrics;
  readonly #samplesIn: EwmaRate;
  readonly #timer: NodeJS.Timeout;
  #queues = new Map<string, Running>();
  #externalLabels = "";
  #appended: number | undefined;
  #applying: Promise<void> = Promise.resolve();

  constructor(options: SenderOptions) {
    this.#options = options;
    const { registry, shardUpdateMs = SHARD_UPDATE_MS } = options;
    this.#samplesIn = new EwmaRate(EWMA_WEIGHT, shardUpdateMs / 1000);
    this.#metrics = new SendMetrics(registry);
    registry.gaugeFunction(
      "prometheus_remote_storage_highest_timestamp_in_seconds",
      "Highest timestamp that has come into the remote storage via the Appender interface, in seconds since epoch. Initialized to 0 when no data has been received yet. Deprecated, check prometheus_remote_storage_queue_highest_timestamp_seconds which is more accurate.",
      () => Math.trunc(options.highestIn() / 1000),
    );
    for (const kind of ["samples", "histograms", "exemplars"] as const) {
      registry.counterFunction(
        `prometheus_remote_storage_${kind}_in_total`,
        `${IN_TITLES[kind]} in to remote storage, compare to ${kind} out for queue managers. Deprecated, check prometheus_wal_watcher_records_read_total and prometheus_remote_storage_${kind}_dropped_total`,
        () => options.appended()[kind],
      );
    }
    // The gauges of lag are those of the moment they are asked for.
    registry.collect(() => {
      this.status();
      return [];
    });
    this.#timer = setInterval(() => {
      const { samples, histograms, exemplars } = options.appended();
      const all = samples + histograms + exemplars;
      this.#samplesIn.add(all - (this.#appended ?? all));
      this.#appended = all;
      this.#samplesIn.tick();
    }, shardUpdateMs);
    this.#timer.unref();
  }

  /**
   * Takes other configurations; queues whose own has not changed go on. Throws a UserError, with nothing changed, when two are
   * the same or a TLS file cannot be read. What changed is stopped and started behind the scenes, in the order of calls.
   */
  apply(configs: readonly RemoteWriteConfig[], externalLabels: Labels): void {
    const wanted = new Map<string, { config: RemoteWriteConfig; hash: string; client: WriteClient }>();
    const hashes = new Set<string>();
    for (const config of configs) {
      const hash = hashOf(config);
      if (hashes.has(hash)) {
        throw new UserError(
          "remote.config",
          `duplicate remote write configs are not allowed, found duplicate for URL: ${redactUrl(config.url)}`,
        );
      }
      hashes.add(hash);
      const base = config.name || config.url;
      let key = base;
      for (let i = 2; wanted.has(key); i++) key = `${base}#${i}`;
      wanted.set(key, { config, hash, client: new WriteClient(config, this.#options.userAgent) });
    }
    const labelsKey = externalLabels.key();
    const sameLabels = labelsKey === this.#externalLabels;
    this.#externalLabels = labelsKey;
    // What comes in from now on is sent, though the queue may start later.
    const start = this.#options.logEnd();
    this.#applying = Promise.all([this.#applying, this.#options.ready]).then(() =>
      this.#change(wanted, externalLabels, sameLabels, start),
    );
  }

  /** Resolves when what was applied runs. */
  get applied(): Promise<void> {
    return this.#applying;
  }

  async #change(
    wanted: ReadonlyMap<string, { config: RemoteWriteConfig; hash: string; client: WriteClient }>,
    externalLabels: Labels,
    sameLabels: boolean,
    start: LogPosition,
  ): Promise<void> {
    const { flushMs, log } = this.#options;
    const old = this.#queues;
    const next = new Map<string, Running>();
    const ending: Promise<void>[] = [];
    for (const [key, running] of old) {
      const entry = wanted.get(key);
      if (entry && entry.hash === running.hash && sameLabels) {
        // Secrets may have changed.
        running.queue.setStore(entry.client);
        setTimeout(() => void running.client[Symbol.asyncDispose](), flushMs).unref();
        next.set(key, { ...running, client: entry.client });
      } else ending.push(this.#end(running, entry === undefined));
    }
    await Promise.all(ending);
    for (const [key, { config, hash, client }] of wanted) {
      if (next.has(key)) continue;
      try {
        next.set(key, this.#start(key, config, hash, client, externalLabels, start));
      } catch (error) {
        log.error("a remote write queue cannot be started", { url: redactUrl(config.url), err: error });
      }
    }
    this.#queues = next;
  }

  async #end({ queue, client, metrics }: Running, forGood: boolean): Promise<void> {
    await queue.stop(this.#options.flushMs);
    if (forGood) queue.forget();
    metrics.remove();
    await client[Symbol.asyncDispose]();
  }

  #start(
    key: string,
    config: RemoteWriteConfig,
    hash: string,
    client: WriteClient,
    externalLabels: Labels,
    start: LogPosition,
  ): Running {
    const { dir, logDir, log, highestIn, metadata, typeAndUnitLabels, shardUpdateMs = SHARD_UPDATE_MS } = this.#options;
    const name = config.name || hash.slice(0, 6);
    const endpoint = redactUrl(config.url);
    const metrics = this.#metrics.queue(name, endpoint);
    const file = createHash("sha256").update(key).digest("hex").slice(0, 16);
    const queue = new RemoteWriteQueue({
      name,
      endpoint,
      config,
      externalLabels,
      logDir,
      start,
      positionFile: join(dir, "remote-write", `${file}.position`),
      store: client,
      metrics,
      log,
      samplesIn: this.#samplesIn,
      highestIn,
      metadata,
      typeAndUnitLabels,
      shardUpdateMs,
    });
    queue.start();
    return { queue, client, metrics, hash };
  }

  /** How each queue is getting on. */
  status(): QueueStatus[] {
    return [...this.#queues.values()].map(({ queue }) => queue.status(this.#bytesFrom(queue.place())));
  }

  /** The first segment of the log to keep: what is not sent yet, as far as the budget allows. */
  heldSegment(): number | undefined {
    if (this.#queues.size === 0) return undefined;
    const { logBudgetBytes, logEnd } = this.#options;
    const held = Math.min(...[...this.#queues.values()].map(({ queue }) => queue.heldSegment));
    if (logBudgetBytes === 0) return held;
    let left = logBudgetBytes;
    for (let segment = logEnd().segment; segment >= held; segment--) {
      left -= this.#segmentBytes(segment);
      if (left < 0) return segment + 1;
    }
    return held;
  }

  /** Newest time that all receivers have, Unix ms; 0 when there are none. */
  get lowestSent(): number {
    const all = [...this.#queues.values()].map(({ queue }) => queue.highestSent);
    return all.length === 0 ? 0 : Math.min(...all);
  }

  #segmentBytes(segment: number): number {
    const path = join(this.#options.logDir, String(segment).padStart(8, "0"));
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  #bytesFrom({ segment, offset }: LogPosition): number {
    const end = this.#options.logEnd();
    let bytes = -offset;
    for (let index = segment; index < end.segment; index++) bytes += this.#segmentBytes(index);
    return Math.max(0, bytes + (segment <= end.segment ? end.offset : 0));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#applying;
    await Promise.all([...this.#queues.values()].map((running) => this.#end(running, false)));
    this.#queues.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
