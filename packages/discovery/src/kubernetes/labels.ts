/** Meta labels of objects, as every role names them. */
import type { KubeObject } from "@pharos/kube";
import type { TargetLabels } from "@pharos/model";

const PREFIX = "__meta_kubernetes_";

function sanitize(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, "_");
}

/** Name, labels and annotations of an object, each with its `…present` twin. */
export function objectLabels(role: string, { metadata }: KubeObject, withName = true): TargetLabels {
  const out: TargetLabels = {};
  if (withName) out[`${PREFIX}${role}_name`] = metadata.name ?? "";
  for (const [kind, map] of [
    ["label", metadata.labels],
    ["annotation", metadata.annotations],
  ] as const) {
    for (const [name, value] of Object.entries(map ?? {})) {
      out[`${PREFIX}${role}_${kind}_${sanitize(name)}`] = value;
      out[`${PREFIX}${role}_${kind}present_${sanitize(name)}`] = "true";
    }
  }
  return out;
}

export interface Pod extends KubeObject {
  spec?: {
    nodeName?: string;
    containers?: Container[];
    initContainers?: (Container & { restartPolicy?: string })[];
    hostNetwork?: boolean;
  };
  status?: {
    podIP?: string;
    hostIP?: string;
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { name: string; containerID?: string }[];
    initContainerStatuses?: { name: string; containerID?: string }[];
  };
}

export interface Container {
  name: string;
  image?: string;
  ports?: { name?: string; containerPort: number; protocol?: string }[];
}

export function podLabels(pod: Pod): TargetLabels {
  const { metadata, spec, status } = pod;
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "unknown";
  const out: TargetLabels = {
    ...objectLabels("pod", pod),
    __meta_kubernetes_pod_ip: status?.podIP ?? "",
    __meta_kubernetes_pod_ready: ready.toLowerCase(),
    __meta_kubernetes_pod_phase: status?.phase ?? "",
    __meta_kubernetes_pod_node_name: spec?.nodeName ?? "",
    __meta_kubernetes_pod_host_ip: status?.hostIP ?? "",
    __meta_kubernetes_pod_uid: metadata.uid ?? "",
  };
  const controller = metadata.ownerReferences?.find((owner) => owner.controller);
  if (controller) {
    out.__meta_kubernetes_pod_controller_kind = controller.kind;
    out.__meta_kubernetes_pod_controller_name = controller.name;
  }
  return out;
}

export function containerLabels(
  pod: Pod,
  container: Container,
  port?: NonNullable<Container["ports"]>[number],
): TargetLabels {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const init = pod.spec?.initContainers?.some(({ name }) => name === container.name) ?? false;
  return {
    __meta_kubernetes_pod_container_name: container.name,
    __meta_kubernetes_pod_container_image: container.image ?? "",
    __meta_kubernetes_pod_container_id: statuses.find(({ name }) => name === container.name)?.containerID ?? "",
    __meta_kubernetes_pod_container_init: String(init),
    ...(port
      ? {
          __meta_kubernetes_pod_container_port_name: port.name ?? "",
          __meta_kubernetes_pod_container_port_number: String(port.containerPort),
          __meta_kubernetes_pod_container_port_protocol: port.protocol ?? "TCP",
        }
      : {}),
  };
}

export function address(host: string, port: number | string): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
