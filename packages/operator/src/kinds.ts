/** The resource kinds the operator lives on. */
const MONITORING = "monitoring.coreos.com";

function monitoring(version: string, plural: string) {
  return { group: MONITORING, version, plural, namespaced: true } as const;
}

export const KINDS = {
  Namespace: { group: "", version: "v1", plural: "namespaces", namespaced: false },
  Prometheus: monitoring("v1", "prometheuses"),
  Alertmanager: monitoring("v1", "alertmanagers"),
  ServiceMonitor: monitoring("v1", "servicemonitors"),
  PodMonitor: monitoring("v1", "podmonitors"),
  Probe: monitoring("v1", "probes"),
  PrometheusRule: monitoring("v1", "prometheusrules"),
  AlertmanagerConfig: monitoring("v1alpha1", "alertmanagerconfigs"),
  ScrapeConfig: monitoring("v1alpha1", "scrapeconfigs"),
  PrometheusAgent: monitoring("v1alpha1", "prometheusagents"),
  ThanosRuler: monitoring("v1", "thanosrulers"),
} as const;
export type OperatorKind = keyof typeof KINDS;

export const SECRETS = { group: "", version: "v1", plural: "secrets", namespaced: true } as const;
export const CONFIG_MAPS = { group: "", version: "v1", plural: "configmaps", namespaced: true } as const;
