/** What the server does to every object it takes: names, metadata, defaults of built-in kinds, validation. */
import { randomUUID } from "node:crypto";
import type { KubeObject } from "../types.ts";
import type { ResourceKind } from "./kinds.ts";
import { applyDefaults, prune, unknownFields, validate } from "./schema.ts";
import { checkRules } from "./schema-rules.ts";
import { badRequest, invalid, type StatusCause } from "./status-error.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** RBAC names are path segments, not DNS names. */
const PATH_SEGMENT = /^(?!\.{1,2}$)[^/%]+$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const DNS_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

function nameProblems(kind: ResourceKind, object: KubeObject): StatusCause[] {
  const { metadata } = object;
  const name = metadata.name ?? "";
  const problem = (field: string, value: string, rule: string): StatusCause => ({
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(value)}: ${rule}`,
    field,
  });
  const out: StatusCause[] = [];
  if (kind.kind === "CustomResourceDefinition") {
    const { group, names } = (object.spec ?? {}) as { group?: string; names?: { plural?: string } };
    const wanted = `${names?.plural}.${group}`;
    if (name !== wanted) out.push(problem("metadata.name", name, `must be spec.names.plural+"."+spec.group`));
  }
  if (name === "") {
    out.push({
      reason: "FieldValueRequired",
      message: "Required value: name or generateName is required",
      field: "metadata.name",
    });
  } else if (kind.group === "rbac.authorization.k8s.io") {
    if (!PATH_SEGMENT.test(name)) out.push(problem("metadata.name", name, "may not contain '/' or '%'"));
  } else if (name.length > 253 || !DNS_SUBDOMAIN.test(name)) {
    out.push(problem("metadata.name", name, DNS_RULE));
  } else if ((kind.kind === "Namespace" || kind.kind === "Service") && (name.length > 63 || !DNS_LABEL.test(name))) {
    out.push(problem("metadata.name", name, "a lowercase RFC 1123 label must be at most 63 characters without dots"));
  }
  if (kind.namespaced && (metadata.namespace ?? "").length > 63) {
    out.push(problem("metadata.namespace", metadata.namespace!, "must be no more than 63 characters"));
  } else if (kind.namespaced && !DNS_LABEL.test(metadata.namespace ?? "")) {
    out.push(problem("metadata.namespace", metadata.namespace ?? "", DNS_RULE));
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (!LABEL_NAME.test(key))
      out.push(problem("metadata.labels", key, "name part must consist of alphanumeric characters, '-', '_' or '.'"));
    if (typeof value !== "string" || value.length > 63 || !LABEL_VALUE.test(value)) {
      out.push(
        problem(
          "metadata.labels",
          String(value),
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'",
        ),
      );
    }
  }
  return out;
}

/** Go decodes a built-in kind into structs: a wrong type there is a bad request, not an invalid object. */
function defaultBuiltIn(object: KubeObject): void {
  const any = object as KubeObject & Record<string, unknown>;
  if (object.kind === "Secret") {
    any.type ??= "Opaque";
    const { stringData } = any as { stringData?: Record<string, string> };
    if (stringData) {
      const data = (any.data as Record<string, string> | undefined) ?? {};
      for (const [key, text] of Object.entries(stringData)) data[key] = Buffer.from(String(text)).toString("base64");
      any.data = data;
      delete any.stringData;
    }
  } else if (object.kind === "Service") {
    const spec = ((any.spec as Record<string, unknown> | undefined) ?? {}) as {
      type?: string;
      ports?: { protocol?: string; port: number; targetPort?: unknown }[];
      sessionAffinity?: string;
    };
    any.spec = spec;
    spec.type ??= "ClusterIP";
    spec.sessionAffinity ??= "None";
    for (const port of spec.ports ?? []) {
      port.protocol ??= "TCP";
      port.targetPort ??= port.port;
    }
  } else if (object.kind === "Pod") {
    // Nobody runs it here; that is what a pod without a node looks like.
    any.status = { phase: "Pending", ...(any.status as object | undefined) };
  } else if (object.kind === "Namespace") {
    any.status ??= { phase: "Active" };
    object.metadata.labels = { "kubernetes.io/metadata.name": object.metadata.name!, ...object.metadata.labels };
  }
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** Unknown fields: an error, warnings, or silently dropped, as the request asks. */
export function checkUnknownFields(
  kind: ResourceKind,
  object: KubeObject,
  mode: FieldValidation,
  duplicates: readonly string[] = [],
): string[] {
  const problems = [
    ...unknownFields(kind.schema, object).map((path) => `unknown field ${JSON.stringify(path)}`),
    ...duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
  ];
  if (problems.length === 0 || mode === "Ignore") return [];
  if (mode === "Warn") return problems;
  throw badRequest(
    `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: strict decoding error: ${problems.join(", ")}`,
  );
}

/** Prunes, defaults and validates in place; throws 422 with every cause. `old` is the object before an update. */
export function normalize(kind: ResourceKind, object: KubeObject, old?: KubeObject): void {
  prune(kind.schema, object);
  if (kind.custom) applyDefaults(kind.schema, object);
  else defaultBuiltIn(object);
  // An empty metadata map is the same as none.
  for (const field of ["labels", "annotations"] as const) {
    if (object.metadata[field] && Object.keys(object.metadata[field]).length === 0) delete object.metadata[field];
  }
  const causes = [...nameProblems(kind, object), ...validate(kind.schema, object)];
  // Rules may rely on the shape: they are asked only about objects that have it.
  if (causes.length === 0 && kind.custom) causes.push(...checkRules(kind.schema, object, old));
  if (causes.length > 0) throw invalid(kind, object.metadata.name ?? "", causes);
}

const SUFFIX = "bcdfghjklmnpqrstvwxz2456789";

/** Name, uid and creation time of a new object. */
export function initializeMetadata(kind: ResourceKind, object: KubeObject): void {
  const { metadata } = object;
  if (!metadata.name && metadata.generateName) {
    const letters = Array.from({ length: 5 }, () => SUFFIX[Math.floor(Math.random() * SUFFIX.length)]);
    metadata.name = metadata.generateName + letters.join("");
  }
  metadata.uid = randomUUID();
  metadata.creationTimestamp = new Date().toISOString().replace(/\.\d+Z/, "Z");
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  if (hasGeneration(kind)) metadata.generation = 1;
  else delete metadata.generation;
}

/** Kinds without a spec have no generation. */
export function hasGeneration(kind: ResourceKind): boolean {
  return (
    kind.custom ||
    ![
      "ConfigMap",
      "Secret",
      "Namespace",
      "Event",
      "ServiceAccount",
      "Endpoints",
      "Node",
      "Service",
      "Role",
      "RoleBinding",
      "ClusterRole",
      "ClusterRoleBinding",
      "Lease",
    ].includes(kind.kind)
  );
}
