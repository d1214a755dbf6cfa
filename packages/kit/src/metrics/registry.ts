/**
 * Metrics of Pharos itself. A metric is declared once with its label names; `labels(…)` gives the child for one
 * combination of values, to be kept by hot paths, so that counting is one addition.
 */
import type { HistogramMetric, MetricFamily, SimpleMetric } from "@pharos/exposition";
import { SummaryChild } from "./summary.ts";

type Collector = () => MetricFamily | MetricFamily[];

const METRIC_NAME_PATTERN = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

abstract class Vector<Child> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #children = new Map<string, { run: string[]; child: Child }>();

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
  }

  protected abstract create(): Child;

  /** The child of these label values, in the order of `labelNames`; made at first use. */
  labels(...values: string[]): Child {
    if (values.length !== this.labelNames.length) {
      throw new Error(`${this.name} has ${this.labelNames.length} labels, got ${values.length} values`);
    }
    const key = values.join("\u00ff");
    let entry = this.#children.get(key);
    if (!entry) {
      entry = { run: this.labelNames.flatMap((name, i) => [name, values[i]]), child: this.create() };
      this.#children.set(key, entry);
    }
    return entry.child;
  }

  /** Forgets the child: its series ends. */
  remove(...values: string[]): void {
    this.#children.delete(values.join("\u00ff"));
  }

  clear(): void {
    this.#children.clear();
  }

  protected get children(): Iterable<{ run: string[]; child: Child }> {
    return this.#children.values();
  }

  abstract family(): MetricFamily;
}

export class CounterChild {
  value = 0;
  inc(by = 1): void {
    this.value += by;
  }
}

export class GaugeChild {
  value = 0;
  set(value: number): void {
    this.value = value;
  }
  inc(by = 1): void {
    this.value += by;
  }
  dec(by = 1): void {
    this.value -= by;
  }
}

export class HistogramChild {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (let i = 0; i < this.bounds.length; i++) {
      if (value <= this.bounds[i]) {
        this.counts[i]++;
        return;
      }
    }
  }
}

export class Counter extends Vector<CounterChild> {
  protected override create(): CounterChild {
    return new CounterChild();
  }
  inc(by = 1): void {
    this.labels().inc(by);
  }
  override family(): MetricFamily {
    const metrics: SimpleMetric[] = [];
    for (const { run, child } of this.children) metrics.push({ labels: run, value: child.value });
    return { name: this.name, help: this.help, type: "counter", metrics };
  }
}

export class Gauge extends Vector<GaugeChild> {
  protected override create(): GaugeChild {
    return new GaugeChild();
  }
  set(value: number): void {
    this.labels().set(value);
  }
  inc(by = 1): void {
    this.labels().inc(by);
  }
  dec(by = 1): void {
    this.labels().dec(by);
  }
  override family(): MetricFamily {
    const metrics: SimpleMetric[] = [];
    for (const { run, child } of this.children) metrics.push({ labels: run, value: child.value });
    return { name: this.name, help: this.help, type: "gauge", metrics };
  }
}

export class Histogram extends Vector<HistogramChild> {
  readonly bounds: readonly number[];
  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    super(name, help, labelNames);
    this.bounds = bounds;
  }
  protected override create(): HistogramChild {
    return new HistogramChild(this.bounds);
  }
  observe(value: number): void {
    this.labels().observe(value);
  }
  override family(): MetricFamily {
    const metrics: HistogramMetric[] = [];
    for (const { run, child } of this.children) {
      let cumulativeCount = 0;
      const buckets = child.bounds.map((upperBound, i) => {
        cumulativeCount += child.counts[i];
        return { upperBound, cumulativeCount };
      });
      metrics.push({ labels: run, buckets, count: child.count, sum: child.sum });
    }
    return { name: this.name, help: this.help, type: "histogram", metrics };
  }
}

export class Summary extends Vector<SummaryChild> {
  readonly #quantiles: readonly number[] | undefined;
  constructor(name: string, help: string, labelNames: readonly string[], quantiles?: readonly number[]) {
    super(name, help, labelNames);
    this.#quantiles = quantiles;
  }
  protected override create(): SummaryChild {
    return new SummaryChild(this.#quantiles);
  }
  observe(value: number): void {
    this.labels().observe(value);
  }
  override family(): MetricFamily {
    const metrics = [...this.children].map(({ run, child }) => child.metric(run));
    return { name: this.name, help: this.help, type: "summary", metrics };
  }
}

/** Upstream's (client_golang's) default bounds, in seconds. */
export const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Registry {
  readonly #collectors = new Map<string, Collector>();
  readonly #anonymous: Collector[] = [];

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.#add(new Counter(name, help, labelNames));
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return this.#add(new Gauge(name, help, labelNames));
  }

  histogram(name: string, help: string, labelNames: readonly string[] = [], bounds = DEFAULT_BUCKETS): Histogram {
    return this.#add(new Histogram(name, help, labelNames, bounds));
  }

  /** Quantiles are 0.5, 0.9 and 0.99 unless others are given. */
  summary(name: string, help: string, labelNames: readonly string[] = [], quantiles?: readonly number[]): Summary {
    return this.#add(new Summary(name, help, labelNames, quantiles));
  }

  /** A gauge whose value is read when it is asked for. */
  gaugeFunction(name: string, help: string, read: () => number): void {
    this.#name(name, () => ({ name, help, type: "gauge", metrics: [{ labels: [], value: read() }] }));
  }

  counterFunction(name: string, help: string, read: () => number): void {
    this.#name(name, () => ({ name, help, type: "counter", metrics: [{ labels: [], value: read() }] }));
  }

  /** Families made up at each scrape, e.g. one series per scrape pool. */
  collect(collector: Collector): void {
    this.#anonymous.push(collector);
  }

  /** All families, sorted by name, those without metrics left out. */
  families(): MetricFamily[] {
    const families: MetricFamily[] = [];
    for (const collector of [...this.#collectors.values(), ...this.#anonymous]) {
      const made = collector();
      if (Array.isArray(made)) families.push(...made);
      else families.push(made);
    }
    return families
      .filter((family) => family.metrics.length > 0)
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  #add<T extends Vector<unknown>>(vector: T): T {
    this.#name(vector.name, () => vector.family());
    // A metric without labels exists from the start with value 0, as in client_golang.
    if (vector.labelNames.length === 0) vector.labels();
    return vector;
  }

  #name(name: string, collector: Collector): void {
    if (!METRIC_NAME_PATTERN.test(name)) throw new Error(`${name} is not a metric name`);
    if (this.#collectors.has(name)) throw new Error(`metric ${name} is declared twice`);
    this.#collectors.set(name, collector);
  }
}
