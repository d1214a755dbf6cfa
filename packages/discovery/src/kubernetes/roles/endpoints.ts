import type { KubeObject } from "@pharos/kube";
import { addressReferences, EndpointTargets, type ObjectReference } from "../endpoint-targets.ts";
import { DEFAULT_PROTOCOL, namespaceLabels, objectLabels, PREFIX } from "../labels.ts";
import { type Role, reference } from "../role.ts";

interface Address {
  ip: string;
  hostname?: string;
  nodeName?: string;
  targetRef?: ObjectReference;
}

interface Endpoints extends KubeObject {
  subsets?: {
    addresses?: Address[];
    notReadyAddresses?: Address[];
    ports?: { name?: string; port: number; protocol?: string }[];
  }[];
}

export const endpointsRole: Role<Endpoints> = {
  kind: "endpoints",
  companions: ["service", "pod"],
  source: (namespace, name) => `endpoints/${namespace}/${name}`,
  references({ metadata: { namespace, name }, subsets }) {
    const addresses = (subsets ?? []).flatMap((subset) => [
      ...(subset.addresses ?? []),
      ...(subset.notReadyAddresses ?? []),
    ]);
    return [
      reference("service", `${namespace}/${name}`),
      reference("namespace", `/${namespace}`),
      ...addresses.flatMap(({ targetRef, nodeName }) => addressReferences(targetRef, nodeName)),
    ];
  },
  group(endpoints, scope) {
    const { namespace = "", name = "" } = endpoints.metadata;
    const out = new EndpointTargets(scope);
    for (const { ports, addresses, notReadyAddresses } of endpoints.subsets ?? []) {
      for (const { name: portName, port, protocol = DEFAULT_PROTOCOL } of ports ?? []) {
        const add = ({ ip, hostname, nodeName, targetRef }: Address, ready: string): void => {
          const labels = {
            [`${PREFIX}endpoint_port_name`]: portName ?? "",
            [`${PREFIX}endpoint_port_protocol`]: protocol,
            [`${PREFIX}endpoint_ready`]: ready,
            ...(targetRef && {
              [`${PREFIX}endpoint_address_target_kind`]: targetRef.kind ?? "",
              [`${PREFIX}endpoint_address_target_name`]: targetRef.name ?? "",
            }),
            ...(nodeName !== undefined && { [`${PREFIX}endpoint_node_name`]: nodeName }),
            ...(hostname && { [`${PREFIX}endpoint_hostname`]: hostname }),
          };
          const node = nodeName ?? (targetRef?.kind === "Node" ? targetRef.name : undefined);
          out.add({ ip, target: targetRef, node }, port, labels, protocol);
        };
        for (const address of addresses ?? []) add(address, "true");
        for (const address of notReadyAddresses ?? []) add(address, "false");
      }
    }
    out.addUnbound();
    const service = scope.cache.get("service", `${namespace}/${name}`);
    return {
      source: this.source(namespace, name),
      labels: {
        ...namespaceLabels(endpoints, scope),
        ...(service && objectLabels("service", service)),
        ...objectLabels("endpoints", endpoints),
      },
      targets: out.targets,
    };
  },
};
