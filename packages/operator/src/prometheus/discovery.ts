/** kubernetes_sd_configs of monitors and of Alertmanager discovery. */
import type { LabelSelector } from "@pharos/kube";
import { atLeast } from "../version.ts";
import { type ClientScope, httpClient, type Yaml } from "./http-client.ts";
import type { GenerationScope } from "./scope.ts";

export type DiscoveryRole = "endpoints" | "endpointslice" | "pod" | "ingress";

/** endpoints or endpointslice: the monitor's wish, then the instance's, and only what cluster and version know. */
export function serviceRole(scope: GenerationScope, wish?: string): "endpoints" | "endpointslice" {
  const role = wish ?? scope.prometheus.spec.serviceDiscoveryRole;
  if (role !== "EndpointSlice" || !scope.endpointSlices) return "endpoints";
  return atLeast(scope.gate.version, "2.21.0") ? "endpointslice" : "endpoints";
}

/** A label selector as the API's labelSelector text. */
export function selectorText({ matchLabels, matchExpressions }: LabelSelector): string {
  const parts = Object.entries(matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values } of matchExpressions ?? []) {
    if (operator === "Exists") parts.push(key);
    else if (operator === "DoesNotExist") parts.push(`!${key}`);
    else parts.push(`${key} ${operator === "In" ? "in" : "notin"} (${[...(values ?? [])].sort().join(",")})`);
  }
  return parts.join(",");
}

/** Whether node metadata is attached, and from which version on. */
export interface AttachMetadata {
  node: boolean;
  since: string;
}

export function kubernetesSd(
  scope: GenerationScope,
  client: ClientScope,
  role: DiscoveryRole,
  namespaces: readonly string[] | undefined,
  options: { attach?: AttachMetadata; selectors?: { role: string; label: string }[] } = {},
): Yaml {
  const config: Yaml = { role };
  if (namespaces) config.namespaces = { names: namespaces };
  const { apiserverConfig } = scope.prometheus.spec;
  if (apiserverConfig) {
    config.api_server = apiserverConfig.host;
    Object.assign(config, httpClient(apiserverConfig, client));
  } else if (scope.apiServer) {
    config.api_server = scope.apiServer;
  }
  const { attach } = options;
  if (attach) scope.gate.set(config, "attach_metadata", { node: attach.node }, attach.since);
  const selectors: Yaml[] = [
    ...(scope.features?.daemonSet ? [{ role: "pod", field: "spec.nodeName=$(NODE_NAME)" }] : []),
    ...(options.selectors ?? []),
  ];
  if (selectors.length > 0) config.selectors = selectors;
  return { kubernetes_sd_configs: [config] };
}
