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

/** Collectors under way, by name, of each exporter in this process. */
const underWay = new WeakMap<Options, Map<string, Run>>();

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
  options: Options,
  log: Logger,
  signal: AbortSignal,
): MetricFamily[] | Promise<MetricFamily[]> {
  let runs = underWay.get(options);
  if (!runs) underWay.set(options, (runs = new Map()));
  const earlier = runs.get(name);
  if (earlier?.givenUp) {
    throw new Timeout(`still hanging since ${Math.round((performance.now() - earlier.started) / 1000)} s`);
  }
  // Two scrapes at once are told the same: the device is asked once.
  if (earlier) return within(earlier, signal);
  const started = performance.now();
  const result = start({ ...options, log }, signal);
  if (!(result instanceof Promise)) return result;
  const promise = result.finally(() => runs.delete(name));
  // It may fail when nobody waits any more.
  promise.catch(() => {});
  const own: Run = { promise, started, givenUp: false };
  runs.set(name, own);
  return within(own, signal);
}

async function outcomeOf(collector: Collector, options: Options, log: Logger, signal: AbortSignal): Promise<Outcome> {
  const { name } = collector;
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const families = await run(collector, options, log, signal);
    return { name, seconds: seconds(), success: true, families };
  } catch (error) {
    const fields = { name, duration_seconds: seconds(), err: describeError(error) };
    if (error instanceof NoData) log.debug("collector returned no data", fields);
    else log.error("collector failed", fields);
    return { name, seconds: seconds(), success: false, families: [] };
  }
}

/**
 * Collects what the named collectors have; families sorted by name, their samples by labels. Never throws. After
 * `timeoutMs`, those that have not answered count as failed.
 */
export async function collect(
  options: Options,
  names: ReadonlySet<string>,
  log: Logger,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<MetricFamily[]> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  const chosen = COLLECTORS.filter(({ name }) => names.has(name));
  const outcomes = await Promise.all(
    chosen.map((collector) => outcomeOf(collector, options, log.with({ collector: collector.name }), abort.signal)),
  );
  clearTimeout(timer);
  const tell = (value: (outcome: Outcome) => number): SimpleMetric[] =>
    outcomes.map((outcome) => ({ labels: ["collector", outcome.name], value: value(outcome) }));
  return merge(
    [
      ...outcomes.flatMap(({ families }) => families),
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
    ],
    log,
  );
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

function compareLabels({ labels: a }: { labels: LabelRun }, { labels: b }: { labels: LabelRun }): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 1; i < a.length; i += 2) if (a[i] !== b[i]) return compareStrings(a[i], b[i]);
  for (let i = 0; i < a.length; i += 2) if (a[i] !== b[i]) return compareStrings(a[i], b[i]);
  return 0;
}

/**
 * client_golang's order and rules: families by name, labels by name, samples by label values; what two collectors tell
 * differently, or twice, is told once, and logged.
 */
export function merge(families: readonly MetricFamily[], log: Logger): MetricFamily[] {
  const byName = new Map<string, MetricFamily>();
  for (const family of families) {
    if (family.metrics.length === 0) continue;
    const known = byName.get(family.name);
    if (!known) byName.set(family.name, family);
    else if (known.type !== family.type || known.help !== family.help) {
      log.error("collected metric has help or type other than an earlier one", { metric: family.name });
    } else {
      // Neither is changed: another scrape may be told the same ones.
      byName.set(family.name, { ...known, metrics: [...known.metrics, ...family.metrics] } as MetricFamily);
    }
  }
  const out = [...byName.values()];
  for (const family of out) {
    for (const metric of family.metrics) metric.labels = sortLabels(metric.labels);
    if (family.metrics.length > 1) sortMetrics(family, log);
  }
  return out.sort((a, b) => compareStrings(a.name, b.name));
}

function sortMetrics(family: MetricFamily, log: Logger): void {
  const metrics = family.metrics as { labels: LabelRun }[];
  metrics.sort(compareLabels);
  let kept = 1;
  for (let i = 1; i < metrics.length; i++) {
    if (compareLabels(metrics[kept - 1], metrics[i]) === 0) continue;
    metrics[kept++] = metrics[i];
  }
  if (kept === metrics.length) return;
  log.error("collected metric was collected before with the same name and label values", { metric: family.name });
  metrics.length = kept;
}
