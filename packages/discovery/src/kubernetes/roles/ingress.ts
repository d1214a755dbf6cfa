import type { KubeObject } from "@pharos/kube";
import type { TargetLabels } from "@pharos/model";
import { namespaceLabels, objectLabels, PREFIX } from "../labels.ts";
import { type Role, reference } from "../role.ts";

interface Ingress extends KubeObject {
  spec?: {
    ingressClassName?: string;
    tls?: { hosts?: string[] }[];
    rules?: { host?: string; http?: { paths?: { path?: string }[] } }[];
  };
}

/** Whether a certificate's name is for the host: itself, or a wildcard in place of the first label. */
function covers(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  const [first, ...rest] = pattern.split(".");
  return first === "*" && rest.join(".") === host.split(".").slice(1).join(".");
}

export const ingressRole: Role<Ingress> = {
  kind: "ingress",
  companions: [],
  source: (namespace, name) => `ingress/${namespace}/${name}`,
  references: ({ metadata }) => [reference("namespace", `/${metadata.namespace}`)],
  group(ingress, scope) {
    const { namespace = "", name = "" } = ingress.metadata;
    const { rules, tls, ingressClassName } = ingress.spec ?? {};
    const secured = (tls ?? []).flatMap(({ hosts }) => hosts ?? []);
    const targets: TargetLabels[] = [];
    for (const { host = "", http } of rules ?? []) {
      const scheme = secured.some((pattern) => covers(pattern, host)) ? "https" : "http";
      for (const { path } of http ? (http.paths ?? []) : [{ path: "/" }]) {
        targets.push({
          __address__: host,
          [`${PREFIX}ingress_scheme`]: scheme,
          [`${PREFIX}ingress_host`]: host,
          [`${PREFIX}ingress_path`]: path || "/",
        });
      }
    }
    return {
      source: this.source(namespace, name),
      labels: {
        ...objectLabels("ingress", ingress),
        ...namespaceLabels(ingress, scope),
        ...(ingressClassName !== undefined && { [`${PREFIX}ingress_class_name`]: ingressClassName }),
      },
      targets,
    };
  },
};
