/** One of the parallel senders of a queue: it fills batches and sends them one after another, so that a series stays in order. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@pharos/kit";
import { Batch } from "./batch.ts";
import type { Store, StoreResult } from "./client.ts";
import type { RemoteWriteConfig } from "./config.ts";
import { RequestEncoder } from "./encode.ts";
import type { EwmaRate } from "./ewma.ts";
import type { QueueMetrics } from "./metrics.ts";
import { comparePlaces, type Place, type ShardPlace } from "./positions.ts";

/** What shards need of their queue. */
export interface ShardContext {
  readonly config: RemoteWriteConfig;
  readonly metrics: QueueMetrics;
  readonly log: Logger;
  readonly out: EwmaRate;
  readonly outDuration: EwmaRate;
  store(): Store;
  /** Writes all positions down. */
  persist(): void;
  /** A batch was sent, or given up; `highest` is its newest time, ms, 0 when it was not acknowledged. */
  sent(highest: number): void;
  /** A request failed and will be repeated after so many ms. */
  delayed(ms: number, reason: string): void;
}

/** The batch was not sent because sending ends. */
const ENDED = Symbol("ended");

export class Shard {
  readonly #context: ShardContext;
  readonly #encoder: RequestEncoder;
  readonly #ready: Batch[] = [];
  readonly #idle: Batch[] = [];
  #current: Batch;
  #wake: () => void = () => {};
  /** Rows waiting, those under way included. */
  pending = 0;
  readonly place: ShardPlace;
  /** Where a batch that was under way at an earlier end ended: it is sent again as it was. */
  #cut: Place | undefined;
  /** No more rows come; what is there is sent without waiting for more. */
  #flushing = false;
  readonly #hard = new AbortController();
  /** Ends a wait between two tries. */
  readonly #hurry = new AbortController();
  /** Whether failing requests are given up at once: they will be repeated after a restart. */
  #impatient = false;
  readonly done: Promise<void>;

  constructor(context: ShardContext, place: ShardPlace) {
    this.#context = context;
    this.#encoder = new RequestEncoder(context.config.version);
    this.#current = new Batch(context.config.queue.maxSamplesPerSend);
    this.place = place;
    this.#cut = comparePlaces(place.sending, place.done) > 0 ? place.sending : undefined;
    this.#current.uncertain = this.#cut !== undefined;
    this.done = this.#run();
  }

  get isFull(): boolean {
    const { capacity, maxSamplesPerSend } = this.#context.config.queue;
    return this.pending >= Math.max(capacity, maxSamplesPerSend) + maxSamplesPerSend;
  }

  /** The batch a row at this place goes into; the caller adds one row and calls `added`. */
  batchFor(segment: number, offset: number, entry: number): Batch {
    if (this.#cut && comparePlaces({ segment, offset, entry }, this.#cut) >= 0) {
      this.#cut = undefined;
      if (this.#current.count > 0) this.#publish();
      this.#current.uncertain = false;
    }
    return this.#current;
  }

  added(segment: number, offset: number, entry: number): void {
    const { end } = this.#current;
    end.segment = segment;
    end.offset = offset;
    end.entry = entry + 1;
    this.pending++;
    if (this.#current.isFull) this.#publish();
    else if (this.#current.count === 1) this.#wake();
  }

  #publish(): void {
    const { uncertain } = this.#current;
    this.#ready.push(this.#current);
    this.#current = this.#idle.pop() ?? new Batch(this.#context.config.queue.maxSamplesPerSend);
    this.#current.uncertain = uncertain && this.#cut !== undefined;
    this.#wake();
  }

  /** Sends what there is and ends. `impatient`: a failing receiver is not waited for. */
  flush(impatient: boolean): void {
    this.#flushing = true;
    this.#impatient = impatient;
    if (impatient) this.#hurry.abort();
    this.#wake();
  }

  /** Ends now, whatever is under way. */
  abort(): void {
    this.#hard.abort();
    this.#hurry.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#hard;
    for (;;) {
      const batch = await this.#next();
      if (!batch) return;
      if (!(await this.#send(batch)) || signal.aborted) return;
      this.pending -= batch.count;
      batch.clear();
      this.#idle.push(batch);
    }
  }

  /** The next batch: a full one, or a part of one when it has waited long enough. */
  async #next(): Promise<Batch | undefined> {
    const { batchSendDeadline } = this.#context.config.queue;
    for (;;) {
      if (this.#hard.signal.aborted) return undefined;
      const full = this.#ready.shift();
      if (full) return full;
      const part = this.#current;
      const wait = part.count > 0 ? part.since + batchSendDeadline - Date.now() : undefined;
      if (part.count > 0 && (this.#flushing || wait! <= 0)) {
        this.#publish();
        continue;
      }
      if (this.#flushing) return undefined;
      await new Promise<void>((resolve) => {
        const timer = wait === undefined ? undefined : setTimeout(resolve, wait);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Whether the batch is done with; false when sending ends. */
  async #send(batch: Batch): Promise<boolean> {
    const { metrics, out, outDuration } = this.#context;
    const end = { ...batch.end };
    this.place.sending = end;
    this.#context.persist();
    const started = performance.now();
    const highest = await this.#attempt(batch);
    if (highest === ENDED) return false;
    this.place.done = end;
    out.add(batch.count);
    outDuration.add((performance.now() - started) / 1000);
    for (const kind of ["samples", "histograms", "exemplars"] as const) metrics.pending[kind].dec(batch[kind]);
    this.#context.sent(highest);
    if (this.pending === batch.count) this.#context.persist();
    return true;
  }

  /** Sends until it is taken or refused for good. Answers the newest time in it, 0 when it was refused. */
  async #attempt(batch: Batch): Promise<number | typeof ENDED> {
    const { config, metrics, log } = this.#context;
    const { minBackoff, maxBackoff, sampleAgeLimit } = config.queue;
    const { signal } = this.#hard;
    let backoff = minBackoff;
    for (let attempt = 0; ; attempt++) {
      this.#dropOld(batch, sampleAgeLimit);
      const { count, samples, histograms, exemplars } = batch;
      if (count === 0) return 0;
      const body = this.#encoder.batch(batch);
      metrics.sent.samples.inc(samples);
      metrics.sent.histograms.inc(histograms);
      metrics.sent.exemplars.inc(exemplars);
      const withMetadata = config.version === 2 ? metadataIn(batch) : 0;
      metrics.sent.metadata.inc(withMetadata);
      const started = performance.now();
      let result: StoreResult;
      try {
        result = await this.#context.store().store(body, attempt, signal);
      } catch (error) {
        if (signal.aborted) return ENDED;
        throw error;
      }
      metrics.duration.observe((performance.now() - started) / 1000);
      if (!result.recoverable) {
        metrics.bytes.inc(body.length);
        return this.#conclude(batch, result);
      }
      if (this.#impatient) return ENDED;
      const wait = result.retryAfter > 0 ? result.retryAfter : backoff;
      this.#context.delayed(wait, result.message);
      try {
        await sleep(wait, undefined, { signal: this.#hurry.signal });
      } catch {
        return ENDED;
      }
      metrics.retried.samples.inc(samples);
      metrics.retried.histograms.inc(histograms);
      metrics.retried.exemplars.inc(exemplars);
      metrics.retried.metadata.inc(withMetadata);
      log.warn("Failed to send batch, retrying", { err: result.message });
      backoff = Math.min(wait * 2, maxBackoff);
    }
  }

  #dropOld(batch: Batch, limit: number): void {
    if (limit === 0) return;
    const before = batch.count;
    const dropped = batch.dropOlder(Date.now() - limit);
    const { metrics } = this.#context;
    for (const kind of ["samples", "histograms", "exemplars"] as const) {
      if (dropped[kind] === 0) continue;
      metrics.dropped(kind, "too_old").inc(dropped[kind]);
      metrics.pending[kind].dec(dropped[kind]);
    }
    this.pending -= before - batch.count;
  }

  #conclude(batch: Batch, result: StoreResult): number {
    const { config, metrics, log } = this.#context;
    const { samples, histograms, exemplars } = batch;
    if (result.ok) {
      const { written } = result;
      if (config.version === 1) return highestOf(batch);
      const missing = {
        samples: Math.max(0, samples - written.samples),
        histograms: Math.max(0, histograms - written.histograms),
        exemplars: Math.max(0, exemplars - written.exemplars),
      };
      const lost = missing.samples + missing.histograms + missing.exemplars;
      if (lost === 0) return highestOf(batch);
      for (const kind of ["samples", "histograms", "exemplars"] as const) metrics.failed[kind].inc(missing[kind]);
      const nothing = written.samples + written.histograms + written.exemplars === 0;
      log.error(
        nothing
          ? "the receiver answered 2xx to a 2.0 request without saying that it wrote anything: it may know only 1.0"
          : "we got 2xx status code from the Receiver yet statistics indicate some data was not written; investigation needed",
        {
          failedSampleCount: missing.samples,
          failedHistogramCount: missing.histograms,
          failedExemplarCount: missing.exemplars,
        },
      );
      return nothing ? 0 : highestOf(batch);
    }
    if (batch.uncertain && result.status === 400) {
      log.warn("the receiver refuses what was being sent when the last run ended; most likely it has it already", {
        samples,
        err: result.message,
      });
      return 0;
    }
    const { written } = result;
    metrics.failed.samples.inc(Math.max(0, samples - written.samples));
    metrics.failed.histograms.inc(Math.max(0, histograms - written.histograms));
    metrics.failed.exemplars.inc(Math.max(0, exemplars - written.exemplars));
    log.error("non-recoverable error", { failedSampleCount: samples - written.samples, err: result.message });
    return 0;
  }
}

function highestOf({ times, count }: Batch): number {
  let highest = 0;
  for (let row = 0; row < count; row++) if (times[row] > highest) highest = times[row];
  return highest;
}

function metadataIn({ series, count }: Batch): number {
  let found = 0;
  for (let row = 0; row < count; row++) if (series[row].metadata) found++;
  return found;
}
