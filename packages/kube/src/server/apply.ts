/**
 * Server-side apply: merging an applied configuration into an object, and the bookkeeping of who owns which field
 * (managedFields). Semantics measured on a real server: `reference` figures in the tests.
 */
import { isDeepStrictEqual } from "node:util";
import { groupVersion, type KubeObject, type ManagedFieldsEntry } from "../types.ts";
import { FieldSet, fieldsOf, isAssociative, itemStep } from "./field-sets.ts";
import type { ResourceKind } from "./kinds.ts";
import { fieldSchema, resolve, type Schema } from "./schema.ts";
import { type StatusCause, StatusError } from "./status-error.ts";
import { LAST_APPLIED } from "./yaml-files.ts";

export interface Manager {
  name: string;
  operation: "Apply" | "Update";
  subresource?: string;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function same(entry: ManagedFieldsEntry, manager: Manager, apiVersion: string): boolean {
  return (
    entry.manager === manager.name &&
    entry.operation === manager.operation &&
    (entry.subresource ?? "") === (manager.subresource ?? "") &&
    (manager.operation === "Apply" || entry.apiVersion === apiVersion)
  );
}

function entryOf(manager: Manager, kind: ResourceKind, set: FieldSet): ManagedFieldsEntry {
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: groupVersion(kind),
    time: new Date().toISOString().replace(/\.\d+Z/, "Z"),
    fieldsType: "FieldsV1",
    fieldsV1: set.toJson(),
    ...(manager.subresource ? { subresource: manager.subresource } : {}),
  };
}

/** Upstream's order: appliers before updaters, then by time, then by name. */
function byOperationAndTime(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  const order = (x: string | undefined, y: string | undefined): number =>
    (x ?? "") < (y ?? "") ? -1 : (x ?? "") > (y ?? "") ? 1 : 0;
  return (
    order(a.operation, b.operation) ||
    order(a.time, b.time) ||
    order(a.manager, b.manager) ||
    order(a.subresource, b.subresource)
  );
}

/** Value at a path of steps; undefined when there is none. */
function valueAt(object: unknown, path: readonly string[], schema: Schema): unknown {
  let value = object;
  let current = resolve(schema);
  let at = "";
  for (const step of path) {
    if (step.startsWith("f:")) {
      const name = step.slice(2);
      current = fieldSchema(current, name, at) ?? {};
      at = at === "" ? name : `${at}.${name}`;
      value = isRecord(value) ? value[name] : undefined;
    } else {
      const list: unknown[] = Array.isArray(value) ? value : [];
      value = list.find((item) => itemStep(current, item) === step);
      current = resolve(current.items);
      at += "[]";
    }
  }
  return value;
}

function pathText(path: readonly string[]): string {
  return path
    .map((step) => {
      if (step.startsWith("f:")) return `.${step.slice(2)}`;
      const json = step.slice(2);
      if (step.startsWith("v:")) return `[=${json}]`;
      const keys = Object.entries(JSON.parse(json) as Record<string, unknown>).map(
        ([name, value]) => `${name}=${JSON.stringify(value)}`,
      );
      return `[${keys.join(",")}]`;
    })
    .join("");
}

/** The applied configuration laid over the live object, lists and maps by their kinds. */
function mergeApplied(live: unknown, applied: unknown, schema: Schema, path = ""): unknown {
  const resolved = resolve(schema);
  if (isRecord(applied) && isRecord(live) && resolved["x-kubernetes-map-type"] !== "atomic") {
    const out: Record<string, unknown> = { ...live };
    for (const [name, value] of Object.entries(applied)) {
      out[name] = mergeApplied(
        live[name],
        value,
        fieldSchema(resolved, name, path) ?? {},
        path === "" ? name : `${path}.${name}`,
      );
    }
    return out;
  }
  if (Array.isArray(applied) && Array.isArray(live) && isAssociative(resolved)) {
    const out = [...live];
    for (const item of applied) {
      const step = itemStep(resolved, item);
      const at = out.findIndex((entry) => itemStep(resolved, entry) === step);
      if (at < 0) out.push(structuredClone(item));
      else out[at] = mergeApplied(out[at], item, resolved.items ?? {}, `${path}[]`);
    }
    return out;
  }
  return structuredClone(applied);
}

/** Removes the value at a path, and containers that become empty by it. */
function removeAt(object: unknown, path: readonly string[], schema: Schema, at = ""): void {
  const [step, ...rest] = path;
  const resolved = resolve(schema);
  if (step.startsWith("f:")) {
    if (!isRecord(object)) return;
    const name = step.slice(2);
    if (rest.length === 0) {
      delete object[name];
      return;
    }
    const inner = object[name];
    removeAt(inner, rest, fieldSchema(resolved, name, at) ?? {}, at === "" ? name : `${at}.${name}`);
    const empty = (isRecord(inner) && Object.keys(inner).length === 0) || (Array.isArray(inner) && inner.length === 0);
    if (empty) delete object[name];
  } else if (Array.isArray(object)) {
    const index = object.findIndex((item) => itemStep(resolved, item) === step);
    if (index < 0) return;
    if (rest.length === 0) object.splice(index, 1);
    else removeAt(object[index], rest, resolved.items ?? {}, `${at}[]`);
  }
}

/** Fields of kubectl's last applied configuration whose values are still those of the object. */
function lastAppliedFields(live: KubeObject, kind: ResourceKind): FieldSet {
  const out = new FieldSet();
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return out;
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    // Somebody else wrote there: nothing to go on from.
    return out;
  }
  for (const path of fieldsOf(kind.schema, applied).paths()) {
    const same = isDeepStrictEqual(valueAt(live, path, kind.schema), valueAt(applied, path, kind.schema));
    if (!same) continue;
    out.add(path);
  }
  return out;
}

/** Merges an applied configuration. Throws 409 with the owners when others own fields it changes, unless forced. */
export function serverSideApply(
  live: KubeObject | undefined,
  applied: KubeObject,
  kind: ResourceKind,
  manager: Manager,
  force: boolean,
): KubeObject {
  const wanted = fieldsOf(kind.schema, applied);
  const entries = live?.metadata.managedFields ?? [];
  const apiVersion = groupVersion(kind);
  const own = entries.find((entry) => same(entry, manager, apiVersion));
  const others = entries
    .filter((entry) => entry !== own)
    .map((entry) => ({ entry, set: FieldSet.fromJson(entry.fieldsV1) }));
  const causes: StatusCause[] = [];
  // kubectl's server-side apply goes on where its client-side apply left off, as upstream grants to this name only.
  const taken = manager.name === "kubectl" && live ? lastAppliedFields(live, kind) : new FieldSet();
  for (const path of wanted.paths()) {
    const differs = !isDeepStrictEqual(valueAt(live, path, kind.schema), valueAt(applied, path, kind.schema));
    if (!differs) continue;
    for (const other of others) {
      if (!other.set.has(path)) continue;
      if (force || taken.has(path)) continue;
      const by =
        other.entry.operation === "Apply"
          ? other.entry.manager
          : `${other.entry.manager}" using ${other.entry.apiVersion}`;
      const message =
        other.entry.operation === "Apply" ? `conflict with ${JSON.stringify(by)}` : `conflict with "${by}`;
      causes.push({ reason: "FieldManagerConflict", message, field: pathText(path) });
    }
    if (force || taken.has(path)) {
      const doomed = new FieldSet();
      doomed.add(path);
      for (const other of others) other.set = other.set.minus(doomed);
    }
  }
  if (causes.length > 0) {
    const list = causes.map(({ message, field }) => `${message}: ${field}`).join("\n");
    throw new StatusError(
      409,
      "Conflict",
      `Apply failed with ${causes.length} conflict${causes.length > 1 ? "s" : ""}: ${list}`,
      { causes },
    );
  }
  const merged = (live ? mergeApplied(live, applied, kind.schema) : structuredClone(applied)) as KubeObject;
  // What this manager applied before and does not any more goes, unless somebody else wants it too.
  if (own) {
    const dropped = [...FieldSet.fromJson(own.fieldsV1).minus(wanted).paths()].filter((path) => path.length > 0);
    // Outer ones first: an item of a keyed list goes as a whole, with the defaults the server gave it.
    for (const path of dropped.sort((a, b) => a.length - b.length)) {
      if (!wanted.reaches(path) && !others.some(({ set }) => set.reaches(path))) removeAt(merged, path, kind.schema);
    }
  }
  const kept = others.filter(({ set }) => !set.isEmpty).map(({ entry, set }) => ({ ...entry, fieldsV1: set.toJson() }));
  const mine = own && isDeepStrictEqual(own.fieldsV1, wanted.toJson()) ? own : entryOf(manager, kind, wanted);
  merged.metadata.managedFields = [...kept, mine].sort(byOperationAndTime);
  return merged;
}

/** Ownership after any other write: what it changed belongs to the writer, what it removed to nobody. */
export function trackUpdate(old: KubeObject | undefined, next: KubeObject, kind: ResourceKind, manager: Manager): void {
  const before = old ? fieldsOf(kind.schema, old) : new FieldSet();
  const after = fieldsOf(kind.schema, next);
  const changed = new FieldSet();
  for (const path of after.paths()) {
    const unchanged =
      before.has(path) && isDeepStrictEqual(valueAt(old, path, kind.schema), valueAt(next, path, kind.schema));
    if (unchanged) continue;
    changed.add(path);
  }
  const gone = before.minus(after).union(changed);
  const apiVersion = groupVersion(kind);
  const out: ManagedFieldsEntry[] = [];
  let mine = changed;
  for (const entry of old?.metadata.managedFields ?? []) {
    const set = FieldSet.fromJson(entry.fieldsV1);
    if (same(entry, manager, apiVersion)) {
      mine = set.minus(before.minus(after)).union(changed);
      if (changed.isEmpty && isDeepStrictEqual(mine.toJson(), entry.fieldsV1)) {
        out.push(entry);
        mine = new FieldSet();
      }
      continue;
    }
    const rest = gone.isEmpty ? set : set.minus(gone);
    if (!rest.isEmpty) out.push({ ...entry, fieldsV1: rest.toJson() });
  }
  if (!mine.isEmpty) out.push(entryOf(manager, kind, mine));
  next.metadata.managedFields = out.sort(byOperationAndTime);
}
