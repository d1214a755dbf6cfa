/** The UI at https://grafana.DOMAIN, by Ingress and by Gateway API. */
import type { KubeObject } from "@pharos/kube";
import type { Values } from "./values.ts";
import { labelsOf } from "./workload.ts";

const SERVICE = "grafana";
const PORT = 3000;

export function routesToUi(values: Values): KubeObject[] {
  const { namespace, domain } = values;
  if (domain === "") return [];
  return [
    ...(values["grafana.ingress.enabled"] ? [ingress(values)] : []),
    ...(values["grafana.gateway.name"] ? [httpRoute(values)] : []),
  ].map((object) => ({
    ...object,
    metadata: { name: SERVICE, namespace, labels: labelsOf(SERVICE), ...object.metadata },
  }));
}

function ingress(values: Values): KubeObject {
  const host = `grafana.${values.domain}`;
  const annotations = values["grafana.ingress.annotations"];
  const className = values["grafana.ingress.className"];
  const secretName = values["grafana.ingress.tlsSecret"];
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: Object.keys(annotations).length > 0 ? { annotations } : {},
    spec: {
      ...(className ? { ingressClassName: className } : {}),
      tls: [{ hosts: [host], ...(secretName ? { secretName } : {}) }],
      rules: [
        {
          host,
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: SERVICE, port: { number: PORT } } } }],
          },
        },
      ],
    },
  };
}

function httpRoute(values: Values): KubeObject {
  const gatewayNamespace = values["grafana.gateway.namespace"];
  const sectionName = values["grafana.gateway.sectionName"];
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {},
    spec: {
      parentRefs: [
        {
          name: values["grafana.gateway.name"],
          ...(gatewayNamespace ? { namespace: gatewayNamespace } : {}),
          ...(sectionName ? { sectionName } : {}),
        },
      ],
      hostnames: [`grafana.${values.domain}`],
      rules: [
        { matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs: [{ name: SERVICE, port: PORT }] },
      ],
    },
  };
}
