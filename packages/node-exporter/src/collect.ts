/** Runs collectors side by side; a slow or failing one costs only its own metrics. */
import type { MetricFamily, SimpleMetric } from "@pharos/exposition";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { NoData } from "./collector.ts";
import { COLLECTORS } from "./collectors.ts";
import type { CollectionOptions } from "./flags.ts";

/** A collector that takes longer is given up for this scrape. */
const TIMEOUT_MS = 8_000;

export async function collect(
  options: CollectionOptions,
  only: ReadonlySet<string> | undefined,
  log: Logger,
): Promise<MetricFamily[]> {
  const durations: SimpleMetric[] = [];
  const successes: SimpleMetric[] = [];
  const chosen = COLLECTORS.filter(({ name }) => options.enabled.has(name) && (!only || only.has(name)));
  const results = await Promise.all(
    chosen.map(async (collector) => {
      const started = performance.now();
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      let families: MetricFamily[] = [];
      let success = 0;
      try {
        const expired = new Promise<never>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), {
            once: true,
          });
        });
        families = await Promise.race([collector.collect(options, signal), expired]);
        success = 1;
      } catch (error) {
        if (error instanceof NoData)
          log.debug("collector returned no data", { name: collector.name, err: describeError(error) });
        else log.error("collector failed", { name: collector.name, err: error });
      }
      durations.push({ labels: ["collector", collector.name], value: (performance.now() - started) / 1000 });
      successes.push({ labels: ["collector", collector.name], value: success });
      return families;
    }),
  );
  const byName = (a: SimpleMetric, b: SimpleMetric): number => (a.labels[1] < b.labels[1] ? -1 : 1);
  return [
    ...results.flat().filter(({ metrics }) => metrics.length > 0),
    {
      name: "node_scrape_collector_duration_seconds",
      help: "node_exporter: Duration of a collector scrape.",
      type: "gauge" as const,
      metrics: durations.sort(byName),
    },
    {
      name: "node_scrape_collector_success",
      help: "node_exporter: Whether a collector succeeded.",
      type: "gauge" as const,
      metrics: successes.sort(byName),
    },
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}
