/** Brings a cluster to what these values ask for, definitions first; refuses before it changes anything. */
import { type KubeClient, KubeError, type KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import { compareDefinitions } from "./definitions.ts";
import { CRD_TYPE, INSTALLED_KINDS, kindOf, titleOf, typeOf } from "./kinds.ts";
import { installObjects } from "./objects.ts";
import type { Values } from "./values.ts";

export const FIELD_MANAGER = "pharos-install";
export const PART_OF = "app.kubernetes.io/part-of=pharos";
/** What people's data lies in is never taken away by an upgrade. */
const KEPT = new Set(["Namespace", "PersistentVolumeClaim", "Secret"]);

export interface UpgradeOptions {
  crds: boolean;
  /** Told what happens, a line at a time. */
  tell: (line: string) => void;
}

export async function upgrade(
  client: KubeClient,
  values: Values,
  { crds, tell }: UpgradeOptions,
  signal?: AbortSignal,
): Promise<void> {
  const objects = installObjects(values);
  const states = crds ? await compareDefinitions(client, signal) : [];
  const bad = states.find(({ incompatible }) => incompatible);
  if (bad) {
    throw new UserError("install.definition", `${bad.name}: ${bad.incompatible}`, {
      fix: "Nothing was changed. Keep the definitions there are with --no-crds",
    });
  }
  await rehearse(client, objects, values, signal);
  const apply = { fieldManager: FIELD_MANAGER, force: true };
  for (const { name, next, present } of states) {
    await client.apply<KubeObject>(CRD_TYPE, next, apply, signal);
    tell(`definition ${name} ${present === undefined ? "created" : "applied"}`);
  }
  for (const object of objects) {
    await retried(() => client.apply(typeOf(object), object, apply, signal), signal);
    tell(`${titleOf(object)} applied`);
  }
  await prune(client, objects, values, tell, signal);
}

/** A definition that was just made takes a moment until its objects can be. */
async function retried(work: () => Promise<unknown>, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      const passing = error instanceof KubeError && [404, 409, 429, 500, 503].includes(error.code);
      if (!passing || attempt === 10) throw error;
      signal?.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 200 * attempt));
    }
  }
}

/** The API server checks every object it can check before there is anything: what it refuses, it would refuse half-way. */
async function rehearse(
  client: KubeClient,
  objects: readonly KubeObject[],
  values: Values,
  signal?: AbortSignal,
): Promise<void> {
  const namespaceThere = await exists(client, values.namespace, signal);
  const refused: string[] = [];
  for (const object of objects) {
    const type = typeOf(object);
    if (type.namespaced && !namespaceThere) continue;
    try {
      await client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true, dryRun: true }, signal);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // Its definition is about to be made.
      if (error.code === 404 && type.group === "monitoring.coreos.com") continue;
      refused.push(`${titleOf(object)}: ${error.message}`);
    }
  }
  if (refused.length === 0) return;
  throw new UserError("install.refused", `the API server refuses ${refused.join("; ").slice(0, 4000)}`, {
    fix: "Nothing was changed",
  });
}

async function exists(client: KubeClient, namespace: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await client.get(kindOf("Namespace"), { name: namespace }, signal);
    return true;
  } catch (error) {
    if (error instanceof KubeError && error.code === 404) return false;
    throw error;
  }
}

/** Deletes what an earlier version applied and this one does not have any more. */
async function prune(
  client: KubeClient,
  objects: readonly KubeObject[],
  { namespace }: Values,
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = new Set(objects.map(titleOf));
  // A role is known to be ours by its binding, which therefore is looked at before it goes.
  const unwanted = [];
  for (const type of INSTALLED_KINDS) {
    if (KEPT.has(type.kind)) continue;
    for (const object of await ownObjects(client, type, namespace, signal)) {
      const title = titleOf({ ...object, kind: type.kind });
      const ours = object.metadata.managedFields?.some(({ manager }) => manager === FIELD_MANAGER);
      if (ours && !wanted.has(title)) unwanted.push({ type, object, title });
    }
  }
  for (const { type, object, title } of unwanted) {
    await client.delete(type, { namespace: object.metadata.namespace, name: object.metadata.name ?? "" }, signal);
    tell(`${title} deleted`);
  }
}

/** Objects of an installation in this namespace, and those without one that are bound to it. */
export async function ownObjects(
  client: KubeClient,
  type: (typeof INSTALLED_KINDS)[number],
  namespace: string,
  signal?: AbortSignal,
): Promise<KubeObject[]> {
  const where = type.namespaced ? { namespace } : {};
  try {
    const { items } = await client.list(type, { ...where, labelSelector: PART_OF }, signal);
    if (type.kind !== "ClusterRole" && type.kind !== "ClusterRoleBinding") return items;
    // Another installation's rights may lie beside ours: only those whose accounts are in this namespace are ours.
    const bindings = (
      await client.list<KubeObject & { subjects?: { namespace?: string }[] }>(
        kindOf("ClusterRoleBinding"),
        { labelSelector: PART_OF },
        signal,
      )
    ).items.filter(({ subjects }) => subjects?.some((subject) => subject.namespace === namespace));
    const names = new Set(bindings.map(({ metadata }) => metadata.name));
    return items.filter(({ metadata }) => names.has(metadata.name));
  } catch (error) {
    // A kind the cluster does not have has no objects.
    if (error instanceof KubeError && error.code === 404) return [];
    throw error;
  }
}
