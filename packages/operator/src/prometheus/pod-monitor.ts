/** PodMonitor → one scrape job per endpoint (order of rules as upstream). */
import type { PodMonitor } from "../resources/monitors.ts";
import { kubernetesSd, selectorText } from "./discovery.ts";
import { histograms, honorLabels, protocols, request, timestamps } from "./endpoint.ts";
import type { Yaml } from "./http-client.ts";
import { limits } from "./limits.ts";
import { jobLabelRules, selectorRules, targetLabelRules, userRelabelings } from "./relabel.ts";
import { clientScope, enforcedNamespaceRule, type GenerationScope, targetNamespaces } from "./scope.ts";
import { attachMetadata, scrapeClassOf, withScrapeClass } from "./scrape-class.ts";
import { shardingRules } from "./sharding.ts";

export function podMonitorJob(monitor: PodMonitor, index: number, scope: GenerationScope): Yaml {
  const { prometheus, gate } = scope;
  const { spec } = monitor;
  const { name, namespace = "" } = monitor.metadata;
  const shared = scrapeClassOf(spec.scrapeClass, scope);
  const endpoint = withScrapeClass(spec.podMetricsEndpoints?.[index] ?? {}, shared);
  const client = clientScope(scope, namespace);
  const byRole = spec.selectorMechanism === "RoleSelector";
  const relabel: Yaml[] = [{ source_labels: ["job"], target_label: "__tmp_prometheus_job_name" }];
  if (endpoint.filterRunning !== false) {
    relabel.push({ action: "drop", source_labels: ["__meta_kubernetes_pod_phase"], regex: "(Failed|Succeeded)" });
  }
  if (!byRole) relabel.push(...selectorRules(spec.selector, "pod"));
  const keep = (label: string, regex: string | number): void => {
    relabel.push({ action: "keep", source_labels: [`__meta_kubernetes_pod_container_port_${label}`], regex });
  };
  if (endpoint.port) keep("name", endpoint.port);
  else if (endpoint.portNumber) keep("number", endpoint.portNumber);
  else if (typeof endpoint.targetPort === "string" && endpoint.targetPort !== "") keep("name", endpoint.targetPort);
  else if (endpoint.targetPort) keep("number", endpoint.targetPort);
  relabel.push(
    { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
    { source_labels: ["__meta_kubernetes_pod_container_name"], target_label: "container" },
    { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
  );
  relabel.push(
    ...targetLabelRules("pod", [...(spec.podTargetLabels ?? []), ...(prometheus.spec.podTargetLabels ?? [])]),
  );
  relabel.push({ target_label: "job", replacement: `${namespace}/${name}` });
  relabel.push(...jobLabelRules("pod", spec.jobLabel));
  const portName = endpoint.port || (endpoint.targetPort ? String(endpoint.targetPort) : "");
  if (portName) relabel.push({ target_label: "endpoint", replacement: portName });
  relabel.push(
    ...userRelabelings(shared?.relabelings),
    ...userRelabelings(endpoint.relabelings),
    ...enforcedNamespaceRule(scope, "podmonitors", namespace, name!),
    // On every node there is an agent already: its targets are those of the node.
    ...(scope.features?.daemonSet ? [] : shardingRules(scope, "__address__")),
  );
  const metricRelabel = [
    ...userRelabelings(shared?.metricRelabelings),
    ...userRelabelings(endpoint.metricRelabelings),
    ...enforcedNamespaceRule(scope, "podmonitors", namespace, name!),
  ];
  return {
    job_name: `podMonitor/${namespace}/${name}/${index}`,
    ...honorLabels(endpoint.honorLabels ?? false, prometheus.spec),
    ...timestamps(endpoint, prometheus.spec, gate),
    ...kubernetesSd(scope, client, "pod", targetNamespaces(spec.namespaceSelector, namespace, scope), {
      attach: attachMetadata(spec.attachMetadata ?? shared?.attachMetadata, scope, "2.35.0"),
      selectors: byRole ? [{ role: "pod", label: selectorText(spec.selector ?? {}) }] : [],
    }),
    ...request(endpoint, client),
    relabel_configs: relabel,
    ...limits(spec, prometheus.spec, gate),
    ...histograms(spec, gate),
    ...protocols(spec, shared?.fallbackScrapeProtocol, gate),
    ...(metricRelabel.length > 0 ? { metric_relabel_configs: metricRelabel } : {}),
  };
}
