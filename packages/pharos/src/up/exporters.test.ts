import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { createApiServer, createKubeClient } from "@pharos/kube";
import { expect, test } from "vitest";
import { startKubeStateMetrics } from "./exporters.ts";

test("kube-state-metrics gives way to a program that has its port", async () => {
  await using stack = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), "pharos-exporters-"));
  stack.defer(() => rmSync(dir, { recursive: true }));
  const api = stack.use(await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger }));
  const client = stack.use(createKubeClient({ server: api.url }));
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void other.close());
  const taken = (other.address() as AddressInfo).port;
  const ports = { kubeStateMetrics: taken, kubeStateMetricsTelemetry: 0, gpu: 0 };
  const server = stack.use(await startKubeStateMetrics(client, "127.0.0.1", ports, silentLogger));
  expect(Number(new URL(server.url).port)).not.toBe(taken);
  await server.ready(10_000);
  expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('kube_namespace_created{namespace="default"}');
});
