/**
 * Random series for comparing engines: floats with NaN, infinities, resets, gaps and staleness markers, classic
 * histograms, native ones with exponential and with custom buckets, and series that change between these.
 */
import { type FloatHistogram, type IntHistogram, Labels, type Span } from "@pharos/model";
import { Random } from "./random.ts";

/** Unix ms of the first sample; fixed, so that a seed means the same data on every day. */
export const DATA_START = 1_700_000_000_000;
export const DATA_LENGTH = 2 * 3600_000;
const INTERVAL = 15_000;

export interface DataSample {
  t: number;
  value?: number;
  stale?: boolean;
  histogram?: IntHistogram | FloatHistogram;
}

export interface DataSeries {
  labels: Labels;
  samples: DataSample[];
}

export const LABEL_VALUES = {
  a: ["x", "y", "z"],
  b: ["1", "2"],
  c: ["p", "q"],
} as const;

/** The value of a series at its i-th sample. */
type Source = (i: number) => Omit<DataSample, "t">;

/** "dense" has no gaps at all; the others end now and then for a while. */
type Times = "dense" | "regular" | "jitter" | "sparse";

/** Times as a scraper makes them: regular, with a jitter or with random gaps. */
function sampleTimes(random: Random, kind: Times): { t: number; stale: boolean }[] {
  const out: { t: number; stale: boolean }[] = [];
  const phase = random.int(INTERVAL);
  let t = DATA_START + (kind === "regular" && random.chance(0.5) ? 0 : phase);
  while (t < DATA_START + DATA_LENGTH) {
    if (kind !== "dense" && random.chance(0.01)) {
      if (random.chance(0.7)) out.push({ t, stale: true });
      t += INTERVAL * (1 + random.int(random.chance(0.2) ? 60 : 8));
      continue;
    }
    out.push({ t, stale: false });
    if (kind === "sparse") t += 5000 + random.int(400_000);
    else t += INTERVAL + (kind === "jitter" ? random.int(200) - 100 : 0);
    if (kind !== "dense" && random.chance(0.02)) t += INTERVAL;
  }
  return out;
}

function walkOf(random: Random, scale: number, special: number): Source {
  let value = (random.next() - 0.5) * scale;
  return () => {
    value += (random.next() - 0.5) * scale * 0.1;
    if (random.chance(special)) {
      return { value: random.pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0]) };
    }
    return { value };
  };
}

function counterOf(random: Random, scale: number): Source {
  let value = random.chance(0.3) ? 0 : Math.floor(random.next() * scale);
  const whole = random.chance(0.5);
  return () => {
    if (random.chance(0.02)) value = random.chance(0.5) ? 0 : Math.floor(random.next() * scale * 0.1);
    const more = random.next() * scale * 0.01;
    if (random.chance(0.7)) value += whole ? Math.ceil(more) : more;
    return { value };
  };
}

const EXTREMES = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e308,
  -1.7e308,
  5e-324,
  -0,
  0,
  1,
  -1,
  2 ** 53 + 2,
  0.1,
  1e16,
  -1e16,
];

function extremesOf(random: Random): Source {
  return () => ({ value: random.pick(EXTREMES) });
}

function spansOf(indexes: readonly number[]): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last && index === end) last.length++;
    else spans.push({ offset: index - end, length: 1 });
    end = index + 1;
  }
  return spans;
}

function deltasOf(counts: readonly number[]): number[] {
  return counts.map((count, i) => count - (i > 0 ? counts[i - 1] : 0));
}

interface HistogramShape {
  kind: "int" | "float";
  gauge: boolean;
  custom: boolean;
  /** Layout changes with time: schema and zero threshold, or the bounds of custom buckets. */
  changes: boolean;
}

const BOUNDS = [
  [0.1, 0.5, 1, 5, 10],
  [0.1, 1, 5, 10, 25],
  [0.5, 1, 2.5, 10],
];

class HistogramSource {
  readonly #random: Random;
  readonly #shape: HistogramShape;
  #schema: number;
  #zeroThreshold = 0.001;
  #bounds = BOUNDS[0];
  #zero = 0;
  #sum = 0;
  #positive = new Map<number, number>();
  #negative = new Map<number, number>();

  constructor(random: Random, shape: HistogramShape) {
    this.#random = random;
    this.#shape = shape;
    this.#schema = random.pick([0, 1, 2, 3]);
    this.#reset();
  }

  /** Counters begin high: how far a rate may be extrapolated to the left of a small one has changed since 3.5. */
  #reset(): void {
    this.#zero = this.#sum = 0;
    this.#positive.clear();
    this.#negative.clear();
    this.#observe(this.#shape.gauge ? 0 : 200, 1);
  }

  /** The first bucket outside the zero bucket. */
  #lowest(): number {
    if (this.#zeroThreshold === 0) return -6;
    return Math.floor(Math.log2(this.#zeroThreshold) * 2 ** this.#schema) + 1;
  }

  #observe(observations: number, unit: number): void {
    const random = this.#random;
    const lowest = this.#lowest();
    for (let i = 0; i < observations; i++) {
      if (this.#shape.custom) this.#count(this.#positive, random.int(this.#bounds.length + 1), unit);
      else if (random.chance(0.1)) this.#zero += unit;
      else {
        const index = Math.max(lowest, random.int(14) - 4);
        this.#count(random.chance(0.2) ? this.#negative : this.#positive, index, unit);
      }
      this.#sum += unit * random.next() * 3;
    }
  }

  next(): { histogram: IntHistogram | FloatHistogram } {
    const random = this.#random;
    const { gauge, changes, kind } = this.#shape;
    if (random.chance(0.03) || (gauge && random.chance(0.5))) this.#reset();
    if (changes && random.chance(0.05)) {
      this.#schema = random.pick([-1, 0, 1, 2, 3]);
      this.#zeroThreshold = random.pick([0, 0.001, 0.25]);
      this.#bounds = random.pick(BOUNDS);
      this.#reset();
    }
    const observations = random.chance(0.2) ? 0 : random.int(12);
    const unit = kind === "float" && random.chance(0.5) ? 0.5 : 1;
    this.#observe(observations, unit);
    return { histogram: this.#build() };
  }

  #count(buckets: Map<number, number>, index: number, unit: number): void {
    buckets.set(index, (buckets.get(index) ?? 0) + unit);
  }

  #build(): IntHistogram | FloatHistogram {
    const { custom, gauge, kind } = this.#shape;
    const indexes = (buckets: Map<number, number>) => [...buckets.keys()].sort((a, b) => a - b);
    const counts = (buckets: Map<number, number>) => indexes(buckets).map((index) => buckets.get(index)!);
    const total = (buckets: Map<number, number>) => counts(buckets).reduce((a, b) => a + b, 0);
    const base = {
      counterResetHint: gauge ? ("gauge" as const) : ("unknown" as const),
      schema: custom ? -53 : this.#schema,
      zeroThreshold: custom ? 0 : this.#zeroThreshold,
      zeroCount: this.#zero,
      count: this.#zero + total(this.#positive) + total(this.#negative),
      sum: this.#sum,
      positiveSpans: spansOf(indexes(this.#positive)),
      negativeSpans: spansOf(indexes(this.#negative)),
      customValues: custom ? this.#bounds : [],
    };
    const [positive, negative] = [counts(this.#positive), counts(this.#negative)];
    if (kind === "float") return { ...base, kind, positiveBuckets: positive, negativeBuckets: negative };
    return { ...base, kind, positiveDeltas: deltasOf(positive), negativeDeltas: deltasOf(negative) };
  }
}

/** Floats and histograms by turns, some ten samples each. */
function mixtureOf(random: Random, custom: boolean): Source {
  const floats = walkOf(random, 10, 0.01);
  const histograms = new HistogramSource(random, { kind: "int", gauge: false, custom, changes: true });
  let asFloat = true;
  return (i) => {
    if (random.chance(0.1)) asFloat = !asFloat;
    return asFloat ? floats(i) : histograms.next();
  };
}

class Generator {
  readonly out: DataSeries[] = [];
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  add(labels: Record<string, string>, source: Source, kind: Times = "regular"): void {
    const samples = sampleTimes(this.#random, kind).map(
      ({ t, stale }, i): DataSample => (stale ? { t, stale } : { t, ...source(i) }),
    );
    this.out.push({ labels: Labels.from(labels), samples });
  }

  #each(names: readonly (keyof typeof LABEL_VALUES)[], visit: (labels: Record<string, string>) => void): void {
    let sets: Record<string, string>[] = [{}];
    for (const name of names)
      sets = sets.flatMap((set) => LABEL_VALUES[name].map((value) => ({ ...set, [name]: value })));
    // Some combinations are missing, so that joins find no partner now and then.
    for (const set of sets) if (!this.#random.chance(0.05)) visit(set);
  }

  floats(): void {
    const random = this.#random;
    this.#each(["a", "b"], (set) => {
      this.add({ __name__: "temperature", ...set }, walkOf(random, 50, 0.01));
      this.add({ __name__: "requests_total", ...set }, counterOf(random, 1000), "jitter");
      this.add({ __name__: "my.metric", "label.x": set.a, ...set }, walkOf(random, 5, 0));
    });
    this.#each(["a", "b", "c"], (set) => {
      this.add({ __name__: "size_bytes", ...set }, walkOf(random, 1e9, 0));
      this.add({ __name__: "errors_total", ...set }, counterOf(random, 5));
      this.add({ __name__: "ties", ...set }, () => ({ value: random.int(3) }));
    });
    this.#each(["a"], (set) => {
      this.add({ __name__: "extreme", ...set }, extremesOf(random));
      this.add({ __name__: "sparse", ...set }, walkOf(random, 10, 0.02), "sparse");
      this.add({ __name__: "big_total", ...set }, counterOf(random, 1e16));
      this.add({ __name__: "constant", ...set }, () => ({ value: 42 }));
    });
  }

  classic(): void {
    const random = this.#random;
    const bounds = ["0.1", "0.5", "1", "5", "+Inf"];
    this.#each(["a", "b"], (set) => {
      const counts = bounds.map(() => 0);
      let sum = 0;
      const history: { counts: number[]; sum: number }[] = [];
      for (let i = 0; i < DATA_LENGTH / INTERVAL + 100; i++) {
        if (random.chance(0.01)) {
          counts.fill(0);
          sum = 0;
        }
        for (let k = random.int(5); k > 0; k--) {
          const bucket = random.int(bounds.length);
          for (let j = bucket; j < bounds.length; j++) counts[j]++;
          sum += random.next() * 6;
        }
        history.push({ counts: [...counts], sum });
      }
      for (const [j, le] of bounds.entries()) {
        // One in twenty is not monotonic: a scrape that failed half way.
        const value = (i: number) => history[i].counts[j] + (random.chance(0.01) ? 2 : 0);
        this.add({ __name__: "latency_bucket", ...set, le }, (i) => ({ value: value(i) }));
      }
      this.add({ __name__: "latency_count", ...set }, (i) => ({ value: history[i].counts.at(-1)! }));
      this.add({ __name__: "latency_sum", ...set }, (i) => ({ value: history[i].sum }));
    });
    for (const le of ["0.5", "1", "nonsense", "1.0"]) {
      this.add({ __name__: "odd_bucket", a: "x", le }, counterOf(random, 10));
    }
  }

  natives(): void {
    const random = this.#random;
    const add = (name: string, set: Record<string, string>, shape: HistogramShape) => {
      const source = new HistogramSource(random, shape);
      this.add({ __name__: name, ...set }, () => source.next());
    };
    this.#each(["a", "b"], (set) => {
      add("native", set, { kind: "int", gauge: false, custom: false, changes: set.a === "z" });
      add("custom", set, { kind: "int", gauge: false, custom: true, changes: false });
    });
    this.#each(["a"], (set) => {
      add("native_float", set, { kind: "float", gauge: false, custom: false, changes: set.a === "y" });
      add("native_gauge", set, { kind: "float", gauge: true, custom: false, changes: true });
      add("custom_float", set, { kind: "float", gauge: false, custom: true, changes: false });
      this.add({ __name__: "mixture", ...set }, mixtureOf(random, set.a === "z"));
    });
    // The same name as the classic histogram's.
    add("latency", { a: "x", b: "1" }, { kind: "int", gauge: false, custom: false, changes: false });
    add("latency_bucket", { a: "x", b: "1" }, { kind: "int", gauge: false, custom: false, changes: false });
  }

  infos(): void {
    this.#each(["a"], (set) => {
      const identity = { job: "app", instance: set.a };
      this.add(
        { __name__: "target_info", ...identity, version: `v${this.#random.int(3)}` },
        () => ({ value: 1 }),
        "dense",
      );
      this.add({ __name__: "build_info", ...identity, revision: `r${set.a}` }, () => ({ value: 1 }), "dense");
      this.add({ __name__: "up", ...identity }, () => ({ value: this.#random.int(2) }), "dense");
      this.add({ __name__: "app_requests_total", ...identity, ...set }, counterOf(this.#random, 100), "dense");
    });
  }
}

export function generateData(seed: number): DataSeries[] {
  const generator = new Generator(seed);
  generator.floats();
  generator.classic();
  generator.natives();
  generator.infos();
  return generator.out;
}
