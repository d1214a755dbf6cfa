import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";

interface Port {
  name?: string;
  port?: number;
  protocol?: string;
}

interface Endpoints extends Wire {
  subsets?: { ports?: Port[]; addresses?: { ip?: string }[]; notReadyAddresses?: { ip?: string }[] }[] | null;
}

const make = new FamilyMaker<Endpoints>("kube_endpoint_");

export const endpoints: Resource<Endpoints> = {
  name: "endpoints",
  type: { group: "", version: "v1", plural: "endpoints", namespaced: true },
  goType: "*v1.Endpoints",
  defaultOff: true,
  identity: namespacedName("endpoint"),
  families: [
    make.info("info", "STABLE", "Information about endpoint."),
    make.created("STABLE"),
    make.annotations(),
    make.labels("STABLE"),
    make.gauge(
      "address",
      "STABLE",
      "Information about Endpoint available and non available addresses.",
      ({ subsets }, emit) => {
        for (const { ports = [], addresses = [], notReadyAddresses = [] } of subsets ?? []) {
          for (const { name, port = 0, protocol } of ports) {
            const labels = ["port_protocol", protocol, "port_number", String(port), "port_name", name];
            for (const { ip } of addresses) emit(1, [...labels, "ip", ip, "ready", "true"]);
            for (const { ip } of notReadyAddresses) emit(1, [...labels, "ip", ip, "ready", "false"]);
          }
        }
      },
    ),
    {
      ...make.gauge("ports", "STABLE", "Information about the Endpoint ports.", ({ subsets }, emit) => {
        for (const { ports = [] } of subsets ?? []) {
          for (const { name, port = 0, protocol } of ports) {
            emit(1, ["port_name", name, "port_protocol", protocol, "port_number", String(port)]);
          }
        }
      }),
      deprecated: "v2.14.0",
    },
  ],
};
