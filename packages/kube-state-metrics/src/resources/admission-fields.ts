/** Families that the kinds of admission policies and webhooks have in common, under names of their own. */
import { type Family, FamilyMaker, type Labels, type Resource, type Wire } from "../family.ts";

const GROUP = "admissionregistration.k8s.io";

export interface PolicyBinding extends Wire {
  spec?: {
    policyName?: string;
    paramRef?: { name?: string; namespace?: string; parameterNotFoundAction?: string | null } | null;
    validationActions?: string[] | null;
  };
}

export interface Policy extends Wire {
  spec?: {
    paramKind?: { apiVersion?: string; kind?: string } | null;
    failurePolicy?: string | null;
    reinvocationPolicy?: string;
  };
}

interface WebhookConfiguration extends Wire {
  webhooks?: { name?: string; clientConfig?: { service?: { name?: string; namespace?: string } | null } }[] | null;
}

/** What every admission resource is; `namespace` is among the labels though the kinds have none. */
export function admissionResource<O extends Wire>(
  kind: string,
  plural: string,
  families: readonly Family<O>[],
): Resource<O> {
  const label = kind.toLowerCase();
  return {
    name: plural,
    type: { group: GROUP, version: "v1", plural },
    goType: `*v1.${kind}`,
    identity: ({ metadata: { namespace, name } }) => ["namespace", namespace, label, name],
    families,
  };
}

export function policyLabels({ spec }: Policy): Labels {
  return [
    "param_api_version",
    spec?.paramKind?.apiVersion,
    "param_kind",
    spec?.paramKind?.kind,
    "failure_policy",
    spec?.failurePolicy ?? "",
  ];
}

export function bindingLabels({ spec }: PolicyBinding): Labels {
  const { name, namespace, parameterNotFoundAction } = spec?.paramRef ?? {};
  return [
    "policy_name",
    spec?.policyName,
    "param_name",
    name,
    "param_namespace",
    namespace,
    "param_not_found_action",
    parameterNotFoundAction ?? "",
  ];
}

/** The resource of a kind of webhooks; `what` is how the help text calls one. */
export function webhookResource(kind: string, plural: string, what: string): Resource<WebhookConfiguration> {
  const make = new FamilyMaker<WebhookConfiguration>(`kube_${kind.toLowerCase()}_`);
  return admissionResource(kind, plural, [
    make.info("info", "ALPHA", `Information about the ${kind}.`),
    make.created("ALPHA", "Unix creation timestamp."),
    make.resourceVersion("ALPHA", `the ${kind}`),
    make.gauge(
      "webhook_clientconfig_service",
      "ALPHA",
      `Service used by the apiserver to connect to a ${what} webhook.`,
      ({ webhooks }, emit) => {
        for (const { name, clientConfig } of webhooks ?? []) {
          const { service } = clientConfig ?? {};
          emit(1, ["webhook_name", name, "service_name", service?.name, "service_namespace", service?.namespace]);
        }
      },
    ),
  ]);
}
