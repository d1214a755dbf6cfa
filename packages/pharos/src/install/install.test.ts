import { gpuExporterFlags } from "@pharos/gpu-exporter";
import { describeFlags, parseFlags } from "@pharos/kit";
import type { KubeObject } from "@pharos/kube";
import { kubeStateMetricsFlags } from "@pharos/kube-state-metrics";
import { nodeExporterFlags } from "@pharos/node-exporter";
import { operatorFlags } from "@pharos/operator";
import { describe, expect, test } from "vitest";
import { COMPONENTS } from "./components.ts";
import { installObjects, PARTS } from "./objects.ts";

const plan = { namespace: "watch", image: "registry.example/pharos:1", components: PARTS };
const objects = installObjects(plan);
const find = (kind: string, name: string): KubeObject => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};

test("the same options give the same text", () => {
  expect(JSON.stringify(installObjects(plan))).toBe(JSON.stringify(objects));
});

test("every object that lives in a namespace lives in the chosen one, and none comes twice", () => {
  const cluster = new Set(["Namespace", "ClusterRole", "ClusterRoleBinding"]);
  for (const { kind, metadata } of objects) if (!cluster.has(kind)) expect(metadata.namespace).toBe("watch");
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(JSON.stringify(find("Prometheus", "main"))).not.toContain('"monitoring"');
});

test("least rights: nothing privileged, no wildcards, only reading where only reading is needed", () => {
  for (const object of objects) {
    const text = JSON.stringify(object);
    expect(text).not.toMatch(/"privileged":true|"runAsUser":0\b|"add":\[/);
    if (object.kind === "ClusterRole") expect(text).not.toContain("*");
  }
  const { rules } = find("ClusterRole", "pharos-kube-state-metrics") as KubeObject & { rules: { verbs: string[] }[] };
  expect(new Set(rules.flatMap(({ verbs }) => verbs))).toEqual(new Set(["list", "watch"]));
  expect(JSON.stringify(find("DaemonSet", "node-exporter"))).toContain('"automountServiceAccountToken":false');
});

test("a Service of every component is found by a monitor, on ports that the pod has", () => {
  for (const { name, ports } of Object.values(COMPONENTS)) {
    const monitor = find("ServiceMonitor", name) as unknown as {
      spec: { selector: { matchLabels: Record<string, string> }; endpoints: { port: string }[] };
    };
    expect(find("Service", name).metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
    expect(ports.map((port) => port.name)).toEqual(
      expect.arrayContaining(monitor.spec.endpoints.map(({ port }) => port)),
    );
  }
});

describe("components are started with flags they have", () => {
  const flags = {
    "node-exporter": nodeExporterFlags,
    "kube-state-metrics": kubeStateMetricsFlags,
    "gpu-exporter": gpuExporterFlags,
    operator: operatorFlags,
  };
  test.each(Object.entries(COMPONENTS))("%s", (name, { args }) => {
    expect(args[0]).toBe(name);
    const specs = flags[name as keyof typeof flags];
    expect(() => parseFlags(specs, args.slice(1))).not.toThrow();
    expect(describeFlags(specs)).not.toBe("");
  });
});
