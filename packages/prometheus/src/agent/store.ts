/**
 * The storage of an agent: a write-ahead log and the series it names, nothing to query. Remote write reads the log; what is
 * sent and old enough is cut off. Rules of upstream's tsdb/agent: a sample must be newer than the last one of its series (less
 * the out-of-order window), series without new samples are forgotten, and nothing stays longer than the longest age.
 */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Logger, Registry } from "@pharos/kit";
import {
  type Appendable,
  type Appender,
  AppendResult,
  describeError,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  type MetricMetadata,
  type SeriesRef,
  setStale,
} from "@pharos/model";
import type { LogPosition } from "@pharos/tsdb";
import {
  decodeRecord,
  Encoder,
  type ExemplarRecord,
  encodeExemplars,
  encodeHistograms,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  groupHistograms,
  type HistogramRecord,
  lastCheckpoint,
  lockDirectory,
  RecordCopier,
  readSegment,
  repair,
  replaceByCheckpoint,
  SampleColumns,
  segmentPath,
  segmentsOf,
  type WalCompression,
  WalWriter,
} from "@pharos/tsdb/wal";

export interface AgentStoreOptions {
  dir: string;
  compression: WalCompression;
  lock: boolean;
  /** How often the log is cut, ms. */
  truncateMs: number;
  /** Sent samples are kept this long, ms. */
  minAgeMs: number;
  /** No sample is kept longer, ms. */
  maxAgeMs: number;
  outOfOrderTimeWindowMs: number;
  /** Start timestamps go into the log. */
  storeStartTimestamps: boolean;
  registry: Registry;
  log: Logger;
  now?: () => number;
}

interface AgentSeries {
  ref: number;
  labels: Labels;
  lastTime: number;
  metadata: MetricMetadata | undefined;
}

/** Records read between two turns. */
const TURN = 256;

class Metrics {
  readonly truncations;
  readonly truncateSeconds;
  readonly appended;
  readonly exemplars;
  readonly outOfOrder;
  readonly corruptions;
  readonly created;
  readonly createFailed;
  readonly deleted;
  readonly deleteFailed;
  readonly replaySeconds;

  constructor(registry: Registry, series: () => number, pending: () => number) {
    const name = (rest: string): string => `prometheus_agent_${rest}`;
    registry.gaugeFunction(name("active_series"), "Number of active series being tracked by the WAL storage", series);
    registry.gaugeFunction(name("deleted_series"), "Number of series pending deletion from the WAL", pending);
    this.appended = registry.counter(name("samples_appended_total"), "Total number of samples appended to the storage", ["type"]); // biome-ignore format: one metric a line
    this.exemplars = registry.counter(name("exemplars_appended_total"), "Total number of exemplars appended to the storage"); // biome-ignore format: one metric a line
    this.outOfOrder = registry.counter(name("out_of_order_samples_total"), "Total number of out of order samples ingestion failed attempts."); // biome-ignore format: one metric a line
    this.truncateSeconds = registry.counter(name("truncate_duration_seconds_sum"), "Duration of WAL truncation."); // biome-ignore format: one metric a line
    this.truncations = registry.counter(name("truncate_duration_seconds_count"), "Number of WAL truncations."); // biome-ignore format: one metric a line
    this.corruptions = registry.counter(name("corruptions_total"), "Total number of WAL corruptions."); // biome-ignore format: one metric a line
    this.replaySeconds = registry.gauge(name("data_replay_duration_seconds"), "Time taken to replay the data on disk."); // biome-ignore format: one metric a line
    this.deleteFailed = registry.counter(name("checkpoint_deletions_failed_total"), "Total number of checkpoint deletions that failed."); // biome-ignore format: one metric a line
    this.deleted = registry.counter(name("checkpoint_deletions_total"), "Total number of checkpoint deletions attempted."); // biome-ignore format: one metric a line
    this.createFailed = registry.counter(name("checkpoint_creations_failed_total"), "Total number of checkpoint creations that failed."); // biome-ignore format: one metric a line
    this.created = registry.counter(name("checkpoint_creations_total"), "Total number of checkpoint creations attempted."); // biome-ignore format: one metric a line
  }
}

export class AgentStore implements Appendable, AsyncDisposable {
  readonly #options: AgentStoreOptions;
  readonly #metrics: Metrics;
  readonly #lock: Disposable | undefined;
  readonly #byKey = new Map<string, AgentSeries>();
  readonly #byRef = new Map<number, AgentSeries>();
  /** Forgotten series whose records must stay in the log until this segment is cut off. */
  readonly #deleted = new Map<number, number>();
  readonly #unlogged = new Set<AgentSeries>();
  readonly #encoder = new Encoder();
  #wal!: WalWriter;
  #timer: NodeJS.Timeout | undefined;
  #nextRef = 1;
  #counts = { samples: 0, histograms: 0, exemplars: 0, maxTime: 0 };
  #hold: () => number | undefined = () => undefined;
  #sent: () => number = () => 0;

  private constructor(options: AgentStoreOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
    this.#lock = options.lock ? lockDirectory(options.dir) : undefined;
    this.#metrics = new Metrics(
      options.registry,
      () => this.#byRef.size,
      () => this.#deleted.size,
    );
  }

  /** Reads what earlier runs have left. Throws a UserError when another process has the folder. */
  static async open(options: AgentStoreOptions): Promise<AgentStore> {
    const store = new AgentStore(options);
    try {
      await store.#replay();
    } catch (error) {
      store.#lock?.[Symbol.dispose]();
      throw error;
    }
    store.#timer = setInterval(() => store.#truncateNow(), options.truncateMs);
    store.#timer.unref();
    return store;
  }

  get logDir(): string {
    return join(this.#options.dir, "wal");
  }

  get logEnd(): LogPosition {
    return { segment: this.#wal.segment, offset: this.#wal.segmentBytes };
  }

  get appended(): { samples: number; histograms: number; exemplars: number; maxTime: number } {
    return this.#counts;
  }

  get seriesCount(): number {
    return this.#byRef.size;
  }

  /** How far behind the newest sample of its series one may be, ms. */
  set outOfOrderTimeWindowMs(window: number) {
    this.#options.outOfOrderTimeWindowMs = window;
  }

  /** Who reads the log: the first segment it needs, and the newest time (Unix ms) that all receivers have. */
  readBy(hold: () => number | undefined, sent: () => number): void {
    this.#hold = hold;
    this.#sent = sent;
  }

  async #replay(): Promise<void> {
    const started = performance.now();
    const dir = this.logDir;
    const checkpoint = lastCheckpoint(dir);
    const segments = segmentsOf(dir).filter((index) => index > (checkpoint?.index ?? -1));
    const files = [
      ...(checkpoint ? segmentsOf(checkpoint.path).map((index) => segmentPath(checkpoint.path, index)) : []),
      ...segments.map((index) => segmentPath(dir, index)),
    ];
    const newest = (ref: number, time: number): void => {
      const series = this.#byRef.get(ref);
      if (series && time > series.lastTime) series.lastTime = time;
      if (time > this.#counts.maxTime) this.#counts.maxTime = time;
    };
    const ignore = (): void => {};
    for (const file of files) {
      const records = readSegment(file);
      for (let count = 1; ; count++) {
        const step = records.next();
        if (step.done) {
          if (step.value.length > 0) this.#damaged(repair(file, step.value, this.#options.compression));
          break;
        }
        try {
          decodeRecord(step.value, {
            series: (ref, labels) => {
              this.#nextRef = Math.max(this.#nextRef, ref + 1);
              // The same labels may have got another ref after they were forgotten.
              if (!this.#byRef.has(ref))
                this.#add({ ref, labels, lastTime: Number.NEGATIVE_INFINITY, metadata: undefined });
            },
            samples: ({ count: rows, refs, times }) => {
              for (let i = 0; i < rows; i++) newest(refs[i], times[i]);
            },
            histogram: newest,
            metadata: (ref, metadata) => {
              const series = this.#byRef.get(ref);
              if (series) series.metadata = metadata;
            },
            exemplar: ignore,
            tombstone: ignore,
            marker: ignore,
          });
        } catch (error) {
          this.#metrics.corruptions.inc();
          this.#options.log.error("a record of the write-ahead log cannot be read", {
            file,
            err: describeError(error),
          });
        }
        if (count % TURN === 0) await setImmediate();
      }
    }
    this.#wal = new WalWriter(dir, (segments.at(-1) ?? checkpoint?.index ?? -1) + 1, this.#options.compression);
    const seconds = (performance.now() - started) / 1000;
    this.#metrics.replaySeconds.set(seconds);
    this.#options.log.info("WAL replay completed", { series: this.#byRef.size, seconds: seconds.toFixed(3) });
  }

  #damaged(corruptions: ReturnType<typeof repair>): void {
    for (const corruption of corruptions) {
      this.#metrics.corruptions.inc();
      this.#options.log.error("the write-ahead log is damaged; what could not be read was cut out", { ...corruption });
    }
  }

  #add(series: AgentSeries): void {
    this.#byRef.set(series.ref, series);
    this.#byKey.set(series.labels.key(), series);
  }

  appender(): Appender {
    return new AgentAppender(this);
  }

  /** For the appender: the series of these labels, made when it is new. */
  seriesOf(labels: Labels): AgentSeries {
    const known = this.#byKey.get(labels.key());
    if (known) return known;
    const series = { ref: this.#nextRef++, labels, lastTime: Number.NEGATIVE_INFINITY, metadata: undefined };
    this.#add(series);
    this.#unlogged.add(series);
    return series;
  }

  byRef(ref: SeriesRef): AgentSeries | undefined {
    return this.#byRef.get(ref);
  }

  /** Whether a sample of this time may go in after the last of its series. */
  accepts(lastTime: number, time: number): boolean {
    if (time > lastTime - this.#options.outOfOrderTimeWindowMs) return true;
    this.#metrics.outOfOrder.inc();
    return false;
  }

  get storesStarts(): boolean {
    return this.#options.storeStartTimestamps;
  }

  /** Makes a transaction durable. Throws a UserError when the log cannot be written: nothing of it is kept then. */
  commit({ columns, histograms, exemplars, metadata }: AgentAppender): void {
    const created = [...this.#unlogged];
    const mark = this.#wal.mark();
    try {
      if (created.length > 0) this.#record((out) => encodeSeries(out, created));
      if (metadata.length > 0) this.#record((out) => encodeMetadata(out, metadata));
      if (columns.count > 0) this.#record((out) => encodeSamples(out, columns, 0, columns.count));
      for (const [type, entries] of groupHistograms(histograms)) {
        this.#record((out) => encodeHistograms(out, type, entries));
      }
      if (exemplars.length > 0) this.#record((out) => encodeExemplars(out, exemplars));
    } catch (error) {
      this.#wal.rewind(mark);
      throw error;
    }
    for (const series of created) this.#unlogged.delete(series);
    const newest = (ref: number, time: number): void => {
      const series = this.#byRef.get(ref);
      if (series && time > series.lastTime) series.lastTime = time;
      if (time > this.#counts.maxTime) this.#counts.maxTime = time;
    };
    for (let i = 0; i < columns.count; i++) newest(columns.refs[i], columns.times[i]);
    for (const { ref, time } of histograms) newest(ref, time);
    for (const { ref, metadata: entry } of metadata) {
      const series = this.#byRef.get(ref);
      if (series) series.metadata = entry;
    }
    this.#counts.samples += columns.count;
    this.#counts.histograms += histograms.length;
    this.#counts.exemplars += exemplars.length;
    this.#metrics.appended.labels("float").inc(columns.count);
    this.#metrics.appended.labels("histogram").inc(histograms.length);
    this.#metrics.exemplars.inc(exemplars.length);
  }

  #record(encode: (out: Encoder) => void): void {
    this.#encoder.reset();
    encode(this.#encoder);
    this.#wal.log(this.#encoder.view());
  }

  #truncateNow(): void {
    const { minAgeMs, maxAgeMs, now = Date.now, log } = this.#options;
    try {
      this.truncate(Math.max(this.#sent() - minAgeMs, now() - maxAgeMs, 0));
    } catch (error) {
      log.warn("failed to truncate WAL", { err: describeError(error) });
    }
  }

  /** Forgets series without samples since `mint`, and makes a checkpoint of the older segments without samples before it. */
  truncate(mint: number): void {
    const started = performance.now();
    const dir = this.logDir;
    for (const series of this.#byRef.values()) {
      if (series.lastTime >= mint || this.#unlogged.has(series)) continue;
      this.#byRef.delete(series.ref);
      if (this.#byKey.get(series.labels.key()) === series) this.#byKey.delete(series.labels.key());
      this.#deleted.set(series.ref, this.#wal.segment);
    }
    this.#wal.nextSegment();
    const closed = segmentsOf(dir).filter((index) => index < this.#wal.segment);
    const held = this.#held(closed);
    const usual = closed[0] + Math.floor(((closed.length - 1) * 2) / 3);
    const last = closed.findLast((index) => index <= usual && index < held);
    if (closed.length < 2 || last === undefined) return;
    const checkpoint = lastCheckpoint(dir);
    this.#metrics.created.inc();
    try {
      replaceByCheckpoint(dir, last, this.#options.compression, (writer) => {
        const alive = (ref: number): boolean => this.#byRef.has(ref) || (this.#deleted.get(ref) ?? -1) > last;
        const copier = new RecordCopier(writer, alive, mint);
        const files = [
          ...(checkpoint ? segmentsOf(checkpoint.path).map((index) => segmentPath(checkpoint.path, index)) : []),
          ...closed.filter((index) => index <= last).map((index) => segmentPath(dir, index)),
        ];
        for (const file of files) for (const record of readSegment(file)) copier.copy(record);
      });
    } catch (error) {
      this.#metrics.createFailed.inc();
      throw error;
    }
    this.#metrics.deleted.inc();
    for (const [ref, segment] of this.#deleted) if (segment <= last) this.#deleted.delete(ref);
    this.#metrics.truncations.inc();
    this.#metrics.truncateSeconds.inc((performance.now() - started) / 1000);
  }

  /** The first segment that must stay: still to be sent, and not too old for that. */
  #held(closed: readonly number[]): number {
    const held = this.#hold() ?? Number.POSITIVE_INFINITY;
    const { maxAgeMs, now = Date.now } = this.#options;
    const oldest = now() - maxAgeMs;
    const isYoung = (index: number): boolean => statSync(segmentPath(this.logDir, index)).mtimeMs >= oldest;
    return closed.find((index) => index >= held && isYoung(index)) ?? Number.POSITIVE_INFINITY;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#wal[Symbol.dispose]();
    this.#lock?.[Symbol.dispose]();
  }
}

class AgentAppender implements Appender {
  readonly #store: AgentStore;
  readonly columns = new SampleColumns();
  readonly histograms: HistogramRecord[] = [];
  readonly exemplars: ExemplarRecord[] = [];
  readonly metadata: { ref: number; metadata: MetricMetadata }[] = [];
  /** Newest times of this transaction. */
  readonly #times = new Map<number, number>();
  #start = { ref: 0, time: 0, start: 0 };

  constructor(store: AgentStore) {
    this.#store = store;
    this.columns.hasStarts = store.storesStarts;
  }

  series(labels: Labels, hint = 0): SeriesRef {
    // The caller vouches for a hint's labels as long as the series is known.
    return hint !== 0 && this.#store.byRef(hint) ? hint : this.#store.seriesOf(labels).ref;
  }

  #check(ref: SeriesRef, time: number): AppendResult {
    const series = this.#store.byRef(ref);
    if (!series) return AppendResult.unknownSeries;
    const last = Math.max(series.lastTime, this.#times.get(ref) ?? Number.NEGATIVE_INFINITY);
    if (!this.#store.accepts(last, time)) return AppendResult.outOfOrder;
    if (time > last) this.#times.set(ref, time);
    return AppendResult.ok;
  }

  #row(ref: SeriesRef, time: number): number {
    const { columns } = this;
    columns.reserve();
    const row = columns.count++;
    columns.refs[row] = ref;
    columns.times[row] = time;
    columns.starts[row] = this.#startOf(ref, time);
    return row;
  }

  #startOf(ref: SeriesRef, time: number): number {
    return this.#start.ref === ref && this.#start.time === time ? this.#start.start : 0;
  }

  append(ref: SeriesRef, time: number, value: number): AppendResult {
    const result = this.#check(ref, time);
    if (result === AppendResult.ok) this.columns.values[this.#row(ref, time)] = value;
    return result;
  }

  appendStale(ref: SeriesRef, time: number): AppendResult {
    const result = this.#check(ref, time);
    if (result === AppendResult.ok) setStale(this.columns.words, this.#row(ref, time));
    return result;
  }

  appendHistogram(ref: SeriesRef, time: number, histogram: IntHistogram | FloatHistogram): AppendResult {
    const result = this.#check(ref, time);
    const start = this.#store.storesStarts ? this.#startOf(ref, time) : undefined;
    if (result === AppendResult.ok) this.histograms.push({ ref, time, histogram, start });
    return result;
  }

  appendStartTimestamp(ref: SeriesRef, time: number, start: number): AppendResult {
    if (this.#store.storesStarts) this.#start = { ref, time, start };
    return AppendResult.ok;
  }

  appendExemplar(ref: SeriesRef, { labels, value, timestamp }: Exemplar): AppendResult {
    if (!this.#store.byRef(ref)) return AppendResult.unknownSeries;
    this.exemplars.push({ ref, labels, value, timestamp: timestamp ?? this.#times.get(ref) ?? 0 });
    return AppendResult.ok;
  }

  updateMetadata(ref: SeriesRef, metadata: MetricMetadata): void {
    const series = this.#store.byRef(ref);
    if (!series) return;
    const { type, help, unit } = series.metadata ?? {};
    if (type === metadata.type && help === metadata.help && unit === metadata.unit) return;
    this.metadata.push({ ref, metadata });
  }

  commit(): void {
    this.#store.commit(this);
  }

  rollback(): void {
    this.columns.count = 0;
  }
}
