import type { TargetLabels } from "@pharos/model";
import { joinHostPort } from "../../labels.ts";
import {
  attachedNodeLabels,
  containerLabels,
  containersOf,
  controllerOf,
  namespaceLabels,
  type Pod,
  PREFIX,
  podLabels,
} from "../labels.ts";
import { type Role, reference } from "../role.ts";

/** What a pod's labels are taken from, besides itself. */
export function podReferences(pod: Pod): string[] {
  const { namespace } = pod.metadata;
  const controller = controllerOf(pod);
  const out = [reference("node", `/${pod.spec?.nodeName}`), reference("namespace", `/${namespace}`)];
  if (controller?.kind === "ReplicaSet") out.push(reference("replicaset", `${namespace}/${controller.name}`));
  if (controller?.kind === "Job") out.push(reference("job", `${namespace}/${controller.name}`));
  return out;
}

export const podRole: Role<Pod> = {
  kind: "pod",
  companions: [],
  source: (namespace, name) => `pod/${namespace}/${name}`,
  references: podReferences,
  group(pod, scope) {
    const { namespace = "", name = "" } = pod.metadata;
    const source = this.source(namespace, name);
    const ip = pod.status?.podIP ?? "";
    const nodeName = pod.spec?.nodeName ?? "";
    // No address yet, or on a node that the node selector left out.
    if (ip === "" || (scope.attach.node && !scope.cache.get("node", `/${nodeName}`))) {
      return { source, labels: {}, targets: [] };
    }
    const targets: TargetLabels[] = [];
    for (const { container, init } of containersOf(pod)) {
      const statuses = init ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
      const id = statuses?.find((status) => status.name === container.name)?.containerID ?? "";
      const add = (address: string, port?: NonNullable<typeof container.ports>[number]): void => {
        const labels = containerLabels(container, init, port);
        targets.push({ __address__: address, ...labels, [`${PREFIX}pod_container_id`]: id });
      };
      if (!container.ports?.length) add(ip);
      for (const port of container.ports ?? []) add(joinHostPort(ip, port.containerPort), port);
    }
    return {
      source,
      labels: { ...podLabels(pod, scope), ...namespaceLabels(pod, scope), ...attachedNodeLabels(nodeName, scope) },
      targets,
    };
  },
};
