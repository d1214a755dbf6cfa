/** The database of one test: its input becomes visible sample by sample as time goes on, and rules write into it. */
import {
  type Appendable,
  type Appender,
  AppendResult,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  type Querier,
  type Queryable,
  toFloatHistogram,
  UserError,
} from "@pharos/model";
import { MemoryStorage, parseSeriesDescription, type SeriesDescription, type StoredSample } from "@pharos/promql";
import type { TestSeries } from "./test-file.ts";

export class TestStorage implements Queryable, Appendable {
  readonly #storage = new MemoryStorage();
  /** Of the input, in order of time. */
  readonly #coming: { labels: Labels; sample: StoredSample }[];
  #next = 0;

  /** Throws a UserError for a series that cannot be read. `interval`: ms between samples; `start`: Unix ms of the first. */
  constructor(input: readonly TestSeries[], interval: number, start: number) {
    // Of two lines with the same labels the later one counts, as in promqltest's files.
    const lines = new Map<string, { labels: Labels; samples: StoredSample[] }>();
    for (const line of input) {
      const description = describe(line);
      const samples = description.values.flatMap(({ omitted, value, stale, histogram }, i) =>
        omitted ? [] : [{ t: start + i * interval, value, stale, histogram }],
      );
      lines.set(description.labels.key(), { labels: description.labels, samples });
    }
    this.#coming = [...lines.values()].flatMap(({ labels, samples }) => samples.map((sample) => ({ labels, sample })));
    this.#coming.sort((a, b) => a.sample.t - b.sample.t);
  }

  /** Makes the input's samples up to this time visible. */
  advance(timeMs: number): void {
    for (; this.#next < this.#coming.length; this.#next++) {
      const { labels, sample } = this.#coming[this.#next];
      if (sample.t > timeMs) return;
      this.#storage.append(labels, sample);
    }
  }

  querier(): Querier {
    return this.#storage.querier();
  }

  appender(): Appender {
    return new TestAppender(this.#storage);
  }
}

function describe({ series, values, where }: TestSeries): SeriesDescription {
  try {
    return parseSeriesDescription(`${series} ${values}`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError("rules.test", `${series} ${values}: ${error.message}`, { where, cause: error });
  }
}

class TestAppender implements Appender {
  readonly #storage: MemoryStorage;
  readonly #series: Labels[] = [];
  readonly #samples: { labels: Labels; sample: StoredSample }[] = [];

  constructor(storage: MemoryStorage) {
    this.#storage = storage;
  }

  series(labels: Labels): number {
    return this.#series.push(labels);
  }

  #push(ref: number, sample: StoredSample): AppendResult {
    this.#samples.push({ labels: this.#series[ref - 1], sample });
    return AppendResult.ok;
  }

  append(ref: number, t: number, value: number): AppendResult {
    return this.#push(ref, { t, value });
  }

  appendStale(ref: number, t: number): AppendResult {
    return this.#push(ref, { t, value: Number.NaN, stale: true });
  }

  appendHistogram(ref: number, t: number, histogram: IntHistogram | FloatHistogram): AppendResult {
    return this.#push(ref, { t, value: 0, histogram: toFloatHistogram(histogram) });
  }

  appendStartTimestamp(): AppendResult {
    return AppendResult.ok;
  }

  appendExemplar(): AppendResult {
    return AppendResult.ok;
  }

  updateMetadata(): void {
    // Rules have none.
  }

  commit(): void {
    for (const { labels, sample } of this.#samples) this.#storage.append(labels, sample);
  }

  rollback(): void {
    this.#samples.length = 0;
  }
}
