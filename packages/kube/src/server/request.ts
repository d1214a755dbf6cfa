/** A request of the Kubernetes API, taken apart: which kind, which object, which options. */
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../types.ts";
import { duplicateKeys } from "./json-duplicates.ts";
import type { KindRegistry, ResourceKind } from "./kinds.ts";
import type { FieldValidation } from "./object-rules.ts";
import { badRequest, StatusError } from "./status-error.ts";

export interface ResourcePath {
  kind: ResourceKind;
  /** "" for cluster-scoped kinds and for lists over all namespaces. */
  namespace: string;
  /** Absent for collections. */
  name?: string;
  subresource?: string;
}

/** `/api/v1/namespaces/ns/services/web/status` and its kin; undefined when no kind is served there. */
export function parsePath(path: string, kinds: KindRegistry): ResourcePath | undefined {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  let group = "";
  let version: string;
  let rest: string[];
  if (parts[0] === "api" && parts.length >= 3) [, version, ...rest] = parts;
  else if (parts[0] === "apis" && parts.length >= 4) [, group, version, ...rest] = parts;
  else return undefined;
  let namespace = "";
  // `/namespaces/x` itself is an object; `/namespaces/x/services` a collection in it.
  if (
    rest[0] === "namespaces" &&
    rest.length >= 3 &&
    !(rest.length === 3 && ["status", "finalize"].includes(rest[2]))
  ) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural, name, subresource] = rest;
  if (rest.length > 3) return undefined;
  const kind = kinds.byPath(group, version, plural);
  if (!kind) return undefined;
  return { kind, namespace: kind.namespaced ? namespace : "", name, subresource };
}

export interface WriteQuery {
  dryRun: boolean;
  fieldManager: string | undefined;
  fieldValidation: FieldValidation;
  force: boolean;
}

export function parseWriteQuery(params: URLSearchParams): WriteQuery {
  const dryRun = params.get("dryRun");
  if (dryRun !== null && dryRun !== "" && dryRun !== "All") {
    throw new StatusError(422, "Invalid", `invalid dryRun: ${JSON.stringify(dryRun)}: supported values: "All"`);
  }
  const validation = params.get("fieldValidation") || "Warn";
  if (validation !== "Strict" && validation !== "Warn" && validation !== "Ignore") {
    throw new StatusError(
      422,
      "Invalid",
      `fieldValidation: Unsupported value: ${JSON.stringify(validation)}: supported values: "", "Ignore", "Strict", "Warn"`,
    );
  }
  const fieldManager = params.get("fieldManager") || undefined;
  if (fieldManager && fieldManager.length > 128)
    throw new StatusError(422, "Invalid", "fieldManager: may not be more than 128 characters");
  return { dryRun: dryRun === "All", fieldManager, fieldValidation: validation, force: params.get("force") === "true" };
}

export interface Body {
  value: unknown;
  /** Paths of keys given twice. */
  duplicates: string[];
}

/**
 * JSON or YAML of a request. JSON is read as YAML only for apply, whose bodies may be either; YAML with a repeated key is
 * refused at once.
 */
export function parseBody(text: string, yaml: boolean, findDuplicates = false): Body {
  if (text.trim() === "") throw badRequest("the request has no body");
  if (!yaml) {
    try {
      const value = JSON.parse(text) as unknown;
      return { value, duplicates: findDuplicates ? duplicateKeys(text) : [] };
    } catch (error) {
      throw badRequest(`the body is not JSON: ${(error as Error).message}`);
    }
  }
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  const error = document?.errors[0];
  if (!document || error)
    throw badRequest(`error decoding YAML: ${error?.message.split("\n")[0] ?? "the document is empty"}`);
  return { value: document.toJS({ maxAliasCount: 100 }), duplicates: [] };
}

/** The object of a request's body, checked against its path. */
export function objectOf(value: unknown, { kind, namespace, name }: ResourcePath): KubeObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badRequest("the body is not an object");
  const object = value as KubeObject;
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  object.apiVersion ??= apiVersion;
  object.kind ??= kind.kind;
  if (object.apiVersion !== apiVersion || object.kind !== kind.kind) {
    throw badRequest(
      `the API version and kind in the data (${object.apiVersion}, ${object.kind}) do not match the expected (${apiVersion}, ${kind.kind})`,
    );
  }
  object.metadata ??= {};
  if (typeof object.metadata !== "object" || Array.isArray(object.metadata))
    throw badRequest("metadata is not an object");
  if (name !== undefined) {
    object.metadata.name ??= name;
    if (object.metadata.name !== name)
      throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`);
  }
  if (kind.namespaced) {
    if (namespace === "") throw badRequest("an object of this kind needs a namespace");
    object.metadata.namespace ||= namespace;
    if (object.metadata.namespace !== namespace) {
      throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
    }
  } else delete object.metadata.namespace;
  return object;
}
