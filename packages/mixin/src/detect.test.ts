import { describe, expect, test } from "vitest";
import { type ClusterObject, detectComponents } from "./detect.ts";
import { MANAGED_CLUSTER } from "./params.ts";

const pod = (labels: Record<string, string>, ...command: string[]): ClusterObject => ({
  kind: "Pod",
  metadata: { name: "p", namespace: "kube-system", labels },
  spec: { containers: [{ command }] },
  status: { phase: "Running" },
});

test("a managed cluster shows nothing of its control plane", () => {
  expect(detectComponents([])).toEqual(MANAGED_CLUSTER);
  expect(detectComponents([pod({ "k8s-app": "kube-dns" })])).toEqual({ ...MANAGED_CLUSTER, coredns: true });
});

describe("programs that listen on the loopback of their node cannot be scraped", () => {
  test.each([
    ["kube-scheduler", "scheduler", ["--bind-address=127.0.0.1"], false],
    ["kube-scheduler", "scheduler", ["--bind-address", "localhost"], false],
    ["kube-scheduler", "scheduler", ["--bind-address=0.0.0.0"], true],
    ["kube-scheduler", "scheduler", [], true],
    ["kube-controller-manager", "controllerManager", ["--bind-address=::1"], false],
    ["kube-controller-manager", "controllerManager", ["--bind-address=::"], true],
    ["etcd", "etcd", ["--listen-metrics-urls=http://127.0.0.1:2381"], false],
    ["etcd", "etcd", ["--listen-metrics-urls=http://127.0.0.1:2381,http://10.0.0.1:2381"], true],
    ["etcd", "etcd", [], false],
    ["kube-proxy", "kubeProxy", [], false],
    ["kube-proxy", "kubeProxy", ["--metrics-bind-address=0.0.0.0:10249"], true],
  ] as const)("%s %s %j: %s", (name, component, command, reachable) => {
    expect(detectComponents([pod({ component: name }, name, ...command)])[component]).toBe(reachable);
  });
});

test("kube-proxy's address may be in its configuration", () => {
  const config = (line: string): ClusterObject => ({
    kind: "ConfigMap",
    metadata: { name: "kube-proxy", namespace: "kube-system" },
    data: { "config.conf": `kind: KubeProxyConfiguration\n${line}\nmode: ""\n` },
  });
  const proxy = pod({ "k8s-app": "kube-proxy" }, "kube-proxy");
  expect(detectComponents([proxy, config('metricsBindAddress: "0.0.0.0:10249"')]).kubeProxy).toBe(true);
  expect(detectComponents([proxy, config('metricsBindAddress: ""')]).kubeProxy).toBe(false);
  expect(detectComponents([proxy, config("metricsBindAddress: 127.0.0.1:10249")]).kubeProxy).toBe(false);
});

test("a mesh by its control plane, GPUs by what nodes have, and nothing by pods that have ended", () => {
  const node: ClusterObject = {
    kind: "Node",
    metadata: { name: "a" },
    status: { allocatable: { "nvidia.com/gpu": "8" } },
  };
  expect(detectComponents([node, pod({ app: "istiod" })])).toMatchObject({ gpu: true, mesh: true });
  const ended = { ...pod({ component: "kube-scheduler" }), status: { phase: "Failed" } };
  expect(detectComponents([ended]).scheduler).toBe(false);
});
