/**
 * What one configuration collects: a store for each resource and custom resource, and the reflectors that fill them.
 * A new configuration gets a collection of its own, and the old one serves until the new one knows enough.
 */
import type { Logger } from "@pharos/kit";
import type { KubeClient, KubeObject } from "@pharos/kube/client";
import { describeError } from "@pharos/model";
import { followShard } from "./auto-shard.ts";
import type { CustomResource } from "./custom/config.ts";
import { Discovery, isWanted, type ServedKind } from "./custom/discovery.ts";
import type { AllowedKeys, Family, Wire } from "./family.ts";
import { familyFilter } from "./family-filter.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";
import { type RenderPlan, render } from "./render.ts";
import { RESOURCES } from "./resources.ts";
import type { SelfMetrics } from "./self-metrics.ts";
import type { Settings } from "./settings.ts";
import { type Shard, shardOf } from "./shard.ts";
import { ResourceStore, type Snapshot } from "./store.ts";
import { filterFor } from "./values/allow-list.ts";

export interface CollectionOptions {
  client: KubeClient;
  settings: Settings;
  customResources: readonly CustomResource[];
  metrics: SelfMetrics;
  log: Logger;
}

interface Source {
  name: string;
  type: ReflectorOptions<Buffer>["type"];
  goType: string;
  form?: "metadata" | "table";
  column?: ReflectorOptions<Buffer>["column"];
  plan: RenderPlan<Wire>;
}

interface RunningKind {
  kind: ServedKind;
  store: ResourceStore;
  reflectors: Reflector<Buffer>[];
  abort: AbortController;
}

/** Field selector of namespaced kinds; pods may be selected by their node as well. */
function fieldSelector(
  { namespacesDenylist, node, trackUnscheduledPods }: Settings,
  pods: boolean,
): string | undefined {
  const terms = namespacesDenylist.map((namespace) => `metadata.namespace!=${namespace}`);
  if (pods && trackUnscheduledPods) terms.push("spec.nodeName=");
  else if (pods && node !== "") terms.push(`spec.nodeName=${node}`);
  return terms.length > 0 ? terms.join(",") : undefined;
}

/** Versions of a kind have the same families, each of which must stand together. */
function joinSameFamilies(snapshots: readonly Snapshot[]): Snapshot[] {
  const joined = new Map<string, Snapshot>();
  for (const snapshot of snapshots) {
    const key = snapshot.families.map(({ name }) => name).join();
    const first = joined.get(key);
    joined.set(key, first ? { ...first, objects: [...first.objects, ...snapshot.objects] } : snapshot);
  }
  return [...joined.values()];
}

export class Collection implements Disposable {
  readonly #options: CollectionOptions;
  readonly #abort = new AbortController();
  readonly #stores: ResourceStore[] = [];
  readonly #reflectors: Reflector<Buffer>[] = [];
  readonly #custom = new Map<string, RunningKind>();
  readonly #accepts: (family: Family<never>) => boolean;
  /** Entries of the configuration of which it was said that the cluster has no such kind. */
  readonly #missing = new Set<CustomResource>();
  #discovery: Discovery | undefined;
  #shard: Shard;

  private constructor(options: CollectionOptions) {
    const { metricAllowlist: allow, metricDenylist: deny, metricOptInList: optIn, shard } = options.settings;
    this.#options = options;
    this.#accepts = familyFilter({ allow, deny, optIn });
    this.#shard = shard;
  }

  /** Starts listing and watching. A UserError when the settings cannot be, or this pod's shard is not to be found. */
  static async start(options: CollectionOptions): Promise<Collection> {
    const collection = new Collection(options);
    try {
      await collection.#start();
      return collection;
    } catch (error) {
      collection[Symbol.dispose]();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { client, settings, customResources, metrics, log } = this.#options;
    const { signal } = this.#abort;
    if (settings.pod !== "") {
      const where = { pod: settings.pod, namespace: settings.podNamespace };
      this.#shard = await followShard(client, where, log, (shard) => this.#reshard(shard), signal);
    }
    metrics.sharding(this.#shard);
    for (const resource of RESOURCES) {
      if (!settings.resources.includes(resource.name)) continue;
      const families = resource.families.filter(this.#accepts);
      const allowed: AllowedKeys = {
        labels: filterFor(settings.labelsAllowlist, resource.name),
        annotations: filterFor(settings.annotationsAllowlist, resource.name),
      };
      const plan = { families, identity: (object: Wire) => resource.identity(object), allowed };
      const { name, type, goType, column } = resource;
      const source = { name, type, goType, form: resource.form?.(families), column, plan };
      const store = new ResourceStore(name, families);
      this.#stores.push(store);
      this.#reflectors.push(...this.#reflect(source, store, signal));
    }
    if (customResources.length === 0) return;
    this.#discovery = new Discovery(client, metrics, log, (kinds) => this.#followKinds(kinds), signal);
  }

  #reflect(source: Source, store: ResourceStore, signal: AbortSignal): Reflector<Buffer>[] {
    const { client, settings, metrics, log } = this.#options;
    const { type, goType, form, column, plan } = source;
    const { useApiServerCache, objectLimit } = settings;
    const onError = (error: unknown): void =>
      log.error("an object gives no series of a metric", { resource: source.name, err: describeError(error) });
    const namespaces = type.namespaced && settings.namespaces.length > 0 ? settings.namespaces : [undefined];
    return namespaces.map(
      (namespace) =>
        new Reflector<Buffer>(
          {
            client,
            type,
            goType,
            form,
            column,
            namespace,
            fieldSelector: type.namespaced ? fieldSelector(settings, source.name === "pods") : undefined,
            useApiServerCache,
            objectLimit,
            take: (object: KubeObject) => {
              const { ordinal, total } = this.#shard;
              const isOurs = shardOf(object.metadata.uid ?? "", total) === ordinal;
              return isOurs ? render(object, plan, onError) : undefined;
            },
            sink: store.addPart(),
            metrics,
            log,
          },
          signal,
        ),
    );
  }

  /** Everything is listed anew; what was there is shown until then. */
  #reshard(shard: Shard): void {
    const { log, metrics } = this.#options;
    log.info("sharding changed", { shard: shard.ordinal, totalShards: shard.total });
    this.#shard = shard;
    metrics.sharding(shard);
    const custom = [...this.#custom.values()].flatMap(({ reflectors }) => reflectors);
    for (const reflector of [...this.#reflectors, ...custom]) reflector.restart();
  }

  /** Starts and ends custom resources as their definitions come and go. */
  #followKinds(kinds: readonly ServedKind[]): void {
    this.#tellMissing(kinds);
    const wanted = new Map<string, ServedKind>();
    for (const kind of kinds) {
      if (this.#options.customResources.some((resource) => isWanted(resource.wanted, kind))) {
        wanted.set(`${kind.group}/${kind.version}/${kind.kind}/${kind.plural}/${kind.namespaced}`, kind);
      }
    }
    for (const [key, { abort }] of this.#custom) {
      if (wanted.has(key)) continue;
      abort.abort();
      this.#custom.delete(key);
    }
    for (const [key, kind] of wanted) if (!this.#custom.has(key)) this.#custom.set(key, this.#startKind(kind));
  }

  /** Once for each time it is missing. */
  #tellMissing(kinds: readonly ServedKind[]): void {
    for (const resource of this.#options.customResources) {
      if (kinds.some((kind) => isWanted(resource.wanted, kind))) this.#missing.delete(resource);
      else if (!this.#missing.has(resource)) {
        this.#missing.add(resource);
        this.#options.log.warn("the cluster has no such custom resource; its metrics wait for it", {
          ...resource.wanted,
        });
      }
    }
  }

  #startKind(kind: ServedKind): RunningKind {
    const { group, version, plural, namespaced } = kind;
    const families = this.#options.customResources
      .filter((resource) => isWanted(resource.wanted, kind))
      .flatMap((resource) => resource.families(kind))
      .filter(this.#accepts);
    const store = new ResourceStore(plural, families);
    const abort = new AbortController();
    const source = {
      name: plural,
      type: { group, version, plural, namespaced },
      goType: "*unstructured.Unstructured",
      plan: { families, identity: () => [], allowed: {} },
    };
    const signal = AbortSignal.any([this.#abort.signal, abort.signal]);
    return { kind, store, reflectors: this.#reflect(source, store, signal), abort };
  }

  /** Resolves when every resource was listed once, or after `timeoutMs`: some may not be allowed or not exist. */
  async ready(timeoutMs: number): Promise<void> {
    const all = (async () => {
      await Promise.all(this.#reflectors.map(({ synced }) => synced));
      await this.#discovery?.synced;
      await Promise.all([...this.#custom.values()].flatMap(({ reflectors }) => reflectors.map(({ synced }) => synced)));
    })();
    const { promise: expired, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    await Promise.race([all, expired]);
    clearTimeout(timer);
  }

  /** One moment of every resource that is asked for; `wanted` absent: all. What is excluded is not there in any case. */
  snapshots(wanted: ReadonlySet<string> | undefined, excluded: ReadonlySet<string>): Snapshot[] {
    const chosen = (stores: readonly ResourceStore[]): Snapshot[] =>
      stores
        .filter(({ resource }) => (!wanted || wanted.has(resource)) && !excluded.has(resource))
        .map((store) => store.snapshot());
    const custom = [...this.#custom.values()].map(({ store }) => store);
    return [...chosen(this.#stores), ...joinSameFamilies(chosen(custom))];
  }

  [Symbol.dispose](): void {
    this.#abort.abort();
  }
}
