/** A database in memory for tests of queries and rules: small, and with the histogram hints that a real one gives. */
import type { FloatHistogram, Labels, Matcher, Querier, Queryable, SampleBuffer, StoredSeries } from "@pharos/model";
import { compareStrings, matchesAll } from "@pharos/model";
import { usesCustomBuckets } from "../histogram/bounds.ts";
import { detectReset } from "../histogram/reset.ts";
import { sameBounds } from "../histogram/sparse.ts";

export interface StoredSample {
  t: number;
  value: number;
  stale?: boolean;
  histogram?: FloatHistogram;
  /** Unix ms, 0 when unknown. */
  start?: number;
}

/** What the chunk that holds a histogram says about resets. */
interface ChunkState {
  gauge: boolean;
  stale: boolean;
  last: FloatHistogram;
}

/**
 * The hint with which a histogram is read back: within a chunk samples follow each other without reset; at its beginning,
 * after a reset or a change of layout, nothing is known because the chunk before may be gone.
 */
function storedHint(histogram: FloatHistogram, chunk: ChunkState | undefined): FloatHistogram["counterResetHint"] {
  if (histogram.counterResetHint === "gauge") return "gauge";
  if (histogram.counterResetHint === "reset" || !chunk || chunk.gauge || chunk.stale) return "unknown";
  const { last } = chunk;
  const sameLayout =
    histogram.schema === last.schema &&
    histogram.zeroThreshold === last.zeroThreshold &&
    (!usesCustomBuckets(histogram) || sameBounds(histogram.customValues, last.customValues));
  if (!sameLayout || detectReset({ ...histogram, counterResetHint: "unknown" }, last)) return "unknown";
  return "not_reset";
}

class MemorySeries implements StoredSeries {
  readonly labels: Labels;
  readonly samples: StoredSample[] = [];
  #chunk: ChunkState | undefined;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  append(sample: StoredSample): void {
    const { histogram } = sample;
    if (histogram) {
      const counterResetHint = storedHint(histogram, this.#chunk);
      sample = { ...sample, histogram: { ...histogram, counterResetHint } };
      this.#chunk = { gauge: histogram.counterResetHint === "gauge", stale: false, last: histogram };
    } else if (sample.stale && this.#chunk) this.#chunk.stale = true;
    else this.#chunk = undefined;
    let at = this.samples.length;
    while (at > 0 && this.samples[at - 1].t > sample.t) at--;
    // A second sample of the same time is refused by a database.
    if (this.samples[at - 1]?.t !== sample.t) this.samples.splice(at, 0, sample);
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    const { samples } = this;
    let low = 0;
    for (let high = samples.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (samples[middle].t < mint) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < samples.length && samples[i].t <= maxt; i++) {
      const { t, value, stale, histogram, start } = samples[i];
      if (stale) out.pushStale(t);
      else if (histogram) out.pushHistogram(t, histogram);
      else out.push(t, value);
      if (start) out.setStartTimestamp(start);
    }
  }
}

export class MemoryStorage implements Queryable {
  readonly #series = new Map<string, MemorySeries>();

  append(labels: Labels, sample: StoredSample): void {
    const key = labels.key();
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = new MemorySeries(labels)));
    series.append(sample);
  }

  clear(): void {
    this.#series.clear();
  }

  querier(): Querier {
    const select = (matchers: readonly Matcher[]) =>
      [...this.#series.values()]
        .filter(({ labels }) => matchesAll(matchers, labels))
        .sort((a, b) => a.labels.compare(b.labels));
    const unique = (values: Iterable<string>) => [...new Set(values)].sort(compareStrings);
    return {
      select,
      labelNames: (matchers) => unique(select(matchers).flatMap(({ labels }) => [...labels].map(([name]) => name))),
      labelValues: (name, matchers) => {
        const values = select(matchers).map(({ labels }) => labels.get(name));
        return unique(values.filter((value) => value !== ""));
      },
      [Symbol.dispose]: () => undefined,
    };
  }
}
