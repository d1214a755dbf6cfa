/** The objects a role needs, followed in every wanted namespace. */
import { type KubeClient, type KubeObject, objectKey, type ResourceType, watchResources } from "@pharos/kube";

export const RESOURCES = {
  node: { group: "", version: "v1", plural: "nodes" },
  service: { group: "", version: "v1", plural: "services" },
  pod: { group: "", version: "v1", plural: "pods" },
  endpoints: { group: "", version: "v1", plural: "endpoints" },
  endpointslice: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" },
  ingress: { group: "networking.k8s.io", version: "v1", plural: "ingresses" },
} as const satisfies Record<string, ResourceType>;
export type ObjectRole = keyof typeof RESOURCES;

export interface ObjectEvents {
  /** `undefined` when the object is gone. */
  changed(role: ObjectRole, key: string, object: KubeObject | undefined): void;
  failed(role: ObjectRole, error: unknown): void;
}

export class ObjectCache {
  readonly #objects = new Map<ObjectRole, Map<string, KubeObject>>();

  get<T extends KubeObject>(role: ObjectRole, key: string): T | undefined {
    return this.#objects.get(role)?.get(key) as T | undefined;
  }

  all<T extends KubeObject>(role: ObjectRole): T[] {
    return [...(this.#objects.get(role)?.values() ?? [])] as T[];
  }

  /** Follows a kind; resolves when it was listed in every namespace, or could not be (the failure was told). */
  async follow(
    client: KubeClient,
    role: ObjectRole,
    namespaces: readonly string[],
    selector: { label?: string; field?: string },
    events: ObjectEvents,
    signal: AbortSignal,
  ): Promise<void> {
    const objects = new Map<string, KubeObject>();
    this.#objects.set(role, objects);
    const places = namespaces.length === 0 || role === "node" ? [undefined] : namespaces;
    await Promise.all(
      places.map(
        (namespace) =>
          new Promise<void>((resolve) => {
            const set = (object: KubeObject): void => {
              objects.set(objectKey(object), object);
              events.changed(role, objectKey(object), object);
            };
            const drop = (key: string): void => {
              objects.delete(key);
              events.changed(role, key, undefined);
            };
            watchResources(
              client,
              { ...RESOURCES[role], namespace, labelSelector: selector.label, fieldSelector: selector.field },
              {
                onSync: (all) => {
                  const present = new Set(all.map(objectKey));
                  for (const [key, object] of [...objects]) {
                    if ((namespace === undefined || object.metadata.namespace === namespace) && !present.has(key))
                      drop(key);
                  }
                  all.forEach(set);
                  resolve();
                },
                onAdd: set,
                onUpdate: set,
                onDelete: (object) => drop(objectKey(object)),
                onError: (error) => {
                  events.failed(role, error);
                  resolve();
                },
              },
              signal,
            );
            signal.addEventListener("abort", () => resolve(), { once: true });
          }),
      ),
    );
  }
}
