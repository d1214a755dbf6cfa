import { FamilyMaker, type Resource, type Wire } from "../family.ts";

interface Service extends Wire {
  spec?: {
    type?: string;
    clusterIP?: string;
    externalName?: string;
    loadBalancerIP?: string;
    externalTrafficPolicy?: string;
    externalIPs?: string[] | null;
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] | null } };
}

const make = new FamilyMaker<Service>("kube_service_");

export const services: Resource<Service> = {
  name: "services",
  type: { group: "", version: "v1", plural: "services", namespaced: true },
  goType: "*v1.Service",
  identity: ({ metadata: { namespace, name, uid } }) => ["namespace", namespace, "service", name, "uid", uid],
  families: [
    make.info("info", "STABLE", "Information about service.", ({ spec }) => [
      "cluster_ip",
      spec?.clusterIP,
      "external_name",
      spec?.externalName,
      "load_balancer_ip",
      spec?.loadBalancerIP,
      "external_traffic_policy",
      spec?.externalTrafficPolicy,
    ]),
    make.created("STABLE"),
    make.info("spec_type", "STABLE", "Type about service.", ({ spec }) => ["type", spec?.type]),
    make.annotations(),
    make.labels("STABLE"),
    make.gauge("spec_external_ip", "STABLE", "Service external ips. One series for each ip", ({ spec }, emit) => {
      for (const ip of spec?.externalIPs ?? []) emit(1, ["external_ip", ip]);
    }),
    make.gauge("status_load_balancer_ingress", "STABLE", "Service load balancer ingress status", ({ status }, emit) => {
      for (const { ip, hostname } of status?.loadBalancer?.ingress ?? []) emit(1, ["ip", ip, "hostname", hostname]);
    }),
    make.deletionTimestamp(),
  ],
};
