/** Patches: JSON merge patch (RFC 7386), JSON patch (RFC 6902), and Kubernetes' strategic merge patch. */
import jsonPatch, { type Operation } from "fast-json-patch";
import { fieldSchema, resolve, type Schema } from "./schema.ts";
import { badRequest, StatusError } from "./status-error.ts";

type Json = Record<string, unknown>;

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A new value; the arguments stay as they are. Null removes. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return structuredClone(patch);
  const out: Json = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key], value);
  }
  return out;
}

export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch is a list of operations");
  try {
    return jsonPatch.applyPatch(structuredClone(target), patch as Operation[], true, false).newDocument;
  } catch (error) {
    const { name, message } = error as Error;
    // A failed `test` or a missing path is a valid request that does not fit the object.
    throw new StatusError(
      422,
      "Invalid",
      `the server rejected our request due to an error in our request: ${name}: ${message.split("\n")[0]}`,
    );
  }
}

const ORDER = "$setElementOrder/";
const DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";
const RETAIN = "$retainKeys";

/** Strategic merge: lists with a merge key are merged by it, others are replaced; directives as kubectl sends them. */
export function strategicMerge(target: unknown, patch: unknown, schema: Schema, path = ""): unknown {
  if (!isRecord(patch)) return structuredClone(patch);
  const resolved = resolve(schema);
  if (patch.$patch === "replace") {
    const { $patch: _directive, ...rest } = patch;
    return structuredClone(rest);
  }
  if (patch.$patch === "delete") return {};
  const out: Json = isRecord(target) ? { ...target } : {};
  const retain = patch[RETAIN];
  if (Array.isArray(retain)) {
    for (const key of Object.keys(out)) if (!retain.includes(key)) delete out[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === RETAIN || key.startsWith(ORDER)) continue;
    if (key.startsWith(DELETE_PRIMITIVES)) {
      const name = key.slice(DELETE_PRIMITIVES.length);
      const doomed = new Set(value as unknown[]);
      if (Array.isArray(out[name])) out[name] = (out[name] as unknown[]).filter((item) => !doomed.has(item));
      continue;
    }
    if (value === null) {
      delete out[key];
      continue;
    }
    const inner = path === "" ? `.${key}` : `${path}.${key}`;
    const field = fieldSchema(resolved, key, path) ?? {};
    out[key] = Array.isArray(value)
      ? mergeList(out[key], value, field, patch[ORDER + key], inner)
      : isRecord(value)
        ? strategicMerge(out[key], value, field, inner)
        : value;
  }
  return out;
}

function mergeList(target: unknown, patch: unknown[], schema: Schema, order: unknown, path: string): unknown[] {
  const key = schema["x-kubernetes-patch-merge-key"];
  const merges = schema["x-kubernetes-patch-strategy"]?.split(",").includes("merge");
  const current = Array.isArray(target) ? target : [];
  if (!merges || patch.some((item) => isRecord(item) && item.$patch === "replace")) {
    return structuredClone(patch.filter((item) => !(isRecord(item) && item.$patch !== undefined)));
  }
  if (!key) return [...new Set([...current, ...patch])];
  let out: unknown[] = [...current];
  for (const item of patch as Json[]) {
    const at = out.findIndex((entry) => (entry as Json)[key] === item[key]);
    if (item.$patch === "delete") {
      out = out.filter((entry) => (entry as Json)[key] !== item[key]);
    } else if (at >= 0) {
      out[at] = strategicMerge(out[at], item, schema.items ?? {}, path);
    } else {
      out.push(strategicMerge({}, item, schema.items ?? {}, path));
    }
  }
  return Array.isArray(order) ? sortBy(out, order as Json[], key) : out;
}

/** Puts items into the order kubectl asks for; those it does not name keep their places at the end. */
function sortBy(list: unknown[], order: Json[], key: string): unknown[] {
  const rank = new Map(order.map((entry, i) => [entry[key], i]));
  const position = (item: unknown): number => rank.get((item as Json)[key]) ?? Number.MAX_SAFE_INTEGER;
  return [...list].sort((a, b) => position(a) - position(b));
}
