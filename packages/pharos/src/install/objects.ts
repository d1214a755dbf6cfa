/** Everything a cluster needs to run the flow, in the order in which it is to be applied. The same options give the same objects. */
import type { KubeObject } from "@pharos/kube";
import { defaultResources } from "../up/defaults.ts";
import { COMPONENTS } from "./components.ts";
import { clusterRights, componentObjects, type InstallOptions, labelsOf } from "./workload.ts";

export interface InstallPlan extends InstallOptions {
  /** Names of components; `instances` is a Prometheus and an Alertmanager with monitors and rules. */
  components: readonly string[];
}

export const PARTS: readonly string[] = [...Object.keys(COMPONENTS), "instances"];

/** What the Prometheus that the operator makes may read. */
const PROMETHEUS_RULES = [
  {
    apiGroups: [""],
    resources: ["services", "endpoints", "pods", "nodes", "namespaces"],
    verbs: ["get", "list", "watch"],
  },
  { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
  { nonResourceURLs: ["/metrics", "/metrics/cadvisor"], verbs: ["get"] },
];

export function installObjects(plan: InstallPlan): KubeObject[] {
  const { namespace, components } = plan;
  const out: KubeObject[] = [
    {
      apiVersion: "v1",
      kind: "Namespace",
      // Exporters look at the node, which the stricter levels of pod security do not allow.
      metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
    },
  ];
  for (const [name, component] of Object.entries(COMPONENTS)) {
    if (components.includes(name)) out.push(...componentObjects(component, plan));
  }
  if (components.includes("instances")) out.push(...instances(namespace, components.includes("gpu-exporter")));
  return out;
}

function instances(namespace: string, gpus: boolean): KubeObject[] {
  const account = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "prometheus", namespace, labels: labelsOf("prometheus") },
  };
  const own = defaultResources(gpus)
    .filter(({ kind }) => kind !== "Namespace")
    .map((object): KubeObject => {
      const moved = { ...object, metadata: { ...object.metadata, namespace } };
      if (object.kind !== "Prometheus") return moved;
      const spec = object.spec as { alerting: { alertmanagers: object[] } };
      const alertmanagers = spec.alerting.alertmanagers.map((one) => ({ ...one, namespace }));
      return { ...moved, spec: { ...spec, alerting: { alertmanagers }, serviceAccountName: "prometheus" } };
    });
  return [account, ...clusterRights("prometheus", namespace, PROMETHEUS_RULES), ...own, operatorMonitor(namespace)];
}

function operatorMonitor(namespace: string): KubeObject {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { name: "operator", namespace, labels: labelsOf("operator") },
    spec: {
      jobLabel: "app.kubernetes.io/name",
      selector: { matchLabels: { "app.kubernetes.io/name": "operator" } },
      endpoints: [{ port: "web", interval: "30s" }],
    },
  };
}
