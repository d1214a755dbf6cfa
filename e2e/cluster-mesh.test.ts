/**
 * The mesh: proxies with the counters that Envoy has, in pods that come and go, are scraped by the mesh's Prometheus, summed up
 * by workload, and federated into `main`, where the rates must be those of the requests there really were.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createKubeClient, type KubeObject } from "@pharos/kube";
import { failuresOf, runRuleTestFile } from "@pharos/rules";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { DROPPED_LABELS, meshResources } from "../packages/pharos/src/mesh/resources.ts";
import { workloadRules } from "../packages/pharos/src/mesh/rules.ts";
import { eventually, World } from "./world.ts";

const EDGE = {
  reporter: "destination",
  source_workload: "productpage",
  destination_workload: "reviews",
  destination_service: "reviews.shop.svc.cluster.local",
  connection_security_policy: "mutual_tls",
};

test("in hours of pods that come and go, the workload's rate is the truth within 1 %", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pharos-mesh-"));
  try {
    writeFileSync(join(dir, "rules.yaml"), stringify({ groups: [workloadRules(30_000)] }));
    const steps = 480; // four hours of 30 s
    const lives = 80; // steps a pod lives: 40 minutes
    const perSecond = 7;
    const slots = 25;
    // At any time there are 25 pods with 7 requests a second each; what a pod serves after its last scrape, 15 s here, nobody can know.
    const series = Array.from({ length: slots }, (_, slot) => {
      const offset = Math.floor((slot * lives) / slots);
      const pods = new Map<number, string[]>();
      for (let step = 0; step < steps; step++) {
        const generation = Math.floor((step + offset) / lives);
        const values = pods.get(generation) ?? Array.from({ length: step }, () => "_");
        // A pod is scraped for the first time 15 s after its start.
        const age = (step + offset) % lives;
        values.push(String(perSecond * (30 * age + 15)));
        pods.set(generation, values);
      }
      return [...pods].map(([generation, values]) => ({
        series: `istio_requests_total{response_code="200",pod="reviews-${slot}-${generation}",instance="10.0.${slot}.${generation}:15090",namespace="shop",container="istio-proxy",endpoint="",job="envoy-stats"}`,
        values: values.length < steps ? `${values.join(" ")} stale` : values.join(" "),
      }));
    }).flat();
    const truth = perSecond * slots;
    const near = (expr: string) => `abs((${expr}) / ${truth} - 1) < bool 0.01`;
    const cases = [];
    for (let minute = 30; minute <= 235; minute += 5) {
      for (const expr of [
        near("sum(rate(workload:istio_requests_total[5m]))"),
        "count(workload:istio_requests_total) == bool 1",
      ]) {
        cases.push({ expr, eval_time: `${minute}m`, exp_samples: [{ labels: "{}", value: 1 }] });
      }
    }
    const file = join(dir, "test.yaml");
    writeFileSync(
      file,
      stringify({
        rule_files: ["rules.yaml"],
        evaluation_interval: "30s",
        tests: [{ interval: "30s", input_series: series, promql_expr_test: cases }],
      }),
    );
    expect(failuresOf(await runRuleTestFile(file))).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

/** A proxy beside a pod: its counters begin at zero when it begins, and grow while the pod has traffic. */
class Sidecar implements AsyncDisposable {
  readonly #server: Server;
  readonly #perSecond: number;
  #counted = 0;
  #since: number | undefined;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#server = createServer((_request, response) => {
      response.setHeader("Content-Type", "text/plain; version=0.0.4");
      response.end(exposition(this.#requests));
    });
  }

  get #requests(): number {
    return this.#counted + (this.#since === undefined ? 0 : (this.#perSecond * (Date.now() - this.#since)) / 1000);
  }

  set traffic(on: boolean) {
    this.#counted = this.#requests;
    this.#since = on ? Date.now() : undefined;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const BUCKETS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, "+Inf"];

function exposition(requests: number): string {
  const labels = Object.entries(EDGE)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",");
  const counted = Math.floor(requests);
  const duration = "istio_request_duration_milliseconds";
  return [
    "# TYPE istio_requests_total counter",
    `istio_requests_total{${labels},response_code="200",grpc_response_status="",source_version="v1"} ${counted}`,
    `# TYPE ${duration} histogram`,
    ...BUCKETS.map(
      (le, i) => `${duration}_bucket{${labels},le="${le}"} ${Math.floor((counted * (i + 1)) / BUCKETS.length)}`,
    ),
    `${duration}_sum{${labels}} ${counted * 12}`,
    `${duration}_count{${labels}} ${counted}`,
    "# TYPE envoy_cluster_upstream_cx_active gauge",
    "envoy_cluster_upstream_cx_active{} 3",
    "",
  ].join("\n");
}

const PODS = { group: "", version: "v1", plural: "pods", namespaced: true } as const;
const TYPES: Record<string, { group: string; version: string; plural: string; namespaced: true }> = Object.fromEntries(
  ["Prometheus", "PodMonitor", "PrometheusRule", "ServiceMonitor"].map((kind) => [
    kind,
    {
      group: "monitoring.coreos.com",
      version: "v1",
      plural: kind === "Prometheus" ? "prometheuses" : `${kind.toLowerCase()}s`,
      namespaced: true,
    },
  ]),
);

test("pharos up --mesh: main has the rates of the requests, with a few of the series", async () => {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await World.create());
  await world.start("--mesh");
  const client = stack.use(createKubeClient({ server: world.urls.api }));
  const apply = { fieldManager: "e2e", force: true };
  await client.apply(
    { group: "", version: "v1", plural: "namespaces" },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
    apply,
  );
  // Seconds instead of half minutes, or the test would take an hour.
  const fast = {
    namespace: "monitoring",
    retention: "2h",
    interval: "1s",
    sampleLimit: 20_000,
    labeldropRegex: DROPPED_LABELS,
  };
  for (const object of meshResources(fast)) await client.apply<KubeObject>(TYPES[object.kind], object, apply);

  const perSecond = 40;
  const slots = 25;
  const running = new Map<number, { name: string; proxy: Sidecar }>();
  stack.defer(async () => {
    for (const { proxy } of running.values()) await proxy[Symbol.asyncDispose]();
  });
  let generation = 0;
  const begin = async (slot: number): Promise<{ name: string; proxy: Sidecar }> => {
    const proxy = new Sidecar(perSecond);
    const name = `reviews-${slot}-${generation++}`;
    const port = await proxy.listen();
    await client.create<KubeObject>(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "shop", labels: { app: "reviews" } },
      spec: {
        containers: [
          { name: "istio-proxy", image: "proxy:1", ports: [{ name: "http-envoy-prom", containerPort: port }] },
        ],
      },
    });
    const conditions = [{ type: "Ready", status: "True" }];
    const status = { phase: "Running", podIP: "127.0.0.1", podIPs: [{ ip: "127.0.0.1" }], conditions };
    await client.patchStatus(PODS, { namespace: "shop", name }, { status });
    return { name, proxy };
  };
  /** As a rolling update does it: the next pod is known before the traffic goes over to it, and the last one ends after. */
  const replace = async (slot: number): Promise<void> => {
    const before = running.get(slot)!;
    const next = await begin(slot);
    await sleep(7000);
    before.proxy.traffic = false;
    next.proxy.traffic = true;
    running.set(slot, next);
    await sleep(2000);
    await client.delete(PODS, { namespace: "shop", name: before.name });
    await before.proxy[Symbol.asyncDispose]();
  };
  for (let slot = 0; slot < slots; slot++) {
    const pod = await begin(slot);
    pod.proxy.traffic = true;
    running.set(slot, pod);
  }
  await eventually("federated series", async () =>
    (await world.query("istio_requests_total")).length > 0 ? true : undefined,
  );

  const rates: number[] = [];
  const replacements: Promise<void>[] = [];
  for (let second = 0; second < 50; second++) {
    if (second % 3 === 0 && second < 40) replacements.push(replace(second / 3));
    await sleep(1000);
    if (second < 30) continue;
    const [sample] = await world.query('sum(rate(istio_requests_total{reporter="destination"}[20s]))');
    rates.push(Number(sample.value[1]) / (perSecond * slots));
  }
  await Promise.all(replacements);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  // How exact the sums are is shown above, on a clock of its own: here a busy machine makes scrapes late, and what a pod served
  // after its last one is lost.
  expect(Math.abs(mean - 1), rates.map((rate) => rate.toFixed(4)).join(" ")).toBeLessThan(0.15);

  const [federated] = await world.query('count({__name__=~"istio_.+"})');
  const series = Number(federated.value[1]);
  expect(series).toBe(1 + BUCKETS.length + 2);
  expect(series / (slots * (1 + BUCKETS.length + 2))).toBeLessThanOrEqual(0.05);
  const [sample] = await world.query("istio_requests_total");
  expect(sample.metric).toEqual({
    __name__: "istio_requests_total",
    job: "envoy-stats",
    response_code: "200",
    ...EDGE,
  });
  expect(await world.query('{__name__=~"envoy_.+|workload:.+"}')).toEqual([]);
}, 180_000);
