/** OpenAPI v3, as far as kubectl reads it: schemas for explain and merging, and which parameters writes take. */
import { createHash } from "node:crypto";
import type { KindRegistry, ResourceKind } from "./kinds.ts";
import { DEFINITIONS, type Schema } from "./schema.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

function groupVersionPath({ group, version }: ResourceKind): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

/** Hashes of the documents by path, per state of the registry: clients keep a document as long as its hash stays. */
const hashes = new WeakMap<KindRegistry, { revision: number; byPath: Map<string, string> }>();

export function openApiIndex(kinds: KindRegistry) {
  let known = hashes.get(kinds);
  if (known?.revision !== kinds.revision) {
    const byPath = new Map<string, string>();
    for (const path of new Set(kinds.all().map(groupVersionPath))) {
      const text = JSON.stringify(openApiDocument(kinds, path));
      byPath.set(path, createHash("sha256").update(text).digest("hex").toUpperCase());
    }
    known = { revision: kinds.revision, byPath };
    hashes.set(kinds, known);
  }
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const [path, hash] of known.byPath) paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  return { paths };
}

/**
 * The least OpenAPI v2 document, as protobuf: `swagger: "2.0"` and no definitions. kubectl asks for it to check objects of
 * kind List, and skips checks on the client's side for kinds it does not find there; the server checks them all anyway.
 */
export const EMPTY_OPENAPI_V2 = Buffer.from([0x0a, 0x03, 0x32, 0x2e, 0x30]);

const PARAMETERS = ["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => ({
  name,
  in: "query",
  schema: { type: name === "force" ? "boolean" : "string", uniqueItems: true },
}));

function customName({ group, version, kind }: ResourceKind): string {
  return `${group.split(".").reverse().join(".")}.${version}.${kind}`;
}

/** A custom resource's schema with the fields every object has. */
function customSchema(kind: ResourceKind): Schema {
  const { group, version } = kind;
  return {
    ...kind.schema,
    properties: { ...kind.schema.properties, metadata: { allOf: [{ $ref: `#/components/schemas/${META}` }] } },
    "x-kubernetes-group-version-kind": [{ group, version, kind: kind.kind }],
  } as Schema;
}

export function openApiDocument(kinds: KindRegistry, path: string) {
  const served = kinds.all().filter((kind) => groupVersionPath(kind) === path);
  if (served.length === 0) return undefined;
  const schemas: Record<string, Schema> = {};
  const take = (name: string): void => {
    if (schemas[name] || !DEFINITIONS[name]) return;
    schemas[name] = DEFINITIONS[name];
    for (const [, ref] of JSON.stringify(DEFINITIONS[name]).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) take(ref);
  };
  take(META);
  const paths: Record<string, unknown> = {};
  for (const kind of served) {
    const { group, version, namespaced, plural } = kind;
    let name = customName(kind);
    if (kind.schema.$ref) {
      name = kind.schema.$ref.split("/").at(-1)!;
      take(name);
    } else schemas[name] = customSchema(kind);
    const gvk = { group, version, kind: kind.kind };
    const content = { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
    const operation = (action: string) => ({
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": gvk,
      parameters: PARAMETERS,
      responses: { 200: { description: "OK", content } },
    });
    const base = `/${path}${namespaced ? "/namespaces/{namespace}" : ""}/${plural}`;
    paths[base] = { get: operation("list"), post: operation("post") };
    paths[`${base}/{name}`] = {
      get: operation("get"),
      put: operation("put"),
      patch: operation("patch"),
      delete: operation("delete"),
    };
  }
  return { openapi: "3.0.0", info: { title: "Pharos", version: "v1" }, paths, components: { schemas } };
}
