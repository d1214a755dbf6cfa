/** Targets of the addresses behind a Service, whether they come in Endpoints or in EndpointSlices. */
import type { TargetLabels } from "@pharos/model";
import { joinHostPort } from "../labels.ts";
import { attachedNodeLabels, containerLabels, containersOf, type Pod, podLabels } from "./labels.ts";
import { reference, type Scope } from "./role.ts";

export interface ObjectReference {
  kind?: string;
  namespace?: string;
  name?: string;
}

/** Objects an address stands for, as `reference` names them. */
export function addressReferences(target: ObjectReference | undefined, nodeName: string | undefined): string[] {
  const out: string[] = [];
  if (target?.kind === "Pod") out.push(reference("pod", `${target.namespace}/${target.name}`));
  if (target?.kind === "Node") out.push(reference("node", `/${target.name}`));
  if (nodeName) out.push(reference("node", `/${nodeName}`));
  return out;
}

export interface EndpointAddress {
  ip: string;
  target?: ObjectReference;
  /** Node whose labels are to be attached. */
  node?: string;
}

export class EndpointTargets {
  readonly targets: TargetLabels[] = [];
  /** Pods seen, with the ports the Service names. */
  readonly #pods = new Map<string, { pod: Pod; ports: Set<number> }>();
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** One address and port; `labels` are what the endpoint itself says of them. `protocol` overrules the container's. */
  add({ ip, target, node }: EndpointAddress, port: number | undefined, labels: TargetLabels, protocol?: string): void {
    const out: TargetLabels = {
      __address__: port === undefined ? ip : joinHostPort(ip, port),
      ...labels,
      ...attachedNodeLabels(node, this.#scope),
    };
    this.targets.push(out);
    const key = `${target?.namespace}/${target?.name}`;
    const pod = target?.kind === "Pod" ? this.#scope.cache.get<Pod>("pod", key) : undefined;
    if (!pod) return;
    const seen = this.#pods.get(key) ?? { pod, ports: new Set<number>() };
    this.#pods.set(key, seen);
    if (port !== undefined) seen.ports.add(port);
    Object.assign(out, podLabels(pod, this.#scope));
    for (const { container, init } of containersOf(pod)) {
      const match = container.ports?.find(({ containerPort }) => containerPort === port);
      if (match) Object.assign(out, containerLabels(container, init, protocol ? { ...match, protocol } : match));
    }
  }

  /** Container ports of the Pods that the Service does not name are targets too, as upstream has it. */
  addUnbound(): void {
    for (const { pod, ports } of this.#pods.values()) {
      const ip = pod.status?.podIP;
      // Empty while the pod starts, or after it was evicted.
      if (!ip) continue;
      const labels = podLabels(pod, this.#scope);
      for (const { container, init } of containersOf(pod)) {
        for (const port of container.ports ?? []) {
          if (ports.has(port.containerPort)) continue;
          const address = joinHostPort(ip, port.containerPort);
          this.targets.push({ __address__: address, ...containerLabels(container, init, port), ...labels });
        }
      }
    }
  }
}
