/**
 * OpenAPI v3 schemas as Kubernetes uses them: validation with its words, defaulting, pruning, and the search for unknown
 * fields. `$ref` points into Kubernetes' own definitions.
 */

import { compileRe2 } from "@pharos/model";
import kubernetes from "../schemas/generated/kubernetes.json" with { type: "json" };
import type { StatusCause } from "./status-error.ts";

export interface Schema {
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  enum?: unknown[];
  pattern?: string;
  default?: unknown;
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  $ref?: string;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  not?: Schema;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-map-type"?: "atomic" | "granular";
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-patch-strategy"?: string;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-embedded-resource"?: boolean;
  /** Rules in CEL, see schema-rules.ts. */
  "x-kubernetes-validations"?: SchemaRule[];
}

export interface SchemaRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** Patterns by their text: the same few are tried on every object. */
const patterns = new Map<string, ReturnType<typeof compileRe2>>();

function matchesPattern(pattern: string, value: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    compiled = compileRe2(pattern);
    // Users' CRDs come and go; theirs must not pile up.
    if (patterns.size > 2_000) patterns.clear();
    patterns.set(pattern, compiled);
  }
  return compiled.matcher(value).find();
}

export const DEFINITIONS = kubernetes.definitions as unknown as Record<string, Schema>;

const OBJECT_META: Schema = { $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" };
const REF = "#/components/schemas/";

/** The schema behind a `$ref`, or behind the single `allOf` Kubernetes wraps one in. */
export function resolve(schema: Schema | undefined): Schema {
  let current = schema ?? {};
  for (let i = 0; i < 10; i++) {
    if (current.$ref) current = DEFINITIONS[current.$ref.slice(REF.length)] ?? {};
    else if (current.allOf?.length === 1 && current.allOf[0].$ref) {
      const { allOf, ...rest } = current;
      current = { ...resolve(allOf[0]), ...rest };
    } else break;
  }
  return current;
}

/** Schema of a field; metadata of custom resources is always ObjectMeta. undefined: the field is unknown. */
export function fieldSchema(parent: Schema, name: string, path: string): Schema | undefined {
  if (path === "" && name === "metadata") return resolve(OBJECT_META);
  const own = parent.properties?.[name];
  if (own) return resolve(own);
  if (typeof parent.additionalProperties === "object") return resolve(parent.additionalProperties);
  return undefined;
}

/** Whether an object of this schema may hold fields the schema does not name. */
function isOpen(schema: Schema): boolean {
  return (
    schema["x-kubernetes-preserve-unknown-fields"] === true ||
    schema.additionalProperties !== undefined ||
    (schema.properties === undefined && schema.type !== "array")
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

/** Paths of fields that the schema does not know. */
export function unknownFields(schema: Schema, value: unknown, path = ""): string[] {
  const resolved = resolve(schema);
  if (Array.isArray(value)) {
    return resolved.items ? value.flatMap((item, i) => unknownFields(resolved.items!, item, `${path}[${i}]`)) : [];
  }
  if (!isRecord(value)) return [];
  const out: string[] = [];
  for (const [name, inner] of Object.entries(value)) {
    if (path === "" && (name === "apiVersion" || name === "kind")) continue;
    const field = fieldSchema(resolved, name, path);
    if (field) out.push(...unknownFields(field, inner, join(path, name)));
    else if (!isOpen(resolved)) out.push(join(path, name));
  }
  return out;
}

/** Removes what the schema does not know, in place. */
export function prune(schema: Schema, value: unknown, path = ""): void {
  const resolved = resolve(schema);
  if (Array.isArray(value)) {
    if (resolved.items) for (const item of value) prune(resolved.items, item, `${path}[]`);
    return;
  }
  if (!isRecord(value)) return;
  for (const name of Object.keys(value)) {
    if (path === "" && (name === "apiVersion" || name === "kind")) continue;
    const field = fieldSchema(resolved, name, path);
    if (field) prune(field, value[name], join(path, name));
    else if (!isOpen(resolved)) delete value[name];
  }
}

/** Fills in defaults, in place; a null where a default exists counts as absent. */
export function applyDefaults(schema: Schema, value: unknown): void {
  const resolved = resolve(schema);
  if (Array.isArray(value)) {
    if (resolved.items) for (const item of value) applyDefaults(resolved.items, item);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, inner] of Object.entries(resolved.properties ?? {})) {
    const field = resolve(inner);
    if (field.default !== undefined && (value[name] === undefined || (value[name] === null && !field.nullable))) {
      value[name] = structuredClone(field.default);
    }
    applyDefaults(field, value[name]);
  }
  if (typeof resolved.additionalProperties === "object") {
    for (const [name, inner] of Object.entries(value)) {
      if (!resolved.properties?.[name]) applyDefaults(resolved.additionalProperties, inner);
    }
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeMatches(schema: Schema, value: unknown): boolean {
  const actual = typeOf(value);
  if (schema["x-kubernetes-int-or-string"] || schema.format === "int-or-string")
    return actual === "integer" || actual === "string";
  if (!schema.type) return true;
  return schema.type === actual || (schema.type === "number" && actual === "integer");
}

/** What a value breaks, in the API server's words. */
export function validate(schema: Schema, value: unknown, path = ""): StatusCause[] {
  const resolved = resolve(schema);
  if (value === null && resolved.nullable) return [];
  const shown =
    typeof value === "object"
      ? JSON.stringify(value)
      : typeof value === "string"
        ? JSON.stringify(value)
        : String(value);
  const problem = (message: string): StatusCause => ({
    reason: "FieldValueInvalid",
    message: `Invalid value: ${shown}: ${message}`,
    field: path,
  });
  if (!typeMatches(resolved, value)) {
    const wanted = resolved["x-kubernetes-int-or-string"] ? "integer,string" : resolved.type;
    const name = typeOf(value);
    return [
      {
        reason: "FieldValueTypeInvalid",
        message: `Invalid value: ${JSON.stringify(name)}: ${path} in body must be of type ${wanted}: ${JSON.stringify(name)}`,
        field: path,
      },
    ];
  }
  const out: StatusCause[] = [];
  out.push(...combined(resolved, value, path, problem));
  if (resolved.enum && !resolved.enum.includes(value)) {
    const list = resolved.enum.map((item) => JSON.stringify(item)).join(", ");
    out.push({
      reason: "FieldValueNotSupported",
      message: `Unsupported value: ${shown}: supported values: ${list}`,
      field: path,
    });
  }
  if (typeof value === "string") {
    if (resolved.pattern && !matchesPattern(resolved.pattern, value)) {
      out.push(problem(`${path} in body should match '${resolved.pattern}'`));
    }
    if (resolved.minLength !== undefined && value.length < resolved.minLength) {
      out.push(problem(`${path} in body should be at least ${resolved.minLength} chars long`));
    }
    if (resolved.maxLength !== undefined && value.length > resolved.maxLength) {
      out.push(problem(`${path} in body should be at most ${resolved.maxLength} chars long`));
    }
  }
  if (typeof value === "number") {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = resolved;
    if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
      out.push(problem(`${path} in body should be greater than ${exclusiveMinimum ? "" : "or equal to "}${minimum}`));
    }
    if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
      out.push(problem(`${path} in body should be less than ${exclusiveMaximum ? "" : "or equal to "}${maximum}`));
    }
    if (multipleOf !== undefined && value % multipleOf !== 0) {
      out.push(problem(`${path} in body should be a multiple of ${multipleOf}`));
    }
  }
  if (Array.isArray(value)) {
    if (resolved.minItems !== undefined && value.length < resolved.minItems) {
      out.push(problem(`${path} in body should have at least ${resolved.minItems} items`));
    }
    if (resolved.maxItems !== undefined && value.length > resolved.maxItems) {
      out.push({
        reason: "FieldValueTooMany",
        message: `Too many: ${value.length}: must have at most ${resolved.maxItems} items`,
        field: path,
      });
    }
    if (resolved.items) out.push(...value.flatMap((item, i) => validate(resolved.items!, item, `${path}[${i}]`)));
    out.push(...duplicateItems(resolved, value, path));
  } else if (isRecord(value)) {
    const size = Object.keys(value).length;
    if (resolved.minProperties !== undefined && size < resolved.minProperties) {
      out.push(problem(`${path} in body should have at least ${resolved.minProperties} properties`));
    }
    if (resolved.maxProperties !== undefined && size > resolved.maxProperties) {
      out.push({
        reason: "FieldValueTooMany",
        message: `Too many: ${size}: must have at most ${resolved.maxProperties} items`,
        field: path,
      });
    }
    for (const name of resolved.required ?? []) {
      if (value[name] === undefined)
        out.push({ reason: "FieldValueRequired", message: "Required value", field: join(path, name) });
    }
    for (const [name, inner] of Object.entries(value)) {
      const field = path === "" && name === "metadata" ? undefined : fieldSchema(resolved, name, path);
      // A null for a field means that it is not set.
      if (field && inner !== undefined && (inner !== null || field.nullable))
        out.push(...validate(field, inner, join(path, name)));
    }
  }
  return out;
}

/** allOf, anyOf, oneOf and not. Of a custom resource they hold value validations only, never other fields. */
function combined(
  { allOf, anyOf, oneOf, not, format, "x-kubernetes-int-or-string": intOrString }: Schema,
  value: unknown,
  path: string,
  problem: (message: string) => StatusCause,
): StatusCause[] {
  const out: StatusCause[] = [];
  const fits = (schema: Schema): boolean => validate(schema, value, path).length === 0;
  for (const schema of allOf ?? []) out.push(...validate(schema, value, path));
  // An integer or string says so by an anyOf or oneOf of the two types, which the type test has seen to.
  if (!intOrString && format !== "int-or-string") {
    if (anyOf && !anyOf.some(fits)) out.push(problem(`${path} in body must validate at least one schema (anyOf)`));
    if (oneOf && oneOf.filter(fits).length !== 1) {
      out.push(problem(`${path} in body must validate one and only one schema (oneOf)`));
    }
  }
  if (not && fits(not)) out.push(problem(`${path} in body must not validate the schema (not)`));
  return out;
}

function duplicateItems(schema: Schema, value: unknown[], path: string): StatusCause[] {
  const keys = schema["x-kubernetes-list-map-keys"];
  const kind = schema["x-kubernetes-list-type"];
  if (kind !== "set" && !(kind === "map" && keys) && !schema.uniqueItems) return [];
  const seen = new Set<string>();
  const out: StatusCause[] = [];
  value.forEach((item, i) => {
    const identity = keys
      ? JSON.stringify(keys.map((key) => (item as Record<string, unknown> | null)?.[key]))
      : JSON.stringify(item);
    if (seen.has(identity))
      out.push({
        reason: "FieldValueDuplicate",
        message: `Duplicate value: ${keys ? identity : JSON.stringify(item)}`,
        field: `${path}[${i}]`,
      });
    seen.add(identity);
  });
  return out;
}
