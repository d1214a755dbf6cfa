/** Which namespaces and instances an operator looks after, so that several can share a cluster. */
import type { KubeObject, LabelTest } from "@pharos/kube";
import type { InstanceKind } from "./drivers/driver.ts";
import type { OperatorKind } from "./kinds.ts";

export interface OperatorScope {
  /** Only these namespaces; absent or empty: all. */
  namespaces?: readonly string[];
  /** All but these; not together with `namespaces`. */
  denyNamespaces?: readonly string[];
  /** Namespaces whose instances of a kind are looked after; absent: as all else. */
  instanceNamespaces?: Partial<Record<InstanceKind, readonly string[]>>;
  /** Namespaces whose AlertmanagerConfigs are looked at; absent: as all else. */
  alertmanagerConfigNamespaces?: readonly string[];
  /** What the labels of instances of a kind must be. */
  instanceSelectors?: Partial<Record<InstanceKind, LabelTest>>;
  /** Only instances with this annotation; without it, only those that have none. */
  controllerId?: string;
}

export const CONTROLLER_ID = "operator.prometheus.io/controller-id";

const INSTANCES: ReadonlySet<OperatorKind> = new Set(["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"]);

function namespaceInScope(namespace: string, kind: OperatorKind, scope: OperatorScope): boolean {
  const own = INSTANCES.has(kind)
    ? scope.instanceNamespaces?.[kind as InstanceKind]
    : kind === "AlertmanagerConfig"
      ? scope.alertmanagerConfigNamespaces
      : undefined;
  if (own?.length) return own.includes(namespace);
  if (scope.namespaces?.length) return scope.namespaces.includes(namespace);
  return !scope.denyNamespaces?.includes(namespace);
}

export function inScope(kind: OperatorKind, { metadata }: KubeObject, scope: OperatorScope): boolean {
  if (kind === "Namespace") return true;
  if (!namespaceInScope(metadata.namespace ?? "", kind, scope)) return false;
  if (!INSTANCES.has(kind)) return true;
  const selector = scope.instanceSelectors?.[kind as InstanceKind];
  if (selector && !selector(metadata.labels ?? {})) return false;
  return (metadata.annotations?.[CONTROLLER_ID] ?? "") === (scope.controllerId ?? "");
}
