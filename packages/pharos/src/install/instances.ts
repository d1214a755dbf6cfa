/** The Prometheus and the Alertmanager of an installation, with what they may read, their monitors and rules. */
import type { KubeObject } from "@pharos/kube";
import { besideMesh, isTheMeshs } from "../mesh/resources.ts";
import { defaultResources } from "../up/defaults.ts";
import { alertmanagerConfig } from "./alerting.ts";
import { apiServerMonitor, componentMonitor, kubeletMonitor } from "./monitors.ts";
import type { Labels } from "./value-types.ts";
import type { Values } from "./values.ts";
import { clusterRights, labelsOf } from "./workload.ts";

/** What a Prometheus that the operator makes may read. */
const PROMETHEUS_RULES = [
  {
    apiGroups: [""],
    resources: ["services", "endpoints", "pods", "nodes", "namespaces"],
    verbs: ["get", "list", "watch"],
  },
  { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
  { nonResourceURLs: ["/metrics", "/metrics/cadvisor", "/metrics/probes"], verbs: ["get"] },
];

/** Account of a Prometheus and its rights. */
export function scraperAccount(name: string, namespace: string): KubeObject[] {
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels: labelsOf(name) } },
    ...clusterRights(name, namespace, PROMETHEUS_RULES),
  ];
}

export function resourcesOf(
  values: Values,
  part: "prometheus" | "alertmanager" | "grafana" | "mesh",
): { requests: Record<string, string>; limits?: Record<string, string> } {
  const filled = (cpu: string, memory: string) => ({ ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) });
  const limits = filled(values[`${part}.cpuLimit`], values[`${part}.memoryLimit`]);
  return {
    requests: filled(values[`${part}.cpuRequest`], values[`${part}.memoryRequest`]),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}

/** A volume of this size; without one, data lies in the pod, with a bound where the data has one. */
export function storageSpec(size: string, storageClass = ""): object {
  if (size === "") return { emptyDir: {} };
  return {
    volumeClaimTemplate: {
      spec: {
        accessModes: ["ReadWriteOnce"],
        ...(storageClass ? { storageClassName: storageClass } : {}),
        resources: { requests: { storage: size } },
      },
    },
  };
}

/** `{}` selects everything. */
function selectorOf(labels: Labels): object {
  return Object.keys(labels).length > 0 ? { matchLabels: labels } : {};
}

/** The operator's pods run without root and without anything they do not need. */
export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: 65_534,
  runAsGroup: 65_534,
  fsGroup: 65_534,
  seccompProfile: { type: "RuntimeDefault" },
};

function prometheusSpec(values: Values): object {
  const namespaces = values["prometheus.namespaces"];
  const namespaceSelector =
    namespaces.length > 0
      ? { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: namespaces }] }
      : {};
  return {
    replicas: values["prometheus.replicas"],
    scrapeInterval: values["prometheus.scrapeInterval"],
    evaluationInterval: values["prometheus.evaluationInterval"],
    retention: values["prometheus.retention"],
    ...(values["prometheus.retentionSize"] ? { retentionSize: values["prometheus.retentionSize"] } : {}),
    storage: storageSpec(values["prometheus.storage"], values["prometheus.storageClass"]),
    walCompression: true,
    query: { maxConcurrency: 100, timeout: "30s" },
    resources: resourcesOf(values, "prometheus"),
    securityContext: POD_SECURITY,
    serviceAccountName: "prometheus",
    serviceMonitorSelector: selectorOf(values["prometheus.serviceMonitorSelector"]),
    serviceMonitorNamespaceSelector: namespaceSelector,
    podMonitorSelector: selectorOf(values["prometheus.podMonitorSelector"]),
    podMonitorNamespaceSelector: namespaceSelector,
    probeSelector: selectorOf(values["prometheus.probeSelector"]),
    probeNamespaceSelector: namespaceSelector,
    scrapeConfigSelector: {},
    scrapeConfigNamespaceSelector: namespaceSelector,
    ruleSelector: selectorOf(values["prometheus.ruleSelector"]),
    ruleNamespaceSelector: namespaceSelector,
  };
}

function alertmanagerSpec(values: Values): object {
  return {
    replicas: values["alertmanager.replicas"],
    retention: values["alertmanager.retention"],
    storage: storageSpec(values["alertmanager.storage"]),
    resources: resourcesOf(values, "alertmanager"),
    securityContext: POD_SECURITY,
    configSecret: "alertmanager-main",
  };
}

/** Its configuration holds the channels' secrets. */
function alertmanagerSecret(values: Values): KubeObject {
  const name = "alertmanager-main";
  const data = { "alertmanager.yaml": Buffer.from(alertmanagerConfig(values)).toString("base64") };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: values.namespace, labels: labelsOf("alertmanager") },
    ...{ type: "Opaque", data },
  };
}

/** Rules and monitors out of the box must be taken by the Prometheus that comes with them, whatever it selects. */
export function selectable(object: KubeObject, values: Values): KubeObject {
  if (isTheMeshs(object)) return object;
  const wanted =
    object.kind === "PrometheusRule"
      ? values["prometheus.ruleSelector"]
      : object.kind === "ServiceMonitor"
        ? values["prometheus.serviceMonitorSelector"]
        : undefined;
  if (!wanted) return object;
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...wanted } } };
}

export function instanceObjects(values: Values): KubeObject[] {
  const { namespace } = values;
  const own = defaultResources(values["gpuExporter.enabled"])
    .filter(({ kind }) => kind !== "Namespace")
    .map((object): KubeObject => {
      const moved = { ...object, metadata: { ...object.metadata, namespace } };
      if (object.kind === "Alertmanager") {
        return { ...moved, spec: { ...(object.spec as object), ...alertmanagerSpec(values) } };
      }
      if (object.kind !== "Prometheus") return moved;
      const spec = object.spec as { alerting: { alertmanagers: object[] } };
      const alertmanagers = spec.alerting.alertmanagers.map((one) => ({ ...one, namespace }));
      return { ...moved, spec: { ...spec, ...prometheusSpec(values), alerting: { alertmanagers } } };
    });
  const kubelets = values["operator.kubeletService"];
  return [
    ...scraperAccount("prometheus", namespace),
    alertmanagerSecret(values),
    ...own,
    componentMonitor("operator", namespace),
    ...(kubelets ? [kubeletMonitor(namespace, kubelets)] : []),
    apiServerMonitor(namespace),
  ].map((object) => (values["mesh.enabled"] ? besideMesh(object) : object));
}
