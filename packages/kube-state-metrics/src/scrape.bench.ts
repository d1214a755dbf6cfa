/**
 * 5,000 pods with churn, against the embedded API server in a process of its own: how long listing and scrapes take, and
 * what this process holds. Run by hand: `node --expose-gc packages/kube-state-metrics/src/scrape.bench.ts`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseFlags, silentLogger } from "@pharos/kit";
import { createApiServer, type KubeObject } from "@pharos/kube";
import { examplePod } from "./example-pod.ts";
import { createKubeStateMetrics, kubeStateMetricsFlags } from "./index.ts";

const PODS = 5_000;
const NAMESPACES = 20;
const CHANGES_PER_SECOND = 200;
const TICKS_PER_SECOND = 20;
const SCRAPES = 20;

/** As somebody applies it: without what the server gives. */
function applied(index: number, change = 0): KubeObject {
  const pod = examplePod(index);
  const { name, namespace, labels, ownerReferences } = pod.metadata;
  return { ...pod, metadata: { name, namespace, ownerReferences, labels: { ...labels, change: String(change) } } };
}

/** The child: an API server whose pods change one after the other. */
async function serve(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "pharos-bench-"));
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  process.on("disconnect", () => process.exit());
  const api = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
  const manager = { fieldManager: "bench" };
  for (let i = 0; i < NAMESPACES; i++) {
    await api.store.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: `team-${i}` } }, manager);
  }
  for (let i = 0; i < PODS; i++) await api.store.apply(applied(i), manager);
  process.send!(api.url);
  for (let changes = 0; ; ) {
    for (let i = 0; i < CHANGES_PER_SECOND / TICKS_PER_SECOND; i++) {
      await api.store.apply(applied((changes * 7919) % PODS, ++changes), manager);
    }
    await sleep(1000 / TICKS_PER_SECOND);
  }
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;

function memory(what: string): void {
  global.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  console.log(`${what}: resident ${megabytes(rss)}, heap ${megabytes(heapUsed)}, buffers ${megabytes(arrayBuffers)}`);
}

interface Scrape {
  ms: number;
  bytes: number;
  series: number;
}

/** The other child: scrapes when it is told an address and an encoding. */
function scrapeOnDemand(): void {
  process.on("disconnect", () => process.exit());
  process.on("message", ([url, encoding]: [string, string]) => {
    const begun = performance.now();
    let bytes = 0;
    let series = 0;
    get(`${url}/metrics`, { headers: { "accept-encoding": encoding } }, (response) => {
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        for (let at = chunk.indexOf("\nkube_"); at >= 0; at = chunk.indexOf("\nkube_", at + 1)) series++;
      });
      response.on("end", () => process.send!({ ms: performance.now() - begun, bytes, series }));
    });
  });
}

let scraper: ChildProcess;

function scrape(url: string, encoding: string): Promise<Scrape> {
  const { promise, resolve } = Promise.withResolvers<Scrape>();
  scraper.once("message", (answer) => resolve(answer as Scrape));
  scraper.send([url, encoding]);
  return promise;
}

/** Number of the last change that arrived: each pod carries the one that it was changed by. */
async function arrived(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics?resources=pods`)).text();
  let last = 0;
  for (const [, value] of text.matchAll(/^kube_pod_labels\{.*label_change="(\d+)"/gm)) {
    last = Math.max(last, Number(value));
  }
  return last;
}

async function measure(url: string, what: string, encoding: string): Promise<void> {
  const times: number[] = [];
  let cpu = 0;
  let last: Scrape = { ms: 0, bytes: 0, series: 0 };
  for (let i = 0; i < SCRAPES; i++) {
    const before = process.cpuUsage();
    last = await scrape(url, encoding);
    const { user, system } = process.cpuUsage(before);
    times.push(last.ms);
    cpu += (user + system) / 1000 / SCRAPES;
    await sleep(100);
  }
  times.sort((a, b) => a - b);
  const { series } = encoding === "identity" ? last : await scrape(url, "identity");
  const median = times[SCRAPES / 2];
  const per = (ms: number): string => `${((ms / series) * 1e5).toFixed(0)} ms`;
  console.log(
    `${what}: ${series} series, ${megabytes(last.bytes)}, median ${median.toFixed(0)} ms, worst ${times.at(-1)!.toFixed(0)} ms; ` +
      `for 100,000 series ${per(median)}, of them ${per(cpu)} CPU`,
  );
}

async function run(): Promise<void> {
  const child = fork(import.meta.filename, ["serve"]);
  const server = await new Promise<string>((resolve, reject) => {
    child.once("message", (url) => resolve(url as string));
    child.once("exit", () => reject(new Error("the API server ended")));
  });
  scraper = fork(import.meta.filename, ["scrape"]);
  memory("before");
  const { values } = parseFlags(kubeStateMetricsFlags, [
    `--apiserver=${server}`,
    "--host=127.0.0.1",
    "--port=0",
    "--telemetry-host=127.0.0.1",
    "--telemetry-port=0",
    "--enable-gzip-encoding",
    "--metric-labels-allowlist=pods=[change]",
  ]);
  const started = performance.now();
  await using ksm = await createKubeStateMetrics({ flags: values, log: silentLogger, version: "bench" });
  await ksm.ready(60_000);
  console.log(`listed and rendered ${PODS} pods in ${(performance.now() - started).toFixed(0)} ms`);
  memory("listed");
  const before = await arrived(ksm.url);
  const begun = performance.now();
  await measure(ksm.url, `scrape with ${CHANGES_PER_SECOND} changes a second`, "identity");
  await measure(ksm.url, "the same, compressed", "gzip");
  const changes = (await arrived(ksm.url)) - before;
  console.log(`${((changes / (performance.now() - begun)) * 1000).toFixed(0)} changes a second arrived`);
  memory("after");
  child.kill();
  scraper.kill();
}

if (process.argv[2] === "serve") await serve();
else if (process.argv[2] === "scrape") scrapeOnDemand();
else await run();
