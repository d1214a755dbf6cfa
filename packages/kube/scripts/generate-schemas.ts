/**
 * Makes src/schemas/generated/ from Kubernetes' own OpenAPI and discovery documents and from prometheus-operator's CRDs:
 *
 *   node packages/kube/scripts/generate-schemas.ts DATA
 *
 * DATA is the conformance data's folder. Only what validation, merging and discovery need is kept: structure, merge keys,
 * defaults, enums, patterns, printer columns. Descriptions are cut to their first sentence, for `kubectl explain`.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";

type Json = Record<string, unknown>;

const data = process.argv[2];
if (!data) throw new Error("usage: generate-schemas.ts DATA");
const out = join(import.meta.dirname, "../src/schemas/generated");

/** Built-in kinds that are served, by group/version. */
const KINDS: Record<string, string[]> = {
  v1: [
    "Namespace",
    "Node",
    "Pod",
    "Service",
    "Endpoints",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "Event",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "ReplicationController",
    "LimitRange",
    "ResourceQuota",
  ],
  "apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
  "apps/v1": ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"],
  "batch/v1": ["Job", "CronJob"],
  "discovery.k8s.io/v1": ["EndpointSlice"],
  "events.k8s.io/v1": ["Event"],
  "networking.k8s.io/v1": ["Ingress", "NetworkPolicy", "IngressClass"],
  "policy/v1": ["PodDisruptionBudget"],
  "coordination.k8s.io/v1": ["Lease"],
  "admissionregistration.k8s.io/v1": [
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
  ],
  "rbac.authorization.k8s.io/v1": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
};

const KEPT = new Set([
  "type", "format", "items", "properties", "additionalProperties", "required", "enum", "pattern", "default", "nullable",
  "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
  "minProperties", "maxProperties", "uniqueItems", "$ref", "allOf", "anyOf", "oneOf", "not",
  "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-patch-merge-key",
  "x-kubernetes-patch-strategy", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-group-version-kind", "x-kubernetes-embedded-resource", "x-kubernetes-validations", "description",
]); // biome-ignore format: a table

/** Values that are no schemas. */
const VERBATIM = new Set([
  "enum",
  "default",
  "required",
  "x-kubernetes-group-version-kind",
  "x-kubernetes-validations",
]);

function firstSentence(text: string): string {
  const sentence = /^.*?[.:](?=\s|$)/s.exec(text.replace(/\s+/g, " "))?.[0] ?? text;
  return sentence.length > 120 ? `${sentence.slice(0, 117)}...` : sentence;
}

/** A schema without what nobody reads. `keepText`: whether this level may keep its description. */
function compact(schema: unknown, depth: number): unknown {
  if (Array.isArray(schema)) return schema.map((item) => compact(item, depth));
  if (typeof schema !== "object" || schema === null) return schema;
  const result: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (!KEPT.has(key)) continue;
    if (key === "description") {
      // Deep in pod templates nobody asks for explanations, and they are most of the bytes.
      if (depth <= 7) result[key] = firstSentence(String(value));
    } else if (key === "properties") {
      result[key] = Object.fromEntries(
        Object.entries(value as Json).map(([name, inner]) => [name, compact(inner, depth + 1)]),
      );
    } else if (VERBATIM.has(key)) result[key] = value;
    else result[key] = compact(value, depth);
  }
  return result;
}

const definitions: Json = {};
const resources: Json[] = [];
interface DiscoveredResource {
  resource: string;
  responseKind: { kind: string };
  scope: string;
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string }[];
}
interface Discovery {
  items: {
    metadata: { name?: string };
    versions: {
      version: string;
      resources: DiscoveredResource[];
    }[];
  }[];
}
const discovery = ["aggregated-api.json", "aggregated-apis.json"].map(
  (file) => JSON.parse(readFileSync(join(data, "kubernetes", file), "utf8")) as Discovery,
);

/** A resource as the registry of kinds knows it. */
function described(group: string, version: string, entry: DiscoveredResource): Json {
  return {
    group,
    version,
    kind: entry.responseKind.kind,
    plural: entry.resource,
    singular: entry.singularResource,
    namespaced: entry.scope === "Namespaced",
    ...(entry.shortNames ? { shortNames: entry.shortNames } : {}),
    ...(entry.categories ? { categories: entry.categories } : {}),
    // Nobody deletes all namespaces at once.
    ...(entry.verbs.includes("deletecollection") ? {} : { withoutDeleteCollection: true }),
    subresources: (entry.subresources ?? [])
      .map(({ subresource }) => subresource)
      .filter((name) => name === "status" || name === "scale"),
  };
}

for (const [groupVersion, kinds] of Object.entries(KINDS)) {
  const file = groupVersion === "v1" ? "openapi-api_v1.json" : `openapi-apis_${groupVersion.replace("/", "_")}.json`;
  const { schemas } = (
    JSON.parse(readFileSync(join(data, "kubernetes", file), "utf8")) as {
      components: { schemas: Record<string, Json> };
    }
  ).components;
  const take = (name: string): void => {
    if (definitions[name]) return;
    definitions[name] = compact(schemas[name], 2);
    for (const [, ref] of JSON.stringify(definitions[name]).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) take(ref);
  };
  const [group, version] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion];
  const found = discovery.flatMap(({ items }) => items).find(({ metadata }) => (metadata.name ?? "") === group);
  const known = found!.versions.find((entry) => entry.version === version)!.resources;
  for (const kind of kinds) {
    const definition = Object.keys(schemas).find((name) => {
      const gvk = schemas[name]["x-kubernetes-group-version-kind"] as
        | { group: string; version: string; kind: string }[]
        | undefined;
      return gvk?.some((entry) => entry.group === group && entry.version === version && entry.kind === kind);
    })!;
    take(definition);
    const entry = known.find(({ responseKind }) => responseKind.kind === kind)!;
    resources.push({ ...described(group, version, entry), definition });
  }
}

/** Another view of objects that are served as autoscaling/v2. */
const LEFT_OUT = new Set(["autoscaling/v1/horizontalpodautoscalers"]);
// The rest of what a cluster stores is taken as it is given: manifests may hold it, nothing here reads it.
for (const { metadata, versions } of discovery.flatMap(({ items }) => items)) {
  for (const { version, resources: found } of versions) {
    for (const entry of found) {
      const group = metadata.name ?? "";
      const isStored = entry.verbs.includes("create") && entry.verbs.includes("list");
      const isKnown = resources.some((known) => known.group === group && known.plural === entry.resource);
      if (!isStored || isKnown || LEFT_OUT.has(`${group}/${version}/${entry.resource}`)) continue;
      resources.push(described(group, version, entry));
    }
  }
}
writeFileSync(join(out, "kubernetes.json"), `${JSON.stringify({ resources, definitions })}\n`);

interface Crd {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: {
    group: string;
    scope: string;
    names: Json;
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      schema: { openAPIV3Schema: Json };
      subresources?: Json;
      additionalPrinterColumns?: Json[];
    }[];
  };
}
const crds = globSync("*.yaml", { cwd: join(data, "operator/crds/prometheus-operator-crd") })
  .sort()
  .map((file) => {
    const text = readFileSync(join(data, "operator/crds/prometheus-operator-crd", basename(file)), "utf8");
    // The originals, for `kubectl apply -f deploy/crds` on a real cluster.
    writeFileSync(join(import.meta.dirname, "../../../deploy/crds", file), text);
    const { metadata, spec } = parse(text) as Crd;
    return {
      annotations: metadata.annotations,
      group: spec.group,
      scope: spec.scope,
      names: spec.names,
      versions: spec.versions.map(({ name, served, storage, schema, subresources, additionalPrinterColumns }) => ({
        name,
        served,
        storage,
        ...(subresources ? { subresources } : {}),
        ...(additionalPrinterColumns ? { additionalPrinterColumns } : {}),
        schema: compact(schema.openAPIV3Schema, 0),
      })),
    };
  });
writeFileSync(join(out, "monitoring.json"), `${JSON.stringify(crds)}\n`);
