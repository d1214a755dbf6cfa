/**
 * Sends the write-ahead log to one receiver. A follower reads it record by record and deals samples out to shards by series;
 * shards send. How far each shard has come is written down, so that after a restart, a crash or a long outage of the
 * receiver it goes on where it was. (Upstream starts again at the present then.)
 *
 * The number of shards follows upstream's calculation: time per sample × (samples in + a twentieth of those waiting).
 */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@pharos/kit";
import {
  CUSTOM_BUCKETS_SCHEMA,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  LabelsBuilder,
  LOW_WORD,
  type MetricMetadata,
} from "@pharos/model";
import { relabelBuilder } from "@pharos/relabel";
import { decodeRecord, LogFollower, type LogPosition, type RecordHandlers, type SampleColumns } from "@pharos/tsdb";
import type { SentSeries } from "./batch.ts";
import type { Store } from "./client.ts";
import type { RemoteWriteConfig } from "./config.ts";
import { METRIC_TYPES } from "./encode.ts";
import { EwmaRate } from "./ewma.ts";
import { sendMetadata } from "./metadata.ts";
import type { DropReason, QueueMetrics } from "./metrics.ts";
import { comparePlaces, MAX_SHARDS, type Place, PositionFile } from "./positions.ts";
import { Shard, type ShardContext } from "./shard.ts";

/** How often the log is looked at for something new. */
const POLL_MS = 100;
/** The process does something else after so long. */
const TURN_MS = 10;
const EWMA_WEIGHT = 0.2;
/** Shards too many or too few that change nothing. */
const TOLERANCE = 0.3;
/** Series of dropped segments are looked for after so long. */
const FORGET_MS = 60_000;
/** Waiting for a shard with room, ms. */
const FULL_MS = 5;

export interface QueueOptions {
  name: string;
  /** As shown in metrics and logs. */
  endpoint: string;
  config: RemoteWriteConfig;
  externalLabels: Labels;
  logDir: string;
  /** Where it begins when no earlier run has left a position: the log's end when it was configured. */
  start: LogPosition;
  positionFile: string;
  store: Store;
  metrics: QueueMetrics;
  log: Logger;
  /** Samples per second that come into the storage. */
  samplesIn: EwmaRate;
  /** Newest time in the storage, Unix ms; 0 when there is none. */
  highestIn(): number;
  /** What targets say about metric families now; sent by 1.0. */
  metadata(): Iterable<readonly [family: string, metadata: MetricMetadata]>;
  /** How often the number of shards is looked at, ms. */
  shardUpdateMs: number;
  /** Series carry their type and unit as labels: 2.0 tells them from there. */
  typeAndUnitLabels: boolean;
}

export interface QueueStatus {
  name: string;
  url: string;
  version: 1 | 2;
  shards: number;
  desiredShards: number;
  pendingSamples: number;
  /** Seconds. */
  lag: number;
  /** Bytes of the log that are still to be sent. */
  behindBytes: number;
  segment: number;
  /** Unix ms of the newest sample that was acknowledged; 0 when there is none. */
  highestSent: number;
  lastError: string;
}

function labelledMetadata({ labels }: SentSeries): MetricMetadata {
  const type = METRIC_TYPES.find((name) => name === labels?.get("__type__")) ?? "unknown";
  return { type, help: "", unit: labels?.get("__unit__") ?? "" };
}

const ROWS = ["samples", "histograms", "exemplars"] as const;

export class RemoteWriteQueue {
  readonly #options: QueueOptions;
  readonly #log: Logger;
  readonly #metrics: QueueMetrics;
  readonly #positions: PositionFile;
  readonly #follower: LogFollower;
  readonly #context: ShardContext;
  readonly #series = new Map<number, SentSeries>();
  readonly #strings = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #out: EwmaRate;
  readonly #dropped: EwmaRate;
  readonly #outDuration: EwmaRate;
  readonly #handlers: RecordHandlers;
  #store: Store;
  #shards: Shard[];
  #wanted: number;
  #desired: number;
  /** The record being dealt out, and how many entries of it are. */
  #record: LogPosition;
  #entry = 0;
  /** Before the end of what earlier runs have acknowledged; some shards have had what comes next. */
  #behindDone: Place | undefined;
  #checkpoint = -1;
  /** The series of what stands before its position are known. */
  #loaded = false;
  /** It has been where the log ended. */
  #caughtUp = false;
  #highest = 0;
  #highestSent = 0;
  /** Of the first sample that was read. */
  #firstTime = 0;
  #lastSent = Date.now();
  #noReshardBefore = 0;
  #lastError = "";
  #finished: Promise<unknown> | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    const { config, metrics } = options;
    this.#log = options.log.with({ remote_name: options.name, url: options.endpoint });
    this.#metrics = metrics;
    this.#store = options.store;
    const seconds = options.shardUpdateMs / 1000;
    this.#out = new EwmaRate(EWMA_WEIGHT, seconds);
    this.#dropped = new EwmaRate(EWMA_WEIGHT, seconds);
    this.#outDuration = new EwmaRate(EWMA_WEIGHT, seconds);
    this.#positions = new PositionFile(options.positionFile);
    this.#context = {
      config,
      metrics,
      log: this.#log,
      out: this.#out,
      outDuration: this.#outDuration,
      store: () => this.#store,
      persist: () => this.#persist(),
      sent: (highest) => this.#sent(highest),
      delayed: (ms, reason) => {
        this.#lastError = reason;
        this.#noReshardBefore = Math.max(this.#noReshardBefore, Date.now() + 2 * ms);
      },
    };
    const { found } = this.#positions;
    const end = { ...options.start, entry: 0 };
    const places =
      found ??
      Array.from({ length: Math.min(config.queue.minShards, MAX_SHARDS) }, () => ({ done: end, sending: end }));
    const first = places.map(({ done }) => done).reduce((a, b) => (comparePlaces(b, a) < 0 ? b : a));
    this.#behindDone = places.map(({ sending }) => sending).reduce((a, b) => (comparePlaces(b, a) > 0 ? b : a));
    this.#follower = new LogFollower(options.logDir, first, ({ segment, reason }) => {
      metrics.lost.inc();
      this.#log.error("a part of the write-ahead log was lost before it was sent", { segment, reason });
    });
    this.#record = this.#follower.position;
    this.#shards = places.map((place) => new Shard(this.#context, { ...place }));
    this.#wanted = this.#desired = this.#shards.length;
    this.#handlers = this.#makeHandlers();
    metrics.capacity.set(config.queue.capacity);
    metrics.shardsMax.set(config.queue.maxShards);
    metrics.shardsMin.set(config.queue.minShards);
    metrics.shardsDesired.set(config.queue.minShards);
    metrics.maxPerSend.set(config.queue.maxSamplesPerSend);
    metrics.shards.set(this.#shards.length);
    if (found) this.#log.info("Going on where the last run ended", { segment: first.segment, shards: found.length });
  }

  start(): void {
    this.#persist();
    const loops = [this.#follow(), this.#reshardLoop()];
    if (this.#options.config.metadata.send && this.#options.config.version === 1) {
      loops.push(sendMetadata({ ...this.#options, log: this.#log, store: () => this.#store }, this.#stop.signal));
    }
    this.#finished = Promise.all(loops).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#log.error("remote write ended", { err: error });
    });
  }

  setStore(store: Store): void {
    this.#store = store;
  }

  /** Sends what has been read, as long as the receiver takes it, for at most `flushMs`; the rest follows after a restart. */
  async stop(flushMs: number): Promise<void> {
    this.#stop.abort();
    await this.#finished;
    await this.#readRest(Date.now() + flushMs);
    for (const shard of this.#shards) shard.flush(true);
    const timer = setTimeout(() => {
      for (const shard of this.#shards) shard.abort();
    }, flushMs);
    await Promise.all(this.#shards.map(({ done }) => done));
    clearTimeout(timer);
    this.#persist();
    this.#positions[Symbol.dispose]();
  }

  /** What the log got last, as the markers of a scrape pool that ends, goes out as well while the receiver takes it. */
  async #readRest(until: number): Promise<void> {
    if (this.#lastError !== "" || !this.#loaded) return;
    for (const record of this.#follower.records()) {
      this.#record = this.#follower.recordAt;
      this.#entry = 0;
      this.#decode(record);
      while (this.#shards.some((shard) => shard.isFull)) {
        if (Date.now() >= until || this.#lastError !== "") return;
        await sleep(FULL_MS);
      }
    }
  }

  /** Ends for good: its position is not needed again. */
  forget(): void {
    this.#positions.remove();
  }

  /** The first segment of the log that is still needed. */
  get heldSegment(): number {
    return this.#firstPlace().segment;
  }

  get highestSent(): number {
    return this.#highestSent;
  }

  status(behindBytes: number): QueueStatus {
    const { name, endpoint, config } = this.#options;
    const pending = ROWS.reduce((sum, kind) => sum + this.#metrics.pending[kind].value, 0);
    const now = Math.max(Date.now(), this.#highestSent);
    const isBehind = pending > 0 || behindBytes > 0;
    const since = this.#highestSent || this.#firstTime || now;
    const lag = isBehind ? (now - since) / 1000 : 0;
    this.#metrics.lag.set(lag);
    this.#metrics.behind.set(behindBytes);
    return {
      name,
      url: endpoint,
      version: config.version,
      shards: this.#shards.length,
      desiredShards: this.#desired,
      pendingSamples: pending,
      lag,
      behindBytes,
      segment: this.heldSegment,
      highestSent: this.#highestSent,
      lastError: this.#lastError,
    };
  }

  /** Where the first byte that is not acknowledged stands. */
  place(): LogPosition {
    return this.#firstPlace();
  }

  #here(): Place {
    // Records are dealt out whole, without anything happening in between.
    return { ...this.#follower.position, entry: 0 };
  }

  #firstPlace(): Place {
    const here = this.#here();
    return this.#shards
      .map((shard) => (shard.pending === 0 ? here : shard.place.done))
      .reduce((a, b) => (comparePlaces(b, a) < 0 ? b : a), here);
  }

  #persist(): void {
    const here = this.#here();
    this.#positions.write(
      this.#shards.map(({ pending, place }) => {
        const done = pending > 0 || comparePlaces(place.done, here) > 0 ? place.done : here;
        return { done, sending: comparePlaces(place.sending, done) > 0 ? place.sending : done };
      }),
    );
  }

  #sent(highest: number): void {
    this.#lastSent = Date.now();
    if (highest === 0) return;
    this.#lastError = "";
    if (highest <= this.#highestSent) return;
    this.#highestSent = highest;
    this.#metrics.highestSent.set(Math.trunc(highest / 1000));
  }

  /** Reads the log until the queue is stopped. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    let turnEnds = performance.now() + TURN_MS;
    const turn = async (): Promise<void> => {
      if (performance.now() < turnEnds) return;
      await setImmediate();
      turnEnds = performance.now() + TURN_MS;
    };
    this.#checkpoint = this.#follower.checkpoint()?.index ?? -1;
    for (const { record, segment } of this.#follower.seriesBefore()) {
      this.#record = { segment, offset: 0 };
      this.#decode(record);
      await turn();
      if (signal.aborted) return;
    }
    this.#loaded = true;
    let forgetAt = Date.now() + FORGET_MS;
    let persisted = this.#here();
    while (!signal.aborted) {
      for (const record of this.#follower.records()) {
        this.#record = this.#follower.recordAt;
        this.#entry = 0;
        this.#decode(record);
        this.#metrics.segment.set(this.#record.segment);
        if (this.#shards.length !== this.#wanted) await this.#reshard(signal);
        await this.#waitForRoom(signal);
        await turn();
        if (signal.aborted) return;
      }
      this.#caughtUp = true;
      const here = this.#here();
      if (comparePlaces(here, persisted) !== 0 && this.#shards.some(({ pending }) => pending === 0)) {
        this.#persist();
        persisted = here;
      }
      if (Date.now() >= forgetAt) {
        forgetAt = Date.now() + FORGET_MS;
        await this.#forgetSeries(turn);
      }
      if (this.#shards.length !== this.#wanted) await this.#reshard(signal);
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    let wait = FULL_MS;
    while (!signal.aborted && this.#shards.some((shard) => shard.isFull)) {
      this.#metrics.enqueueRetries.inc();
      await sleep(wait, undefined, { signal }).catch(() => {});
      wait = Math.min(2 * wait, Math.max(FULL_MS, this.#options.config.queue.maxBackoff), 1000);
    }
  }

  #decode(record: Buffer): void {
    this.#metrics.record(record[0]);
    try {
      decodeRecord(record, this.#handlers);
    } catch (error) {
      this.#metrics.failures.inc();
      this.#log.error("a record of the write-ahead log cannot be read", { segment: this.#record.segment, err: error });
    }
  }

  #makeHandlers(): RecordHandlers {
    const { config, externalLabels, typeAndUnitLabels } = this.#options;
    const ignore = (): void => {};
    return {
      series: (ref, labels) => {
        const known = this.#series.get(ref);
        if (known) {
          known.segment = this.#record.segment;
          return;
        }
        const builder = new LabelsBuilder(labels);
        for (const [name, value] of externalLabels) if (builder.get(name) === "") builder.set(name, value);
        const kept = relabelBuilder(builder, config.writeRelabelConfigs);
        const series: SentSeries = {
          labels: kept ? this.#intern(builder) : undefined,
          encoded: undefined,
          metadata: undefined,
          segment: this.#record.segment,
        };
        if (typeAndUnitLabels && config.version === 2) series.metadata = labelledMetadata(series);
        this.#series.set(ref, series);
      },
      metadata: (ref, metadata) => {
        const series = this.#series.get(ref);
        if (!series || config.version !== 2) return;
        series.metadata = typeAndUnitLabels ? { ...labelledMetadata(series), help: metadata.help } : metadata;
      },
      samples: (columns) => this.#takeSamples(columns),
      histogram: (ref, time, histogram, start) => this.#takeHistogram(ref, time, histogram, start),
      exemplar: (ref, exemplar) => this.#takeExemplar(ref, exemplar),
      tombstone: ignore,
      marker: ignore,
    };
  }

  #intern(builder: LabelsBuilder): Labels {
    for (const [name, value] of builder.entries()) {
      let shared = this.#strings.get(value);
      if (shared === undefined) this.#strings.set(value, (shared = value));
      builder.set(this.#strings.get(name) ?? name, shared);
    }
    return builder.build();
  }

  /** The series to send an entry for, and counts those that are not sent. */
  #sentSeries(ref: number, time: number, oldest: number, kind: (typeof ROWS)[number]): SentSeries | undefined {
    let reason: DropReason;
    const series = this.#series.get(ref);
    if (time < oldest) reason = "too_old";
    else if (!series) reason = "unintentionally_dropped_series";
    else if (series.labels) return series;
    else reason = "dropped_series";
    if (reason !== "too_old") this.#dropped.add(1);
    this.#metrics.dropped(kind, reason).inc();
    return undefined;
  }

  /** The shard of a series, unless an earlier run has sent this entry. */
  #shardOf(ref: number): Shard | undefined {
    const shard = this.#shards[ref % this.#shards.length];
    if (!this.#behindDone) return shard;
    const here = { segment: this.#record.segment, offset: this.#record.offset, entry: this.#entry };
    if (comparePlaces(here, this.#behindDone) >= 0) this.#behindDone = undefined;
    return comparePlaces(here, shard.place.done) < 0 ? undefined : shard;
  }

  get #oldest(): number {
    const { sampleAgeLimit } = this.#options.config.queue;
    return sampleAgeLimit > 0 ? Date.now() - sampleAgeLimit : Number.NEGATIVE_INFINITY;
  }

  #enqueued(shard: Shard, time: number, kind: (typeof ROWS)[number]): void {
    shard.added(this.#record.segment, this.#record.offset, this.#entry);
    this.#metrics.pending[kind].inc();
    this.#firstTime ||= time;
    if (time > this.#highest) {
      this.#highest = time;
      this.#metrics.highest.set(Math.trunc(time / 1000));
    }
  }

  #takeSamples({ count, refs, times, words, starts, hasStarts }: SampleColumns): void {
    if (!this.#caughtUp) this.#metrics.preTailing.inc();
    const oldest = this.#oldest;
    const { segment, offset } = this.#record;
    for (let i = 0; i < count; i++, this.#entry++) {
      const shard = this.#shardOf(refs[i]);
      const series = shard && this.#sentSeries(refs[i], times[i], oldest, "samples");
      if (!series) continue;
      shard
        .batchFor(segment, offset, this.#entry)
        .sample(series, times[i], words[2 * i + 1 - LOW_WORD], words[2 * i + LOW_WORD], hasStarts ? starts[i] : 0);
      this.#enqueued(shard, times[i], "samples");
    }
  }

  #takeHistogram(ref: number, time: number, histogram: IntHistogram | FloatHistogram, start: number): void {
    const { config } = this.#options;
    const shard = config.sendNativeHistograms ? this.#shardOf(ref) : undefined;
    if (shard && config.version === 1 && histogram.schema === CUSTOM_BUCKETS_SCHEMA) {
      this.#metrics.dropped("histograms", "nhcb_in_rw1_not_supported").inc();
    } else if (shard) {
      const series = this.#sentSeries(ref, time, this.#oldest, "histograms");
      if (series) {
        shard
          .batchFor(this.#record.segment, this.#record.offset, this.#entry)
          .histogram(series, time, histogram, start);
        this.#enqueued(shard, time, "histograms");
      }
    }
    this.#entry++;
  }

  #takeExemplar(ref: number, exemplar: Exemplar): void {
    const time = exemplar.timestamp ?? 0;
    const shard = this.#options.config.sendExemplars ? this.#shardOf(ref) : undefined;
    const series = shard && this.#sentSeries(ref, time, this.#oldest, "exemplars");
    if (series) {
      shard.batchFor(this.#record.segment, this.#record.offset, this.#entry).exemplar(series, exemplar);
      this.#enqueued(shard, time, "exemplars");
    }
    this.#entry++;
  }

  /** Drops series that a newer checkpoint no longer has and no later segment names. */
  async #forgetSeries(turn: () => Promise<void>): Promise<void> {
    const checkpoint = this.#follower.checkpoint();
    if (!checkpoint || checkpoint.index <= this.#checkpoint) return;
    this.#checkpoint = checkpoint.index;
    const alive = new Set<number>();
    const ignore = (): void => {};
    const handlers: RecordHandlers = {
      series: (ref) => alive.add(ref),
      samples: ignore,
      histogram: ignore,
      metadata: ignore,
      tombstone: ignore,
      exemplar: ignore,
      marker: ignore,
    };
    for (const { record } of this.#follower.seriesOf(checkpoint)) {
      decodeRecord(record, handlers);
      await turn();
    }
    for (const [ref, { segment }] of this.#series) {
      if (segment <= checkpoint.index && !alive.has(ref)) this.#series.delete(ref);
    }
    this.#strings.clear();
  }

  async #reshardLoop(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(this.#options.shardUpdateMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const desired = this.#desiredShards();
      if (desired !== this.#shards.length && this.#mayReshard()) this.#wanted = desired;
    }
  }

  #mayReshard(): boolean {
    const now = Date.now();
    if (this.#lastSent < now - this.#options.shardUpdateMs) return false;
    return now >= this.#noReshardBefore;
  }

  /** How many shards there should be by what happened since the last look. */
  #desiredShards(): number {
    for (const rate of [this.#out, this.#dropped, this.#outDuration]) rate.tick();
    const { samplesIn, highestIn, config } = this.#options;
    const current = this.#shards.length;
    const { minShards, maxShards } = config.queue;
    const clamp = (count: number): number => Math.min(Math.max(count, minShards), maxShards, MAX_SHARDS);
    const out = this.#out.rate;
    if (out <= 0) return clamp(current);
    const kept = out / (this.#dropped.rate + out);
    const delay = highestIn() / 1000 - this.#highestSent / 1000;
    const pending = delay * samplesIn.rate * kept;
    const perSample = this.#outDuration.rate / out;
    const exact = perSample * (samplesIn.rate * kept + 0.05 * pending);
    this.#metrics.shardsDesired.set(exact);
    const desired = Math.ceil(exact);
    this.#desired = clamp(desired);
    if (desired >= current * (1 - TOLERANCE) && desired <= current * (1 + TOLERANCE)) return clamp(current);
    if (desired < current && delay > 10) return clamp(current);
    return clamp(desired);
  }

  /** Changes the number of shards when the old ones have sent everything, so that each series stays in order. */
  async #reshard(signal: AbortSignal): Promise<void> {
    const wanted = this.#wanted;
    this.#log.info("Remote storage resharding", { from: this.#shards.length, to: wanted });
    for (const shard of this.#shards) shard.flush(false);
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await Promise.race([Promise.all(this.#shards.map(({ done }) => done)), ended]);
    if (signal.aborted) return;
    const here = this.#here();
    this.#behindDone = undefined;
    this.#shards = Array.from({ length: wanted }, () => new Shard(this.#context, { done: here, sending: here }));
    this.#metrics.shards.set(wanted);
    this.#persist();
  }
}
