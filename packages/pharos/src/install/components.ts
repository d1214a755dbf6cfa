/** What each component needs in a cluster: its flags, ports, mounts and rights. The sizes are those it was measured with. */
import { RESOURCES } from "@pharos/kube-state-metrics";
import { operatorRules, type PolicyRule } from "@pharos/operator";
import type { Component } from "./workload.ts";

/** Tells about the node, not about its pod: hence the node's folders, network and processes, all read-only. */
const nodeExporter: Component = {
  name: "node-exporter",
  args: [
    "node-exporter",
    "--path.procfs=/host/proc",
    "--path.sysfs=/host/sys",
    "--path.rootfs=/host/root",
    "--path.udev.data=/host/root/run/udev/data",
    "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run/k3s/containerd/.+|var/lib/docker/.+|var/lib/kubelet/pods/.+)($|/)",
  ],
  ports: [{ name: "web", port: 9100 }],
  resources: { cpu: "20m", memory: "128Mi" },
  mounts: [
    { name: "proc", path: "/host/proc", host: "/proc" },
    { name: "sys", path: "/host/sys", host: "/sys", propagate: true },
    { name: "root", path: "/host/root", host: "/", propagate: true },
  ],
  everyNode: true,
  hostView: true,
};

/** Reads every kind it has metrics of. Of Secrets and ConfigMaps it asks for metadata only, but the right to list cannot say that. */
function kubeStateMetricsRules(): PolicyRule[] {
  const groups = new Map<string, string[]>();
  for (const { type, defaultOff } of RESOURCES) {
    if (defaultOff) continue;
    const plurals = groups.get(type.group);
    if (plurals) plurals.push(type.plural);
    else groups.set(type.group, [type.plural]);
  }
  return [...groups].map(([group, resources]) => ({
    apiGroups: [group],
    resources: [...new Set(resources)].sort(),
    verbs: ["list", "watch"],
  }));
}

const kubeStateMetrics: Component = {
  name: "kube-state-metrics",
  args: ["kube-state-metrics", "--port=8080", "--telemetry-port=8081"],
  ports: [
    { name: "web", port: 8080 },
    { name: "telemetry", port: 8081 },
  ],
  resources: { cpu: "50m", memory: "512Mi" },
  rules: kubeStateMetricsRules(),
  probePath: "/healthz",
};

/** The container runtime gives it the driver's library; the kubelet's socket says which pod has which GPU. */
const gpuExporter: Component = {
  name: "gpu-exporter",
  args: ["gpu-exporter", "--kubernetes"],
  ports: [{ name: "web", port: 9445 }],
  resources: { cpu: "20m", memory: "256Mi" },
  env: [
    { name: "NVIDIA_VISIBLE_DEVICES", value: "all" },
    { name: "NVIDIA_DRIVER_CAPABILITIES", value: "utility" },
  ],
  mounts: [{ name: "pod-resources", path: "/var/lib/kubelet/pod-resources", host: "/var/lib/kubelet/pod-resources" }],
  everyNode: true,
};

const operator: Component = {
  name: "operator",
  args: ["operator"],
  ports: [{ name: "web", port: 8080 }],
  resources: { cpu: "100m", memory: "512Mi" },
  rules: operatorRules({ kubelet: false, webhooks: false, eviction: false }),
  probePath: "/healthz",
};

export const COMPONENTS: Readonly<Record<string, Component>> = {
  operator,
  "node-exporter": nodeExporter,
  "kube-state-metrics": kubeStateMetrics,
  "gpu-exporter": gpuExporter,
};
