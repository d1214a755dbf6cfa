/** kubernetes_sd_configs. */

import { readFileSync } from "node:fs";
import { type HttpClientConfig, parseHttpClientConfig, type YamlNode } from "@pharos/kit";
import type { ClientTarget } from "@pharos/kube";

export const ROLES = ["node", "service", "pod", "endpoints", "endpointslice", "ingress"] as const;
export type KubernetesRole = (typeof ROLES)[number];

export interface KubernetesConfig {
  role: KubernetesRole;
  apiServer: string;
  kubeconfigFile: string;
  client: HttpClientConfig;
  /** Empty: all namespaces. */
  namespaces: string[];
  ownNamespace: boolean;
  selectors: { role: string; label: string; field: string }[];
  attachNode: boolean;
}

export function parseKubernetesConfig(node: YamlNode): KubernetesConfig {
  const map = node.map();
  const role = map.get("role")?.string() ?? "";
  const namespaces = map.get("namespaces");
  const attach = map.get("attach_metadata");
  const config: KubernetesConfig = {
    role: role as KubernetesRole,
    apiServer: map.get("api_server")?.string() ?? "",
    kubeconfigFile: map.get("kubeconfig_file")?.string() ?? "",
    client: parseHttpClientConfig(map),
    namespaces: [],
    ownNamespace: false,
    selectors: (map.get("selectors")?.items() ?? []).map((item) => {
      const inner = item.map();
      const selector = {
        role: inner.get("role")?.string() ?? "",
        label: inner.get("label")?.string() ?? "",
        field: inner.get("field")?.string() ?? "",
      };
      inner.done("kubernetes.plain");
      return selector;
    }),
    attachNode: false,
  };
  if (namespaces && !namespaces.isNull) {
    const inner = namespaces.map();
    config.namespaces = inner.get("names")?.strings() ?? [];
    config.ownNamespace = inner.get("own_namespace")?.boolean() ?? false;
    inner.done("kubernetes.plain");
  }
  if (attach && !attach.isNull) {
    const inner = attach.map();
    config.attachNode = inner.get("node")?.boolean() ?? false;
    for (const key of ["namespace", "deployment", "job", "cronjob"]) {
      const wanted = inner.get(key);
      if (wanted && !wanted.isNull && wanted.boolean())
        throw wanted.error(`attach_metadata.${key} is not supported by this version of Pharos`, {
          code: "discovery.unsupported",
          fix: "Remove it",
        });
    }
    inner.done("kubernetes.plain");
  }
  map.done("kubernetes.plain");
  if (role === "")
    throw node.error("role missing (one of: pod, service, endpoints, endpointslice, node, ingress)", {
      code: "discovery.config",
    });
  if (!ROLES.includes(config.role))
    throw map.node.error(`unknown Kubernetes SD role ${JSON.stringify(role)}`, { code: "discovery.config" });
  if (config.apiServer !== "" && !URL.canParse(config.apiServer))
    throw node.error(`api_server: ${JSON.stringify(config.apiServer)} is not a URL`, { code: "discovery.config" });
  if (config.kubeconfigFile !== "" && config.apiServer !== "")
    throw node.error("cannot use 'kubeconfig_file' and 'api_server' simultaneously", { code: "discovery.config" });
  return config;
}

/** How to reach the API server. */
export function clientTarget({ apiServer, kubeconfigFile, client }: KubernetesConfig): ClientTarget {
  if (kubeconfigFile !== "") return { kubeconfigFile };
  if (apiServer === "") return { inCluster: true };
  const { tls, authorization } = client;
  const credentials = authorization?.credentials;
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, "utf8");
  return {
    server: apiServer,
    token: credentials?.value?.reveal() ?? file(credentials?.file)?.trim(),
    tls: {
      ca: tls.ca ?? file(tls.caFile),
      cert: tls.cert ?? file(tls.certFile),
      key: tls.key?.reveal() ?? file(tls.keyFile),
      rejectUnauthorized: !tls.insecureSkipVerify,
      servername: tls.serverName,
    },
  };
}
