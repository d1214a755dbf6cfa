/** The series about the scrape itself: up, scrape_duration_seconds, … Not subject to metric relabelling or honor_labels. */
import { type Appender, AppendResult, type Labels, METRIC_NAME, type MetricMetadata } from "@pharos/model";

const gauge = (help: string, unit: string): MetricMetadata => ({ type: "gauge", help, unit });

/** Names and what they say, in upstream's order and words. */
export const REPORT_SERIES = {
  up: gauge("Health of the scrape target. 1 means the target is healthy, 0 if the scrape failed.", "targets"),
  scrape_duration_seconds: gauge("Duration of the last scrape in seconds.", "seconds"),
  scrape_samples_scraped: gauge("Number of samples last scraped.", "samples"),
  scrape_samples_post_metric_relabeling: gauge(
    "Number of samples remaining after metric relabeling was applied.",
    "samples",
  ),
  scrape_series_added: gauge("Number of series in the last scrape.", "series"),
  scrape_timeout_seconds: gauge("The configured scrape timeout for a target.", "seconds"),
  scrape_sample_limit: gauge(
    "The configured sample limit for a target. Returns zero if there is no limit configured.",
    "samples",
  ),
  scrape_body_size_bytes: gauge(
    "The uncompressed size of the last scrape response, if successful. Scrapes failing because body_size_limit is exceeded report -1, other scrape failures report 0.",
    "bytes",
  ),
} as const satisfies Record<string, MetricMetadata>;
export type ReportName = keyof typeof REPORT_SERIES;

export class ReportWriter {
  readonly #target: Labels;
  readonly #refs = new Map<ReportName, number>();

  constructor(target: Labels) {
    this.#target = target;
  }

  append(appender: Appender, values: Readonly<Partial<Record<ReportName, number>>>, timestamp: number): void {
    for (const [key, value] of Object.entries(values)) {
      const name = key as ReportName;
      const ref = this.#ref(appender, name);
      // A target that came back through another pool may have written already: that is no fault.
      if (ref === 0 || appender.append(ref, timestamp, value) !== AppendResult.unknownSeries) continue;
      this.#refs.delete(name);
      const again = this.#ref(appender, name);
      if (again !== 0) appender.append(again, timestamp, value);
    }
  }

  appendStale(appender: Appender, timestamp: number): void {
    for (const ref of this.#refs.values()) appender.appendStale(ref, timestamp);
  }

  #ref(appender: Appender, name: ReportName): number {
    let ref = this.#refs.get(name) ?? 0;
    if (ref === 0) {
      ref = appender.series(this.#target.with(METRIC_NAME, name));
      if (ref === 0) return 0;
      this.#refs.set(name, ref);
      appender.updateMetadata(ref, REPORT_SERIES[name]);
    }
    return ref;
  }
}
