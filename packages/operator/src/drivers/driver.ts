/**
 * Where instances run. Everything up to the generated files is the same for every driver; a driver only makes a running
 * Prometheus, agent, Alertmanager or Thanos Ruler out of them.
 */
import type { KubeObject } from "@pharos/kube";
import type { GenerationFeatures } from "../prometheus/scope.ts";
import type { Reader } from "../readable.ts";

export const INSTANCE_KINDS = ["Alertmanager", "Prometheus", "PrometheusAgent", "ThanosRuler"] as const;
export type InstanceKind = (typeof INSTANCE_KINDS)[number];

/** Everything an instance is made of. File contents by name, relative to the instance's folders. */
export interface DesiredInstance {
  kind: InstanceKind;
  resource: KubeObject & { spec: object };
  /** The main configuration file; "" where the instance has none, as Thanos Ruler. */
  config: string;
  /** The configuration is the user's own: one that is there already stays as it is. */
  unmanaged?: boolean;
  /** Rule files (Prometheus, Thanos Ruler) or templates (Alertmanager). */
  files: ReadonlyMap<string, string>;
  /** TLS material. */
  certificates: ReadonlyMap<string, string>;
}

export interface ShardState {
  shardID: string;
  replicas: number;
  updatedReplicas: number;
  availableReplicas: number;
  unavailableReplicas: number;
}

export interface InstanceState {
  /** Base URL people and tools reach it at. */
  url: string;
  ready: boolean;
  message: string;
  /** One entry a shard; absent where the instance is one process. */
  shards?: readonly ShardState[];
  /** Text of the label selector of its Pods, for autoscalers. */
  selector?: string;
  /** When it is to be observed again even if nothing changes, in Unix ms; absent: never. */
  lookAgainAt?: number;
}

export interface InstancePaths {
  /** Folder of TLS material, as the instance sees it. */
  certificates: string;
  /** Globs of its rule files, as the instance sees them, for these files. */
  rules(files: ReadonlyMap<string, string>): readonly string[];
}

export interface InstanceDriver extends AsyncDisposable {
  /** `api_server` for service discovery of instances; undefined where they run inside the cluster. */
  readonly apiServer: string | undefined;
  readonly features: GenerationFeatures;
  /** Why it cannot run instances of this kind; undefined when it can. */
  unsupported(kind: InstanceKind): string | undefined;
  /** Which program reads the configuration of this Prometheus. */
  readerOf(resource: DesiredInstance["resource"]): Reader;
  pathsOf(kind: InstanceKind, namespace: string, name: string): InstancePaths;
  /** Starts the instance or brings the running one to this state; throws when it cannot, leaving the old state. */
  apply(desired: DesiredInstance): Promise<InstanceState>;
  /** Where the instance stands now, for instances that change by themselves; absent: as `apply` said. */
  observe?(desired: DesiredInstance): Promise<InstanceState>;
  /** Tells of changes of running instances, so that their states are looked at again. */
  watch?(changed: (kind: string, action: "add" | "update" | "delete") => void, signal: AbortSignal): void;
  /** Stops the instance; its data stays where it is. */
  remove(kind: InstanceKind, namespace: string, name: string): Promise<void>;
}
