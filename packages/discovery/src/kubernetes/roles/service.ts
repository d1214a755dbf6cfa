import type { KubeObject } from "@pharos/kube";
import type { TargetLabels } from "@pharos/model";
import { joinHostPort } from "../../labels.ts";
import { DEFAULT_PROTOCOL, namespaceLabels, objectLabels, PREFIX } from "../labels.ts";
import { type Role, reference } from "../role.ts";

export interface Service extends KubeObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    externalName?: string;
    loadBalancerIP?: string;
    ipFamilies?: string[];
    ipFamilyPolicy?: string;
    ports?: { name?: string; port: number; protocol?: string }[];
  };
  status?: { loadBalancer?: { ingress?: { ip?: string }[] } };
}

function loadBalancerIps({ spec, status }: Service): string {
  const ips = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return ips.length > 0 ? ips.join(",") : (spec?.loadBalancerIP ?? "");
}

export const serviceRole: Role<Service> = {
  kind: "service",
  companions: [],
  source: (namespace, name) => `svc/${namespace}/${name}`,
  references: ({ metadata }) => [reference("namespace", `/${metadata.namespace}`)],
  group(service, scope) {
    const { namespace = "", name = "" } = service.metadata;
    const { spec } = service;
    const type = spec?.type ?? "";
    const targets = (spec?.ports ?? []).map(
      ({ name: portName, port, protocol }): TargetLabels => ({
        __address__: joinHostPort(`${name}.${namespace}.svc`, port),
        [`${PREFIX}service_port_name`]: portName ?? "",
        [`${PREFIX}service_port_number`]: String(port),
        [`${PREFIX}service_port_protocol`]: protocol ?? DEFAULT_PROTOCOL,
        [`${PREFIX}service_type`]: type,
        ...(type === "ExternalName"
          ? { [`${PREFIX}service_external_name`]: spec?.externalName ?? "" }
          : { [`${PREFIX}service_cluster_ip`]: spec?.clusterIP ?? "" }),
        ...(type === "LoadBalancer" && { [`${PREFIX}service_loadbalancer_ip`]: loadBalancerIps(service) }),
      }),
    );
    return {
      source: this.source(namespace, name),
      labels: { ...objectLabels("service", service), ...namespaceLabels(service, scope) },
      targets,
    };
  },
};
