/** spec.alerting → the alerting section: Alertmanagers found through their Service. */
import { parseYaml } from "@pharos/kit";
import type { AlertmanagerEndpoint } from "../resources/types.ts";
import { atLeast } from "../version.ts";
import { kubernetesSd, serviceRole } from "./discovery.ts";
import { httpClient, type Yaml } from "./http-client.ts";
import { userRelabelings } from "./relabel.ts";
import type { GenerationScope } from "./scope.ts";

function alertmanager(endpoint: AlertmanagerEndpoint, scope: GenerationScope): Yaml {
  const own = scope.prometheus.metadata.namespace ?? "";
  const { version } = scope;
  const role = serviceRole(scope);
  const out: Yaml = {};
  if (endpoint.pathPrefix) out.path_prefix = endpoint.pathPrefix;
  if (endpoint.scheme) out.scheme = endpoint.scheme.toLowerCase();
  if (endpoint.timeout) out.timeout = endpoint.timeout;
  if (endpoint.enableHttp2 !== undefined && atLeast(version, "2.35.0")) out.enable_http2 = endpoint.enableHttp2;
  Object.assign(
    out,
    httpClient(endpoint, own, scope.assets, version),
    kubernetesSd(scope, role, [endpoint.namespace || own]),
  );
  // Version 3 removed v1 of the alert API; its only value left is the default.
  const apiVersion = endpoint.apiVersion?.toLowerCase();
  if (apiVersion && atLeast(version, "2.11.0") && !(apiVersion === "v1" && atLeast(version, "3.0.0")))
    out.api_version = apiVersion;
  const portLabel =
    typeof endpoint.port === "number"
      ? "__meta_kubernetes_pod_container_port_number"
      : `__meta_kubernetes_${role === "endpoints" ? "endpoint" : "endpointslice"}_port_name`;
  out.relabel_configs = [
    { action: "keep", source_labels: ["__meta_kubernetes_service_name"], regex: endpoint.name },
    ...(endpoint.port === undefined
      ? []
      : [{ action: "keep", source_labels: [portLabel], regex: String(endpoint.port) }]),
    ...userRelabelings(endpoint.relabelings),
  ];
  if (endpoint.alertRelabelings?.length && atLeast(version, "2.51.0")) {
    out.alert_relabel_configs = userRelabelings(endpoint.alertRelabelings);
  }
  return out;
}

export function replicaLabel(scope: GenerationScope): string {
  return scope.prometheus.spec.replicaExternalLabelName ?? "prometheus_replica";
}

export function alertingSection(scope: GenerationScope): Yaml {
  const { spec, metadata } = scope.prometheus;
  const extra = (ref: typeof spec.additionalAlertRelabelConfigs): Yaml[] =>
    ref ? (parseYaml(scope.assets.secret(metadata.namespace ?? "", ref)).toValue() as Yaml[]) : [];
  const managers = (spec.alerting?.alertmanagers ?? []).map((endpoint) => alertmanager(endpoint, scope));
  const relabel: Yaml[] = replicaLabel(scope) ? [{ action: "labeldrop", regex: replicaLabel(scope) }] : [];
  relabel.push(...extra(spec.additionalAlertRelabelConfigs));
  managers.push(...extra(spec.additionalAlertManagerConfigs));
  const out: Yaml = {};
  if (relabel.length > 0) out.alert_relabel_configs = relabel;
  if (managers.length > 0) out.alertmanagers = managers;
  // Without any Alertmanager upstream leaves the whole section out.
  return managers.length > 0 ? { alerting: out } : {};
}
