/** The scale subresource (autoscaling/v1), by the paths a kind names. */
import type { KubeObject } from "../types.ts";
import type { ResourceKind } from "./kinds.ts";
import { badRequest } from "./status-error.ts";

function getAt(object: unknown, path: string): unknown {
  return path
    .split(".")
    .filter(Boolean)
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

function setAt(object: KubeObject, path: string, value: unknown): void {
  const steps = path.split(".").filter(Boolean);
  // The path comes from a CRD that anybody may have written: it must stay inside the object.
  if (steps.some((step) => step in Object.prototype)) throw badRequest(`${path} is no path of a field`);
  let node = object as unknown as Record<string, unknown>;
  for (const step of steps.slice(0, -1)) node = (node[step] ??= {}) as Record<string, unknown>;
  node[steps.at(-1)!] = value;
}

const WORKLOAD = { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" };

export function readScale(kind: ResourceKind, object: KubeObject) {
  const paths = kind.scale ?? WORKLOAD;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: getAt(object, paths.specReplicasPath) ?? 0 },
    status: { replicas: getAt(object, paths.statusReplicasPath) ?? 0 },
  };
}

export function writeScale(kind: ResourceKind, object: KubeObject, scale: unknown): KubeObject {
  const replicas = (scale as { spec?: { replicas?: number } }).spec?.replicas ?? 0;
  setAt(object, (kind.scale ?? WORKLOAD).specReplicasPath, replicas);
  return object;
}
