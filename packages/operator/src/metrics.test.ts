import { Registry } from "@pharos/kit";
import { expect, test } from "vitest";
import { countReport, createOperatorMetrics } from "./metrics.ts";
import type { InstanceReport, OperatorReport, Verdict } from "./report.ts";

const instance = (name: string, selected: Record<string, number>, failed = false): InstanceReport => ({
  kind: "Prometheus",
  namespace: "default",
  name,
  url: "",
  ready: true,
  failed,
  message: "",
  selected,
  rejected: 0,
  notes: [],
  paused: false,
  appliedAt: 0,
});
const object = (verdict: Partial<Verdict>) => ({
  kind: "ServiceMonitor",
  namespace: "default",
  name: "m",
  generation: 1,
  verdicts: [{ instance: "Prometheus default/a", accepted: false, code: "operator.invalid", reason: "", ...verdict }],
});
const report = (instances: InstanceReport[], objects: OperatorReport["objects"] = []): OperatorReport => ({
  instances,
  objects,
  reconciledAt: 0,
  duration: 0,
});

test("objects are counted over all instances, and what is gone is not", () => {
  const registry = new Registry();
  const metrics = createOperatorMetrics(registry);
  const specs = { a: { replicas: 2, shards: 3, enforcedSampleLimit: 10 }, b: {} };
  const specOf = (_kind: string, _namespace: string, name: string) => specs[name as "a" | "b"];
  const managed = (state: string) => metrics.managed.labels("prometheus", "ServiceMonitor", state).value;
  const both = [instance("a", { ServiceMonitor: 3 }), instance("b", { ServiceMonitor: 4 }, true)];
  countReport(
    metrics,
    report(both, [object({}), object({ accepted: true }), object({ code: "operator.not-selected" })]),
    specOf,
  );
  expect([managed("selected"), managed("rejected")]).toEqual([7, 1]);
  expect(metrics.syncs.labels("prometheus", "ok").value).toBe(1);
  expect(metrics.syncs.labels("prometheus", "failed").value).toBe(1);
  expect(metrics.specReplicas.labels("prometheus", "default", "a").value).toBe(2);
  expect(metrics.specShards.labels("prometheus", "default", "b").value).toBe(1);
  expect(metrics.sampleLimit.labels("prometheus", "default", "a").value).toBe(10);
  countReport(metrics, report([instance("b", { ServiceMonitor: 4 })]), specOf);
  expect([managed("selected"), managed("rejected")]).toEqual([4, 0]);
  expect((metrics.sampleLimit.family() as { metrics: unknown[] }).metrics).toEqual([]);
});
