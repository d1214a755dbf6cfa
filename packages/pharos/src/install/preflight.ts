/** Looks, without changing anything, whether an installation would work in a cluster. */
import type { KubeClient, KubeObject, ResourceType } from "@pharos/kube";
import { describeError } from "@pharos/model";
import { compareDefinitions } from "./definitions.ts";
import { CRD_TYPE, typeOf } from "./kinds.ts";
import { installObjects } from "./objects.ts";
import type { Values } from "./values.ts";

export interface Finding {
  level: "ok" | "warning" | "error";
  check: string;
  message: string;
  fix?: string;
}

const REVIEWS = { group: "authorization.k8s.io", version: "v1", plural: "selfsubjectaccessreviews" };
const DEPLOYMENTS = { group: "apps", version: "v1", plural: "deployments", namespaced: true };
const STORAGE_CLASSES = { group: "storage.k8s.io", version: "v1", plural: "storageclasses" };
const VOLUMES = { group: "", version: "v1", plural: "persistentvolumes" };
/** What server-side apply and looking need. */
const VERBS = ["get", "list", "create", "patch"];

async function apiVersions(
  client: KubeClient,
  objects: readonly KubeObject[],
  signal?: AbortSignal,
): Promise<Finding[]> {
  const versions = new Set([...objects.map(({ apiVersion }) => apiVersion), "apiextensions.k8s.io/v1"]);
  const out: Finding[] = [];
  for (const version of [...versions].sort()) {
    if (version.startsWith("monitoring.coreos.com/")) continue;
    const status = await client.statusOf(version === "v1" ? "/api/v1" : `/apis/${version}`, signal);
    if (status === 200) continue;
    const gateway = version.startsWith("gateway.");
    out.push({
      level: "error",
      check: "API versions",
      message: `the cluster does not have ${version} (HTTP status ${status})`,
      fix: gateway ? "Install the Gateway API, or leave grafana.gateway.name out" : "Use a newer Kubernetes",
    });
  }
  return out.length > 0 ? out : [{ level: "ok", check: "API versions", message: `all ${versions.size} are there` }];
}

async function may(
  client: KubeClient,
  type: ResourceType,
  verb: string,
  namespace: string | undefined,
  signal?: AbortSignal,
) {
  const answer = await client.create(
    REVIEWS,
    {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      metadata: {},
      spec: { resourceAttributes: { group: type.group, resource: type.plural, verb, namespace } },
    } as KubeObject,
    signal,
  );
  return (answer.status as { allowed?: boolean } | undefined)?.allowed === true;
}

async function rights(
  client: KubeClient,
  objects: readonly KubeObject[],
  values: Values,
  signal?: AbortSignal,
): Promise<Finding[]> {
  const types = new Map<string, { type: ResourceType; namespace?: string }>();
  for (const object of objects) {
    const type = typeOf(object);
    types.set(`${type.group}/${type.plural}`, { type, namespace: type.namespaced ? values.namespace : undefined });
  }
  types.set("crds", { type: CRD_TYPE });
  const missing: string[] = [];
  for (const { type, namespace } of types.values()) {
    for (const verb of VERBS) {
      if (!(await may(client, type, verb, namespace, signal))) {
        missing.push(`${verb} ${type.plural}${type.group ? `.${type.group}` : ""}`);
      }
    }
  }
  if (missing.length === 0) return [{ level: "ok", check: "rights", message: `all of ${types.size} kinds` }];
  return missing.map((what) => ({
    level: "error",
    check: "rights",
    message: `you may not ${what}`,
    fix: "Let a cluster administrator install, or give you this right",
  }));
}

async function definitions(client: KubeClient, signal?: AbortSignal): Promise<Finding[]> {
  const states = await compareDefinitions(client, signal);
  const bad = states.filter(({ incompatible }) => incompatible);
  if (bad.length > 0) {
    return bad.map(({ name, incompatible }) => ({
      level: "error",
      check: "definitions",
      message: `${name}: ${incompatible}`,
      fix: "Keep the definitions there are: install with --no-crds",
    }));
  }
  const present = states.filter((state) => state.present);
  return [
    {
      level: "ok",
      check: "definitions",
      message:
        present.length === 0 ? "none there yet" : `${present.length} of ${states.length} are there and can be kept up`,
    },
  ];
}

/** Another operator on the same resources would fight with ours over every instance. */
async function operators(client: KubeClient, { namespace }: Values, signal?: AbortSignal): Promise<Finding[]> {
  const { items } = await client.list<
    KubeObject & { spec: { template?: { spec?: { containers?: { image?: string; args?: string[] }[] } } } }
  >(DEPLOYMENTS, {}, signal);
  const others = items.filter(({ metadata, spec }) => {
    const containers = spec.template?.spec?.containers ?? [];
    const upstream = containers.some(({ image = "" }) => /(^|\/)prometheus-operator([:@]|$)/.test(image));
    const ours =
      metadata.labels?.["app.kubernetes.io/part-of"] === "pharos" &&
      containers.some(({ args }) => args?.[0] === "operator");
    return upstream || (ours && metadata.namespace !== namespace);
  });
  if (others.length === 0) return [{ level: "ok", check: "operators", message: "no other one" }];
  return others.map(({ metadata }) => ({
    level: "warning",
    check: "operators",
    message: `Deployment ${metadata.namespace}/${metadata.name} is an operator of the same resources`,
    fix: "Remove it, or give each operator its namespaces (--namespaces, --deny-namespaces)",
  }));
}

async function storage(
  client: KubeClient,
  objects: readonly KubeObject[],
  values: Values,
  signal?: AbortSignal,
): Promise<Finding[]> {
  const check = "storage";
  if (!/volumeClaimTemplate|PersistentVolumeClaim/.test(JSON.stringify(objects))) {
    return [{ level: "ok", check, message: "no volume is asked for" }];
  }
  const classes = (await client.list(STORAGE_CLASSES, {}, signal)).items;
  const named = values["prometheus.storageClass"];
  if (named && !classes.some(({ metadata }) => metadata.name === named)) {
    const known = classes.map(({ metadata }) => metadata.name).join(", ") || "none";
    return [{ level: "error", check, message: `there is no storage class ${named}`, fix: `Choose from: ${known}` }];
  }
  const standard = classes.find(
    ({ metadata }) => metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true",
  );
  if (standard) return [{ level: "ok", check, message: `default class ${standard.metadata.name}` }];
  if (named) return [{ level: "ok", check, message: `class ${named}` }];
  const free = (await client.list(VOLUMES, {}, signal)).items.filter(
    ({ spec, status }) =>
      !(spec as { storageClassName?: string }).storageClassName &&
      (status as { phase?: string } | undefined)?.phase === "Available",
  ).length;
  return [
    {
      level: free > 0 ? "warning" : "error",
      check,
      message: `there is no default storage class; ${free} volumes without a class are free`,
      fix: "Name a class (prometheus.storageClass), or keep data in pods (prometheus.storage= and grafana.storage=)",
    },
  ];
}

/** Every finding of every check; a check that cannot be made is an error as well. */
export async function preflight(client: KubeClient, values: Values, signal?: AbortSignal): Promise<Finding[]> {
  const objects = installObjects(values);
  const checks: Record<string, () => Promise<Finding[]>> = {
    "API versions": () => apiVersions(client, objects, signal),
    rights: () => rights(client, objects, values, signal),
    definitions: () => definitions(client, signal),
    operators: () => operators(client, values, signal),
    storage: () => storage(client, objects, values, signal),
  };
  const out: Finding[] = [];
  for (const [check, run] of Object.entries(checks)) {
    try {
      out.push(...(await run()));
    } catch (error) {
      signal?.throwIfAborted();
      out.push({ level: "error", check, message: `cannot be checked: ${describeError(error)}` });
    }
  }
  return out;
}
