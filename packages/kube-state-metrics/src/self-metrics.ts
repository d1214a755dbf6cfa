/** What the telemetry port tells about this program itself, under upstream's names. */
import { createHash } from "node:crypto";
import { DEFAULT_BUCKETS, Registry, registerProcessMetrics } from "@pharos/kit";
import type { Shard } from "./shard.ts";

export interface ListWatchMetrics {
  list(goType: string, result: "success" | "error"): void;
  watch(goType: string, result: "success" | "error"): void;
  listed(goType: string, objects: number, limit: number): void;
}

type FileKind = "config" | "customresourceconfig";

/** The first 48 bits of the MD5, as a number: what Prometheus' programs show of a configuration. */
export function configHash(text: string): number {
  return createHash("md5").update(text).digest().readUIntLE(0, 6);
}

export class SelfMetrics implements ListWatchMetrics {
  readonly registry = new Registry();
  readonly requestDuration = this.registry.histogram(
    "http_request_duration_seconds",
    "A histogram of requests for kube-state-metrics metrics handler.",
    ["handler", "method"],
    DEFAULT_BUCKETS,
  );
  readonly #lists = this.registry.counter(
    "kube_state_metrics_list_total",
    "Number of total resource list calls in kube-state-metrics",
    ["result", "resource"],
  );
  readonly #watches = this.registry.counter(
    "kube_state_metrics_watch_total",
    "Number of total resource watch calls in kube-state-metrics",
    ["result", "resource"],
  );
  readonly #listObjects = this.registry.gauge(
    "kube_state_metrics_list_objects",
    "Number of resources listed in kube-state-metrics",
    ["resource"],
  );
  readonly #listLimit = this.registry.gauge(
    "kube_state_metrics_list_objects_limit",
    "Number of resource list limit in kube-state-metrics",
    ["resource"],
  );
  readonly #ordinal = this.registry.gauge(
    "kube_state_metrics_shard_ordinal",
    "Current sharding ordinal/index of this instance",
    ["shard_ordinal"],
  );
  readonly #totalShards = this.registry.gauge(
    "kube_state_metrics_total_shards",
    "Number of total shards this instance is aware of",
    [],
  );
  readonly #hash = this.registry.gauge(
    "kube_state_metrics_config_hash",
    "Hash of the currently loaded configuration.",
    ["type", "filename"],
  );
  readonly #reloaded = this.registry.gauge(
    "kube_state_metrics_last_config_reload_successful",
    "Whether the last configuration reload attempt was successful.",
    ["type", "filename"],
  );
  readonly #reloadTime = this.registry.gauge(
    "kube_state_metrics_last_config_reload_success_timestamp_seconds",
    "Timestamp of the last successful configuration reload.",
    ["type", "filename"],
  );
  readonly #crdAdds = this.registry.counter(
    "kube_state_metrics_custom_resource_state_add_events_total",
    "Number of times that the CRD informer triggered the add event.",
    [],
  );
  readonly #crdUpdates = this.registry.counter(
    "kube_state_metrics_custom_resource_state_update_events_total",
    "Number of times that the CRD informer triggered the update event.",
    [],
  );
  readonly #crdDeletes = this.registry.counter(
    "kube_state_metrics_custom_resource_state_delete_events_total",
    "Number of times that the CRD informer triggered the remove event.",
    [],
  );
  readonly #crds = this.registry.gauge(
    "kube_state_metrics_custom_resource_state_cache",
    "Net amount of CRDs affecting the cache currently.",
    [],
  );

  constructor(version: string) {
    registerProcessMetrics(this.registry);
    this.registry
      .gauge(
        "kube_state_metrics_build_info",
        "A metric with a constant '1' value labeled by version and the runtime from which kube_state_metrics was built.",
        ["version", "nodeversion"],
      )
      .labels(version, process.version)
      .set(1);
  }

  list(goType: string, result: "success" | "error"): void {
    this.#lists.labels(result, goType).inc();
  }

  watch(goType: string, result: "success" | "error"): void {
    this.#watches.labels(result, goType).inc();
  }

  listed(goType: string, objects: number, limit: number): void {
    if (limit <= 0) return;
    this.#listObjects.labels(goType).set(objects);
    this.#listLimit.labels(goType).set(limit);
  }

  sharding({ ordinal, total }: Shard): void {
    this.#ordinal.clear();
    this.#ordinal.labels(String(ordinal)).set(ordinal);
    this.#totalShards.labels().set(total);
  }

  /** `text` undefined: it could not be used. */
  loaded(kind: FileKind, file: string, text: string | undefined): void {
    this.#reloaded.labels(kind, file).set(Number(text !== undefined));
    if (text === undefined) return;
    this.#hash.labels(kind, file).set(configHash(text));
    this.#reloadTime.labels(kind, file).set(Date.now() / 1000);
  }

  crdEvent(event: "add" | "update" | "delete", known: number): void {
    ({ add: this.#crdAdds, update: this.#crdUpdates, delete: this.#crdDeletes })[event].labels().inc();
    this.#crds.labels().set(known);
  }
}
