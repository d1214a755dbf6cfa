/**
 * From the body of one scrape to samples in storage: target labels, metric relabelling, limits, staleness of what vanished.
 *
 * The scrape cache holds, line by line, the last scrape's shape: a series line at the same place with the same bytes costs
 * a compare and a number. A line that moved is found by its bytes; only a new one is parsed into labels.
 */
import { TextReader } from "@pharos/exposition";
import { type Appender, AppendResult, type Labels, LabelsBuilder, METRIC_NAME, UserError } from "@pharos/model";
import { relabel } from "@pharos/relabel";
import type { ScrapeConfig } from "./config.ts";
import type { MetadataStore } from "./metadata-store.ts";
import type { ScrapeMetrics } from "./metrics.ts";

interface CacheEntry {
  /** Name and labels as written. */
  series: Buffer;
  /** undefined when metric relabelling dropped the series. */
  labels: Labels | undefined;
  ref: number;
  /** Number of the scrape it was last seen in. */
  seen: number;
}

export interface ScrapeResult {
  /** Samples in the body. */
  scraped: number;
  /** After metric relabelling. */
  relabelled: number;
  /** Series that were not in the scrape before. */
  added: number;
}

/** A limit of the job was exceeded: the scrape fails as a whole. */
export class LimitExceeded extends Error {}

/** Samples dated further ahead are dropped: a clock that far off is wrong. */
const MAX_AHEAD_MS = 10 * 60_000;

export class SampleWriter {
  readonly #config: ScrapeConfig;
  readonly #target: Labels;
  readonly #metadata: MetadataStore;
  readonly #metrics: ScrapeMetrics;
  /** Entries in the order of the last scrape. */
  #order: CacheEntry[] = [];
  /** By the bytes of the series, as latin1 text. */
  readonly #bySeries = new Map<string, CacheEntry>();
  #scrape = 0;

  constructor(config: ScrapeConfig, target: Labels, metadata: MetadataStore, metrics: ScrapeMetrics) {
    this.#config = config;
    this.#target = target;
    this.#metadata = metadata;
    this.#metrics = metrics;
  }

  /** Appends the body's samples; the caller commits. Throws a UserError for a bad body, LimitExceeded for a limit. */
  append(appender: Appender, body: Buffer, openMetrics: boolean, timestamp: number): ScrapeResult {
    const reader = new TextReader(body, openMetrics);
    const result: ScrapeResult = { scraped: 0, relabelled: 0, added: 0 };
    const previous = this.#order;
    const order: CacheEntry[] = [];
    this.#scrape++;
    this.#metadata.startScrape();
    let at = 0;
    for (;;) {
      let entry: CacheEntry | undefined = previous[at];
      if (entry !== undefined && reader.skipSeries(entry.series)) at++;
      else {
        const kind = reader.next();
        if (kind === "end") break;
        if (kind !== "series") {
          if (kind === "type") this.#metadata.set(reader.metric, "type", reader.type);
          else this.#metadata.set(reader.metric, kind, reader.text);
          continue;
        }
        entry = this.#find(body, reader);
        // Lines moved: go on comparing from where this one stood last time.
        if (entry.seen > 0 && previous[at] !== entry) {
          const place = previous.indexOf(entry, at);
          if (place >= 0) at = place + 1;
        } else if (entry.seen > 0) at++;
      }
      result.scraped++;
      if (entry.seen !== this.#scrape) order.push(entry);
      if (entry.labels === undefined) {
        entry.seen = this.#scrape;
        continue;
      }
      result.relabelled++;
      if (this.#config.sampleLimit > 0 && result.relabelled > this.#config.sampleLimit) {
        this.#metrics.sampleLimit.inc();
        throw new LimitExceeded("sample limit exceeded");
      }
      if (this.#appendSample(appender, entry, reader, timestamp) && entry.seen === 0) result.added++;
      entry.seen = this.#scrape;
    }
    this.#appendStale(appender, previous, timestamp);
    this.#metadata.endScrape();
    this.#order = order;
    return result;
  }

  /** Staleness markers for everything the last good scrape had: the target failed or is gone. */
  appendAllStale(appender: Appender, timestamp: number): void {
    this.#scrape++;
    this.#appendStale(appender, this.#order, timestamp);
    this.#order = [];
  }

  #find(body: Buffer, reader: TextReader): CacheEntry {
    const key = body.toString("latin1", reader.seriesStart, reader.seriesEnd);
    const known = this.#bySeries.get(key);
    if (known) return known;
    const labels = this.#finalLabels(reader.labels());
    const entry: CacheEntry = {
      // A copy: the body's memory must not be kept alive by one line.
      series: Buffer.from(key, "latin1"),
      labels,
      ref: 0,
      seen: 0,
    };
    this.#bySeries.set(key, entry);
    return entry;
  }

  /** Target labels laid over (or under) the scraped ones, then metric relabelling. */
  #finalLabels(scraped: Labels): Labels | undefined {
    const labels = new LabelsBuilder(scraped);
    const { honorLabels } = this.#config;
    for (const [name, value] of this.#target) {
      const own = scraped.get(name);
      if (own === "") labels.set(name, value);
      else if (!honorLabels) {
        let exported = `exported_${name}`;
        while (scraped.has(exported) || this.#target.has(exported)) exported = `exported_${exported}`;
        labels.set(exported, own).set(name, value);
      }
    }
    const final = relabel(labels.build(), this.#config.metricRelabelConfigs);
    if (!final || final.size === 0) return undefined;
    if (!final.has(METRIC_NAME))
      throw new UserError(
        "scrape.sample",
        "invalid metric name or label names: the metric name is missing after relabelling",
      );
    this.#checkLabelLimits(final);
    return final;
  }

  #checkLabelLimits(labels: Labels): void {
    const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = this.#config;
    const fail = (message: string): never => {
      this.#metrics.labelLimits.inc();
      throw new LimitExceeded(`${message} (metric: ${labels.metricName.slice(0, 50)})`);
    };
    if (labelLimit > 0 && labels.size > labelLimit)
      fail(`label_limit exceeded: number of labels: ${labels.size}, limit: ${labelLimit}`);
    if (labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return;
    for (const [name, value] of labels) {
      if (labelNameLengthLimit > 0 && name.length > labelNameLengthLimit)
        fail(`label_name_length_limit exceeded: length: ${name.length}, limit: ${labelNameLengthLimit}`);
      if (labelValueLengthLimit > 0 && value.length > labelValueLengthLimit)
        fail(`label_value_length_limit exceeded: length: ${value.length}, limit: ${labelValueLengthLimit}`);
    }
  }

  /** True when the sample was taken. */
  #appendSample(appender: Appender, entry: CacheEntry, reader: TextReader, timestamp: number): boolean {
    const t = this.#config.honorTimestamps && reader.timestamp !== undefined ? reader.timestamp : timestamp;
    if (t > timestamp + MAX_AHEAD_MS) {
      this.#metrics.outOfBounds.inc();
      return false;
    }
    if (entry.ref === 0) this.#resolve(appender, entry);
    if (entry.ref === 0) return false;
    let outcome = appender.append(entry.ref, t, reader.value);
    if (outcome === AppendResult.unknownSeries) {
      // The series was dropped from memory meanwhile: it is a new one now.
      entry.ref = 0;
      this.#resolve(appender, entry);
      if (entry.ref === 0) return false;
      outcome = appender.append(entry.ref, t, reader.value);
    }
    if (outcome !== AppendResult.ok) return this.#count(outcome);
    if (reader.exemplar)
      appender.appendExemplar(entry.ref, { ...reader.exemplar, timestamp: reader.exemplar.timestamp ?? t });
    return true;
  }

  #resolve(appender: Appender, entry: CacheEntry): void {
    entry.ref = appender.series(entry.labels!);
    if (entry.ref === 0) {
      this.#metrics.overBudget.labels(this.#config.jobName).inc();
      return;
    }
    const metadata = this.#metadata.familyOf(entry.labels!.metricName);
    if (metadata) appender.updateMetadata(entry.ref, metadata);
  }

  #count(outcome: AppendResult): false {
    if (outcome === AppendResult.duplicate) this.#metrics.duplicate.inc();
    else if (outcome === AppendResult.outOfOrder) this.#metrics.outOfOrder.inc();
    else this.#metrics.outOfBounds.inc();
    return false;
  }

  #appendStale(appender: Appender, entries: readonly CacheEntry[], timestamp: number): void {
    for (const entry of entries) {
      if (entry.seen === this.#scrape) continue;
      if (entry.ref !== 0) appender.appendStale(entry.ref, timestamp);
      this.#bySeries.delete(entry.series.toString("latin1"));
    }
  }
}

/** The series about the scrape itself: up, scrape_duration_seconds, … Not subject to metric relabelling. */
export class ReportWriter {
  readonly #target: Labels;
  readonly #refs = new Map<string, number>();

  constructor(target: Labels) {
    this.#target = target;
  }

  append(appender: Appender, values: Readonly<Record<string, number>>, timestamp: number): void {
    for (const [name, value] of Object.entries(values)) {
      const ref = this.#ref(appender, name);
      if (ref !== 0 && appender.append(ref, timestamp, value) === AppendResult.unknownSeries) {
        this.#refs.delete(name);
        const again = this.#ref(appender, name);
        if (again !== 0) appender.append(again, timestamp, value);
      }
    }
  }

  appendStale(appender: Appender, timestamp: number): void {
    for (const ref of this.#refs.values()) appender.appendStale(ref, timestamp);
  }

  #ref(appender: Appender, name: string): number {
    let ref = this.#refs.get(name) ?? 0;
    if (ref === 0) {
      ref = appender.series(this.#target.with(METRIC_NAME, name));
      if (ref !== 0) this.#refs.set(name, ref);
    }
    return ref;
  }
}
