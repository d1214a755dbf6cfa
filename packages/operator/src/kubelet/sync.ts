/** Keeps the kubelets' Service and endpoints as the nodes are. */
import type { Logger, Registry } from "@pharos/kit";
import type { KubeClient, KubeObject, ResourceType } from "@pharos/kube";
import { ENDPOINT_SLICES, SERVICES } from "../drivers/local-endpoints.ts";
import {
  type KubeletOptions,
  kubeletAddresses,
  kubeletEndpoints,
  kubeletService,
  kubeletSlices,
  type Node,
} from "./endpoints.ts";

export const NODES = { group: "", version: "v1", plural: "nodes", namespaced: false } as const;
export const ENDPOINTS = { group: "", version: "v1", plural: "endpoints", namespaced: true } as const;

const FIELD_MANAGER = "pharos-operator-kubelet";
const DEFAULT_INTERVAL_MS = 180_000;

export interface KubeletSyncOptions extends KubeletOptions {
  client: KubeClient;
  log: Logger;
  registry: Registry;
  /** Which of the two forms are written. */
  endpoints: boolean;
  endpointSlices: boolean;
  /** Only nodes with these labels; "" for all. */
  nodeSelector: string;
  intervalMs?: number;
}

export class KubeletSync implements AsyncDisposable {
  readonly #options: KubeletSyncOptions;
  readonly #abort = new AbortController();
  readonly #metrics;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: KubeletSyncOptions) {
    this.#options = options;
    const { registry } = options;
    this.#metrics = {
      syncs: registry.counter("prometheus_operator_node_syncs_total", "Number of node endpoints synchronisations"),
      failed: registry.counter(
        "prometheus_operator_node_syncs_failed_total",
        "Number of node endpoints synchronisation failures",
      ),
      lookups: registry.gauge(
        "prometheus_operator_node_address_lookup_errors",
        "Number of nodes without an address at the last synchronisation",
      ),
      managed: registry.gauge(
        "prometheus_operator_kubelet_managed_resource",
        "1 for a form in which the kubelets are published",
        ["resource"],
      ),
    };
    this.#metrics.managed.labels("endpoints").set(options.endpoints ? 1 : 0);
    this.#metrics.managed.labels("endpointslice").set(options.endpointSlices ? 1 : 0);
  }

  /** Once now, then in turn until it is disposed of. A failure is logged and tried again at the next turn. */
  async start(): Promise<void> {
    await this.#turn();
  }

  async #turn(): Promise<void> {
    this.#running = this.sync().catch((error: unknown) => {
      this.#metrics.failed.inc();
      this.#options.log.warn("kubelets not synchronised, trying again", { err: error });
    });
    await this.#running;
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#turn(), this.#options.intervalMs ?? DEFAULT_INTERVAL_MS);
    this.#timer.unref();
  }

  async sync(): Promise<void> {
    const { client, nodeSelector, log, endpoints, endpointSlices } = this.#options;
    this.#metrics.syncs.inc();
    const { items } = await client.list<Node>(
      NODES,
      nodeSelector ? { labelSelector: nodeSelector } : {},
      this.#abort.signal,
    );
    const { addresses, without } = kubeletAddresses(items, this.#options);
    this.#metrics.lookups.set(without.length);
    if (without.length > 0) log.warn("nodes without an address", { nodes: without.join(", ") });
    await this.#apply(SERVICES, kubeletService(this.#options));
    if (endpoints) await this.#apply(ENDPOINTS, kubeletEndpoints(addresses, this.#options, endpointSlices));
    if (!endpointSlices) return;
    const slices = kubeletSlices(addresses, this.#options);
    for (const slice of slices) await this.#apply(ENDPOINT_SLICES, slice);
    await this.#deleteSlices(new Set(slices.map(({ metadata }) => metadata.name ?? "")));
  }

  async #apply(type: ResourceType, object: KubeObject): Promise<void> {
    await this.#options.client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true }, this.#abort.signal);
  }

  async #deleteSlices(wanted: ReadonlySet<string>): Promise<void> {
    const { client, namespace, name } = this.#options;
    const labelSelector = `kubernetes.io/service-name=${name},endpointslice.kubernetes.io/managed-by=prometheus-operator`;
    const { items } = await client.list(ENDPOINT_SLICES, { namespace, labelSelector }, this.#abort.signal);
    for (const { metadata } of items) {
      if (!wanted.has(metadata.name ?? ""))
        await client.delete(ENDPOINT_SLICES, { namespace, name: metadata.name ?? "" });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }
}
