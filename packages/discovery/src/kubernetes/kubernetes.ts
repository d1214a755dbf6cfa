/** kubernetes_sd_configs: targets from the objects of an API server. */
import { readFileSync } from "node:fs";
import { createKubeClient, type KubeObject } from "@pharos/kube";
import { describeError, type TargetGroup } from "@pharos/model";
import type { Mechanism, MechanismContext } from "../mechanism.ts";
import { type AttachMetadata, clientTarget, type KubernetesConfig, parseKubernetesConfig } from "./config.ts";
import type { Pod } from "./labels.ts";
import { type Kind, ObjectCache } from "./objects.ts";
import { ReferenceIndex } from "./references.ts";
import { type Role, reference } from "./role.ts";
import { podReferences } from "./roles/pod.ts";
import { ROLES_BY_NAME } from "./roles.ts";

const OWN_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/** Changes close to each other are handed over together. */
const SETTLE_MS = 100;

/** Kinds to follow for what is to be attached. Services and ingresses do not run on nodes and have no owners of interest. */
function attachedKinds({ node, namespace, deployment, job, cronjob }: AttachMetadata, kind: Kind): Kind[] {
  if (kind === "node") return [];
  const out: Kind[] = namespace ? ["namespace"] : [];
  if (kind === "service" || kind === "ingress") return out;
  if (node) out.push("node");
  if (deployment) out.push("replicaset");
  if (job || cronjob) out.push("job");
  return out;
}

class Follower {
  readonly #config: KubernetesConfig;
  readonly #context: MechanismContext;
  readonly #role: Role;
  readonly #cache = new ObjectCache();
  /** Objects of the role, and pods that are companions, by what they depend on. */
  readonly #references = new ReferenceIndex();
  /** Keys of objects whose groups are to be made anew. */
  readonly #dirty = new Set<string>();
  readonly #failures = new Map<Kind, string>();
  #timer: NodeJS.Timeout | undefined;
  #synced = false;

  constructor(config: KubernetesConfig, context: MechanismContext) {
    this.#config = config;
    this.#context = context;
    this.#role = ROLES_BY_NAME[config.role];
  }

  async run(signal: AbortSignal): Promise<void> {
    const { selectors, attach } = this.#config;
    const { kind, companions } = this.#role;
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const client = createKubeClient(clientTarget(this.#config));
    try {
      const namespaces = [...this.#config.namespaces];
      if (this.#config.ownNamespace) namespaces.push(readFileSync(OWN_NAMESPACE_FILE, "utf8").trim());
      await Promise.all(
        [...companions, ...attachedKinds(attach, kind), kind].map((followed) => {
          const { label, field } = selectors.find((selector) => selector.role === followed) ?? {};
          return this.#cache.follow(client, followed, namespaces, { label, field }, this.#events(), signal);
        }),
      );
      if (signal.aborted) return;
      this.#synced = true;
      this.#flush();
      await ended;
    } finally {
      clearTimeout(this.#timer);
      await client.close();
    }
  }

  #events() {
    const { metrics, log } = this.#context;
    return {
      changed: (kind: Kind, key: string, object: KubeObject | undefined, event: string): void => {
        if (this.#counts(kind, event)) metrics.kubernetesEvents.labels(kind, event).inc();
        this.#changed(kind, key, object);
      },
      listed: (kind: Kind): void => {
        if (this.#failures.delete(kind)) this.#explain();
      },
      failed: (kind: Kind, error: unknown): void => {
        metrics.kubernetesFailures.inc();
        log.warn("kubernetes discovery failed, trying again", { role: kind, err: describeError(error) });
        this.#failures.set(kind, `cannot follow ${kind} objects: ${describeError(error)}`);
        this.#explain();
      },
    };
  }

  /** Whether upstream counts such an event: of what is attached it counts none. */
  #counts(kind: Kind, event: string): boolean {
    const own = this.#role.kind;
    if (kind === own) return true;
    if (own !== "endpoints" && own !== "endpointslice") return false;
    return kind === "service" || (kind === "pod" && own === "endpoints" && event === "update");
  }

  #changed(kind: Kind, key: string, object: KubeObject | undefined): void {
    const own = kind === this.#role.kind;
    const name = reference(kind, key);
    if (own) {
      this.#references.set(name, object ? this.#role.references(object) : []);
      this.#dirty.add(key);
    } else if (kind === "pod") this.#references.set(name, object ? podReferences(object as Pod) : []);
    if (!own) this.#markOwners(name);
    // Until everything was listed once, groups would lack labels their relabelling needs.
    if (!this.#synced || this.#dirty.size === 0 || this.#timer) return;
    this.#timer = setTimeout(() => this.#flush(), SETTLE_MS);
  }

  /** Own objects that depend on something, directly or through a pod. */
  #markOwners(name: string): void {
    const prefix = reference(this.#role.kind, "");
    for (const owner of this.#references.owners(name)) {
      if (owner.startsWith(prefix)) this.#dirty.add(owner.slice(prefix.length));
      else this.#markOwners(owner);
    }
  }

  #flush(): void {
    this.#timer = undefined;
    const { kind } = this.#role;
    const scope = { cache: this.#cache, attach: this.#config.attach };
    const groups: TargetGroup[] = [];
    for (const key of this.#dirty) {
      const object = this.#cache.get(kind, key);
      const slash = key.indexOf("/");
      const source = this.#role.source(key.slice(0, slash), key.slice(slash + 1));
      groups.push((object && this.#role.group(object, scope)) ?? { source, labels: {}, targets: [] });
    }
    this.#dirty.clear();
    this.#context.update(groups);
    this.#explain();
  }

  #explain(): void {
    const { role, namespaces } = this.#config;
    const where = namespaces.length === 0 ? "in any namespace" : `in namespace ${namespaces.join(", ")}`;
    const failures = [...this.#failures.values()].join("; ");
    const none = this.#synced && this.#cache.count(this.#role.kind) === 0 ? `there is no ${role} ${where}` : "";
    this.#context.explain(failures || none);
  }
}

export const kubernetesMechanism: Mechanism<KubernetesConfig> = {
  name: "kubernetes",
  parse: parseKubernetesConfig,
  run: (config, context, signal) => new Follower(config, context).run(signal),
};
