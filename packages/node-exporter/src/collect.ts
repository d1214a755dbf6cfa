/** Runs collectors side by side; a slow or failing one costs only its own metrics. */
import type { LabelRun, MetricFamily, SimpleMetric } from "@pharos/exposition";
import type { Logger } from "@pharos/kit";
import { compareStrings, describeError } from "@pharos/model";
import { type CollectorContext, gauge, NoData } from "./collector.ts";
import { COLLECTORS } from "./collectors.ts";

/** A collector that takes longer is given up for this scrape. */
const TIMEOUT_MS = 8_000;

/** Collects what the named collectors have; families sorted by name, their samples by labels. Never throws. */
export async function collect(
  options: Omit<CollectorContext, "log">,
  names: ReadonlySet<string>,
  log: Logger,
): Promise<MetricFamily[]> {
  const durations: SimpleMetric[] = [];
  const successes: SimpleMetric[] = [];
  const chosen = COLLECTORS.filter(({ name }) => names.has(name));
  const results = await Promise.all(
    chosen.map(async ({ name, collect: run }) => {
      const started = performance.now();
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      let families: MetricFamily[] = [];
      let success = 0;
      try {
        // First, for it may fail at once: nobody would be left to hear that the time is up.
        const work = run({ ...options, log: log.with({ collector: name }) }, signal);
        const expired = new Promise<never>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), {
            once: true,
          });
        });
        families = await Promise.race([work, expired]);
        success = 1;
      } catch (error) {
        if (error instanceof NoData) log.debug("collector returned no data", { name, err: describeError(error) });
        else log.error("collector failed", { name, err: error });
      }
      durations.push({ labels: ["collector", name], value: (performance.now() - started) / 1000 });
      successes.push({ labels: ["collector", name], value: success });
      return families;
    }),
  );
  return sortFamilies([
    ...results.flat(),
    gauge("node_scrape_collector_duration_seconds", "node_exporter: Duration of a collector scrape.", durations),
    gauge("node_scrape_collector_success", "node_exporter: Whether a collector succeeded.", successes),
  ]);
}

function sortLabels(labels: LabelRun): string[] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2) pairs.push([labels[i], labels[i + 1]]);
  return pairs.sort(([a], [b]) => compareStrings(a, b)).flat();
}

function compareLabels({ labels: a }: { labels: LabelRun }, { labels: b }: { labels: LabelRun }): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 1; i < a.length; i += 2) if (a[i] !== b[i]) return compareStrings(a[i], b[i]);
  return 0;
}

/** client_golang's order: families by name, labels by name, samples by label values. */
function sortFamilies(families: readonly MetricFamily[]): MetricFamily[] {
  for (const { metrics } of families) {
    for (const metric of metrics) metric.labels = sortLabels(metric.labels);
    metrics.sort(compareLabels);
  }
  return families.filter(({ metrics }) => metrics.length > 0).sort((a, b) => compareStrings(a.name, b.name));
}
