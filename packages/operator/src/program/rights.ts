/** What the operator's account must be allowed to do, for a ClusterRole. Nothing is a wildcard. */
import { INSTANCE_KINDS } from "../drivers/driver.ts";
import { KINDS } from "../kinds.ts";

export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

export interface RightsOptions {
  /** `--kubelet-service` is set. */
  kubelet: boolean;
  /** `--web.webhook-service` is set. */
  webhooks: boolean;
  /** `--repair-policy-for-statefulsets=evict`. */
  eviction: boolean;
}

const rule = (group: string, resources: string[], ...verbs: string[]): PolicyRule => ({
  apiGroups: [group],
  resources,
  verbs,
});

/** Server-side apply creates or patches. */
const APPLY = ["create", "patch"] as const;

export function operatorRules({ kubelet, webhooks, eviction }: RightsOptions): PolicyRule[] {
  const own = Object.values(KINDS).flatMap(({ group, plural }) => (group === "monitoring.coreos.com" ? [plural] : []));
  // Whoever makes objects that keep their owner from going must be allowed to keep it, where a cluster checks that.
  const owners = INSTANCE_KINDS.map((kind) => `${KINDS[kind].plural}/finalizers`);
  const status = own.map((plural) => `${plural}/status`);
  return [
    rule("monitoring.coreos.com", own, "list", "watch"),
    rule("monitoring.coreos.com", status, "patch"),
    rule("monitoring.coreos.com", owners, "update"),
    rule("", ["namespaces"], "list", "watch"),
    rule("", ["secrets", "configmaps"], "get", "list", "watch", ...APPLY, "delete", ...(webhooks ? ["update"] : [])),
    rule("", ["services"], "get", ...APPLY),
    rule("", ["events"], ...APPLY),
    rule("", ["pods"], "list", "watch", "delete"),
    rule("", ["persistentvolumeclaims"], "list", "patch"),
    rule("apps", ["statefulsets", "daemonsets"], "get", "list", "watch", ...APPLY, "delete"),
    ...(eviction ? [rule("", ["pods/eviction"], "create")] : []),
    ...(kubelet
      ? [
          rule("", ["nodes"], "list"),
          rule("", ["endpoints"], ...APPLY),
          rule("discovery.k8s.io", ["endpointslices"], "list", ...APPLY, "delete"),
        ]
      : []),
    ...(webhooks
      ? [
          rule(
            "admissionregistration.k8s.io",
            ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
            "list",
            "patch",
          ),
          rule("apiextensions.k8s.io", ["customresourcedefinitions"], "get", "patch"),
        ]
      : []),
  ];
}
