/**
 * Instances as workloads of a cluster. What is wanted is rendered as objects and applied by server-side apply, files
 * before Pods; what is no longer wanted is deleted last. Volumes are never deleted.
 */
import type { Logger, Registry } from "@pharos/kit";
import { type KubeClient, KubeError, type KubeObject, type ResourceType, watchResources } from "@pharos/kube";
import { UserError } from "@pharos/model";
import { CONFIG_MAPS, SECRETS } from "../../kinds.ts";
import { controllerOf } from "../../metrics.ts";
import { shardCount } from "../../prometheus/sharding.ts";
import type { Reader } from "../../readable.ts";
import type { CommonPrometheusSpec, PrometheusSpec } from "../../resources/prometheus.ts";
import type { WorkloadSpec } from "../../resources/workload.ts";
import { THANOS_FOLDERS } from "../../thanos/args.ts";
import type { DesiredInstance, InstanceDriver, InstanceKind, InstancePaths, InstanceState } from "../driver.ts";
import { SERVICES } from "../local-endpoints.ts";
import { ALERTMANAGER_FOLDERS } from "./alertmanager.ts";
import { ruleConfigMapName } from "./config-objects.ts";
import {
  configSecretName,
  governingService,
  MANAGED_BY,
  prefixedName,
  selectorLabels,
  selectorText,
  statefulSetName,
} from "./names.ts";
import { DEFAULT_WORKLOAD_OPTIONS, type WorkloadOptions } from "./options.ts";
import { isDaemonSet } from "./prometheus.ts";
import { PROMETHEUS_FOLDERS } from "./prometheus-args.ts";
import { renderInstance, ruleGlobs } from "./render.ts";
import { DEADLINE, fateOf } from "./shard-retention.ts";
import { planExpansion } from "./storage-expansion.ts";
import { instanceState, type Pod, stuckPods, type Workload } from "./workload-state.ts";

export const STATEFUL_SETS = { group: "apps", version: "v1", plural: "statefulsets", namespaced: true } as const;
export const DAEMON_SETS = { group: "apps", version: "v1", plural: "daemonsets", namespaced: true } as const;
export const PODS = { group: "", version: "v1", plural: "pods", namespaced: true } as const;
export const CLAIMS = { group: "", version: "v1", plural: "persistentvolumeclaims", namespaced: true } as const;

const FOLDERS: Record<InstanceKind, { rules: string; certificates: string }> = {
  Prometheus: PROMETHEUS_FOLDERS,
  PrometheusAgent: PROMETHEUS_FOLDERS,
  Alertmanager: { rules: "", certificates: ALERTMANAGER_FOLDERS.certificates },
  ThanosRuler: THANOS_FOLDERS,
};

const PORTS: Record<InstanceKind, number> = {
  Prometheus: 9090,
  PrometheusAgent: 9090,
  Alertmanager: 9093,
  ThanosRuler: 10902,
};

/** How long a StatefulSet may take to go before it is made anew. */
const GONE_MS = 30_000;

export interface KubernetesDriverOptions extends Partial<WorkloadOptions> {
  client: KubeClient;
  log: Logger;
  registry?: Registry;
}

function typeOf({ kind }: KubeObject): ResourceType {
  switch (kind) {
    case "Secret":
      return SECRETS;
    case "ConfigMap":
      return CONFIG_MAPS;
    case "Service":
      return SERVICES;
    case "DaemonSet":
      return DAEMON_SETS;
    default:
      return STATEFUL_SETS;
  }
}

const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.code === 404;

export class KubernetesDriver implements InstanceDriver {
  /** Inside a cluster Prometheus finds the API server by itself. */
  readonly apiServer = undefined;
  readonly #client: KubeClient;
  readonly #log: Logger;
  readonly #options: WorkloadOptions;
  readonly #recreated;

  constructor({ client, log, registry, ...options }: KubernetesDriverOptions) {
    this.#client = client;
    this.#log = log;
    this.#options = { ...DEFAULT_WORKLOAD_OPTIONS, ...options };
    this.#recreated = registry?.counter(
      "prometheus_operator_reconcile_sts_delete_create_total",
      "Number of times that reconciling a StatefulSet required deleting and re-creating it",
      ["controller"],
    );
  }

  get features() {
    return this.#options.features;
  }

  unsupported(): string | undefined {
    return undefined;
  }

  readerOf(): Reader {
    return "upstream";
  }

  pathsOf(kind: InstanceKind, _namespace: string, name: string): InstancePaths {
    const { rules, certificates } = FOLDERS[kind];
    return { certificates, rules: (files) => ruleGlobs(files, rules, (i) => ruleConfigMapName(kind, name, i)) };
  }

  /** Calls `changed` whenever a workload or Pod of an instance changes. */
  watch(changed: (kind: string, action: "add" | "update" | "delete") => void, signal: AbortSignal): void {
    const labelSelector = `app.kubernetes.io/managed-by=${MANAGED_BY}`;
    for (const [kind, type] of [
      ["StatefulSet", STATEFUL_SETS],
      ["DaemonSet", DAEMON_SETS],
      ["Pod", PODS],
    ] as const) {
      watchResources(
        this.#client,
        { ...type, labelSelector },
        {
          onAdd: () => changed(kind, "add"),
          onUpdate: () => changed(kind, "update"),
          onDelete: () => changed(kind, "delete"),
          onError: (error) => this.#log.warn("watch failed, trying again", { kind, err: error }),
        },
        signal,
      );
    }
  }

  async apply(desired: DesiredInstance): Promise<InstanceState> {
    const { kind, resource } = desired;
    const { namespace = "", name = "" } = resource.metadata;
    const rendered = renderInstance(desired, this.#options);
    if (rendered.service) await this.#apply(rendered.service, `${this.#options.fieldManager}/${kind}/${name}`);
    else await this.#checkService(desired);
    for (const object of rendered.files) if (!(await this.#isUsersOwn(desired, object))) await this.#apply(object);
    for (const workload of rendered.workloads) await this.#applyWorkload(kind, workload);
    await this.#deleteOthers(desired, [...rendered.files, ...rendered.workloads]);
    this.#log.debug("applied", { instance: `${kind} ${namespace}/${name}` });
    return this.observe(desired);
  }

  async observe(desired: DesiredInstance): Promise<InstanceState> {
    const { kind, resource } = desired;
    const { namespace = "", name = "" } = resource.metadata;
    const labelSelector = selectorText(selectorLabels(kind, name));
    const type = isDaemonSet(desired) ? DAEMON_SETS : STATEFUL_SETS;
    const [sets, pods] = await Promise.all([
      this.#client.list<Workload>(type, { namespace, labelSelector }),
      this.#client.list<Pod>(PODS, { namespace, labelSelector }),
    ]);
    const shards =
      type === STATEFUL_SETS && kind !== "Alertmanager" && kind !== "ThanosRuler"
        ? shardCount(resource.spec as CommonPrometheusSpec)
        : 1;
    const workloads = Array.from({ length: shards }, (_, shard) =>
      sets.items.find(({ metadata }) => metadata.name === statefulSetName(kind, name, shard)),
    );
    if (this.#options.repairPolicy !== "none") {
      for (const workload of workloads) if (workload) await this.#repair(workload, pods.items);
    }
    const service = (resource.spec as WorkloadSpec).serviceName || governingService(kind);
    const url = `http://${service}.${namespace}.svc:${PORTS[kind]}`;
    const wanted = new Set(workloads);
    const deadlines: number[] = [];
    for (const set of type === STATEFUL_SETS ? sets.items : []) {
      const until = wanted.has(set) ? undefined : await this.#retire(set, desired);
      if (until !== undefined) deadlines.push(until);
    }
    const state = instanceState(workloads, pods.items, url, labelSelector);
    return deadlines.length > 0 ? { ...state, lookAgainAt: Math.min(...deadlines) } : state;
  }

  /** Everything the instance is, but its volumes. */
  async remove(kind: InstanceKind, namespace: string, name: string): Promise<void> {
    const labelSelector = selectorText(selectorLabels(kind, name));
    for (const type of [STATEFUL_SETS, DAEMON_SETS]) {
      const { items } = await this.#client.list(type, { namespace, labelSelector });
      for (const { metadata } of items) await this.#client.delete(type, { namespace, name: metadata.name ?? "" });
    }
    for (const object of await this.#filesOf(kind, namespace, name)) {
      await this.#client.delete(typeOf(object), { namespace, name: object.metadata.name ?? "" });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #apply(object: KubeObject, fieldManager = this.#options.fieldManager): Promise<void> {
    await this.#client.apply(typeOf(object), object, { fieldManager, force: true });
  }

  /** The configuration of an instance that selects nothing, once it is there: people write it themselves. */
  async #isUsersOwn({ kind, resource, unmanaged }: DesiredInstance, object: KubeObject): Promise<boolean> {
    const { namespace = "", name = "" } = object.metadata;
    if (!unmanaged || name !== configSecretName(kind, resource.metadata.name ?? "")) return false;
    return (await this.#known(SECRETS, namespace, name)) !== undefined;
  }

  /** A Service of the user's own must be there: without it, Pods get no names. */
  async #checkService({ kind, resource }: DesiredInstance): Promise<void> {
    const { namespace = "", name = "" } = resource.metadata;
    const { serviceName = "" } = resource.spec as WorkloadSpec;
    try {
      await this.#client.get(SERVICES, { namespace, name: serviceName });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new UserError("operator.reference", `Service ${namespace}/${serviceName} does not exist`, {
        where: { object: `${kind} ${namespace}/${name}`, field: "spec.serviceName" },
        fix: "Create it, headless and selecting the Pods, or remove the field",
      });
    }
  }

  async #applyWorkload(kind: InstanceKind, workload: KubeObject): Promise<void> {
    const { namespace = "", name = "", labels = {} } = workload.metadata;
    const type = typeOf(workload);
    const known = await this.#known(type, namespace, name);
    if (known && type === STATEFUL_SETS) {
      const selector = (workload.spec as { selector: { matchLabels: Record<string, string> } }).selector.matchLabels;
      const claims = await this.#client.list(CLAIMS, { namespace, labelSelector: selectorText(selector) });
      const plan = planExpansion(known, workload, claims.items);
      for (const { name: claim, storage } of plan.claims) {
        await this.#client.patch(
          CLAIMS,
          { namespace, name: claim },
          { spec: { resources: { requests: { storage } } } },
        );
        this.#log.info("volume asked to grow", { claim: `${namespace}/${claim}`, storage });
      }
      if (plan.recreate) await this.#release(kind, type, namespace, name);
    }
    try {
      await this.#apply(workload);
      // Scaled up again before its time was over.
      if (known?.metadata.annotations?.[DEADLINE] !== undefined) {
        const annotations = { [DEADLINE]: null };
        await this.#client.patch(type, { namespace, name }, { metadata: { annotations } });
      }
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 422 || !known) throw error;
      // A field that cannot be changed: the StatefulSet is made anew around its Pods, which run on.
      this.#log.info("workload is made anew", { workload: `${namespace}/${name}`, reason: error.message, labels });
      await this.#release(kind, type, namespace, name);
      await this.#apply(workload);
    }
  }

  async #known(type: ResourceType, namespace: string, name: string): Promise<KubeObject | undefined> {
    try {
      return await this.#client.get(type, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Deletes the controller and leaves its Pods. */
  async #release(kind: InstanceKind, type: ResourceType, namespace: string, name: string): Promise<void> {
    this.#recreated?.labels(controllerOf(kind)).inc();
    await this.#client.delete(type, { namespace, name, propagationPolicy: "Orphan" });
    const deadline = Date.now() + GONE_MS;
    while (await this.#known(type, namespace, name)) {
      if (Date.now() > deadline) throw new Error(`${type.plural} ${namespace}/${name} does not go away`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Secrets and ConfigMaps of the instance that are there, known by their names. */
  async #filesOf(kind: InstanceKind, namespace: string, name: string): Promise<KubeObject[]> {
    const labelSelector = `app.kubernetes.io/managed-by=${MANAGED_BY}`;
    const [secrets, maps] = await Promise.all([
      this.#client.list(SECRETS, { namespace, labelSelector }),
      this.#client.list(CONFIG_MAPS, { namespace, labelSelector }),
    ]);
    const owned = ({ metadata }: KubeObject): boolean =>
      metadata.ownerReferences?.some((owner) => owner.kind === kind && owner.name === name) ?? false;
    return [
      ...secrets.items.filter(owned).map((object) => ({ ...object, kind: "Secret" })),
      ...maps.items.filter(owned).map((object) => ({ ...object, kind: "ConfigMap" })),
    ];
  }

  /** Shards, files and rules that are no longer wanted. */
  async #deleteOthers(desired: DesiredInstance, wanted: readonly KubeObject[]): Promise<void> {
    const { kind, resource } = desired;
    const { namespace = "", name = "" } = resource.metadata;
    const names = new Set(wanted.map((object) => `${object.kind}/${object.metadata.name}`));
    const labelSelector = selectorText(selectorLabels(kind, name));
    const workloads = (
      await Promise.all(
        [["StatefulSet", STATEFUL_SETS] as const, ["DaemonSet", DAEMON_SETS] as const].map(async ([kindName, type]) =>
          (
            await this.#client.list(type, { namespace, labelSelector })
          ).items.map((object) => ({ ...object, kind: kindName })),
        ),
      )
    ).flat();
    const files = await this.#filesOf(kind, namespace, name);
    for (const object of [...workloads, ...files]) {
      const id = `${object.kind}/${object.metadata.name}`;
      if (names.has(id)) continue;
      if (object.kind === "StatefulSet") {
        await this.#retire(object, desired);
        continue;
      }
      await this.#client.delete(typeOf(object), { namespace, name: object.metadata.name ?? "" });
      this.#log.info("no longer wanted, deleted", { object: `${id} of ${prefixedName(kind, name)}` });
    }
  }

  /** Deletes the StatefulSet of a shard that was scaled away, or answers until when it runs on, in Unix ms. */
  async #retire(object: KubeObject, { resource }: DesiredInstance): Promise<number | undefined> {
    const { namespace = "", name = "" } = object.metadata;
    const enabled = this.#options.features.retentionPolicies === true;
    const fate = fateOf(object, resource.spec as PrometheusSpec, enabled, Date.now());
    if (fate.delete) {
      await this.#client.delete(STATEFUL_SETS, { namespace, name });
      this.#log.info("no longer wanted, deleted", { object: `StatefulSet ${namespace}/${name}` });
      return undefined;
    }
    if (fate.annotate) {
      const annotations = { [DEADLINE]: fate.annotate };
      await this.#client.patch(STATEFUL_SETS, { namespace, name }, { metadata: { annotations } });
    }
    return fate.until;
  }

  /** Asks whether a disruption budget allows it; when not, the next observation asks again. */
  async #evict(namespace: string, name: string): Promise<boolean> {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name } };
    try {
      await this.#client.create({ ...PODS, plural: `pods/${name}/eviction` }, eviction);
      return true;
    } catch (error) {
      if (!(error instanceof KubeError) || (error.code !== 429 && error.code !== 404)) throw error;
      this.#log.info("Pod hangs in an old revision and may not be evicted yet", { pod: `${namespace}/${name}` });
      return false;
    }
  }

  async #repair(workload: Workload, pods: readonly Pod[]): Promise<void> {
    for (const { metadata } of stuckPods(workload, pods)) {
      const { namespace = "", name = "" } = metadata;
      const pod = `${namespace}/${name}`;
      if (this.#options.repairPolicy === "delete") await this.#client.delete(PODS, { namespace, name });
      else if (!(await this.#evict(namespace, name))) continue;
      this.#log.info("Pod hangs in an old revision, removed", { pod, policy: this.#options.repairPolicy });
    }
  }
}
