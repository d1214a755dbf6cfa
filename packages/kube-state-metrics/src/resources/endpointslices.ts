import { FamilyMaker, type Resource, type Wire } from "../family.ts";

interface Endpoint {
  addresses?: string[] | null;
  conditions?: { ready?: boolean | null; serving?: boolean | null; terminating?: boolean | null };
  hostname?: string | null;
  targetRef?: { kind?: string; name?: string; namespace?: string } | null;
  nodeName?: string | null;
  zone?: string | null;
  hints?: { forZones?: { name: string }[] } | null;
}

interface EndpointSlice extends Wire {
  addressType?: string;
  endpoints?: Endpoint[] | null;
  ports?: { name?: string | null; protocol?: string | null; port?: number | null }[] | null;
}

/** Unknown is the empty string. */
const text = (value: boolean | string | number | null | undefined): string => String(value ?? "");

const make = new FamilyMaker<EndpointSlice>("kube_endpointslice_");

export const endpointslices: Resource<EndpointSlice> = {
  name: "endpointslices",
  type: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices", namespaced: true },
  goType: "*v1.EndpointSlice",
  identity: ({ metadata: { name, namespace } }) => ["endpointslice", name, "namespace", namespace],
  families: [
    make.info("info", "ALPHA", "Information about endpointslice.", ({ addressType }) => ["addresstype", addressType]),
    make.created("ALPHA"),
    make.gauge("endpoints_hints", "ALPHA", "Topology routing hints attached to endpoints", (slice, emit) => {
      for (const { addresses, hints } of slice.endpoints ?? []) {
        if (!addresses || addresses.length === 0) continue;
        for (const { name } of hints?.forZones ?? []) emit(1, ["address", addresses[0], "for_zone", name]);
      }
    }),
    make.gauge("endpoints", "ALPHA", "Endpoints attached to the endpointslice.", (slice, emit) => {
      for (const { addresses, conditions, hostname, targetRef, nodeName, zone } of slice.endpoints ?? []) {
        const labels = [
          "ready",
          text(conditions?.ready),
          "serving",
          text(conditions?.serving),
          "hostname",
          text(hostname),
          "terminating",
          text(conditions?.terminating),
          "targetref_kind",
          text(targetRef?.kind),
          "targetref_name",
          text(targetRef?.name),
          "targetref_namespace",
          text(targetRef?.namespace),
          "endpoint_nodename",
          text(nodeName),
          "endpoint_zone",
          text(zone),
        ];
        for (const address of addresses ?? []) emit(1, [...labels, "address", address]);
      }
    }),
    make.gauge("ports", "ALPHA", "Ports attached to the endpointslice.", ({ ports }, emit) => {
      for (const { name, protocol, port } of ports ?? []) {
        emit(1, ["port_name", text(name), "port_protocol", text(protocol), "port_number", text(port)]);
      }
    }),
    make.annotations(),
    make.labels("ALPHA"),
  ],
};
