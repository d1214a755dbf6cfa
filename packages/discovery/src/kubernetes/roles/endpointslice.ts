import type { KubeObject } from "@pharos/kube";
import type { TargetLabels } from "@pharos/model";
import { sanitize } from "../../labels.ts";
import { addressReferences, EndpointTargets, type ObjectReference } from "../endpoint-targets.ts";
import { DEFAULT_PROTOCOL, namespaceLabels, objectLabels, PREFIX } from "../labels.ts";
import { type Role, reference } from "../role.ts";
import type { Service } from "./service.ts";

interface Endpoint {
  addresses: string[];
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
  hostname?: string;
  nodeName?: string;
  zone?: string;
  targetRef?: ObjectReference;
  deprecatedTopology?: Record<string, string>;
}

interface Port {
  name?: string;
  port?: number;
  protocol?: string;
  appProtocol?: string;
}

export interface EndpointSlice extends KubeObject {
  addressType?: string;
  endpoints?: Endpoint[];
  ports?: Port[];
}

const SLICE = `${PREFIX}endpointslice_`;

/** Key of the Service a slice belongs to. */
function serviceKey({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.["kubernetes.io/service-name"];
  return name === undefined ? undefined : `${metadata.namespace}/${name}`;
}

/** Slices of a dual-stack Service's second address family are the same endpoints once more. */
function isSecondFamily(service: Service | undefined, { addressType }: EndpointSlice): boolean {
  const { ipFamilyPolicy, ipFamilies } = service?.spec ?? {};
  if (ipFamilyPolicy !== "PreferDualStack" && ipFamilyPolicy !== "RequireDualStack") return false;
  return ipFamilies !== undefined && ipFamilies.length > 0 && addressType !== ipFamilies[0];
}

function labelsOf(endpoint: Endpoint, port: Port): TargetLabels {
  const { conditions, hostname, nodeName, zone, targetRef, deprecatedTopology } = endpoint;
  const out: TargetLabels = {};
  const set = (name: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined && value !== null) out[`${SLICE}${name}`] = String(value);
  };
  set("port_name", port.name);
  set("port_protocol", port.protocol ?? DEFAULT_PROTOCOL);
  set("port", port.port);
  set("port_app_protocol", port.appProtocol);
  set("endpoint_conditions_ready", conditions?.ready);
  set("endpoint_conditions_serving", conditions?.serving);
  set("endpoint_conditions_terminating", conditions?.terminating);
  set("endpoint_hostname", hostname);
  set("address_target_kind", targetRef?.kind);
  set("address_target_name", targetRef?.name);
  set("endpoint_node_name", nodeName);
  set("endpoint_zone", zone);
  for (const [key, value] of Object.entries(deprecatedTopology ?? {})) {
    set(`endpoint_topology_${sanitize(key)}`, value);
    set(`endpoint_topology_present_${sanitize(key)}`, true);
  }
  return out;
}

export const endpointSliceRole: Role<EndpointSlice> = {
  kind: "endpointslice",
  companions: ["service", "pod"],
  source: (namespace, name) => `endpointslice/${namespace}/${name}`,
  references(slice) {
    const key = serviceKey(slice);
    return [
      ...(key === undefined ? [] : [reference("service", key)]),
      reference("namespace", `/${slice.metadata.namespace}`),
      ...(slice.endpoints ?? []).flatMap(({ targetRef, nodeName }) => addressReferences(targetRef, nodeName)),
    ];
  },
  group(slice, scope) {
    const { namespace = "", name = "" } = slice.metadata;
    const key = serviceKey(slice);
    const service = key === undefined ? undefined : scope.cache.get<Service>("service", key);
    const out = new EndpointTargets(scope);
    for (const endpoint of isSecondFamily(service, slice) ? [] : (slice.endpoints ?? [])) {
      const { targetRef, nodeName } = endpoint;
      const node = targetRef?.kind === "Node" ? targetRef.name : nodeName;
      for (const port of slice.ports ?? []) {
        const labels = labelsOf(endpoint, port);
        for (const ip of endpoint.addresses) out.add({ ip, target: targetRef, node }, port.port, labels);
      }
    }
    out.addUnbound();
    return {
      source: this.source(namespace, name),
      labels: {
        ...objectLabels("endpointslice", slice),
        [`${SLICE}address_type`]: slice.addressType ?? "",
        ...namespaceLabels(slice, scope),
        ...(service && objectLabels("service", service)),
      },
      targets: out.targets,
    };
  },
};
