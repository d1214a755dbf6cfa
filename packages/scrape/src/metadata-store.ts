/** What a target says about its metric families, kept as long as the target shows them. */
import type { MetricMetadata, MetricType } from "@pharos/model";

interface Entry extends MetricMetadata {
  lastScrape: number;
  /** What is handed out: one object for all series of the family, as storage keeps it for each. */
  told: MetricMetadata | undefined;
}

/** Families not shown for so many scrapes are forgotten. */
const KEEP_SCRAPES = 10;

/** Suffixes that series of a family have, by its type. */
const SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ["_total", "_created"],
  gauge: [],
  histogram: ["_bucket", "_sum", "_count", "_created"],
  gaugehistogram: ["_bucket", "_gsum", "_gcount", "_sum", "_count"],
  summary: ["_sum", "_count", "_created"],
  info: ["_info"],
  stateset: [],
  unknown: [],
};
const ALL_SUFFIXES = [...new Set(Object.values(SUFFIXES).flat())];

export class MetadataStore {
  readonly #entries = new Map<string, Entry>();
  #scrape = 0;
  /** The family told about last, when it said something new. */
  #changed = "";

  startScrape(): void {
    this.#scrape++;
    this.#changed = "";
  }

  /** Whether the family whose lines are being read has said something new about itself in this scrape. */
  get changing(): boolean {
    return this.#changed !== "";
  }

  set(metric: string, field: "type" | "help" | "unit", value: string): void {
    let entry = this.#entries.get(metric);
    if (!entry) {
      entry = { type: "unknown", help: "", unit: "", lastScrape: 0, told: undefined };
      this.#entries.set(metric, entry);
    }
    if (entry[field] !== value) {
      Object.assign(entry, { [field]: value, told: undefined });
      this.#changed = metric;
    } else if (metric !== this.#changed) this.#changed = "";
    entry.lastScrape = this.#scrape;
  }

  /** A scrape that had the same families as the one before does not make the others older. */
  endScrape(changed: boolean): void {
    this.#changed = "";
    if (!changed) {
      this.#scrape--;
      return;
    }
    for (const [metric, { lastScrape }] of this.#entries) {
      if (this.#scrape - lastScrape > KEEP_SCRAPES) this.#entries.delete(metric);
    }
  }

  /** The metadata of the family a series belongs to. */
  familyOf(series: string): MetricMetadata | undefined {
    return this.#told(this.#familyName(series));
  }

  /** The same, when the family is the one that just changed. */
  changedFamilyOf(series: string): MetricMetadata | undefined {
    return this.#familyName(series) === this.#changed ? this.#told(this.#changed) : undefined;
  }

  #told(family: string | undefined): MetricMetadata | undefined {
    const entry = family === undefined ? undefined : this.#entries.get(family);
    if (entry) entry.told ??= { type: entry.type, help: entry.help, unit: entry.unit };
    return entry?.told;
  }

  #familyName(series: string): string | undefined {
    if (this.#entries.has(series)) return series;
    for (const suffix of ALL_SUFFIXES) {
      if (!series.endsWith(suffix)) continue;
      const name = series.slice(0, -suffix.length);
      const entry = this.#entries.get(name);
      if (entry && SUFFIXES[entry.type].includes(suffix)) return name;
    }
    return undefined;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of the texts, as upstream counts them. */
  get bytes(): number {
    let sum = 0;
    for (const [, { type, help, unit }] of this.#entries) sum += help.length + unit.length + type.length;
    return sum;
  }

  *[Symbol.iterator](): Generator<[string, MetricMetadata]> {
    for (const [metric, { type, help, unit }] of this.#entries) yield [metric, { type, help, unit }];
  }
}
