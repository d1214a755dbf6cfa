/** What a target says about its metric families, kept as long as the target shows them. */
import type { MetricMetadata } from "@pharos/model";

interface Entry extends MetricMetadata {
  lastScrape: number;
}

/** Families not shown for so many scrapes are forgotten. */
const KEEP_SCRAPES = 10;

export class MetadataStore {
  readonly #entries = new Map<string, Entry>();
  #scrape = 0;

  startScrape(): void {
    this.#scrape++;
  }

  /** Answers the entry when it is new or has changed. */
  set(metric: string, field: "type" | "help" | "unit", value: string): void {
    let entry = this.#entries.get(metric);
    if (!entry) {
      entry = { type: "unknown", help: "", unit: "", lastScrape: 0 };
      this.#entries.set(metric, entry);
    }
    Object.assign(entry, { [field]: value });
    entry.lastScrape = this.#scrape;
  }

  endScrape(): void {
    for (const [metric, { lastScrape }] of this.#entries) {
      if (this.#scrape - lastScrape > KEEP_SCRAPES) this.#entries.delete(metric);
    }
  }

  /** The metadata of the family a series belongs to. */
  familyOf(metric: string): MetricMetadata | undefined {
    const own = this.#entries.get(metric);
    if (own) return own;
    const base = metric.replace(/_(total|bucket|sum|count|created|info|gsum|gcount)$/, "");
    return base === metric ? undefined : this.#entries.get(base);
  }

  *[Symbol.iterator](): Generator<[string, MetricMetadata]> {
    for (const [metric, { type, help, unit }] of this.#entries) yield [metric, { type, help, unit }];
  }
}
