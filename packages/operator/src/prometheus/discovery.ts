/** kubernetes_sd_configs of monitors and of Alertmanager discovery. */
import type { LabelSelector } from "@pharos/kube";
import { authorization, basicAuth, tlsConfig, type Yaml } from "./http-client.ts";
import type { GenerationScope } from "./scope.ts";

export type DiscoveryRole = "endpoints" | "endpointslice" | "pod" | "ingress";

/** endpoints or endpointslice: the monitor's wish, then the instance's, and only what the cluster serves. */
export function serviceRole(scope: GenerationScope, wish?: string): "endpoints" | "endpointslice" {
  const role = wish ?? scope.prometheus.spec.serviceDiscoveryRole;
  return role === "EndpointSlice" && scope.endpointSlices ? "endpointslice" : "endpoints";
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

export function kubernetesSd(
  scope: GenerationScope,
  role: DiscoveryRole,
  namespaces: readonly string[] | undefined,
  options: { attachNode?: boolean; selectors?: { role: string; label: string }[] } = {},
): Yaml {
  const config: Yaml = { role };
  if (namespaces) config.namespaces = { names: namespaces };
  const { apiserverConfig } = scope.prometheus.spec;
  const namespace = scope.prometheus.metadata.namespace ?? "";
  if (apiserverConfig) {
    config.api_server = apiserverConfig.host;
    Object.assign(
      config,
      basicAuth(apiserverConfig.basicAuth, namespace, scope.assets),
      authorization(apiserverConfig.authorization, namespace, scope.assets),
      tlsConfig(apiserverConfig.tlsConfig, namespace, scope.assets, scope.version),
    );
  } else if (scope.apiServer) {
    config.api_server = scope.apiServer;
  }
  if (options.attachNode) config.attach_metadata = { node: true };
  if (options.selectors?.length) config.selectors = options.selectors;
  return { kubernetes_sd_configs: [config] };
}
