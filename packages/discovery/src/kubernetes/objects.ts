/** The objects a role needs, followed in every wanted namespace. */
import { type KubeClient, type KubeObject, objectKey, type ResourceType, watchResources } from "@pharos/kube";

export const RESOURCES = {
  node: { group: "", version: "v1", plural: "nodes" },
  namespace: { group: "", version: "v1", plural: "namespaces" },
  service: { group: "", version: "v1", plural: "services" },
  pod: { group: "", version: "v1", plural: "pods" },
  endpoints: { group: "", version: "v1", plural: "endpoints" },
  endpointslice: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" },
  ingress: { group: "networking.k8s.io", version: "v1", plural: "ingresses" },
  replicaset: { group: "apps", version: "v1", plural: "replicasets" },
  job: { group: "batch", version: "v1", plural: "jobs" },
} as const satisfies Record<string, ResourceType>;
export type Kind = keyof typeof RESOURCES;

const CLUSTER_SCOPED: ReadonlySet<Kind> = new Set(["node", "namespace"]);

export interface ObjectEvents {
  /** `object` is undefined when it is gone. */
  changed(kind: Kind, key: string, object: KubeObject | undefined, event: "add" | "update" | "delete"): void;
  /** The kind was listed; its failures are over. */
  listed(kind: Kind): void;
  failed(kind: Kind, error: unknown): void;
}

export class ObjectCache {
  readonly #objects = new Map<Kind, Map<string, KubeObject>>();

  /** `key` is `namespace/name`, `/name` for a kind without namespaces. */
  get<T extends KubeObject>(kind: Kind, key: string): T | undefined {
    return this.#objects.get(kind)?.get(key) as T | undefined;
  }

  count(kind: Kind): number {
    return this.#objects.get(kind)?.size ?? 0;
  }

  /**
   * Follows a kind; resolves when it was listed in every namespace, however often that had to be tried, or when the
   * signal ended it.
   */
  async follow(
    client: KubeClient,
    kind: Kind,
    namespaces: readonly string[],
    selector: { label?: string; field?: string },
    events: ObjectEvents,
    signal: AbortSignal,
  ): Promise<void> {
    const objects = new Map<string, KubeObject>();
    this.#objects.set(kind, objects);
    const set = (object: KubeObject): void => {
      const key = objectKey(object);
      const event = objects.has(key) ? "update" : "add";
      objects.set(key, object);
      events.changed(kind, key, object, event);
    };
    const drop = (key: string): void => {
      objects.delete(key);
      events.changed(kind, key, undefined, "delete");
    };
    const places = namespaces.length === 0 || CLUSTER_SCOPED.has(kind) ? [undefined] : namespaces;
    const listed = places.map((namespace) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => resolve(), { once: true });
      watchResources(
        client,
        { ...RESOURCES[kind], namespace, labelSelector: selector.label, fieldSelector: selector.field },
        {
          onSync: (all) => {
            const present = new Set(all.map(objectKey));
            for (const [key, { metadata }] of [...objects]) {
              if ((namespace === undefined || metadata.namespace === namespace) && !present.has(key)) drop(key);
            }
            all.forEach(set);
            events.listed(kind);
            resolve();
          },
          onAdd: set,
          onUpdate: set,
          onDelete: (object) => drop(objectKey(object)),
          onError: (error) => events.failed(kind, error),
        },
        signal,
      );
      return promise;
    });
    await Promise.all(listed);
  }
}
