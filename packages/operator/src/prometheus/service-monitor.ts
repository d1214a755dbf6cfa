/**
 * ServiceMonitor → one scrape job per endpoint. The order of the relabelling rules is upstream's and part of the
 * contract: users' own rules rely on what stands before them.
 */
import type { ScrapeEndpoint, ServiceMonitor } from "../resources/monitors.ts";
import { kubernetesSd, selectorText, serviceRole } from "./discovery.ts";
import { histograms, honorLabels, protocols, request, timestamps } from "./endpoint.ts";
import type { Yaml } from "./http-client.ts";
import { limits } from "./limits.ts";
import { jobLabelRules, selectorRules, targetLabelRules, userRelabelings } from "./relabel.ts";
import { clientScope, enforcedNamespaceRule, type GenerationScope, targetNamespaces } from "./scope.ts";
import { attachMetadata, scrapeClassOf, withScrapeClass } from "./scrape-class.ts";
import { shardingRules } from "./sharding.ts";

function portRule(endpoint: ScrapeEndpoint, role: "endpoints" | "endpointslice"): Yaml[] {
  if (endpoint.port) {
    const label = `__meta_kubernetes_${role === "endpoints" ? "endpoint" : "endpointslice"}_port_name`;
    return [{ action: "keep", source_labels: [label], regex: endpoint.port }];
  }
  if (typeof endpoint.targetPort === "string" && endpoint.targetPort !== "") {
    return [
      { action: "keep", source_labels: ["__meta_kubernetes_pod_container_port_name"], regex: endpoint.targetPort },
    ];
  }
  if (endpoint.targetPort) {
    return [
      {
        action: "keep",
        source_labels: ["__meta_kubernetes_pod_container_port_number"],
        regex: String(endpoint.targetPort),
      },
    ];
  }
  return [];
}

export function serviceMonitorJob(monitor: ServiceMonitor, index: number, scope: GenerationScope): Yaml {
  const { prometheus, gate } = scope;
  const { spec } = monitor;
  const { name, namespace = "" } = monitor.metadata;
  const shared = scrapeClassOf(spec.scrapeClass, scope);
  const endpoint = withScrapeClass(spec.endpoints?.[index] ?? {}, shared);
  const client = clientScope(scope, namespace);
  const role = serviceRole(scope, spec.serviceDiscoveryRole);
  const byRole = spec.selectorMechanism === "RoleSelector";
  const prefix = `__meta_kubernetes_${role === "endpoints" ? "endpoint" : "endpointslice"}_address_target`;
  const relabel: Yaml[] = [{ source_labels: ["job"], target_label: "__tmp_prometheus_job_name" }];
  if (!byRole) relabel.push(...selectorRules(spec.selector, "service"));
  relabel.push(...portRule(endpoint, role));
  for (const [kind, target] of [
    ["Node", "node"],
    ["Pod", "pod"],
  ]) {
    relabel.push({
      source_labels: [`${prefix}_kind`, `${prefix}_name`],
      separator: ";",
      regex: `${kind};(.*)`,
      replacement: "${1}",
      target_label: target,
    });
  }
  relabel.push(
    { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
    { source_labels: ["__meta_kubernetes_service_name"], target_label: "service" },
    { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
    { source_labels: ["__meta_kubernetes_pod_container_name"], target_label: "container" },
  );
  if (endpoint.filterRunning !== false) {
    relabel.push({ action: "drop", source_labels: ["__meta_kubernetes_pod_phase"], regex: "(Failed|Succeeded)" });
  }
  relabel.push(...targetLabelRules("service", spec.targetLabels ?? []));
  relabel.push(
    ...targetLabelRules("pod", [...(spec.podTargetLabels ?? []), ...(prometheus.spec.podTargetLabels ?? [])]),
  );
  relabel.push({ source_labels: ["__meta_kubernetes_service_name"], target_label: "job", replacement: "${1}" });
  relabel.push(...jobLabelRules("service", spec.jobLabel));
  const portName = endpoint.port || (endpoint.targetPort ? String(endpoint.targetPort) : "");
  if (portName) relabel.push({ target_label: "endpoint", replacement: portName });
  relabel.push(
    ...userRelabelings(shared?.relabelings),
    ...userRelabelings(endpoint.relabelings),
    ...enforcedNamespaceRule(scope, "servicemonitors", namespace, name!),
    ...shardingRules(scope, "__address__"),
  );
  const metricRelabel = [
    ...userRelabelings(shared?.metricRelabelings),
    ...userRelabelings(endpoint.metricRelabelings),
    ...enforcedNamespaceRule(scope, "servicemonitors", namespace, name!),
  ];
  return {
    job_name: `serviceMonitor/${namespace}/${name}/${index}`,
    ...honorLabels(endpoint.honorLabels ?? false, prometheus.spec),
    ...timestamps(endpoint, prometheus.spec, gate),
    ...kubernetesSd(scope, client, role, targetNamespaces(spec.namespaceSelector, namespace, scope), {
      attach: attachMetadata(spec.attachMetadata ?? shared?.attachMetadata, scope, "2.37.0"),
      // Both: the role's own objects are filtered, and so are the Services watched for their labels.
      selectors: byRole
        ? [role, "service"].map((name) => ({ role: name, label: selectorText(spec.selector ?? {}) }))
        : [],
    }),
    ...request(endpoint, client),
    relabel_configs: relabel,
    ...limits(spec, prometheus.spec, gate),
    ...histograms(spec, gate),
    ...protocols(spec, shared?.fallbackScrapeProtocol, gate),
    ...(metricRelabel.length > 0 ? { metric_relabel_configs: metricRelabel } : {}),
  };
}
