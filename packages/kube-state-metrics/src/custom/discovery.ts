/** Which custom resources a cluster has: followed by their definitions, of which only names and versions are kept. */
import type { Logger } from "@pharos/kit";
import type { KubeClient, KubeObject, ResourceType } from "@pharos/kube/client";
import { Reflector, type Sink } from "../reflector.ts";
import type { SelfMetrics } from "../self-metrics.ts";
import type { GroupVersionKind } from "./config.ts";

export interface ServedKind extends GroupVersionKind {
  plural: string;
  namespaced: boolean;
}

const CRDS: ResourceType = { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" };

interface Definition {
  group?: string;
  scope?: string;
  names?: { kind?: string; plural?: string };
  versions?: { name?: string; served?: boolean }[];
}

/** The versions of a definition that the server serves. */
export function servedKinds({ spec }: KubeObject): ServedKind[] {
  const { group, scope, names, versions } = (spec ?? {}) as Definition;
  if (!group || !names?.kind || !names.plural || !Array.isArray(versions)) return [];
  const { kind, plural } = names;
  return versions
    .filter(({ name, served = true }) => name && served === true)
    .map(({ name }) => ({ group, version: name!, kind, plural, namespaced: scope !== "Cluster" }));
}

/** Whether a kind is meant; version and kind may be `*`. */
export function isWanted(wanted: GroupVersionKind, { group, version, kind }: GroupVersionKind): boolean {
  const fits = (pattern: string, value: string): boolean => pattern === "*" || pattern === value;
  return wanted.group === group && fits(wanted.version, version) && fits(wanted.kind, kind);
}

export class Discovery {
  readonly #known = new Map<string, readonly ServedKind[]>();
  readonly #reflector: Reflector<readonly ServedKind[]>;

  /** Calls `onChange` with every served kind after each change. */
  constructor(
    client: KubeClient,
    metrics: SelfMetrics,
    log: Logger,
    onChange: (kinds: readonly ServedKind[]) => void,
    signal: AbortSignal,
  ) {
    const changed = (): void => onChange([...this.#known.values()].flat());
    const set = (key: string, kinds: readonly ServedKind[]): void => {
      const event = this.#known.has(key) ? "update" : "add";
      this.#known.set(key, kinds);
      metrics.crdEvent(event, this.#known.size);
    };
    const remove = (key: string): void => {
      if (this.#known.delete(key)) metrics.crdEvent("delete", this.#known.size);
    };
    const sink: Sink<readonly ServedKind[]> = {
      replace: (values) => {
        for (const key of [...this.#known.keys()]) if (!values.has(key)) remove(key);
        for (const [key, kinds] of values) set(key, kinds);
        changed();
      },
      set: (key, kinds) => {
        set(key, kinds);
        changed();
      },
      delete: (key) => {
        remove(key);
        changed();
      },
    };
    this.#reflector = new Reflector(
      {
        client,
        type: CRDS,
        goType: "*v1.CustomResourceDefinition",
        useApiServerCache: false,
        objectLimit: 0,
        take: servedKinds,
        sink,
        metrics,
        log,
      },
      signal,
    );
  }

  /** Resolves when the definitions there are have been seen. */
  get synced(): Promise<void> {
    return this.#reflector.synced;
  }
}
