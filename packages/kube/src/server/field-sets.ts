/**
 * Sets of fields, as managedFields holds them (FieldsV1): a tree of `f:name`, `k:{"key":…}`, `v:value` steps, where `.` in a
 * node says that the node itself belongs to the set.
 */
import { fieldSchema, resolve, type Schema } from "./schema.ts";

export class FieldSet {
  /** This very field is in the set. */
  self = false;
  readonly children = new Map<string, FieldSet>();

  child(step: string): FieldSet {
    let child = this.children.get(step);
    if (!child) {
      child = new FieldSet();
      this.children.set(step, child);
    }
    return child;
  }

  add(path: readonly string[]): void {
    let node: FieldSet = this;
    for (const step of path) node = node.child(step);
    node.self = true;
  }

  get isEmpty(): boolean {
    return !this.self && this.children.size === 0;
  }

  static fromJson(json: Record<string, unknown>): FieldSet {
    const set = new FieldSet();
    for (const [step, inner] of Object.entries(json)) {
      if (step === ".") set.self = true;
      else {
        const child = FieldSet.fromJson(inner as Record<string, unknown>);
        // A leaf is written as an empty map; an empty map at the top is an empty set.
        if (child.isEmpty) child.self = true;
        set.children.set(step, child);
      }
    }
    return set;
  }

  toJson(): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    if (this.self && this.children.size > 0) out["."] = {};
    for (const step of [...this.children.keys()].sort()) out[step] = this.children.get(step)!.toJson();
    return out;
  }

  clone(): FieldSet {
    const copy = new FieldSet();
    copy.self = this.self;
    for (const [step, child] of this.children) copy.children.set(step, child.clone());
    return copy;
  }

  union(other: FieldSet): FieldSet {
    const out = this.clone();
    out.self ||= other.self;
    for (const [step, child] of other.children) out.children.set(step, out.child(step).union(child));
    return out;
  }

  /** What is here and not in the other. */
  minus(other: FieldSet): FieldSet {
    const out = new FieldSet();
    out.self = this.self && !other.self;
    for (const [step, child] of this.children) {
      const rest = other.children.has(step) ? child.minus(other.children.get(step)!) : child.clone();
      if (!rest.isEmpty) out.children.set(step, rest);
    }
    return out;
  }

  /** Every path of the set, as steps. */
  *paths(prefix: readonly string[] = []): Generator<readonly string[]> {
    if (this.self) yield prefix;
    for (const [step, child] of this.children) yield* child.paths([...prefix, step]);
  }

  has(path: readonly string[]): boolean {
    return this.#at(path)?.self ?? false;
  }

  /** Whether the field at a path, or anything below it, is in the set. */
  reaches(path: readonly string[]): boolean {
    return this.#at(path) !== undefined;
  }

  #at(path: readonly string[]): FieldSet | undefined {
    let node: FieldSet | undefined = this;
    for (const step of path) node = node?.children.get(step);
    return node;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Step of a list item in a list of this schema; undefined when the list is atomic. */
export function itemStep(schema: Schema, item: unknown): string | undefined {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] === "map" && keys && isRecord(item)) {
    const items = resolve(schema.items);
    const identity: Record<string, unknown> = {};
    for (const key of [...keys].sort()) {
      const value = item[key] ?? resolve(items.properties?.[key]).default;
      if (value !== undefined) identity[key] = value;
    }
    return `k:${JSON.stringify(identity)}`;
  }
  if (schema["x-kubernetes-list-type"] === "set") return `v:${JSON.stringify(item)}`;
  return undefined;
}

/** Whether items of a list have identities, so that several managers can own items of it. */
export function isAssociative(schema: Schema): boolean {
  const type = schema["x-kubernetes-list-type"];
  return type === "set" || (type === "map" && schema["x-kubernetes-list-map-keys"] !== undefined);
}

/** Never owned by anybody: identity and what the server sets. */
const UNOWNED = new Set(["apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.resourceVersion",
  "metadata.generation", "metadata.creationTimestamp", "metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds",
  "metadata.managedFields", "metadata.generateName", "metadata.selfLink"]); // biome-ignore format: a table

/** The set of fields an object gives a value to. */
export function fieldsOf(schema: Schema, value: unknown, path = ""): FieldSet {
  const set = new FieldSet();
  const resolved = resolve(schema);
  if (isRecord(value) && resolved["x-kubernetes-map-type"] !== "atomic") {
    // An object belongs to who gave it when it is empty, or an item of a keyed list; else its fields tell.
    if (Object.keys(value).length === 0 && path !== "") set.self = true;
    for (const [name, inner] of Object.entries(value)) {
      const at = path === "" ? name : `${path}.${name}`;
      if (UNOWNED.has(at) || inner === undefined) continue;
      const field = fieldSchema(resolved, name, path) ?? {};
      const child = fieldsOf(field, inner, at);
      if (!child.isEmpty) set.children.set(`f:${name}`, child);
    }
    return set;
  }
  if (Array.isArray(value) && isAssociative(resolved)) {
    for (const item of value) {
      if (itemStep(resolved, item) === undefined) continue;
      const child = isRecord(item) ? fieldsOf(resolved.items ?? {}, item, `${path}[]`) : new FieldSet();
      child.self = true;
      set.children.set(itemStep(resolved, item)!, child);
    }
    return set;
  }
  set.self = true;
  return set;
}
