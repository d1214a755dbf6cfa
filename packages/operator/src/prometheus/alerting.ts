/** spec.alerting → the alerting section: Alertmanagers found through their Service. */

import type { AlertmanagerEndpoint, Prometheus } from "../resources/prometheus.ts";
import { yamlList } from "./additional.ts";
import { kubernetesSd, serviceRole } from "./discovery.ts";
import { httpClient, sigv4, type Yaml } from "./http-client.ts";
import { escapeRegExp, userRelabelings } from "./relabel.ts";
import { type GenerationScope, ownScope } from "./scope.ts";

/** Version 3 removed v1 of the alert API; v2 is its only one. */
function apiVersion(wish: string | undefined, { gate }: GenerationScope): Yaml {
  const out: Yaml = {};
  const name = wish?.toLowerCase();
  if (name !== "v1" && name !== "v2") return out;
  if (name === "v1" && !gate.allowsBefore("api_version=v1", "3.0.0-0")) return out;
  gate.set(out, "api_version", name, "2.11.0");
  return out;
}

function alertmanager(endpoint: AlertmanagerEndpoint, scope: GenerationScope): Yaml {
  const { gate } = scope;
  const client = ownScope(scope);
  const role = serviceRole(scope);
  const out: Yaml = {};
  if (endpoint.pathPrefix !== undefined) out.path_prefix = endpoint.pathPrefix;
  if (endpoint.scheme) out.scheme = endpoint.scheme.toLowerCase();
  if (endpoint.timeout) out.timeout = endpoint.timeout;
  const { basicAuth: user, ...rest } = endpoint;
  const basicAuth = user && gate.allows("basic_auth", "2.26.0") ? user : undefined;
  Object.assign(
    out,
    httpClient({ ...rest, basicAuth }, client),
    sigv4(endpoint.sigv4, client, "2.48.0"),
    kubernetesSd(scope, client, role, [endpoint.namespace || client.namespace]),
    apiVersion(endpoint.apiVersion, scope),
  );
  const portLabel =
    typeof endpoint.port === "number"
      ? "__meta_kubernetes_pod_container_port_number"
      : `__meta_kubernetes_${role === "endpoints" ? "endpoint" : "endpointslice"}_port_name`;
  out.relabel_configs = [
    { action: "keep", source_labels: ["__meta_kubernetes_service_name"], regex: endpoint.name },
    ...(endpoint.port ? [{ action: "keep", source_labels: [portLabel], regex: String(endpoint.port) }] : []),
    ...userRelabelings(endpoint.relabelings),
  ];
  if (endpoint.alertRelabelings?.length) {
    gate.set(out, "alert_relabel_configs", userRelabelings(endpoint.alertRelabelings), "2.51.0");
  }
  return out;
}

/** The label that tells replicas apart; empty when it is switched off. */
export function replicaLabel({ prometheus }: GenerationScope): string {
  return prometheus.spec.replicaExternalLabelName ?? "prometheus_replica";
}

export function alertingSection(prometheus: Prometheus, scope: GenerationScope): Yaml {
  const { spec } = prometheus;
  const { additionalAlertRelabelConfigs: moreRules, additionalAlertManagerConfigs: moreManagers } = spec;
  if (!spec.alerting && !moreRules && !moreManagers) return {};
  const name = replicaLabel(scope);
  // Replicas must send the same alert, so that Alertmanager sees one.
  const rules: Yaml[] = name ? [{ action: "labeldrop", regex: escapeRegExp(name) }] : [];
  rules.push(...yamlList(moreRules, "spec.additionalAlertRelabelConfigs", scope));
  const managers = (spec.alerting?.alertmanagers ?? []).map((endpoint) => alertmanager(endpoint, scope));
  managers.push(...yamlList(moreManagers, "spec.additionalAlertManagerConfigs", scope));
  return { alerting: { alert_relabel_configs: rules, alertmanagers: managers } };
}
