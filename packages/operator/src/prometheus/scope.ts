/** What generating one job needs to know besides the monitor itself. */
import type { AssetStore } from "../assets.ts";
import type { Prometheus } from "../resources/types.ts";

export interface GenerationScope {
  prometheus: Prometheus;
  assets: AssetStore;
  /** Prometheus' version, with its v. */
  version: string;
  /** Whether the cluster serves discovery.k8s.io/v1. */
  endpointSlices: boolean;
  /** `api_server` of discovery when the resource names none; absent in a cluster. */
  apiServer: string | undefined;
}

/** Namespaces whose objects a monitor may find, as `namespaces` of kubernetes_sd_configs; undefined means all. */
export function targetNamespaces(
  selector: { any?: boolean; matchNames?: string[] } | undefined,
  ownNamespace: string,
  { prometheus }: GenerationScope,
): string[] | undefined {
  if (prometheus.spec.ignoreNamespaceSelectors) return [ownNamespace];
  if (selector?.any) return undefined;
  return selector?.matchNames?.length ? selector.matchNames : [ownNamespace];
}

export function isExcludedFromEnforcement(
  { prometheus }: GenerationScope,
  resource: string,
  namespace: string,
  name: string,
): boolean {
  return (prometheus.spec.excludedFromEnforcement ?? []).some(
    (entry) =>
      entry.resource === resource &&
      entry.namespace === namespace &&
      (!entry.name || entry.name === name) &&
      (entry.group ?? "monitoring.coreos.com") === "monitoring.coreos.com",
  );
}

/** The rule that pins the namespace label, last in its list; none when nothing is enforced. */
export function enforcedNamespaceRule(scope: GenerationScope, resource: string, namespace: string, name: string) {
  const label = scope.prometheus.spec.enforcedNamespaceLabel;
  if (!label || isExcludedFromEnforcement(scope, resource, namespace, name)) return [];
  return [{ target_label: label, replacement: namespace }];
}
