/** The operator's view of the cluster: one informer per kind, and one per referenced Secret or ConfigMap. */

import type { Logger } from "@pharos/kit";
import { type KubeClient, KubeError, type KubeObject, watchResources } from "@pharos/kube";
import type { AssetKind, AssetLookup } from "./assets.ts";
import { CONFIG_MAPS, KINDS, type OperatorKind, SECRETS } from "./kinds.ts";

interface Reference {
  abort: AbortController;
  synced: Promise<void>;
  data: Record<string, string> | undefined;
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function decodeData(object: KubeObject): Record<string, string> {
  const { data, stringData } = object as { data?: Record<string, string>; stringData?: Record<string, string> };
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(data ?? {})) {
    out[key] = object.kind === "Secret" ? Buffer.from(value, "base64").toString("utf8") : value;
  }
  return { ...out, ...stringData };
}

/** What changed: a kind, and what happened to an object of it. */
export type Changed = (kind: string, action: "add" | "update" | "delete" | "list") => void;

/** As upstream, a cluster may lack these kinds, or not allow them: they must not keep the others waiting. */
const OPTIONAL: ReadonlySet<OperatorKind> = new Set([
  "ScrapeConfig",
  "PrometheusAgent",
  "ThanosRuler",
  "AlertmanagerConfig",
]);

/** What was asked of the API server, and whether it failed. */
export type Observed = (kind: string, operation: "list" | "watch", failed: boolean) => void;

export class OperatorCache {
  readonly #client: KubeClient;
  readonly #log: Logger;
  readonly #changed: Changed;
  readonly #inScope: (kind: OperatorKind, object: KubeObject) => boolean;
  readonly #observed: Observed;
  readonly #abort = new AbortController();
  readonly #objects = new Map<OperatorKind, Map<string, KubeObject>>();
  readonly #references = new Map<string, Reference>();

  /**
   * `changed` is called after every change of anything the cache holds; objects out of scope are as if they were not.
   * `observed` is told of every listing and watch.
   */
  constructor(
    client: KubeClient,
    log: Logger,
    changed: Changed,
    inScope: (kind: OperatorKind, object: KubeObject) => boolean,
    observed: Observed,
  ) {
    this.#client = client;
    this.#log = log;
    this.#changed = changed;
    this.#inScope = inScope;
    this.#observed = observed;
  }

  /** Resolves when every kind was listed once. */
  async start(): Promise<void> {
    await Promise.all(
      (Object.keys(KINDS) as OperatorKind[]).map((kind) => {
        const objects = new Map<string, KubeObject>();
        this.#objects.set(kind, objects);
        let listed = false;
        return new Promise<void>((resolve) => {
          const set = (object: KubeObject): void => {
            const known = objects.get(keyOf(object));
            const next = merge(known, object);
            if (next === known) return;
            objects.set(keyOf(object), next);
            this.#changed(kind, known ? "update" : "add");
          };
          watchResources(
            this.#client,
            KINDS[kind],
            {
              onSync: (all) => {
                const before = new Map(objects);
                objects.clear();
                for (const object of all) objects.set(keyOf(object), merge(before.get(keyOf(object)), object));
                listed = true;
                this.#observed(kind, "list", false);
                // A listing is followed by a watch.
                this.#observed(kind, "watch", false);
                resolve();
                this.#changed(kind, "list");
              },
              onAdd: set,
              onUpdate: set,
              onDelete: (object) => {
                objects.delete(keyOf(object));
                this.#changed(kind, "delete");
              },
              onError: (error) => {
                this.#log.warn("watch failed, trying again", { kind, err: error });
                this.#observed(kind, listed ? "watch" : "list", true);
                listed = false;
                if (OPTIONAL.has(kind) && error instanceof KubeError && (error.code === 404 || error.code === 403)) {
                  resolve();
                }
              },
            },
            this.#abort.signal,
          );
        });
      }),
    );
  }

  list<T extends KubeObject>(kind: OperatorKind): T[] {
    const objects = [...(this.#objects.get(kind)?.values() ?? [])].filter((object) => this.#inScope(kind, object));
    return (objects as T[]).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  find(kind: OperatorKind, namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(kind)?.get(`${namespace}/${name}`);
  }

  namespaceLabels(namespace: string): Record<string, string> | undefined {
    const object = this.#objects.get("Namespace")?.get(`/${namespace}`);
    return object && (object.metadata.labels ?? {});
  }

  /** Reads referenced objects; only those asked for are fetched and watched. */
  readonly lookup: AssetLookup = (kind, namespace, name) => this.#references.get(`${kind}/${namespace}/${name}`)?.data;

  /** Watches exactly these `Kind/namespace/name`; true when some were not known before (their data is there now). */
  async follow(references: ReadonlySet<string>): Promise<boolean> {
    let added = false;
    for (const [id, reference] of this.#references) {
      if (references.has(id)) continue;
      reference.abort.abort();
      this.#references.delete(id);
    }
    for (const id of references) {
      if (this.#references.has(id)) continue;
      added = true;
      this.#references.set(id, this.#watch(id));
    }
    await Promise.all([...this.#references.values()].map(({ synced }) => synced));
    return added;
  }

  #watch(id: string): Reference {
    const [kind, namespace, name] = id.split("/") as [AssetKind, string, string];
    const abort = new AbortController();
    const reference: Reference = { abort, data: undefined, synced: Promise.resolve() };
    const set = (object: KubeObject | undefined): void => {
      reference.data = object && decodeData(object);
      this.#changed(kind, object ? "update" : "delete");
    };
    reference.synced = new Promise((resolve) => {
      watchResources(
        this.#client,
        { ...(kind === "Secret" ? SECRETS : CONFIG_MAPS), namespace, fieldSelector: `metadata.name=${name}` },
        {
          onSync: (objects) => {
            reference.data = objects[0] && decodeData(objects[0]);
            resolve();
          },
          onAdd: set,
          onUpdate: set,
          onDelete: () => set(undefined),
          onError: (error) => {
            this.#log.warn("cannot read a referenced object", { reference: id, err: error });
            resolve();
          },
        },
        AbortSignal.any([abort.signal, this.#abort.signal]),
      );
    });
    return reference;
  }

  stop(): void {
    this.#abort.abort();
  }
}

/**
 * The object to hold on to. Our own status writes must not wake us, nor make what was generated from the object look
 * outdated: while it says the same, it stays the same.
 */
function merge(known: KubeObject | undefined, object: KubeObject): KubeObject {
  if (!known || !sameIntent(known, object)) return object;
  return Object.assign(known, { status: object.status, metadata: object.metadata });
}

/** Whether two versions of an object say the same, status and bookkeeping aside. */
function sameIntent(a: KubeObject, b: KubeObject): boolean {
  const intent = ({ status: _status, metadata, ...rest }: KubeObject & { status?: unknown }): string =>
    JSON.stringify([rest, metadata.labels, metadata.annotations, metadata.uid, metadata.deletionTimestamp]);
  return intent(a) === intent(b);
}
