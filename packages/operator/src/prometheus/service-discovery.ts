/**
 * The service discovery mechanisms of a ScrapeConfig → `<mechanism>_sd_configs`. Every mechanism is a table row a field:
 * the CRD's name, Prometheus' name, how the value is written, and the version that brought it.
 */
import { UserError } from "@pharos/model";
import type { HttpClientConfig, SecretKeyRef } from "../resources/common.ts";
import type { DiscoveryConfig, ScrapeConfigSpec } from "../resources/monitors.ts";
import { type ClientScope, httpClient, proxy, tlsConfig, type Yaml } from "./http-client.ts";

/**
 * How a value is written: as it is; in lower case; the content of a Secret's key; as it is even when it is absent
 * (an empty string then); by a table of words; Kubernetes' and Docker's own structures.
 */
type Form =
  | "plain"
  | "lower"
  | "secret"
  | "required"
  | "service"
  | "dnsType"
  | "filters"
  | "namespaces"
  | "selectors"
  | "attach";

type Field = readonly [crd: string, key: string, form?: Form, since?: string];

/** Which client settings a mechanism takes. `proxyAndTls` knows no authentication of its own. */
type Client = "all" | "proxyAndTls" | "tls" | "none" | "azure";

interface Mechanism {
  key: string;
  client: Client;
  fields: readonly Field[];
  /** Version from which on redirects, HTTP/2 and TLS are known, where that is not always. */
  clientSince?: string;
}

const REFRESH: Field = ["refreshInterval", "refresh_interval"];
const PORT: Field = ["port", "port"];
const AWS_KEYS: readonly Field[] = [
  ["region", "region"],
  ["accessKey", "access_key", "secret"],
  ["secretKey", "secret_key", "secret"],
  ["roleARN", "role_arn"],
];
const DOCKER: readonly Field[] = [["host", "host", "required"], ["filters", "filters", "filters"], PORT, REFRESH];

export const MECHANISMS: Readonly<Record<string, Mechanism>> = {
  fileSDConfigs: { key: "file_sd_configs", client: "none", fields: [["files", "files"], REFRESH] },
  httpSDConfigs: { key: "http_sd_configs", client: "all", fields: [["url", "url", "required"], REFRESH] },
  kubernetesSDConfigs: {
    key: "kubernetes_sd_configs",
    client: "all",
    fields: [
      ["apiServer", "api_server"],
      ["role", "role", "lower"],
      ["namespaces", "namespaces", "namespaces"],
      ["selectors", "selectors", "selectors", "2.17.0"],
      ["attachMetadata", "attach_metadata", "attach"],
    ],
  },
  consulSDConfigs: {
    key: "consul_sd_configs",
    client: "all",
    fields: [
      ["server", "server", "required"],
      ["pathPrefix", "path_prefix"],
      ["tokenRef", "token", "secret"],
      ["datacenter", "datacenter"],
      ["namespace", "namespace"],
      ["partition", "partition"],
      ["scheme", "scheme", "lower"],
      ["services", "services"],
      ["tags", "tags"],
      ["tagSeparator", "tag_separator"],
      ["nodeMeta", "node_meta"],
      ["filter", "filter"],
      ["healthFilter", "health_filter"],
      ["allowStale", "allow_stale"],
      REFRESH,
    ],
  },
  dnsSDConfigs: {
    key: "dns_sd_configs",
    client: "none",
    fields: [["names", "names"], REFRESH, ["type", "type", "dnsType"], PORT],
  },
  ec2SDConfigs: {
    key: "ec2_sd_configs",
    client: "proxyAndTls",
    clientSince: "2.41.0",
    fields: [...AWS_KEYS, REFRESH, PORT, ["filters", "filters", "filters", "2.3.0"]],
  },
  azureSDConfigs: {
    key: "azure_sd_configs",
    client: "azure",
    fields: [
      ["environment", "environment"],
      ["authenticationMethod", "authentication_method"],
      ["subscriptionID", "subscription_id"],
      ["tenantID", "tenant_id"],
      ["clientID", "client_id"],
      ["clientSecret", "client_secret", "secret"],
      ["resourceGroup", "resource_group"],
      REFRESH,
      PORT,
    ],
  },
  gceSDConfigs: {
    key: "gce_sd_configs",
    client: "none",
    fields: [
      ["project", "project", "required"],
      ["zone", "zone", "required"],
      ["filter", "filter"],
      REFRESH,
      PORT,
      ["tagSeparator", "tag_separator"],
    ],
  },
  openstackSDConfigs: {
    key: "openstack_sd_configs",
    client: "tls",
    fields: [
      ["role", "role", "lower"],
      ["region", "region", "required"],
      ["identityEndpoint", "identity_endpoint"],
      ["username", "username"],
      ["userid", "userid"],
      ["password", "password", "secret"],
      ["domainName", "domain_name"],
      ["domainID", "domain_id"],
      ["projectName", "project_name"],
      ["projectID", "project_id"],
      ["applicationCredentialName", "application_credential_name"],
      ["applicationCredentialId", "application_credential_id"],
      ["applicationCredentialSecret", "application_credential_secret", "secret"],
      ["allTenants", "all_tenants"],
      REFRESH,
      PORT,
      ["availability", "availability"],
    ],
  },
  digitalOceanSDConfigs: { key: "digitalocean_sd_configs", client: "all", fields: [PORT, REFRESH] },
  kumaSDConfigs: {
    key: "kuma_sd_configs",
    client: "all",
    fields: [["server", "server", "required"], REFRESH, ["fetchTimeout", "fetch_timeout"], ["clientID", "client_id"]],
  },
  eurekaSDConfigs: { key: "eureka_sd_configs", client: "all", fields: [["server", "server"], REFRESH] },
  dockerSDConfigs: {
    key: "docker_sd_configs",
    client: "all",
    fields: [
      ...DOCKER,
      ["hostNetworkingHost", "host_networking_host"],
      ["matchFirstNetwork", "match_first_network", "plain", "2.54.1"],
    ],
  },
  linodeSDConfigs: {
    key: "linode_sd_configs",
    client: "all",
    fields: [PORT, ["region", "region"], ["tagSeparator", "tag_separator"], REFRESH],
  },
  hetznerSDConfigs: {
    key: "hetzner_sd_configs",
    client: "all",
    fields: [["role", "role", "lower"], PORT, REFRESH, ["labelSelector", "label_selector", "plain", "3.5.0"]],
  },
  nomadSDConfigs: {
    key: "nomad_sd_configs",
    client: "all",
    fields: [
      ["server", "server", "required"],
      ["allowStale", "allow_stale"],
      ["namespace", "namespace"],
      REFRESH,
      ["region", "region"],
      ["tagSeparator", "tag_separator"],
    ],
  },
  dockerSwarmSDConfigs: {
    key: "dockerswarm_sd_configs",
    client: "all",
    fields: [...DOCKER, ["role", "role", "lower"]],
  },
  puppetDBSDConfigs: {
    key: "puppetdb_sd_configs",
    client: "all",
    fields: [
      ["url", "url", "required"],
      ["query", "query", "required"],
      ["includeParameters", "include_parameters"],
      PORT,
      REFRESH,
    ],
  },
  lightSailSDConfigs: {
    key: "lightsail_sd_configs",
    client: "all",
    fields: [...AWS_KEYS, ["endpoint", "endpoint"], PORT, REFRESH],
  },
  ovhcloudSDConfigs: {
    key: "ovhcloud_sd_configs",
    client: "none",
    fields: [
      ["applicationKey", "application_key", "required"],
      ["applicationSecret", "application_secret", "secret"],
      ["consumerKey", "consumer_key", "secret"],
      ["service", "service", "service"],
      ["endpoint", "endpoint"],
      REFRESH,
    ],
  },
  scalewaySDConfigs: {
    key: "scaleway_sd_configs",
    client: "proxyAndTls",
    fields: [
      ["accessKey", "access_key", "required"],
      ["secretKey", "secret_key", "secret"],
      ["projectID", "project_id", "required"],
      ["role", "role", "lower"],
      PORT,
      ["apiURL", "api_url"],
      ["zone", "zone"],
      ["nameFilter", "name_filter"],
      ["tagsFilter", "tags_filter"],
      REFRESH,
    ],
  },
  ionosSDConfigs: {
    key: "ionos_sd_configs",
    client: "all",
    fields: [["datacenterID", "datacenter_id", "required"], PORT, REFRESH],
  },
};

const SERVICES: Record<string, string> = { VPS: "vps", DedicatedServer: "dedicated_server" };
const DNS_TYPES: Record<string, string> = { NS: "2.49.0", MX: "2.38.0" };
const ATTACH_ROLES: Record<string, string> = { pod: "2.35.0", endpoints: "2.37.0", endpointslice: "2.37.0" };

interface Context {
  config: DiscoveryConfig;
  key: string;
  scope: ClientScope;
}

/** Undefined leaves the key out. */
const FORMS: Record<Form, (value: unknown, context: Context) => unknown> = {
  plain: (value) => (isEmpty(value) ? undefined : value),
  lower: (value) => (typeof value === "string" ? value.toLowerCase() : undefined),
  required: (value) => value ?? "",
  secret: (value, { scope }) => (isReference(value) ? scope.assets.secret(scope.namespace, value) : undefined),
  service: (value) => (typeof value === "string" ? SERVICES[value] : undefined),
  dnsType: (value, { scope }) => {
    if (typeof value !== "string") return undefined;
    return !DNS_TYPES[value] || scope.gate.allows(`type=${value}`, DNS_TYPES[value]) ? value : undefined;
  },
  filters: (value) => {
    const filters = records(value);
    if (filters.length === 0) return undefined;
    return filters
      .map(({ name, values }) => ({ name, values }))
      .sort((a, b) => (String(a.name) < String(b.name) ? -1 : String(a.name) > String(b.name) ? 1 : 0));
  },
  namespaces: (value) => {
    const [namespaces] = records([value]);
    if (!namespaces) return undefined;
    const out: Yaml = { names: namespaces.names ?? [] };
    if (namespaces.ownNamespace !== undefined) out.own_namespace = namespaces.ownNamespace;
    return out;
  },
  selectors: (value) => {
    const selectors = records(value).map(({ role, label, field }) => {
      const out: Yaml = { role: String(role ?? "").toLowerCase() };
      if (label !== undefined) out.label = label;
      if (field !== undefined) out.field = field;
      return out;
    });
    return selectors.length > 0 ? selectors : undefined;
  },
  attach: (value, { config, key, scope }) => {
    if (isEmpty(value)) return undefined;
    const role = String(config.role ?? "").toLowerCase();
    const since = ATTACH_ROLES[role];
    if (!since) {
      scope.gate.ignore(key, `is not supported with role ${role}`);
      return undefined;
    }
    return scope.gate.allows(key, since) ? value : undefined;
  },
};

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function isReference(value: unknown): value is SecretKeyRef {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function records(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((entry) => typeof entry === "object" && entry !== null) as Record<string, unknown>[];
}

/** Redirects, HTTP/2 and TLS of mechanisms that take no authentication. */
function plainClient(client: HttpClientConfig, scope: ClientScope, since = "0.0.0"): Yaml {
  const out: Yaml = {};
  scope.gate.set(out, "follow_redirects", client.followRedirects, since);
  scope.gate.set(out, "enable_http2", client.enableHttp2, since);
  if (client.tlsConfig && scope.gate.allows("tls_config", since))
    Object.assign(out, tlsConfig(client.tlsConfig, scope));
  return { ...out, ...proxy(client, scope) };
}

function clientSettings(
  { client: kind, key, clientSince }: Mechanism,
  config: DiscoveryConfig,
  scope: ClientScope,
): Yaml {
  const client: HttpClientConfig & { enableHTTP2?: boolean } = config;
  const settings: HttpClientConfig = { ...client, enableHttp2: client.enableHTTP2 ?? client.enableHttp2 };
  switch (kind) {
    case "none":
      return {};
    case "tls":
      return tlsConfig(settings.tlsConfig, scope);
    case "proxyAndTls":
      return plainClient(settings, scope, clientSince);
    case "azure": {
      // Upstream hands on authentication and proxy only, and the rest is named as left out.
      const { tlsConfig: tls, followRedirects, enableHttp2, ...rest } = settings;
      for (const [field, value] of Object.entries({
        tls_config: tls,
        follow_redirects: followRedirects,
        enable_http2: enableHttp2,
      })) {
        if (value !== undefined) scope.gate.ignore(`${key}.${field}`, "is not handed on for Azure");
      }
      return httpClient(rest, scope);
    }
    case "all":
      return httpClient(settings, scope);
  }
}

function discovery(mechanism: Mechanism, config: DiscoveryConfig, scope: ClientScope): Yaml {
  const out = clientSettings(mechanism, config, scope);
  for (const [crd, key, form = "plain", since] of mechanism.fields) {
    scope.gate.set(out, key, FORMS[form](config[crd], { config, key, scope }), since);
  }
  if ("access_key" in out !== "secret_key" in out) {
    throw new UserError("operator.invalid", "accessKey and secretKey must be given together", {
      where: { field: mechanism.key },
      fix: "Give both, or none of them to use the credentials of the environment",
    });
  }
  return out;
}

/** All `<mechanism>_sd_configs` of a ScrapeConfig's spec. */
export function discoverySections(spec: ScrapeConfigSpec, scope: ClientScope): Yaml {
  const out: Yaml = {};
  for (const [field, mechanism] of Object.entries(MECHANISMS)) {
    const configs = records(spec[field as `${string}SDConfigs`]);
    if (configs.length > 0) out[mechanism.key] = configs.map((config) => discovery(mechanism, config, scope));
  }
  return out;
}
