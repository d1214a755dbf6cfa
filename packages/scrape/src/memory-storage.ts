/** A database for tests: everything that was committed, readable by the text of its labels. */
import {
  type Appendable,
  type Appender,
  AppendResult,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  type MetricMetadata,
} from "@pharos/model";

export interface StoredSample {
  t: number;
  /** "stale" for a staleness marker. */
  v: number | "stale" | IntHistogram | FloatHistogram;
}

interface Series {
  labels: Labels;
  samples: StoredSample[];
  exemplars: Exemplar[];
  metadata: MetricMetadata | undefined;
  starts: number[];
}

export class MemoryStorage implements Appendable {
  readonly #series: Series[] = [];
  readonly #byKey = new Map<string, number>();
  /** Refs that are no longer known, as after a head truncation. */
  readonly forgotten = new Set<number>();
  commits = 0;
  /** Series at most; 0 is any number. */
  budget = 0;

  /** Samples of the series with these labels, as `{a="b"}`. */
  samples(labels: string): StoredSample[] {
    return this.find(labels)?.samples ?? [];
  }

  values(labels: string): StoredSample["v"][] {
    return this.samples(labels).map(({ v }) => v);
  }

  find(labels: string): Series | undefined {
    return this.#series.find((series) => String(series.labels) === labels);
  }

  get names(): string[] {
    return this.#series.filter(({ samples }) => samples.length > 0).map(({ labels }) => String(labels));
  }

  appender(): Appender {
    const pending: { ref: number; sample: StoredSample }[] = [];
    const exemplars: { ref: number; exemplar: Exemplar }[] = [];
    const add = (ref: number, t: number, v: StoredSample["v"]): AppendResult => {
      const series = this.#series[ref - 1];
      if (!series || this.forgotten.has(ref)) return AppendResult.unknownSeries;
      const last = series.samples.at(-1);
      if (last && t < last.t) return AppendResult.outOfOrder;
      if (last && t === last.t) return Object.is(last.v, v) ? AppendResult.ok : AppendResult.duplicate;
      pending.push({ ref, sample: { t, v } });
      return AppendResult.ok;
    };
    return {
      series: (labels) => {
        let ref = this.#byKey.get(labels.key());
        if (ref !== undefined && !this.forgotten.has(ref)) return ref;
        if (this.budget > 0 && this.#series.length >= this.budget) return 0;
        ref = this.#series.push({ labels, samples: [], exemplars: [], metadata: undefined, starts: [] });
        this.#byKey.set(labels.key(), ref);
        return ref;
      },
      append: add,
      appendStale: (ref, t) => add(ref, t, "stale"),
      appendHistogram: add,
      appendStartTimestamp: (ref, _t, start) => {
        this.#series[ref - 1].starts.push(start);
        return AppendResult.ok;
      },
      appendExemplar: (ref, exemplar) => {
        exemplars.push({ ref, exemplar });
        return AppendResult.ok;
      },
      updateMetadata: (ref, metadata) => {
        this.#series[ref - 1].metadata = { ...metadata };
      },
      commit: () => {
        for (const { ref, sample } of pending) {
          const { samples } = this.#series[ref - 1];
          if ((samples.at(-1)?.t ?? -1) < sample.t) samples.push(sample);
        }
        for (const { ref, exemplar } of exemplars) this.#series[ref - 1].exemplars.push(exemplar);
        this.commits++;
      },
      rollback: () => {
        pending.length = 0;
        exemplars.length = 0;
      },
    };
  }
}
