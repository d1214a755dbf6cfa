/** Sharding by the StatefulSet this program runs in: the pod's ordinal of as many shards as there are replicas. */
import type { Logger } from "@pharos/kit";
import { type KubeClient, type KubeObject, type ResourceType, watchResources } from "@pharos/kube/client";
import { UserError } from "@pharos/model";
import type { Shard } from "./shard.ts";

const PODS: ResourceType = { group: "", version: "v1", plural: "pods" };
const STATEFUL_SETS: ResourceType = { group: "apps", version: "v1", plural: "statefulsets" };

/** Undefined when the pod's name is not that of a pod of the set. */
export function shardFrom(set: KubeObject, pod: string): Shard | undefined {
  const prefix = `${set.metadata.name}-`;
  const text = pod.startsWith(prefix) ? pod.slice(prefix.length) : "";
  if (!/^\d{1,9}$/.test(text)) return undefined;
  const { replicas } = (set.spec ?? {}) as { replicas?: number | null };
  return { ordinal: Number(text), total: Math.max(1, replicas ?? 1) };
}

async function findStatefulSet(client: KubeClient, namespace: string, pod: string, signal: AbortSignal) {
  const { metadata } = await client.get(PODS, { namespace, name: pod }, signal);
  const owner = metadata.ownerReferences?.find(
    ({ apiVersion, kind, controller }) => apiVersion === "apps/v1" && kind === "StatefulSet" && controller,
  );
  if (!owner) {
    throw new UserError("ksm.shard", `pod ${namespace}/${pod} is not controlled by a StatefulSet`, {
      where: { flag: "--pod" },
      fix: "Run it in a StatefulSet, or give --shard and --total-shards",
    });
  }
  return client.get(STATEFUL_SETS, { namespace, name: owner.name }, signal);
}

/** Answers the shard this pod is now, and calls `onChange` whenever that changes. */
export async function followShard(
  client: KubeClient,
  { pod, namespace }: { pod: string; namespace: string },
  log: Logger,
  onChange: (shard: Shard) => void,
  signal: AbortSignal,
): Promise<Shard> {
  const set = await findStatefulSet(client, namespace, pod, signal);
  const first = shardFrom(set, pod);
  if (!first) {
    throw new UserError("ksm.shard", `the name of pod ${pod} has no ordinal of StatefulSet ${set.metadata.name}`, {
      where: { flag: "--pod" },
    });
  }
  let current = first;
  const see = (object: KubeObject): void => {
    const shard = shardFrom(object, pod);
    if (!shard || (shard.ordinal === current.ordinal && shard.total === current.total)) return;
    current = shard;
    onChange(shard);
  };
  watchResources(
    client,
    { ...STATEFUL_SETS, namespace, fieldSelector: `metadata.name=${set.metadata.name}` },
    {
      onAdd: see,
      onUpdate: see,
      onDelete: () => {},
      onError: (error) => log.error("cannot follow the StatefulSet of this pod", { err: error }),
    },
    signal,
  );
  return first;
}
