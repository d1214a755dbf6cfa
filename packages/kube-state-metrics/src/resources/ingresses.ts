import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";

interface Path {
  path?: string;
  pathType?: string | null;
  backend?: {
    service?: { name?: string; port?: { number?: number } } | null;
    resource?: { apiGroup?: string | null; kind?: string; name?: string } | null;
  };
}

interface Ingress extends Wire {
  spec?: {
    ingressClassName?: string | null;
    rules?: { host?: string; http?: { paths?: Path[] | null } | null }[] | null;
    tls?: { hosts?: string[] | null; secretName?: string }[] | null;
  };
}

/** How the class was said before there was a field for it; it still counts first. */
const CLASS_ANNOTATION = "kubernetes.io/ingress.class";
const make = new FamilyMaker<Ingress>("kube_ingress_");

export const ingresses: Resource<Ingress> = {
  name: "ingresses",
  type: { group: "networking.k8s.io", version: "v1", plural: "ingresses", namespaced: true },
  goType: "*v1.Ingress",
  identity: namespacedName("ingress"),
  families: [
    make.info("info", "STABLE", "Information about ingress.", ({ metadata, spec }) => [
      "ingressclass",
      metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.ingressClassName ?? "_default",
    ]),
    make.annotations(),
    make.labels("STABLE"),
    make.created("STABLE"),
    make.resourceVersion("ALPHA", "ingress"),
    make.gauge("path", "STABLE", "Ingress host, paths and backend service information.", ({ spec }, emit) => {
      for (const { host, http } of spec?.rules ?? []) {
        for (const { path, pathType, backend } of http?.paths ?? []) {
          const labels = ["host", host, "path", path, "path_type", pathType ?? ""];
          const { service, resource } = backend ?? {};
          if (service) {
            emit(1, [...labels, "service_name", service.name, "service_port", String(service.port?.number ?? 0)]);
          } else if (resource) {
            const { apiGroup, kind, name } = resource;
            emit(1, [...labels, "resource_api_group", apiGroup ?? "", "resource_kind", kind, "resource_name", name]);
          }
        }
      }
    }),
    make.gauge("tls", "STABLE", "Ingress TLS host and secret information.", ({ spec }, emit) => {
      for (const { hosts, secretName } of spec?.tls ?? []) {
        for (const host of hosts ?? []) emit(1, ["tls_host", host, "secret", secretName]);
      }
    }),
  ],
};
