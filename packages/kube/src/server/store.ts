/**
 * All objects in memory, one order of changes, and the rules of writing: versions, generations, conflicts, finalizers,
 * owners. Every change is handed to persistence before anybody sees it.
 */
import { isDeepStrictEqual } from "node:util";
import { type KubeObject, type ManagedFieldsEntry, objectKey } from "../types.ts";
import { type Manager, serverSideApply, trackUpdate } from "./apply.ts";
import { fromCoreEvent, isEventsGroup, toCoreEvent } from "./event-versions.ts";
import { establishedStatus, type KindRegistry, type ResourceKind } from "./kinds.ts";
import { hasGeneration, initializeMetadata, normalize } from "./object-rules.ts";
import { alreadyExists, badRequest, conflict, expired, forbidden, notFound, StatusError } from "./status-error.ts";

export interface ChangeEvent {
  type: "ADDED" | "MODIFIED" | "DELETED";
  kind: ResourceKind;
  object: KubeObject;
  /** The object before, for watches whose selector it enters or leaves. */
  old: KubeObject | undefined;
  version: number;
}

export interface Persistence {
  /** Makes the change durable; throws when it cannot, and nothing is changed then. */
  put(kind: ResourceKind, object: KubeObject, old: KubeObject | undefined): void;
  /** `version` is the resource version of the deletion. */
  remove(kind: ResourceKind, object: KubeObject, version: number): void;
}

/** Refuses an object before it is stored; answers why not. Called for creations and changes of content. */
export type Admission = (
  object: KubeObject,
  operation: "CREATE" | "UPDATE",
) => Promise<Error | undefined> | Error | undefined;

export interface WriteOptions {
  manager: Manager;
  dryRun?: boolean;
}

/** Changes kept for watches that continue from an older version. */
const HISTORY = 10_000;

function storageKey(kind: ResourceKind): string {
  return `${kind.group}/${kind.plural}`;
}

export class Store {
  readonly kinds: KindRegistry;
  readonly #persistence: Persistence;
  readonly #admission: Admission | undefined;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #history: ChangeEvent[] = [];
  readonly #listeners = new Set<(event: ChangeEvent) => void>();
  #version: number;
  #oldest: number;

  constructor(kinds: KindRegistry, persistence: Persistence, version: number, admission?: Admission) {
    this.kinds = kinds;
    this.#persistence = persistence;
    this.#admission = admission;
    this.#version = version;
    this.#oldest = version;
  }

  /** The kind an object is stored as: two kinds may be views of one store. */
  storageKind(kind: ResourceKind): ResourceKind {
    return isEventsGroup(kind) ? this.kinds.byPath("", "v1", "events")! : kind;
  }

  get version(): number {
    return this.#version;
  }

  /** Puts an object that was stored by an earlier run in place, without an event. */
  restore(kind: ResourceKind, object: KubeObject): void {
    this.#map(kind).set(objectKey(object), object);
    if (isCrd(kind)) this.kinds.addCrd(object);
  }

  get(kind: ResourceKind, namespace: string, name: string): KubeObject {
    const object = this.find(kind, namespace, name);
    if (!object) throw notFound(kind, name);
    return object;
  }

  find(kind: ResourceKind, namespace: string, name: string): KubeObject | undefined {
    const object = this.#map(kind).get(`${namespace}/${name}`);
    return object && inVersion(kind, object);
  }

  /** In order of namespace and name. */
  list(kind: ResourceKind, namespace?: string): KubeObject[] {
    const objects = [...this.#map(kind).values()].filter(
      (object) => !namespace || object.metadata.namespace === namespace,
    );
    return objects.sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1)).map((object) => inVersion(kind, object));
  }

  *all(): Generator<KubeObject> {
    for (const map of this.#objects.values()) yield* map.values();
  }

  async create(kind: ResourceKind, input: KubeObject, options: WriteOptions): Promise<KubeObject> {
    const object = structuredClone(input);
    initializeMetadata(kind, object);
    this.#requireNamespace(kind, object);
    if (kind.subresources.includes("status") && kind.custom) delete object.status;
    normalize(kind, object);
    if (this.find(kind, object.metadata.namespace ?? "", object.metadata.name!))
      throw alreadyExists(kind, object.metadata.name!);
    await this.#admit(kind, object, "CREATE");
    // While admission thought about it, another request may have been faster.
    if (this.find(kind, object.metadata.namespace ?? "", object.metadata.name!))
      throw alreadyExists(kind, object.metadata.name!);
    delete object.metadata.managedFields;
    trackUpdate(undefined, object, kind, options.manager);
    return this.#commit(kind, object, undefined, options);
  }

  /**
   * Replaces an object by what `change` makes of the current one. `subresource: "status"` takes only the status, a change
   * of the object itself everything but the status.
   */
  async update(
    kind: ResourceKind,
    namespace: string,
    name: string,
    change: (current: KubeObject) => KubeObject,
    options: WriteOptions & { subresource?: "status"; apply?: boolean },
  ): Promise<KubeObject> {
    for (let attempt = 0; ; attempt++) {
      const old = this.get(kind, namespace, name);
      const wanted = change(structuredClone(old));
      const next = this.#merge(kind, old, wanted, options.subresource);
      if (wanted.metadata.resourceVersion && wanted.metadata.resourceVersion !== old.metadata.resourceVersion) {
        throw conflict(
          kind,
          name,
          "the object has been modified; please apply your changes to the latest version and try again",
        );
      }
      normalize(kind, next, old);
      const intended = !isDeepStrictEqual(intentOf(old), intentOf(next));
      if (intended && options.subresource !== "status") await this.#admit(kind, next, "UPDATE");
      if (this.find(kind, namespace, name)?.metadata.resourceVersion !== old.metadata.resourceVersion) {
        // Changed meanwhile: a patch is computed again on the newer object.
        if (attempt < 5) continue;
        throw conflict(
          kind,
          name,
          "the object has been modified; please apply your changes to the latest version and try again",
        );
      }
      if (!options.apply) {
        // Owners may be edited: kubectl does so to hand fields of client-side apply over to server-side apply.
        const owners = ownersOf(old, wanted);
        next.metadata.managedFields = owners;
        if (!isDeepStrictEqual(stripVersion(old), stripVersion(next))) {
          const before = { ...old, metadata: { ...old.metadata, managedFields: owners } };
          trackUpdate(before, next, kind, options.manager);
        }
      }
      if (isDeepStrictEqual(stripVersion(old), stripVersion(next))) return old;
      if (hasGeneration(kind) && !isDeepStrictEqual(specOf(old), specOf(next)))
        next.metadata.generation = (old.metadata.generation ?? 0) + 1;
      if (next.metadata.deletionTimestamp && !next.metadata.finalizers?.length)
        return this.#finish(kind, next, options);
      return this.#commit(kind, next, old, options);
    }
  }

  /** Server-side apply; true when the object was created by it. */
  async apply(
    kind: ResourceKind,
    namespace: string,
    name: string,
    applied: KubeObject,
    options: WriteOptions & { force: boolean; subresource?: "status" },
  ): Promise<{ object: KubeObject; created: boolean }> {
    const old = this.find(kind, namespace, name);
    if (!old) {
      if (options.subresource) throw notFound(kind, name);
      const object = serverSideApply(undefined, applied, kind, options.manager, true);
      const { managedFields } = object.metadata;
      initializeMetadata(kind, object);
      this.#requireNamespace(kind, object);
      normalize(kind, object);
      await this.#admit(kind, object, "CREATE");
      if (this.find(kind, namespace, name)) throw alreadyExists(kind, name);
      object.metadata.managedFields = managedFields;
      return { object: this.#commit(kind, object, undefined, options), created: true };
    }
    const object = await this.update(
      kind,
      namespace,
      name,
      (current) => serverSideApply(current, applied, kind, options.manager, options.force),
      { ...options, apply: true },
    );
    return { object, created: false };
  }

  /** Deletes, or marks for deletion while finalizers hold the object. Answers the object as it is then. */
  async delete(
    kind: ResourceKind,
    namespace: string,
    name: string,
    options: WriteOptions & { preconditions?: { uid?: string; resourceVersion?: string }; propagation?: string },
  ): Promise<KubeObject> {
    const object = this.get(kind, namespace, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (
      (uid && uid !== object.metadata.uid) ||
      (resourceVersion && resourceVersion !== object.metadata.resourceVersion)
    ) {
      throw conflict(kind, name, "the UID or resourceVersion in the precondition does not match");
    }
    if (kind.kind === "Namespace" && (name === "default" || name.startsWith("kube-")))
      throw forbidden(kind, name, "this namespace may not be deleted");
    if (!options.dryRun) {
      if (kind.kind === "Namespace") await this.#emptyNamespace(name, options);
      if (isCrd(kind)) await this.#emptyKind(object, options);
      if (options.propagation === "Orphan") await this.#orphan(object, options);
      // Foreground: those it owns go first, so that whoever sees it gone sees them gone.
      else if (options.propagation === "Foreground") await this.#collectOwned(object, options);
    }
    const terminating = kind.kind === "Namespace" && this.#hasContent(name);
    if (object.metadata.finalizers?.length || terminating) {
      if (object.metadata.deletionTimestamp) return object;
      const next = structuredClone(object);
      next.metadata.deletionTimestamp = new Date().toISOString().replace(/\.\d+Z/, "Z");
      next.metadata.deletionGracePeriodSeconds = 0;
      if (kind.kind === "Namespace") next.status = { phase: "Terminating" };
      if (hasGeneration(kind)) next.metadata.generation = (object.metadata.generation ?? 0) + 1;
      return this.#commit(kind, next, object, options);
    }
    return this.#finish(kind, object, options);
  }

  /** Changes after a version, or 410 when they are not remembered any more. */
  since(version: number): ChangeEvent[] {
    if (version < this.#oldest) throw expired(`too old resource version: ${version} (${this.#oldest})`);
    return this.#history.filter((event) => event.version > version);
  }

  /** Who listens to changes now. */
  get listeners(): number {
    return this.#listeners.size;
  }

  listen(listener: (event: ChangeEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  #map(kind: ResourceKind): Map<string, KubeObject> {
    const key = storageKey(this.storageKind(kind));
    let map = this.#objects.get(key);
    if (!map) {
      map = new Map();
      this.#objects.set(key, map);
    }
    return map;
  }

  /** The parts of `wanted` that a write of this (sub)resource may change, on top of what only the server sets. */
  #merge(kind: ResourceKind, old: KubeObject, wanted: KubeObject, subresource: "status" | undefined): KubeObject {
    const hasStatus = kind.subresources.includes("status");
    const next =
      subresource === "status" ? structuredClone({ ...old, status: wanted.status }) : structuredClone(wanted);
    if (subresource !== "status" && hasStatus) {
      if (old.status === undefined) delete next.status;
      else next.status = structuredClone(old.status);
    }
    if (next.status === undefined) delete next.status;
    next.metadata = {
      ...(subresource === "status" ? structuredClone(old.metadata) : next.metadata),
      name: old.metadata.name,
      ...(old.metadata.namespace === undefined ? {} : { namespace: old.metadata.namespace }),
      uid: old.metadata.uid,
      creationTimestamp: old.metadata.creationTimestamp,
      resourceVersion: old.metadata.resourceVersion,
      ...(old.metadata.generation === undefined ? {} : { generation: old.metadata.generation }),
      managedFields: wanted.metadata.managedFields ?? old.metadata.managedFields,
    };
    for (const field of ["deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
      if (old.metadata[field] === undefined) delete next.metadata[field];
      else Object.assign(next.metadata, { [field]: old.metadata[field] });
    }
    next.apiVersion = old.apiVersion;
    next.kind = old.kind;
    return next;
  }

  async #admit(kind: ResourceKind, object: KubeObject, operation: "CREATE" | "UPDATE"): Promise<void> {
    const refusal = await this.#admission?.(object, operation);
    if (!refusal) return;
    const name = object.metadata.name ?? "";
    throw new StatusError(
      422,
      "Invalid",
      `${kind.kind}${kind.group === "" ? "" : `.${kind.group}`} ${JSON.stringify(name)} is invalid: ${refusal.message}`,
      {
        name,
        group: kind.group,
        kind: kind.kind,
        causes: [{ reason: "FieldValueInvalid", message: refusal.message, field: "spec" }],
      },
    );
  }

  #requireNamespace(kind: ResourceKind, { metadata }: KubeObject): void {
    if (!kind.namespaced) return;
    const namespaces = this.kinds.byPath("", "v1", "namespaces")!;
    const namespace = this.get(namespaces, "", metadata.namespace ?? "");
    if (namespace.metadata.deletionTimestamp) {
      throw forbidden(
        kind,
        metadata.name ?? "",
        `unable to create new content in namespace ${metadata.namespace} because it is being terminated`,
      );
    }
  }

  #commit(kind: ResourceKind, object: KubeObject, old: KubeObject | undefined, { dryRun }: WriteOptions): KubeObject {
    if (isCrd(kind) && !(object.status as { conditions?: unknown } | undefined)?.conditions) {
      object.status = establishedStatus(object, new Date().toISOString().replace(/\.\d+Z/, "Z"));
    }
    if (dryRun) return object;
    const version = this.#version + 1;
    object.metadata.resourceVersion = String(version);
    const storage = this.storageKind(kind);
    const stored = storage === kind ? object : toCoreEvent(object);
    const before = old && this.#map(kind).get(objectKey(object));
    this.#persistence.put(storage, stored, before);
    this.#version = version;
    this.#map(kind).set(objectKey(object), stored);
    if (isCrd(kind)) this.kinds.addCrd(object);
    this.#publish({ type: old ? "MODIFIED" : "ADDED", kind: storage, object: stored, old: before, version });
    return object;
  }

  #remove(kind: ResourceKind, object: KubeObject, { dryRun }: WriteOptions): KubeObject {
    if (dryRun) return object;
    const version = this.#version + 1;
    const gone = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const storage = this.storageKind(kind);
    const before = this.#map(kind).get(objectKey(object)) ?? object;
    this.#persistence.remove(storage, before, version);
    this.#version = version;
    this.#map(kind).delete(objectKey(object));
    if (isCrd(kind)) this.kinds.removeCrd(object);
    this.#publish({
      type: "DELETED",
      kind: storage,
      object: storage === kind ? gone : toCoreEvent(gone),
      old: before,
      version,
    });
    return gone;
  }

  /** Removes an object for good, and what goes with it. */
  async #finish(
    kind: ResourceKind,
    object: KubeObject,
    options: WriteOptions & { propagation?: string },
  ): Promise<KubeObject> {
    const gone = this.#remove(kind, object, options);
    if (options.dryRun) return gone;
    if (options.propagation !== "Orphan") await this.#collectOwned(object, options);
    const { namespace } = object.metadata;
    const namespaces = this.kinds.byPath("", "v1", "namespaces")!;
    const home = namespace ? this.find(namespaces, "", namespace) : undefined;
    // The last thing a terminating namespace waited for.
    if (home?.metadata.deletionTimestamp && !home.metadata.finalizers?.length && !this.#hasContent(namespace!)) {
      this.#remove(namespaces, home, options);
    }
    return gone;
  }

  #publish(event: ChangeEvent): void {
    this.#history.push(event);
    if (this.#history.length > HISTORY) this.#oldest = this.#history.shift()!.version;
    for (const listener of this.#listeners) listener(event);
  }

  async #emptyNamespace(namespace: string, options: WriteOptions): Promise<void> {
    for (const object of [...this.all()]) {
      if (object.metadata.namespace === namespace) await this.#deleteIfThere(object, options);
    }
  }

  #hasContent(namespace: string): boolean {
    for (const object of this.all()) if (object.metadata.namespace === namespace) return true;
    return false;
  }

  /** The objects of a kind that is about to be no more. */
  async #emptyKind(crd: KubeObject, options: WriteOptions): Promise<void> {
    const { group, names } = crd.spec as { group: string; names: { plural: string } };
    const kind = this.kinds.byResource(group, names.plural);
    if (kind?.custom) for (const object of this.list(kind)) await this.#deleteIfThere(object, options);
  }

  async #deleteIfThere(object: KubeObject, { manager }: WriteOptions): Promise<void> {
    const kind = this.kinds.byObject(object);
    const { namespace = "", name = "" } = object.metadata;
    // What it owns, or a namespace's cleaning, may have taken it along already.
    if (kind && this.find(kind, namespace, name)?.metadata.uid === object.metadata.uid)
      await this.delete(kind, namespace, name, { manager });
  }

  /** Takes the owner out of what it owns: the dependents stay. */
  async #orphan(owner: KubeObject, { manager }: WriteOptions): Promise<void> {
    for (const { apiVersion, kind: name, metadata } of [...this.all()]) {
      if (!metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid)) continue;
      const kind = this.kinds.byObject({ apiVersion, kind: name });
      if (!kind) continue;
      const without = (object: KubeObject): KubeObject => {
        const rest = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid) ?? [];
        if (rest.length > 0) object.metadata.ownerReferences = rest;
        else delete object.metadata.ownerReferences;
        return object;
      };
      await this.update(kind, metadata.namespace ?? "", metadata.name!, without, { manager });
    }
  }

  /** Objects whose last owner is gone go with it. */
  async #collectOwned(owner: KubeObject, options: WriteOptions): Promise<void> {
    for (const object of [...this.all()]) {
      const owners = object.metadata.ownerReferences ?? [];
      if (!owners.some(({ uid }) => uid === owner.metadata.uid)) continue;
      if (owners.some(({ uid }) => uid !== owner.metadata.uid && this.#exists(uid))) continue;
      await this.#deleteIfThere(object, options);
    }
  }

  #exists(uid: string): boolean {
    for (const object of this.all()) if (object.metadata.uid === uid) return true;
    return false;
  }
}

/** Who owns what according to a write: an absent list changes nothing, one without entries forgets all owners. */
function ownersOf(old: KubeObject, wanted: KubeObject): ManagedFieldsEntry[] | undefined {
  const given = wanted.metadata.managedFields;
  if (!given) return old.metadata.managedFields;
  const isEntry = (entry: ManagedFieldsEntry): boolean =>
    (entry.operation === "Apply" || entry.operation === "Update") &&
    typeof entry.apiVersion === "string" &&
    typeof entry.fieldsV1 === "object" &&
    entry.fieldsV1 !== null;
  const entries = given.filter((entry) => Object.keys(entry).length > 0);
  const wrong = entries.findIndex((entry) => !isEntry(entry));
  if (wrong >= 0) throw badRequest(`metadata.managedFields[${wrong}] needs operation, apiVersion and fieldsV1`);
  return entries;
}

function isCrd({ kind, group }: ResourceKind): boolean {
  return kind === "CustomResourceDefinition" && group === "apiextensions.k8s.io";
}

/** The same object under another version of its kind; conversion strategy None changes only apiVersion. */
export function inVersion(kind: ResourceKind, object: KubeObject): KubeObject {
  if (isEventsGroup(kind)) return fromCoreEvent(object);
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

function stripVersion({ metadata, ...rest }: KubeObject): unknown {
  const { resourceVersion: _version, managedFields, ...kept } = metadata;
  const owners = managedFields?.map(({ time: _time, ...entry }) => entry);
  return JSON.parse(JSON.stringify([rest, kept, owners ?? []]));
}

/** Everything but metadata and status: what raises the generation. */
function specOf({ metadata: _metadata, status: _status, ...rest }: KubeObject): unknown {
  return JSON.parse(JSON.stringify(rest));
}

function intentOf(object: KubeObject): unknown {
  return [specOf(object), object.metadata.labels ?? {}, object.metadata.annotations ?? {}];
}
