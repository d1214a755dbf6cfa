/**
 * Runs collectors side by side. One that fails, or does not answer in time, costs only its own metrics; one that hangs is
 * not asked again before it has come back, so that a dead device never holds more than one read.
 */
import type { LabelRun, MetricFamily, SimpleMetric } from "@pharos/exposition";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model/error";
import { compareStrings } from "@pharos/model/strings";
import { type Collector, type CollectorContext, gauge, NoData } from "./collector.ts";
import { COLLECTORS } from "./collectors.ts";

/** A scraper that does not say how long it waits waits ten seconds by default. */
export const DEFAULT_TIMEOUT_MS = 9_500;

interface Outcome {
  name: string;
  seconds: number;
  success: boolean;
  families: readonly MetricFamily[];
}

/** A collector that has not come back yet. */
interface Run {
  promise: Promise<MetricFamily[]>;
  /** When it was begun, in ms. */
  started: number;
  /** Nobody waits for it any more. */
  givenUp: boolean;
}

type Options = Omit<CollectorContext, "log">;

/** What stays between the scrapes of an exporter. */
interface State {
  /** Collectors under way, by name. */
  runs: Map<string, Run>;
  /** What each collector is given, by name. */
  contexts: Map<string, CollectorContext>;
  order: StableOrder;
}

const states = new WeakMap<Options, State>();

function stateOf(options: Options): State {
  let state = states.get(options);
  if (!state) states.set(options, (state = { runs: new Map(), contexts: new Map(), order: new StableOrder() }));
  return state;
}

class Timeout extends Error {}

/** Waits for what a collector promised, no longer than until the signal is aborted. */
async function within(run: Run, signal: AbortSignal): Promise<MetricFamily[]> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    run.givenUp = true;
    reject(new Timeout(`no answer within ${Math.round(performance.now() - run.started)} ms`));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([run.promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function run(
  { name, collect: start }: Collector,
  context: CollectorContext,
  runs: Map<string, Run>,
  signal: AbortSignal,
): MetricFamily[] | Promise<MetricFamily[]> {
  const earlier = runs.get(name);
  if (earlier?.givenUp) {
    throw new Timeout(`still hanging since ${Math.round((performance.now() - earlier.started) / 1000)} s`);
  }
  // Two scrapes at once are told the same: the device is asked once.
  if (earlier) return within(earlier, signal);
  const started = performance.now();
  const result = start(context, signal);
  if (!(result instanceof Promise)) return result;
  const promise = result.finally(() => runs.delete(name));
  // It may fail when nobody waits any more.
  promise.catch(() => {});
  const own: Run = { promise, started, givenUp: false };
  runs.set(name, own);
  return within(own, signal);
}

async function outcomeOf(
  collector: Collector,
  context: CollectorContext,
  runs: Map<string, Run>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { name } = collector;
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const result = run(collector, context, runs, signal);
    const families = result instanceof Promise ? await result : result;
    return { name, seconds: seconds(), success: true, families };
  } catch (error) {
    const fields = { name, duration_seconds: seconds(), err: describeError(error) };
    if (error instanceof NoData) context.log.debug("collector returned no data", fields);
    else context.log.error("collector failed", fields);
    return { name, seconds: seconds(), success: false, families: [] };
  }
}

/**
 * Collects what the named collectors have, and adds `own`; families sorted by name, their samples by labels. Never throws.
 * After `timeoutMs`, those that have not answered count as failed. `options` is the same object at every scrape.
 */
export async function collect(
  options: Options,
  names: ReadonlySet<string>,
  log: Logger,
  timeoutMs = DEFAULT_TIMEOUT_MS,
  own: () => MetricFamily[] = () => [],
): Promise<MetricFamily[]> {
  const { runs, contexts, order } = stateOf(options);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  const outcomes = await Promise.all(
    COLLECTORS.filter(({ name }) => names.has(name)).map((collector) => {
      const { name } = collector;
      let context = contexts.get(name);
      if (!context) contexts.set(name, (context = { ...options, log: log.with({ collector: name }) }));
      return outcomeOf(collector, context, runs, abort.signal);
    }),
  );
  clearTimeout(timer);
  const tell = (value: (outcome: Outcome) => number): SimpleMetric[] =>
    outcomes.map((outcome) => ({ labels: ["collector", outcome.name], value: value(outcome) }));
  const families = [
    gauge(
      "node_scrape_collector_duration_seconds",
      "node_exporter: Duration of a collector scrape.",
      tell(({ seconds }) => seconds),
    ),
    gauge(
      "node_scrape_collector_success",
      "node_exporter: Whether a collector succeeded.",
      tell(({ success }) => Number(success)),
    ),
    ...own(),
  ];
  for (const outcome of outcomes) families.push(...outcome.families);
  return merge(families, log, order);
}

/** Sorts the same names as the last time the way they were sorted then: scrapes hardly differ. */
export class StableOrder {
  #names: string[] = [];
  #order: number[] = [];

  sort<T extends { name: string }>(items: readonly T[]): T[] {
    let same = items.length === this.#names.length;
    for (let i = 0; same && i < items.length; i++) same = items[i].name === this.#names[i];
    if (!same) {
      this.#names = items.map(({ name }) => name);
      this.#order = items.map((_, i) => i).sort((a, b) => compareStrings(this.#names[a], this.#names[b]));
    }
    return this.#order.map((index) => items[index]);
  }
}

/** Labels by name, as they mostly are already. */
function sortLabels(labels: LabelRun): LabelRun {
  let sorted = true;
  for (let i = 2; i < labels.length && sorted; i += 2) sorted = labels[i - 2] < labels[i];
  if (sorted) return labels;
  const pairs: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2) pairs.push([labels[i], labels[i + 1]]);
  return pairs.sort(([a], [b]) => compareStrings(a, b)).flat();
}

function compareLabels(a: LabelRun, b: LabelRun): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 1; i < a.length; i += 2) if (a[i] !== b[i]) return compareStrings(a[i], b[i]);
  for (let i = 0; i < a.length; i += 2) if (a[i] !== b[i]) return compareStrings(a[i], b[i]);
  return 0;
}

/**
 * client_golang's order and rules: families by name, labels by name, samples by label values; what two collectors tell
 * differently, or twice, is told once, and logged.
 */
export function merge(families: readonly MetricFamily[], log: Logger, order = new StableOrder()): MetricFamily[] {
  const places = new Map<string, number>();
  const out: MetricFamily[] = [];
  for (let i = 0; i < families.length; i++) {
    const family = families[i];
    if (family.metrics.length === 0) continue;
    const place = places.get(family.name);
    if (place === undefined) {
      places.set(family.name, out.length);
      out.push(family);
    } else if (out[place].type !== family.type || out[place].help !== family.help) {
      log.error("collected metric has help or type other than an earlier one", { metric: family.name });
    } else {
      // Neither is changed: another scrape may be told the same ones.
      out[place] = { ...out[place], metrics: [...out[place].metrics, ...family.metrics] } as MetricFamily;
    }
  }
  for (let i = 0; i < out.length; i++) {
    const { metrics } = out[i];
    for (let j = 0; j < metrics.length; j++) metrics[j].labels = sortLabels(metrics[j].labels);
    if (metrics.length > 1) sortMetrics(out[i], log);
  }
  return order.sort(out);
}

function sortMetrics({ name, metrics: all }: MetricFamily, log: Logger): void {
  const metrics: { labels: LabelRun }[] = all;
  let sorted = true;
  for (let i = 1; sorted && i < metrics.length; i++)
    sorted = compareLabels(metrics[i - 1].labels, metrics[i].labels) < 0;
  if (sorted) return;
  metrics.sort((a, b) => compareLabels(a.labels, b.labels));
  let kept = 1;
  for (let i = 1; i < metrics.length; i++) {
    if (compareLabels(metrics[kept - 1].labels, metrics[i].labels) === 0) continue;
    metrics[kept++] = metrics[i];
  }
  if (kept === metrics.length) return;
  log.error("collected metric was collected before with the same name and label values", { metric: name });
  metrics.length = kept;
}
