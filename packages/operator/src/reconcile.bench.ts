/**
 * How long it takes until 1000 ServiceMonitors in 20 namespaces are in, and until one change of them is. Run by hand:
 * `node packages/operator/src/reconcile.bench.ts`.
 */
import { performance } from "node:perf_hooks";
import { MemoryDriver, TestCluster } from "./testing/cluster.ts";
import { prometheus, serviceMonitor } from "./testing/objects.ts";

const MONITORS = 1_000;
const NAMESPACES = Array.from({ length: 20 }, (_, i) => `team-${i}`);
const CHANGES = 10;

const monitor = (i: number, app: string) =>
  serviceMonitor(
    {
      selector: { matchLabels: { app } },
      endpoints: [
        {
          port: "web",
          interval: "30s",
          relabelings: [{ sourceLabels: ["a"], targetLabel: "b" }],
          metricRelabelings: [{ action: "drop", sourceLabels: ["__name__"], regex: "go_.*" }],
        },
      ],
    },
    { name: `m${i}`, namespace: NAMESPACES[i % NAMESPACES.length] },
  );

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const heap = (): string => `${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MiB`;

await using cluster = await TestCluster.start(NAMESPACES);
await cluster.apply(prometheus({ serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {} }, { name: "main" }));
for (let i = 0; i < MONITORS; i++) await cluster.apply(monitor(i, `app-${i}`));

const driver = new MemoryDriver();
const began = performance.now();
const operator = await cluster.operator(driver, { debounceMs: 100 });
console.log(
  `start: ${Math.round(performance.now() - began)} ms with all statuses, ${Math.round(operator.report.duration * 1000)} ms to the configuration of ${driver.config("main").length} bytes; heap ${heap()}`,
);
for (let i = 0; i < CHANGES; i++) {
  const app = `changed-${i}`;
  const start = performance.now();
  await cluster.apply(monitor(5, app));
  await until(() => driver.config("main").includes(app));
  console.log(`change: ${Math.round(performance.now() - start)} ms; heap ${heap()}`);
}
