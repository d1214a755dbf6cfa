/** How the Pods of an instance are, from the StatefulSets' statuses and from the Pods themselves. */
import type { KubeObject } from "@pharos/kube";
import type { InstanceState, ShardState } from "../driver.ts";
import { SHARD_LABEL } from "./names.ts";

export interface Workload extends KubeObject {
  spec: { replicas?: number };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    updateRevision?: string;
    /** Of a DaemonSet. */
    desiredNumberScheduled?: number;
    updatedNumberScheduled?: number;
    numberAvailable?: number;
  };
}

export interface Pod extends KubeObject {
  status?: {
    phase?: string;
    message?: string;
    reason?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

interface ContainerStatus {
  name: string;
  ready?: boolean;
  state?: {
    waiting?: { reason?: string; message?: string };
    terminated?: { reason?: string; exitCode?: number; message?: string };
  };
}

/** Messages of so many Pods are enough to know what is wrong. */
const MAX_MESSAGES = 5;

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}

/** Why a Pod is not ready, in one sentence; undefined when it is. */
export function podProblem(pod: Pod): string | undefined {
  if (isReady(pod)) return undefined;
  const { status } = pod;
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const { waiting, terminated } = container.state ?? {};
    const why = waiting ?? (terminated && terminated.exitCode !== 0 ? terminated : undefined);
    if (why?.reason) return `container ${container.name}: ${[why.reason, why.message].filter(Boolean).join(": ")}`;
  }
  const unscheduled = status?.conditions?.find(
    ({ type, status: value }) => type === "PodScheduled" && value === "False",
  );
  if (unscheduled) return [unscheduled.reason, unscheduled.message].filter(Boolean).join(": ");
  return status?.message ?? status?.reason ?? `it is ${status?.phase ?? "unknown"}`;
}

function shardState(workload: Workload): ShardState & { wanted: number; settled: boolean } {
  const { spec, status = {}, metadata } = workload;
  const wanted = status.desiredNumberScheduled ?? spec.replicas ?? 1;
  const available = status.availableReplicas ?? status.numberAvailable ?? 0;
  return {
    shardID: metadata.labels?.[SHARD_LABEL] ?? "0",
    replicas: status.replicas ?? status.desiredNumberScheduled ?? 0,
    updatedReplicas: status.updatedReplicas ?? status.updatedNumberScheduled ?? 0,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
    wanted,
    settled: (status.observedGeneration ?? 0) >= (metadata.generation ?? 1),
  };
}

/** `workloads`: one a shard, in order; undefined for one that is not there. */
export function instanceState(
  workloads: readonly (Workload | undefined)[],
  pods: readonly Pod[],
  url: string,
  selector: string,
): InstanceState {
  const missing = workloads.some((workload) => workload === undefined);
  const shards = workloads.filter((workload) => workload !== undefined).map(shardState);
  const ready =
    !missing && shards.every(({ availableReplicas, wanted, settled }) => settled && availableReplicas >= wanted);
  const messages = pods.flatMap((pod) => {
    const problem = podProblem(pod);
    return problem ? [`Pod ${pod.metadata.name}: ${problem}`] : [];
  });
  if (missing) messages.unshift("a StatefulSet is not there");
  else if (!ready && messages.length === 0) {
    const available = shards.reduce((sum, { availableReplicas }) => sum + availableReplicas, 0);
    messages.push(`${available} of ${shards.reduce((sum, { wanted }) => sum + wanted, 0)} Pods are ready`);
  }
  const shown = messages.sort().slice(0, MAX_MESSAGES);
  if (messages.length > MAX_MESSAGES) shown.push(`and ${messages.length - MAX_MESSAGES} more`);
  return {
    url,
    ready,
    message: ready ? "" : shown.join("; "),
    shards: shards.map(({ wanted: _wanted, settled: _settled, ...state }) => state),
    selector,
  };
}

/** Pods that hang in an old revision: the controller waits for them, and they will never get ready. */
export function stuckPods(workload: Workload, pods: readonly Pod[]): Pod[] {
  const revision = workload.status?.updateRevision;
  if (!revision) return [];
  return pods.filter((pod) => {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner?.name !== workload.metadata.name || pod.metadata.deletionTimestamp) return false;
    return pod.metadata.labels?.["controller-revision-hash"] !== revision && !isReady(pod);
  });
}
