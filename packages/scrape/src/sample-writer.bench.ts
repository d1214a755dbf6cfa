/**
 * What a scrape costs besides HTTP and storage: `node packages/scrape/src/sample-writer.bench.ts`. 5,000 lines of 170 bytes
 * as kube-state-metrics writes them, half the values new each time; four targets taking turns, as caches do not help then.
 * Prints ns a sample, best of seven.
 */
import { parseYaml, Registry } from "@pharos/kit";
import { type Appender, AppendResult, Labels } from "@pharos/model";
import { parseGlobalScrapeConfig, parseScrapeConfig } from "./config.ts";
import { MetadataStore } from "./metadata-store.ts";
import { createScrapeMetrics } from "./metrics.ts";
import { SampleWriter } from "./sample-writer.ts";

const LINES = 5_000;
const TARGETS = 4;
const ROUNDS = 40;

function body(target: number, round: number, shift: number): Buffer {
  const lines: string[] = [
    "# HELP kube_pod_container_status_ready Ready.",
    "# TYPE kube_pod_container_status_ready gauge",
  ];
  for (let i = shift; i < LINES + shift; i++) {
    const value = i % 2 === 0 ? i : (i * 7919 + round * 104729) / 1000;
    lines.push(
      `kube_pod_container_status_ready{namespace="namespace-${i % 40}",pod="deployment-${target}-${i % 997}-7f9c6d5b8-x${i}",uid="2f8a6b1e-${i}-4d5e",container="main",node="node-${i % 17}"} ${value}`,
    );
  }
  return Buffer.from(`${lines.join("\n")}\n`);
}

let refs = 0;
const appender: Appender = {
  series: () => ++refs,
  append: () => AppendResult.ok,
  appendStale: () => AppendResult.ok,
  appendHistogram: () => AppendResult.ok,
  appendStartTimestamp: () => AppendResult.ok,
  appendExemplar: () => AppendResult.ok,
  updateMetadata: () => {},
  commit: () => {},
  rollback: () => {},
};

function writers(): SampleWriter[] {
  const config = parseScrapeConfig(parseYaml("job_name: j"), parseGlobalScrapeConfig(parseYaml("{}").map()), () => []);
  const metrics = createScrapeMetrics(new Registry());
  return Array.from(
    { length: TARGETS },
    (_, i) =>
      new SampleWriter({
        config,
        target: Labels.from({ instance: `host-${i}`, job: "j" }),
        metadata: new MetadataStore(),
        metrics,
        histograms: { scrapeNativeHistograms: false, keepClassic: false, convertClassicHistograms: false },
        startTimestamps: false,
      }),
  );
}

function measure(name: string, bodies: Buffer[][]): void {
  const targets = writers();
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 7; attempt++) {
    const started = process.cpuUsage();
    for (let round = 0; round < ROUNDS; round++) {
      targets.forEach((writer, i) => {
        writer.append(appender, bodies[i][round % bodies[i].length], "text", round);
      });
    }
    const { user, system } = process.cpuUsage(started);
    best = Math.min(best, ((user + system) * 1000) / (ROUNDS * TARGETS * LINES));
  }
  console.log(`${name}: ${best.toFixed(1)} ns a sample`);
}

const same = Array.from({ length: TARGETS }, (_, i) => [0, 1, 2].map((round) => body(i, round, 0)));
const churn = Array.from({ length: TARGETS }, (_, i) => [0, 1, 2].map((round) => body(i, round, round * 50)));
measure("the same series", same);
measure("1 % of the series replaced each time", churn);
console.log(`${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB resident`);
