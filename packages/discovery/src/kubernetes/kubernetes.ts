/** kubernetes_sd_configs: targets from the objects of an API server. */
import { existsSync, readFileSync } from "node:fs";
import { createKubeClient, type KubeObject } from "@pharos/kube";
import { describeError, type TargetGroup } from "@pharos/model";
import type { Mechanism, MechanismContext } from "../mechanism.ts";
import { clientTarget, type KubernetesConfig, parseKubernetesConfig } from "./config.ts";
import { ObjectCache, type ObjectRole } from "./objects.ts";
import {
  type EndpointSlice,
  endpointSliceGroup,
  endpointsGroup,
  ingressGroup,
  nodeGroup,
  podGroup,
  serviceGroup,
  serviceOfSlice,
} from "./roles.ts";

const OWN_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/** Changes close to each other are handed over together. */
const SETTLE_MS = 100;

/** Kinds each role follows besides its own: their labels are part of its targets. */
const COMPANIONS: Record<string, ObjectRole[]> = {
  endpoints: ["service", "pod"],
  endpointslice: ["service", "pod"],
};

function groupOf(role: ObjectRole, object: KubeObject, cache: ObjectCache, attachNode: boolean): TargetGroup {
  const scope = { cache, attachNode };
  switch (role) {
    case "pod":
      return podGroup(object as never, scope);
    case "service":
      return serviceGroup(object as never);
    case "endpoints":
      return endpointsGroup(object as never, scope);
    case "endpointslice":
      return endpointSliceGroup(object as never, scope);
    case "node":
      return nodeGroup(object as never);
    case "ingress":
      return ingressGroup(object as never);
  }
}

/** Source of the group an object once had. */
function sourceOf(role: ObjectRole, key: string): string {
  const prefix = role === "service" ? "svc" : role;
  return role === "node" ? `node${key}` : `${prefix}/${key}`;
}

/** Own objects whose targets a companion is part of. */
function dependents(role: ObjectRole, companion: ObjectRole, key: string, cache: ObjectCache): string[] {
  const [namespace, name] = key.split("/");
  const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;
  if (companion === "service" && role === "endpoints") return cache.get(role, key) ? [key] : [];
  if (companion === "service") {
    return cache
      .all<EndpointSlice>(role)
      .filter((slice) => slice.metadata.namespace === namespace && serviceOfSlice(slice) === name)
      .map(keyOf);
  }
  if (companion === "pod") {
    return cache
      .all(role)
      .filter((object) => object.metadata.namespace === namespace && JSON.stringify(object).includes(`"${name}"`))
      .map(keyOf);
  }
  // A node's labels: whoever runs there.
  return cache
    .all(role)
    .filter((object) => JSON.stringify(object).includes(`"${name}"`))
    .map(keyOf);
}

class Follower {
  readonly #config: KubernetesConfig;
  readonly #context: MechanismContext;
  readonly #cache = new ObjectCache();
  readonly #dirty = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #failure = "";
  #synced = false;

  constructor(config: KubernetesConfig, context: MechanismContext) {
    this.#config = config;
    this.#context = context;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { role, selectors, attachNode } = this.#config;
    let client: ReturnType<typeof createKubeClient>;
    try {
      client = createKubeClient(clientTarget(this.#config));
    } catch (error) {
      this.#context.explain(describeError(error));
      this.#context.log.error("kubernetes discovery cannot start", { err: error });
      return;
    }
    const namespaces = [...this.#config.namespaces];
    if (this.#config.ownNamespace && existsSync(OWN_NAMESPACE_FILE))
      namespaces.push(readFileSync(OWN_NAMESPACE_FILE, "utf8").trim());
    const roles: ObjectRole[] = [
      ...(COMPANIONS[role] ?? []),
      ...(attachNode && role !== "node" ? (["node"] as const) : []),
      role,
    ];
    await Promise.all(
      roles.map((followed) => {
        const { label, field } = selectors.find((selector) => selector.role === followed) ?? {};
        return this.#cache.follow(
          client,
          followed,
          namespaces,
          { label, field },
          {
            changed: (changed, key) => this.#mark(changed, key),
            failed: (failing, error) => {
              this.#failure = `cannot list ${failing}s: ${describeError(error)}`;
              this.#context.log.warn("kubernetes discovery failed, trying again", { role: failing, err: error });
              this.#explain();
            },
          },
          signal,
        );
      }),
    );
    this.#synced = true;
    this.#flush();
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  #mark(changed: ObjectRole, key: string): void {
    const { role } = this.#config;
    this.#failure = "";
    if (changed === role) this.#dirty.add(key);
    else if (this.#synced)
      for (const dependent of dependents(role, changed, key, this.#cache)) this.#dirty.add(dependent);
    // Until everything was listed once, groups would lack labels their relabelling needs.
    if (!this.#synced || this.#timer) return;
    this.#timer = setTimeout(() => this.#flush(), SETTLE_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    const { role, attachNode } = this.#config;
    const groups = [...this.#dirty].map((key): TargetGroup => {
      const object = this.#cache.get(role, key);
      return object
        ? groupOf(role, object, this.#cache, attachNode)
        : { source: sourceOf(role, key), labels: {}, targets: [] };
    });
    this.#dirty.clear();
    if (groups.length > 0) this.#context.update(groups);
    this.#explain();
  }

  #explain(): void {
    const { role, namespaces } = this.#config;
    const where = namespaces.length === 0 ? "in any namespace" : `in namespace ${namespaces.join(", ")}`;
    this.#context.explain(this.#failure || (this.#cache.all(role).length === 0 ? `there is no ${role} ${where}` : ""));
  }
}

export const kubernetesMechanism: Mechanism<KubernetesConfig> = {
  name: "kubernetes",
  parse: parseKubernetesConfig,
  run: (config, context, signal) => new Follower(config, context).run(signal),
};
