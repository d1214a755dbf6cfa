/** The REST paths of the kinds an installation consists of. */
import type { KubeObject, ResourceType } from "@pharos/kube";

/** Whether objects live in namespaces, by `group/version plural`; in the order in which they are deleted. */
const TABLE: readonly [kind: string, group: string, version: string, plural: string, namespaced: boolean][] = [
  ["Prometheus", "monitoring.coreos.com", "v1", "prometheuses", true],
  ["Alertmanager", "monitoring.coreos.com", "v1", "alertmanagers", true],
  ["ServiceMonitor", "monitoring.coreos.com", "v1", "servicemonitors", true],
  ["PodMonitor", "monitoring.coreos.com", "v1", "podmonitors", true],
  ["PrometheusRule", "monitoring.coreos.com", "v1", "prometheusrules", true],
  ["Ingress", "networking.k8s.io", "v1", "ingresses", true],
  ["HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes", true],
  ["Deployment", "apps", "v1", "deployments", true],
  ["DaemonSet", "apps", "v1", "daemonsets", true],
  ["Service", "", "v1", "services", true],
  ["Secret", "", "v1", "secrets", true],
  ["ConfigMap", "", "v1", "configmaps", true],
  ["RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings", true],
  ["Role", "rbac.authorization.k8s.io", "v1", "roles", true],
  ["ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", false],
  ["ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles", false],
  ["ServiceAccount", "", "v1", "serviceaccounts", true],
  ["PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", true],
  ["Namespace", "", "v1", "namespaces", false],
];

export interface InstalledKind extends ResourceType {
  kind: string;
  namespaced: boolean;
}

export const INSTALLED_KINDS: readonly InstalledKind[] = TABLE.map(([kind, group, version, plural, namespaced]) => ({
  kind,
  group,
  version,
  plural,
  namespaced,
}));

export const CRD_TYPE: ResourceType = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
};

export function kindOf(name: string): InstalledKind {
  const found = INSTALLED_KINDS.find(({ kind }) => kind === name);
  if (!found) throw new Error(`no path of kind ${name}`);
  return found;
}

export const typeOf = (object: KubeObject): InstalledKind => kindOf(object.kind);

/** "Deployment monitoring/operator" */
export function titleOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name}`;
}
