/**
 * From the body of one scrape to samples in storage: target labels, metric relabelling, limits, staleness of what vanished.
 * A line the target sent last time too costs a compare and a number (see line-cache.ts); only new ones are parsed.
 */
import {
  bucketCount,
  CustomBucketsReader,
  type ExpositionReader,
  isLegacyLabelName,
  isLegacyMetricName,
  LineReader,
  MIN_SCHEMA,
  OpenMetricsReader,
  ProtobufReader,
  reduceResolution,
  TextReader,
} from "@pharos/exposition";
import {
  type Appender,
  AppendResult,
  CUSTOM_BUCKETS_SCHEMA,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  METRIC_NAME,
  UserError,
} from "@pharos/model";
import { relabel } from "@pharos/relabel";
import type { ScrapeConfig } from "./config.ts";
import type { BodyFormat } from "./content-type.ts";
import { COMMENT, LineCache, NONE, TYPE } from "./line-cache.ts";
import type { MetadataStore } from "./metadata-store.ts";
import type { ScrapeMetrics } from "./metrics.ts";
import { withTargetLabels } from "./sample-labels.ts";
import { DROPPED, PENDING, SeriesSlots, TRACKED } from "./series-slots.ts";

export interface ScrapeResult {
  /** Samples in the body. */
  scraped: number;
  /** After metric relabelling. */
  relabelled: number;
  /** Series that were not in the scrape before. */
  added: number;
  /** Why the scrape is refused as a whole; its samples must be rolled back then. */
  error: Error | undefined;
}

/** What a target's histograms become; targets may differ from their job in it. */
export interface HistogramChoice {
  scrapeNativeHistograms: boolean;
  /** Classic series too of histograms that are taken in native form. */
  keepClassic: boolean;
  convertClassicHistograms: boolean;
}

export interface WriterOptions {
  config: ScrapeConfig;
  target: Labels;
  metadata: MetadataStore;
  metrics: ScrapeMetrics;
  histograms: HistogramChoice;
  /** Hands start (created) timestamps to storage. */
  startTimestamps: boolean;
}

/** Samples dated further ahead are dropped: a clock that far off is wrong. */
const MAX_AHEAD_MS = 10 * 60_000;
/** Series of refused scrapes that are remembered, besides twice those of the last good one. */
const MAX_UNFINISHED = 1000;

export class SampleWriter {
  readonly #options: WriterOptions;
  #config: ScrapeConfig;
  readonly #slots = new SeriesSlots();
  readonly #lines = new LineCache();
  /** Slots by key, where there are no lines to compare: protobuf, converted histograms. */
  readonly #keys = new Map<string, number>();
  /** Slots of lines the last good scrape did not have, by key, until one is good again. */
  readonly #fresh = new Map<string, number>();
  /** Slots made in the current scrape. */
  readonly #made: number[] = [];
  /** The last exemplar of a slot that had no time of its own. */
  readonly #untimed = new Map<number, Exemplar>();
  #scrape = 0;
  #appender!: Appender;
  #timestamp = 0;
  #result!: ScrapeResult;
  #bucketLimit = false;
  #byLine = true;
  /** Samples of the last good scrape. */
  #lastCount = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** Goes on with other limits; whatever decides about labels must be as before. */
  configure(config: ScrapeConfig): void {
    this.#config = config;
  }

  /** Appends the body's samples; the caller commits, or rolls back when the result has an error. Never throws for a bad body. */
  append(appender: Appender, body: Buffer, format: BodyFormat, timestamp: number): ScrapeResult {
    const result: ScrapeResult = { scraped: 0, relabelled: 0, added: 0, error: undefined };
    this.#appender = appender;
    this.#timestamp = timestamp;
    this.#result = result;
    this.#bucketLimit = false;
    this.#made.length = 0;
    this.#scrape++;
    const { metadata, metrics, startTimestamps } = this.#options;
    metadata.startScrape();
    const { convertClassicHistograms } = this.#options.histograms;
    const byLine = format !== "protobuf" && !convertClassicHistograms && !startTimestamps;
    if (byLine !== this.#byLine) this.#forgetKeys(byLine);
    try {
      // An empty body is an exposition without series, whatever its type.
      if (byLine)
        this.#appendLines(format === "openmetrics" ? new OpenMetricsReader(body) : new TextReader(body), body);
      else if (body.length > 0) this.#appendEntries(this.#open(body, format));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      result.error = error;
    }
    const { sampleLimit } = this.#config;
    if (sampleLimit > 0 && result.relabelled > sampleLimit) {
      metrics.sampleLimit.inc();
      result.error ??= new UserError("scrape.limit", "sample limit exceeded");
    }
    if (this.#bucketLimit) {
      metrics.bucketLimit.inc();
      result.error ??= new UserError("scrape.limit", "histogram bucket limit exceeded");
    }
    if (result.error) {
      this.#lines.rollback();
      this.#untimed.clear();
      this.#slots.settle(false);
      this.#boundUnfinished(byLine);
      return result;
    }
    this.#lastCount = result.scraped;
    if (byLine) this.#finishLines(appender, timestamp);
    else this.#finishEntries(appender, timestamp);
    this.#slots.settle(true);
    return result;
  }

  /**
   * Series of refused scrapes stay known, so that they are new only once. A target that always fails and always with other
   * series must not fill the memory, though.
   */
  #boundUnfinished(byLine: boolean): void {
    const known = byLine ? this.#fresh : this.#keys;
    if (known.size <= 2 * this.#lastCount + MAX_UNFINISHED) return;
    this.#options.metrics.cacheFlushed.inc();
    for (const [key, slot] of known) {
      if ((this.#slots.flags[slot] & TRACKED) !== 0) continue;
      this.#slots.free(slot);
      known.delete(key);
    }
  }

  /** Staleness markers for everything the last good scrape had: the target failed or is gone. */
  appendAllStale(appender: Appender, timestamp: number): void {
    const { flags, refs } = this.#slots;
    for (let slot = 0; slot < this.#slots.end; slot++) {
      if ((flags[slot] & TRACKED) === 0) continue;
      appender.appendStale(refs[slot], timestamp);
      flags[slot] &= ~TRACKED;
    }
  }

  /** The target answers in another form now: its series have other keys, and are found again by their labels. */
  #forgetKeys(byLine: boolean): void {
    this.#byLine = byLine;
    this.#lines.clear();
    this.#keys.clear();
    this.#fresh.clear();
  }

  #open(body: Buffer, format: BodyFormat): ExpositionReader {
    const { convertClassicHistograms, keepClassic, scrapeNativeHistograms } = this.#options.histograms;
    const reader =
      format === "protobuf"
        ? new ProtobufReader(body, { ignoreNative: !scrapeNativeHistograms, keepClassic })
        : format === "openmetrics"
          ? new OpenMetricsReader(body, { skipCreated: this.#options.startTimestamps })
          : new TextReader(body);
    return convertClassicHistograms ? new CustomBucketsReader(reader, keepClassic) : reader;
  }

  /** Whether the entry tells about a family, which is then noted. */
  #noteMetadata(reader: ExpositionReader, kind: string): void {
    const { metadata } = this.#options;
    if (kind === "type") metadata.set(reader.metric, "type", reader.type);
    else if (kind === "help" || kind === "unit") metadata.set(reader.metric, kind, reader.text);
  }

  #appendLines(reader: LineReader, body: Buffer): void {
    const lines = this.#lines;
    lines.begin(body);
    if (body.length === 0) return;
    const { metadata } = this.#options;
    const blankLines = reader instanceof TextReader;
    /** A TYPE line that was skipped; bounds in labels depend on it, so it is read before a new line is. */
    let typeLine = -1;
    for (;;) {
      let at = reader.offset;
      if (blankLines) while (body[at] === 0x0a) at++;
      const matched = lines.match(at);
      if (!metadata.changing) {
        if (matched >= 0 && reader.readSample(at, lines.matchedEnd)) {
          lines.push(at, lines.matchedEnd, matched, false);
          this.#take(matched, reader, false, reader);
          continue;
        }
        if (matched < NONE) {
          if (matched === TYPE) typeLine = at;
          lines.push(at, lines.matchedEnd, matched, false);
          reader.seek(lines.matchedEnd + 1);
          continue;
        }
      }
      if (typeLine >= 0) {
        reader.seek(typeLine);
        reader.next();
        typeLine = -1;
      }
      reader.seek(at);
      const kind = reader.next();
      if (kind === "end") break;
      if (kind === "series") this.#appendLine(reader, at, matched);
      else {
        // The reader stands behind the newline, or at the end of a body without one.
        const end = body[reader.offset - 1] === 0x0a ? reader.offset - 1 : Math.min(reader.offset, body.length);
        lines.push(at, end, kind === "type" ? TYPE : COMMENT, matched >= NONE);
        this.#noteMetadata(reader, kind);
      }
    }
    if (!lines.changed) return;
    // Families whose lines were skipped are still there.
    for (const offset of lines.comments()) {
      reader.seek(offset);
      this.#noteMetadata(reader, reader.next());
    }
  }

  /** A series line that had to be read in full. `matched` is its slot when it stands where it stood last time. */
  #appendLine(reader: LineReader, at: number, matched: number): void {
    const lines = this.#lines;
    const { seriesStart, seriesEnd } = reader;
    const inPlace = matched >= 0 && seriesStart === at && seriesEnd === lines.matchedEnd;
    let slot = inPlace ? matched : lines.find(seriesStart, seriesEnd);
    if (slot === NONE) slot = this.#fresh.get(reader.key()) ?? NONE;
    const known = slot !== NONE;
    if (!known) {
      slot = this.#make();
      this.#fresh.set(reader.key(), slot);
    }
    lines.push(seriesStart, seriesEnd, slot, !inPlace);
    this.#take(slot, reader);
    if (known && this.#options.metadata.changing) this.#refreshMetadata(slot, reader);
  }

  #finishLines(appender: Appender, timestamp: number): void {
    const lines = this.#lines;
    const { metadata } = this.#options;
    if (lines.changed || this.#fresh.size > 0) this.#dropUnseen(appender, timestamp);
    metadata.endScrape(lines.changed);
    lines.commit();
    this.#fresh.clear();
  }

  #appendEntries(reader: ExpositionReader): void {
    for (let kind = reader.next(); kind !== "end"; kind = reader.next()) {
      if (kind !== "series" && kind !== "histogram") {
        this.#noteMetadata(reader, kind);
        continue;
      }
      const key = reader.key();
      let slot = this.#keys.get(key) ?? NONE;
      const known = slot !== NONE;
      if (!known) {
        slot = this.#make();
        this.#keys.set(key, slot);
      }
      this.#take(slot, reader, kind === "histogram");
      if (known && this.#options.metadata.changing) this.#refreshMetadata(slot, reader);
    }
  }

  #finishEntries(appender: Appender, timestamp: number): void {
    for (const [key, slot] of this.#keys) if (this.#slots.seen[slot] !== this.#scrape) this.#keys.delete(key);
    this.#dropUnseen(appender, timestamp);
    this.#options.metadata.endScrape(true);
  }

  /** Series of earlier scrapes that this one does not have end with a marker, and are forgotten. */
  #dropUnseen(appender: Appender, timestamp: number): void {
    const { seen, flags, refs } = this.#slots;
    /** A series that is written in another way now has a new key, and is not gone. */
    let renamed: Set<number> | undefined;
    for (let slot = 0; slot < this.#slots.end; slot++) {
      if (!this.#slots.isUsed(slot) || seen[slot] === this.#scrape) continue;
      if ((flags[slot] & TRACKED) !== 0) {
        renamed ??= new Set(this.#made.map((made) => refs[made]));
        if (!renamed.has(refs[slot])) appender.appendStale(refs[slot], timestamp);
      }
      this.#slots.free(slot);
      this.#untimed.delete(slot);
    }
  }

  #make(): number {
    const slot = this.#slots.make();
    this.#made.push(slot);
    return slot;
  }

  /** Labels to be stored; undefined when metric relabelling drops the series. */
  #finalLabels(slot: number, reader: ExpositionReader): Labels | undefined {
    const { honorLabels, metricRelabelConfigs, metricNameValidationScheme } = this.#config;
    const labels = relabel(withTargetLabels(reader.labels(), this.#options.target, honorLabels), metricRelabelConfigs);
    if (!labels || labels.size === 0) {
      this.#slots.flags[slot] |= DROPPED;
      return undefined;
    }
    const name = labels.get(METRIC_NAME);
    if (name === "") throw new UserError("scrape.sample", "missing metric name (__name__ label)");
    if (
      metricNameValidationScheme === "legacy" &&
      (!isLegacyMetricName(name) || [...labels].some(([label]) => !isLegacyLabelName(label)))
    ) {
      throw new UserError("scrape.sample", `invalid metric name or label names: ${labels}`);
    }
    this.#checkLabelLimits(labels);
    return labels;
  }

  #checkLabelLimits(labels: Labels): void {
    const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = this.#config;
    if (labelLimit === 0 && labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return;
    const metric = labels.metricName.slice(0, 50);
    const fail = (message: string): never => {
      this.#options.metrics.labelLimits.inc();
      throw new UserError("scrape.limit.labels", message);
    };
    if (labelLimit > 0 && labels.size > labelLimit) {
      fail(`label_limit exceeded (metric: ${metric}, number of labels: ${labels.size}, limit: ${labelLimit})`);
    }
    for (const [name, value] of labels) {
      const shown = `metric: ${metric}, label name: ${name.slice(0, 50)}`;
      const nameLength = Buffer.byteLength(name);
      if (labelNameLengthLimit > 0 && nameLength > labelNameLengthLimit) {
        fail(`label_name_length_limit exceeded (${shown}, length: ${nameLength}, limit: ${labelNameLengthLimit})`);
      }
      const valueLength = Buffer.byteLength(value);
      if (labelValueLengthLimit > 0 && valueLength > labelValueLengthLimit) {
        fail(
          `label_value_length_limit exceeded (${shown}, value: ${JSON.stringify(value.slice(0, 50))}, length: ${valueLength}, limit: ${labelValueLengthLimit})`,
        );
      }
    }
  }

  /** Counts the current sample and hands it to storage. `compared` is the reader of a line that was not split into labels. */
  #take(slot: number, reader: ExpositionReader, isHistogram = false, compared?: LineReader): void {
    const result = this.#result;
    const slots = this.#slots;
    result.scraped++;
    const repeated = slots.seen[slot] === this.#scrape;
    slots.seen[slot] = this.#scrape;
    if ((slots.flags[slot] & DROPPED) !== 0) return;
    // Of a series whose labels cannot be taken the sample was scraped, and no more.
    const isNew = slots.refs[slot] === 0;
    if (isNew) compared?.readLine();
    const labels = isNew ? this.#finalLabels(slot, reader) : undefined;
    if (isNew && !labels) return;
    result.relabelled++;
    const { sampleLimit, honorTimestamps, trackTimestampsStaleness } = this.#config;
    // Beyond the limit the samples are only counted: the scrape fails, and says how many there were.
    if (sampleLimit > 0 && result.relabelled > sampleLimit) return;
    const own = honorTimestamps ? reader.timestamp : undefined;
    if (repeated && own === undefined) {
      this.#options.metrics.duplicate.inc();
      return;
    }
    const t = own ?? this.#timestamp;
    if (t > this.#timestamp + MAX_AHEAD_MS) {
      this.#options.metrics.outOfBounds.inc();
      return;
    }
    if (isNew && !this.#resolve(slot, reader, labels)) return;
    let outcome = this.#store(slot, reader, t, isHistogram);
    if (outcome === AppendResult.unknownSeries) {
      // The series was dropped from memory meanwhile: it is a new one now.
      slots.refs[slot] = 0;
      if (!this.#resolve(slot, reader, undefined)) return;
      outcome = this.#store(slot, reader, t, isHistogram);
    }
    if (outcome !== AppendResult.ok) {
      this.#count(outcome);
      return;
    }
    if (own === undefined || trackTimestampsStaleness) slots.flags[slot] |= PENDING;
    if (isNew) result.added++;
    if (reader.exemplars) this.#appendExemplars(slot, reader.exemplars, t);
  }

  #store(slot: number, reader: ExpositionReader, t: number, isHistogram: boolean): AppendResult {
    const ref = this.#slots.refs[slot];
    const appender = this.#appender;
    if (this.#options.startTimestamps) {
      const start = reader.startTimestamp();
      if (start > 0) appender.appendStartTimestamp(ref, t, start);
    }
    if (!isHistogram) return appender.append(ref, t, reader.value);
    const histogram = this.#limitBuckets(reader.histogram!);
    if (!histogram) {
      this.#bucketLimit = true;
      return AppendResult.ok;
    }
    return appender.appendHistogram(ref, t, histogram);
  }

  /** With fewer buckets where the job limits them; undefined when they cannot be made few enough. */
  #limitBuckets(histogram: IntHistogram | FloatHistogram): IntHistogram | FloatHistogram | undefined {
    const { nativeHistogramBucketLimit: limit, maxSchema } = this.#config;
    let out = histogram;
    if (out.schema !== CUSTOM_BUCKETS_SCHEMA && out.schema > maxSchema) out = reduceResolution(out, maxSchema);
    if (limit === 0) return out;
    while (bucketCount(out) > limit) {
      if (out.schema === CUSTOM_BUCKETS_SCHEMA || out.schema <= MIN_SCHEMA) return undefined;
      out = reduceResolution(out, out.schema - 1);
    }
    return out;
  }

  #appendExemplars(slot: number, shown: readonly Exemplar[], t: number): void {
    const ref = this.#slots.refs[slot];
    let outOfOrder = 0;
    const exemplars = shown.filter((exemplar) => this.#isNews(slot, exemplar));
    const timed = exemplars.map((exemplar) => ({ ...exemplar, timestamp: exemplar.timestamp ?? t }));
    timed.sort((a, b) => a.timestamp - b.timestamp);
    for (const exemplar of timed) {
      if (this.#appender.appendExemplar(ref, exemplar) === AppendResult.outOfOrder) outOfOrder++;
    }
    // Some being old is normal: exemplars stay in the exposition until they are replaced.
    if (outOfOrder > 0 && outOfOrder === exemplars.length) this.#options.metrics.exemplarOutOfOrder.inc(outOfOrder);
  }

  /** An exemplar without a time of its own is shown until there is another: it is one, not one of each scrape. */
  #isNews(slot: number, exemplar: Exemplar): boolean {
    if (exemplar.timestamp !== undefined) return true;
    const last = this.#untimed.get(slot);
    if (last && last.value === exemplar.value && last.labels.equals(exemplar.labels)) return false;
    this.#untimed.set(slot, exemplar);
    return true;
  }

  /** Finds or makes the series in storage; false when it was refused over the memory budget. */
  #resolve(slot: number, reader: ExpositionReader, given: Labels | undefined): boolean {
    let labels = given;
    if (!labels) {
      // A line that was only compared was not split into labels.
      if (reader instanceof LineReader) reader.readLine();
      labels = this.#finalLabels(slot, reader);
      if (!labels) return false;
    }
    const ref = this.#appender.series(labels);
    if (ref === 0) {
      this.#options.metrics.overBudget.labels(this.#config.jobName).inc();
      return false;
    }
    this.#slots.refs[slot] = ref;
    const metadata = this.#options.metadata.familyOf(labels.metricName);
    if (metadata) this.#appender.updateMetadata(ref, metadata);
    return true;
  }

  #refreshMetadata(slot: number, reader: ExpositionReader): void {
    const ref = this.#slots.refs[slot];
    if (ref === 0) return;
    const labels = this.#finalLabels(slot, reader);
    const metadata = labels && this.#options.metadata.changedFamilyOf(labels.metricName);
    if (metadata) this.#appender.updateMetadata(ref, metadata);
  }

  #count(outcome: AppendResult): void {
    const { metrics, config } = this.#options;
    if (outcome === AppendResult.duplicate) metrics.duplicate.inc();
    else if (outcome === AppendResult.outOfOrder) metrics.outOfOrder.inc();
    else if (outcome === AppendResult.overBudget) metrics.overBudget.labels(config.jobName).inc();
    else metrics.outOfBounds.inc();
  }
}
