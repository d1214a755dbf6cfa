/**
 * The resources that come out of the box: a Prometheus `main` that takes every monitor and every rule of every
 * namespace, an Alertmanager without any notification channel, monitors of Pharos' own components, and the mixin's rules.
 * They are written once, as files; from then on they are the user's.
 */
import type { KubeObject } from "@pharos/kube";
import { ruleSets } from "@pharos/mixin";

export const NAMESPACE = "monitoring";
const MONITORING = "monitoring.coreos.com/v1";
const LABELS = { "app.kubernetes.io/part-of": "pharos" };

function monitor(name: string, matchLabels: Record<string, string>): KubeObject {
  return {
    apiVersion: MONITORING,
    kind: "ServiceMonitor",
    metadata: { name, namespace: NAMESPACE, labels: LABELS },
    spec: {
      jobLabel: "app.kubernetes.io/name",
      selector: { matchLabels },
      endpoints: [{ port: "web", interval: "15s" }],
    },
  };
}

/** Its metrics carry the namespace and the pod they are about: those of the target must not replace them. */
function kubeStateMetricsMonitor(): KubeObject {
  const monitored = monitor("kube-state-metrics", { "app.kubernetes.io/name": "kube-state-metrics" });
  const endpoints = [
    { port: "web", interval: "15s", honorLabels: true },
    { port: "telemetry", interval: "15s" },
  ];
  return { ...monitored, spec: { ...(monitored.spec as object), endpoints } };
}

/** `gpus`: this machine has some. */
export function defaultResources(gpus: boolean): KubeObject[] {
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    {
      apiVersion: MONITORING,
      kind: "Alertmanager",
      metadata: { name: "main", namespace: NAMESPACE, labels: LABELS },
      spec: {
        replicas: 1,
        alertmanagerConfigSelector: {},
        alertmanagerConfigNamespaceSelector: {},
        // A receiver gets the alerts its route matches, wherever they come from: one resource is enough to be told.
        alertmanagerConfigMatcherStrategy: { type: "None" },
      },
    },
    {
      apiVersion: MONITORING,
      kind: "Prometheus",
      metadata: { name: "main", namespace: NAMESPACE, labels: LABELS },
      spec: {
        replicas: 1,
        scrapeInterval: "30s",
        evaluationInterval: "15s",
        // The long-term release: the generated file is one that every promtool in use reads.
        version: "v3.5.3",
        retention: "15d",
        serviceDiscoveryRole: "EndpointSlice",
        serviceMonitorSelector: {},
        serviceMonitorNamespaceSelector: {},
        podMonitorSelector: {},
        podMonitorNamespaceSelector: {},
        probeSelector: {},
        probeNamespaceSelector: {},
        ruleSelector: {},
        ruleNamespaceSelector: {},
        alerting: { alertmanagers: [{ namespace: NAMESPACE, name: "alertmanager-operated", port: "web" }] },
      },
    },
    monitor("prometheus", { "operated-prometheus": "true" }),
    monitor("alertmanager", { "operated-alertmanager": "true" }),
    monitor("node-exporter", { "app.kubernetes.io/name": "node-exporter" }),
    monitor("pharos", { "app.kubernetes.io/name": "pharos" }),
    kubeStateMetricsMonitor(),
    ...(gpus ? [monitor("gpu-exporter", { "app.kubernetes.io/name": "gpu-exporter" })] : []),
    ...ruleSets.map(
      ({ name, groups }): KubeObject => ({
        apiVersion: MONITORING,
        kind: "PrometheusRule",
        metadata: { name, namespace: NAMESPACE, labels: LABELS },
        spec: { groups },
      }),
    ),
  ];
}
