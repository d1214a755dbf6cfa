/** Meta labels of objects, as every role names them. */
import type { KubeObject, OwnerReference } from "@pharos/kube";
import type { TargetLabels } from "@pharos/model";
import { sanitize } from "../labels.ts";
import type { Scope } from "./role.ts";

export const PREFIX = "__meta_kubernetes_";

/** Labels and annotations of an object, each with its `…present` twin. */
function annotationsAndLabels(kind: string, { metadata }: KubeObject): TargetLabels {
  const out: TargetLabels = {};
  for (const [what, map] of [
    ["label", metadata.labels],
    ["annotation", metadata.annotations],
  ] as const) {
    for (const [name, value] of Object.entries(map ?? {})) {
      out[`${PREFIX}${kind}_${what}_${sanitize(name)}`] = value;
      out[`${PREFIX}${kind}_${what}present_${sanitize(name)}`] = "true";
    }
  }
  return out;
}

/** Name, labels and annotations of an object. */
export function objectLabels(kind: string, object: KubeObject): TargetLabels {
  return { [`${PREFIX}${kind}_name`]: object.metadata.name ?? "", ...annotationsAndLabels(kind, object) };
}

/** The namespace an object is in, with its labels and annotations when they are asked for. */
export function namespaceLabels({ metadata }: KubeObject, { cache, attach }: Scope): TargetLabels {
  const namespace = attach.namespace ? cache.get("namespace", `/${metadata.namespace}`) : undefined;
  return {
    [`${PREFIX}namespace`]: metadata.namespace ?? "",
    ...(namespace && annotationsAndLabels("namespace", namespace)),
  };
}

/** The node something runs on, when that is asked for and the node is known. */
export function attachedNodeLabels(name: string | undefined, { cache, attach }: Scope): TargetLabels {
  const node = attach.node && name ? cache.get("node", `/${name}`) : undefined;
  return node ? objectLabels("node", node) : {};
}

export interface Container {
  name: string;
  image?: string;
  ports?: ContainerPort[];
}

export interface ContainerPort {
  name?: string;
  containerPort: number;
  protocol?: string;
}

export interface ContainerStatus {
  name: string;
  containerID?: string;
}

export interface Pod extends KubeObject {
  spec?: { nodeName?: string; containers?: Container[]; initContainers?: Container[] };
  status?: {
    podIP?: string;
    hostIP?: string;
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find((owner) => owner.controller);
}

/** The Deployment behind a ReplicaSet, the Job, the CronJob behind a Job, as asked for. */
function workloadLabels(pod: Pod, { cache, attach }: Scope): TargetLabels {
  const controller = controllerOf(pod);
  const key = `${pod.metadata.namespace}/${controller?.name}`;
  const out: TargetLabels = {};
  if (controller?.kind === "ReplicaSet" && attach.deployment) {
    const replicaSet = cache.get("replicaset", key);
    const owner = replicaSet && controllerOf(replicaSet);
    if (owner?.kind === "Deployment") out[`${PREFIX}pod_deployment_name`] = owner.name;
  }
  if (controller?.kind === "Job") {
    if (attach.job) out[`${PREFIX}pod_job_name`] = controller.name;
    const job = attach.cronjob ? cache.get("job", key) : undefined;
    const owner = job && controllerOf(job);
    if (owner?.kind === "CronJob") out[`${PREFIX}pod_cronjob_name`] = owner.name;
  }
  return out;
}

export function podLabels(pod: Pod, scope: Scope): TargetLabels {
  const { metadata, spec, status } = pod;
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "unknown";
  const controller = controllerOf(pod);
  return {
    ...objectLabels("pod", pod),
    [`${PREFIX}pod_ip`]: status?.podIP ?? "",
    [`${PREFIX}pod_ready`]: ready.toLowerCase(),
    [`${PREFIX}pod_phase`]: status?.phase ?? "",
    [`${PREFIX}pod_node_name`]: spec?.nodeName ?? "",
    [`${PREFIX}pod_host_ip`]: status?.hostIP ?? "",
    [`${PREFIX}pod_uid`]: metadata.uid ?? "",
    ...(controller && {
      [`${PREFIX}pod_controller_kind`]: controller.kind,
      [`${PREFIX}pod_controller_name`]: controller.name,
    }),
    ...workloadLabels(pod, scope),
  };
}

/** Containers, then init containers, as upstream goes through them. */
export function containersOf({ spec }: Pod): { container: Container; init: boolean }[] {
  return [
    ...(spec?.containers ?? []).map((container) => ({ container, init: false })),
    ...(spec?.initContainers ?? []).map((container) => ({ container, init: true })),
  ];
}

export function containerLabels({ name, image }: Container, init: boolean, port?: ContainerPort): TargetLabels {
  return {
    [`${PREFIX}pod_container_name`]: name,
    [`${PREFIX}pod_container_image`]: image ?? "",
    [`${PREFIX}pod_container_init`]: String(init),
    ...(port && {
      [`${PREFIX}pod_container_port_name`]: port.name ?? "",
      [`${PREFIX}pod_container_port_number`]: String(port.containerPort),
      [`${PREFIX}pod_container_port_protocol`]: port.protocol ?? DEFAULT_PROTOCOL,
    }),
  };
}

/** What the API server puts where a port's protocol is left out. */
export const DEFAULT_PROTOCOL = "TCP";
