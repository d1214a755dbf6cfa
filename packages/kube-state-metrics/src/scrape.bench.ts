/**
 * 5,000 pods with churn: how long rendering, a scrape and a compressed scrape take, and what the process holds. Run by
 * hand: `node packages/kube-state-metrics/src/scrape.bench.ts`. The API server is this file, so that its cost is seen
 * apart: the first line is the memory before anything was listed.
 */
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseFlags, silentLogger } from "@pharos/kit";
import { examplePod } from "./example-pod.ts";
import { createKubeStateMetrics, kubeStateMetricsFlags } from "./index.ts";

const PODS = 5_000;
const PAGE = 500;
const CHANGES_PER_SECOND = 500;
const SCRAPES = 20;

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;

function memory(what: string): void {
  global.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  console.log(`${what}: resident ${megabytes(rss)}, heap ${megabytes(heapUsed)}, buffers ${megabytes(arrayBuffers)}`);
}

memory("before");
let churn: NodeJS.Timeout | undefined;
let changes = 0;
const api = createServer((request, response) => {
  const url = new URL(request.url!, "http://x");
  response.setHeader("content-type", "application/json");
  if (url.searchParams.get("watch")) {
    response.flushHeaders();
    churn = setInterval(() => {
      for (let i = 0; i < CHANGES_PER_SECOND / 20; i++) {
        const pod = examplePod((changes * 7919) % PODS, ++changes);
        response.write(`${JSON.stringify({ type: "MODIFIED", object: pod })}\n`);
      }
    }, 50);
    return;
  }
  const from = Number(url.searchParams.get("continue") ?? 0);
  const items = Array.from({ length: Math.min(PAGE, PODS - from) }, (_, i) => examplePod(from + i));
  const next = from + PAGE < PODS ? String(from + PAGE) : undefined;
  response.end(JSON.stringify({ metadata: { resourceVersion: "1", continue: next }, items }));
});
await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
const server = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
const { values } = parseFlags(kubeStateMetricsFlags, [
  `--apiserver=${server}`,
  "--host=127.0.0.1",
  "--port=0",
  "--telemetry-host=127.0.0.1",
  "--telemetry-port=0",
  "--resources=pods",
  "--enable-gzip-encoding",
]);
const started = performance.now();
const ksm = await createKubeStateMetrics({ flags: values, log: silentLogger, version: "bench" });
await ksm.ready(60_000);
console.log(`listed and rendered ${PODS} pods in ${(performance.now() - started).toFixed(0)} ms`);
memory("listed");

/** Bytes that came over the wire. */
function download(encoding: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let bytes = 0;
  get(`${ksm.url}/metrics`, { headers: { "accept-encoding": encoding } }, (response) => {
    response.on("data", (chunk: Buffer) => (bytes += chunk.length));
    response.on("end", () => resolve(bytes)).on("error", reject);
  }).on("error", reject);
  return promise;
}

async function measure(what: string, encoding: string): Promise<void> {
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < SCRAPES; i++) {
    const begun = performance.now();
    bytes = await download(encoding);
    times.push(performance.now() - begun);
    await sleep(100);
  }
  times.sort((a, b) => a - b);
  const series = (await (await fetch(`${ksm.url}/metrics`)).text()).match(/^[a-z]/gm)!.length;
  const median = times[SCRAPES / 2];
  console.log(
    `${what}: ${series} series, ${megabytes(bytes)}, median ${median.toFixed(0)} ms, worst ${times.at(-1)!.toFixed(0)} ms, ${((median / series) * 1e5).toFixed(0)} ms per 100,000 series`,
  );
}

await measure(`scrape with ${CHANGES_PER_SECOND} changes a second`, "identity");
await measure("compressed", "gzip");
memory(`after ${changes} changes`);
clearInterval(churn);
await ksm.close();
api.closeAllConnections();
api.close();
