/** Classic histograms turned into native ones with custom bucket bounds (NHCB), as upstream's convertnhcb does. */
import {
  CUSTOM_BUCKETS_SCHEMA,
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  type Labels,
  METRIC_NAME,
  UserError,
} from "@pharos/model";
import { parseGoFloat } from "./go-syntax.ts";
import { compactNative, validateNative } from "./native.ts";
import type { EntryKind, ExpositionReader } from "./reader.ts";

function invalid(message: string): UserError {
  return new UserError("exposition.histogram", message);
}

/** Collects the samples of one classic histogram. */
export class ClassicHistogram {
  readonly #bounds: number[] = [];
  readonly #counts: number[] = [];
  #count: number | undefined;
  #sum = 0;
  #error: UserError | undefined;

  setBucket(bound: number, count: number): void {
    let i = this.#bounds.length;
    while (i > 0 && this.#bounds[i - 1] > bound) i--;
    // The same bound again is a duplicate sample.
    if (i > 0 && this.#bounds[i - 1] === bound) return;
    if (Number.isNaN(bound)) this.#fail("bucket boundary must not be NaN");
    else if (count < 0) this.#fail(`bucket count must be non-negative: le=${bound}, count=${count}`);
    else if (i > 0 && count < this.#counts[i - 1]) {
      this.#fail(`count is not cumulative: ${count} < ${this.#counts[i - 1]}`);
    } else if (i < this.#counts.length && count > this.#counts[i]) {
      this.#fail(`count is not cumulative: ${count} > ${this.#counts[i]}`);
    } else {
      this.#bounds.splice(i, 0, bound);
      this.#counts.splice(i, 0, count);
    }
  }

  setCount(count: number): void {
    if (count < 0) this.#fail(`count must be non-negative: count=${count}`);
    else this.#count = count;
  }

  setSum(sum: number): void {
    this.#sum = sum;
  }

  /** The native form. Throws a UserError when the samples do not make a histogram. */
  convert(): IntHistogram | FloatHistogram {
    if (this.#error) throw this.#error;
    const bounds = [...this.#bounds];
    const counts = [...this.#counts];
    const count = this.#count ?? counts.at(-1) ?? 0;
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) {
      bounds.push(Number.POSITIVE_INFINITY);
      counts.push(count);
    }
    if (count !== counts.at(-1)) throw invalid(`count mismatch: count=${count} != le=+Inf count=${counts.at(-1)}`);
    const buckets = counts.map((value, i) => (i === 0 ? value : value - counts[i - 1]));
    const base = {
      counterResetHint: "unknown" as const,
      schema: CUSTOM_BUCKETS_SCHEMA,
      zeroThreshold: 0,
      zeroCount: 0,
      count,
      sum: this.#sum,
      positiveSpans: [{ offset: 0, length: buckets.length }],
      negativeSpans: [],
      customValues: bounds.slice(0, -1),
    };
    const histogram: IntHistogram | FloatHistogram = counts.every(Number.isSafeInteger)
      ? compactNative<IntHistogram>(
          {
            ...base,
            kind: "int",
            positiveDeltas: buckets.map((value, i) => (i === 0 ? value : value - buckets[i - 1])),
            negativeDeltas: [],
          },
          2,
        )
      : compactNative<FloatHistogram>({ ...base, kind: "float", positiveBuckets: buckets, negativeBuckets: [] }, 0);
    validateNative(histogram);
    return histogram;
  }

  #fail(message: string): void {
    this.#error ??= invalid(message);
  }
}

const SUFFIX = /^(.+)_(bucket|sum|count)$/s;

/** A sample of a classic histogram: of which one, and what it says. */
interface Part {
  identity: string;
  labels: Labels;
  suffix: string;
  bound: number;
}

interface Collected {
  identity: string;
  labels: Labels;
  classic: ClassicHistogram;
  timestamp: number | undefined;
  startTimestamp: number;
  exemplars: Exemplar[];
}

/**
 * A reader that answers a native histogram behind the samples of each classic one; with `keepClassic` the samples too.
 * What makes no histogram is left as it was. A classic histogram that has a native form already is not converted.
 */
export class CustomBucketsReader implements ExpositionReader {
  readonly #inner: ExpositionReader;
  readonly #keepClassic: boolean;
  #collected: Collected | undefined;
  /** The converted histogram while it is the current entry, and the inner entry that is still to be answered. */
  #emitted: (Collected & { histogram: IntHistogram | FloatHistogram }) | undefined;
  #held: EntryKind | undefined;
  #nativeIdentity = "";
  #family = "";

  constructor(inner: ExpositionReader, keepClassic: boolean) {
    this.#inner = inner;
    this.#keepClassic = keepClassic;
  }

  get value(): number {
    return this.#inner.value;
  }
  get histogram(): IntHistogram | FloatHistogram | undefined {
    return this.#emitted ? this.#emitted.histogram : this.#inner.histogram;
  }
  get timestamp(): number | undefined {
    return this.#emitted ? this.#emitted.timestamp : this.#inner.timestamp;
  }
  get exemplars(): readonly Exemplar[] | undefined {
    return this.#emitted ? this.#emitted.exemplars : this.#inner.exemplars;
  }
  get metric(): string {
    return this.#inner.metric;
  }
  get text(): string {
    return this.#inner.text;
  }
  get type(): ExpositionReader["type"] {
    return this.#inner.type;
  }
  labels(): Labels {
    return this.#emitted ? this.#emitted.labels : this.#inner.labels();
  }
  key(): string {
    return this.#emitted ? `\u0000${this.#emitted.identity}` : this.#inner.key();
  }
  startTimestamp(): number {
    return this.#emitted ? this.#emitted.startTimestamp : this.#inner.startTimestamp();
  }

  next(): EntryKind {
    this.#emitted = undefined;
    for (;;) {
      const kind = this.#held ?? this.#inner.next();
      this.#held = undefined;
      const part = kind === "series" && this.#inner.type === "histogram" ? this.#part() : undefined;
      if (this.#collected && part?.identity !== this.#collected.identity && this.#emit()) {
        this.#held = kind;
        return "histogram";
      }
      if (kind === "histogram") this.#nativeIdentity = this.#inner.labels().key();
      if (kind === "type") this.#family = this.#inner.metric;
      if (!part || part.identity === this.#nativeIdentity) return kind;
      this.#collect(part);
      if (this.#keepClassic) return kind;
    }
  }

  /** Which histogram the current series is a part of; undefined when of none. */
  #part(): Part | undefined {
    const all = this.#inner.labels();
    const match = SUFFIX.exec(all.metricName);
    if (!match || match[1] !== this.#family) return undefined;
    const [, name, suffix] = match;
    let bound = 0;
    if (suffix === "bucket") {
      try {
        bound = parseGoFloat(all.get("le"));
      } catch {
        return undefined;
      }
      if (Number.isNaN(bound)) return undefined;
    }
    const labels = all.with("le", "").with(METRIC_NAME, name);
    return { identity: labels.key(), labels, suffix, bound };
  }

  #collect({ identity, labels, suffix, bound }: Part): void {
    const inner = this.#inner;
    this.#collected ??= {
      identity,
      labels,
      classic: new ClassicHistogram(),
      timestamp: inner.timestamp,
      startTimestamp: inner.startTimestamp(),
      exemplars: [],
    };
    const { classic, exemplars } = this.#collected;
    if (inner.exemplars) exemplars.push(...inner.exemplars);
    if (suffix === "bucket") classic.setBucket(bound, inner.value);
    else if (suffix === "sum") classic.setSum(inner.value);
    else classic.setCount(inner.value);
  }

  #emit(): boolean {
    const collected = this.#collected!;
    this.#collected = undefined;
    try {
      this.#emitted = { ...collected, histogram: collected.classic.convert() };
      return true;
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
  }
}
