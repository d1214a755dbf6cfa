/** kubernetes_sd_configs: reading and checking, with upstream's messages. */
import { dirname, isAbsolute, join } from "node:path";
import { type HttpClientConfig, parseHttpClientConfig, type YamlMap, type YamlNode } from "@pharos/kit";
import { type ClientTarget, parseLabelSelector } from "@pharos/kube";
import { UserError } from "@pharos/model";

export const ROLES = ["node", "service", "pod", "endpoints", "endpointslice", "ingress"] as const;
export type KubernetesRole = (typeof ROLES)[number];

/** Labels of further objects to put on targets. */
export interface AttachMetadata {
  node: boolean;
  namespace: boolean;
  deployment: boolean;
  job: boolean;
  cronjob: boolean;
}

export interface KubernetesConfig {
  role: KubernetesRole;
  apiServer: string;
  kubeconfigFile: string;
  client: HttpClientConfig;
  /** Empty: all namespaces. */
  namespaces: string[];
  ownNamespace: boolean;
  selectors: { role: string; label: string; field: string }[];
  attach: AttachMetadata;
}

/** Kinds a role's selectors may be about. */
const SELECTABLE: Readonly<Record<KubernetesRole, readonly string[]>> = {
  pod: ["pod", "node"],
  service: ["service"],
  endpointslice: ["pod", "service", "endpointslice"],
  endpoints: ["pod", "service", "endpoints"],
  node: ["node"],
  ingress: ["ingress"],
};

const HTTP_KEYS = [
  "basic_auth",
  "authorization",
  "bearer_token",
  "bearer_token_file",
  "oauth2",
  "tls_config",
  "proxy_url",
  "no_proxy",
  "proxy_from_environment",
  "proxy_connect_header",
  "follow_redirects",
  "enable_http2",
  "http_headers",
];

function readRole(node: YamlNode | undefined): KubernetesRole | "" {
  const role = node?.string() ?? "";
  if (node && role !== "" && !ROLES.includes(role as KubernetesRole)) {
    throw node.error(`unknown Kubernetes SD role ${JSON.stringify(role)}`, { code: "discovery.config" });
  }
  return role as KubernetesRole | "";
}

/** Only the form: which fields there are is the API server's to say. */
function checkFieldSelector(selector: string, fail: (message: string) => UserError): void {
  for (const term of selector.split(/(?<!\\),/)) {
    if (term === "" || /[^=!]*(==|!=|=)/.test(term)) continue;
    throw fail(`invalid selector: '${selector}'; can't understand '${term}'`);
  }
}

function readSelectors(node: YamlNode | undefined, role: KubernetesRole): KubernetesConfig["selectors"] {
  const selectors: KubernetesConfig["selectors"] = [];
  for (const item of node?.items() ?? []) {
    const map = item.map();
    const selector = {
      role: readRole(map.get("role")),
      label: map.get("label")?.string() ?? "",
      field: map.get("field")?.string() ?? "",
    };
    map.done("kubernetes.plain");
    const fail = (message: string): UserError => item.error(message, { code: "discovery.config" });
    if (selectors.some((other) => other.role === selector.role)) {
      throw fail(`duplicated selector role: ${selector.role}`);
    }
    if (!SELECTABLE[role].includes(selector.role)) {
      throw fail(`${role} role supports only ${SELECTABLE[role].join(", ")} selectors`);
    }
    try {
      parseLabelSelector(selector.label);
    } catch (error) {
      throw error instanceof UserError ? fail(error.message) : error;
    }
    checkFieldSelector(selector.field, fail);
    selectors.push(selector);
  }
  return selectors;
}

function readAttach(node: YamlNode | undefined): AttachMetadata {
  const map = node && !node.isNull ? node.map() : undefined;
  const flag = (key: string): boolean => map?.get(key)?.boolean() ?? false;
  const attach = {
    node: flag("node"),
    namespace: flag("namespace"),
    deployment: flag("deployment"),
    job: flag("job"),
    cronjob: flag("cronjob"),
  };
  map?.done("kubernetes.plain");
  return attach;
}

/** Ways to reach the API server that exclude each other. */
function checkAccess(node: YamlNode, map: YamlMap, config: KubernetesConfig): void {
  const fail = (message: string): UserError => node.error(message, { code: "discovery.config" });
  const { apiServer, kubeconfigFile, ownNamespace } = config;
  const customHttp = map.keys().some((key) => HTTP_KEYS.includes(key));
  if (apiServer !== "" && !URL.canParse(apiServer)) throw fail(`api_server: ${JSON.stringify(apiServer)} is not a URL`);
  if (kubeconfigFile !== "" && apiServer !== "")
    throw fail("cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  if (kubeconfigFile !== "" && customHttp) {
    throw fail("cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
  }
  if (apiServer === "" && kubeconfigFile === "" && customHttp) {
    throw fail("to use custom HTTP client configuration please provide the 'api_server' URL explicitly");
  }
  if (apiServer !== "" && ownNamespace)
    throw fail("cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
  if (kubeconfigFile !== "" && ownNamespace) {
    throw fail("cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
  }
}

export function parseKubernetesConfig(node: YamlNode): KubernetesConfig {
  const map = node.map();
  const role = readRole(map.get("role"));
  const namespaces = map.get("namespaces");
  const kubeconfig = map.get("kubeconfig_file")?.string() ?? "";
  const base = node.where.file;
  if (role === "") {
    throw node.error("role missing (one of: pod, service, endpoints, endpointslice, node, ingress)", {
      code: "discovery.config",
    });
  }
  const config: KubernetesConfig = {
    role,
    apiServer: map.get("api_server")?.string() ?? "",
    kubeconfigFile: kubeconfig === "" || isAbsolute(kubeconfig) || !base ? kubeconfig : join(dirname(base), kubeconfig),
    client: parseHttpClientConfig(map),
    namespaces: [],
    ownNamespace: false,
    selectors: readSelectors(map.get("selectors"), role),
    attach: readAttach(map.get("attach_metadata")),
  };
  if (namespaces && !namespaces.isNull) {
    const inner = namespaces.map();
    config.namespaces = inner.get("names")?.strings() ?? [];
    config.ownNamespace = inner.get("own_namespace")?.boolean() ?? false;
    inner.done("kubernetes.plain");
  }
  map.done("kubernetes.plain");
  checkAccess(node, map, config);
  return config;
}

/** How to reach the API server. */
export function clientTarget({ apiServer, kubeconfigFile, client }: KubernetesConfig): ClientTarget {
  if (kubeconfigFile !== "") return { kubeconfigFile };
  return apiServer === "" ? { inCluster: true } : { server: apiServer, http: client };
}
