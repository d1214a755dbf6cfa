/** What each component needs in a cluster: its flags, ports, mounts and rights. The sizes are those it was measured with. */
import { RESOURCES } from "@pharos/kube-state-metrics";
import { KINDS, operatorRules, type PolicyRule } from "@pharos/operator";
import { resourcesOf } from "./instances.ts";
import type { Values } from "./values.ts";
import type { Component } from "./workload.ts";

/** Memory is a limit as well: what leaks is restarted before it is a neighbour's harm. */
const sized = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { memory } });

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
  resources: sized("20m", "128Mi"),
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
  resources: sized("50m", "512Mi"),
  rules: kubeStateMetricsRules(),
  probePath: "/healthz",
};

/** The container runtime gives it the driver's library; the kubelet's socket says which pod has which GPU. */
const gpuExporter: Component = {
  name: "gpu-exporter",
  args: ["gpu-exporter", "--kubernetes"],
  ports: [{ name: "web", port: 9445 }],
  resources: sized("20m", "256Mi"),
  env: [
    { name: "NVIDIA_VISIBLE_DEVICES", value: "all" },
    { name: "NVIDIA_DRIVER_CAPABILITIES", value: "utility" },
  ],
  mounts: [{ name: "pod-resources", path: "/var/lib/kubelet/pod-resources", host: "/var/lib/kubelet/pod-resources" }],
  everyNode: true,
};

/** Publishes the kubelets where it is told to. */
function operator(values: Values): Component {
  const kubelets = values["operator.kubeletService"];
  return {
    name: "operator",
    args: ["operator", ...(kubelets ? [`--kubelet-service=${kubelets}`, "--kubelet-endpointslice"] : [])],
    ports: [{ name: "web", port: 8080 }],
    resources: sized("100m", "512Mi"),
    rules: operatorRules({ kubelet: kubelets !== "", webhooks: false, eviction: false }),
    probePath: "/healthz",
  };
}

/** Shows what there is: reads the kinds of the flow, and ConfigMaps for the dashboards among them. */
function grafana(values: Values): Component {
  const { namespace } = values;
  const kinds = Object.values(KINDS);
  const plurals = (group: string): string[] => kinds.flatMap((kind) => (kind.group === group ? [kind.plural] : []));
  return {
    name: "grafana",
    args: [
      "ui",
      `--namespace=${namespace}`,
      `--prometheus.url=http://prometheus-operated.${namespace}:9090`,
      `--alertmanager.url=http://alertmanager-operated.${namespace}:9093`,
      ...(values["mesh.enabled"] ? [`--mesh.url=http://prometheus-mesh.${namespace}:9090`] : []),
      "--storage.path=/data",
    ],
    ports: [{ name: "web", port: 3000 }],
    resources: resourcesOf(values, "grafana"),
    rules: [
      { apiGroups: ["monitoring.coreos.com"], resources: plurals("monitoring.coreos.com"), verbs: ["list"] },
      { apiGroups: [""], resources: plurals(""), verbs: ["list"] },
      { apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] },
    ],
    data: { path: "/data", size: values["grafana.storage"] },
    clusterIp: true,
  };
}

/** The components that these values ask for, in the order in which they are applied. */
export function componentsOf(values: Values): Component[] {
  return [
    ...(values["operator.enabled"] ? [operator(values)] : []),
    ...(values["nodeExporter.enabled"] ? [nodeExporter] : []),
    ...(values["kubeStateMetrics.enabled"] ? [kubeStateMetrics] : []),
    ...(values["gpuExporter.enabled"] ? [gpuExporter] : []),
    ...(values["grafana.enabled"] ? [grafana(values)] : []),
  ];
}
