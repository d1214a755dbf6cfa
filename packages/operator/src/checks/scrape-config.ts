/** What a ScrapeConfig must keep to: above all, what the version of Prometheus knows of each mechanism. */
import { clientScope, type GenerationScope } from "../prometheus/scope.ts";
import { MECHANISMS } from "../prometheus/service-discovery.ts";
import type { HttpClientConfig } from "../resources/common.ts";
import type { DiscoveryConfig, ScrapeConfig } from "../resources/monitors.ts";
import { atLeast } from "../version.ts";
import { checkClient } from "./client.ts";
import { invalid } from "./invalid.ts";
import { checkStaticLabels, checkTimes } from "./monitor.ts";
import { checkRelabelRules } from "./relabel.ts";

/** Mechanisms by the version that brought them. */
const MECHANISM_SINCE: Record<string, string> = {
  httpSDConfigs: "2.28.0",
  digitalOceanSDConfigs: "2.20.0",
  linodeSDConfigs: "2.28.0",
  dockerSwarmSDConfigs: "2.20.0",
  puppetDBSDConfigs: "2.31.0",
  lightSailSDConfigs: "2.27.0",
  ovhcloudSDConfigs: "2.40.0",
  scalewaySDConfigs: "2.26.0",
  ionosSDConfigs: "2.36.0",
};

/** Fields of mechanisms without which discovery would find something else, by the version that brought them. */
const FIELD_SINCE: Record<string, Record<string, string>> = {
  consulSDConfigs: { pathPrefix: "2.45.0", namespace: "2.28.0", filter: "3.0.0", healthFilter: "3.11.2" },
  azureSDConfigs: { resourceGroup: "2.35.0" },
  dockerSDConfigs: { matchFirstNetwork: "2.54.1" },
  kumaSDConfigs: { clientID: "2.50.0" },
  hetznerSDConfigs: { labelSelector: "3.5.0" },
};

/** Values of fields by the version that brought them. */
const VALUE_SINCE: [mechanism: string, field: string, value: string, since: string][] = [
  ["kubernetesSDConfigs", "role", "EndpointSlice", "2.21.0"],
  ["azureSDConfigs", "authenticationMethod", "SDK", "2.52.0"],
  ["azureSDConfigs", "authenticationMethod", "WorkloadIdentity", "3.11.0"],
  ["openstackSDConfigs", "role", "LoadBalancer", "3.2.0"],
];

/** Roles of Kubernetes discovery, and whose objects each may select. */
const SELECTABLE: Record<string, readonly string[]> = {
  pod: ["pod"],
  service: ["service"],
  endpoints: ["pod", "service", "endpoints"],
  endpointslice: ["pod", "service", "endpointslice"],
  node: ["node"],
  ingress: ["ingress"],
};

function isUrl(text: unknown): boolean {
  return typeof text === "string" && URL.canParse(text) && /^[a-z][a-z0-9+.-]*:\/\/./i.test(text);
}

function checkServer(field: string) {
  return (config: DiscoveryConfig, place: string): void => {
    if (!isUrl(config[field])) throw invalid(`${place}.${field}`, "it is no URL with scheme and host");
  };
}

function checkKubernetes(config: DiscoveryConfig, place: string): void {
  const own = (config.namespaces as { ownNamespace?: boolean } | undefined)?.ownNamespace;
  if (config.apiServer && own) {
    throw invalid(`${place}.namespaces.ownNamespace`, "apiServer and ownNamespace exclude each other");
  }
  const role = String(config.role ?? "").toLowerCase();
  const allowed = SELECTABLE[role];
  for (const [i, selector] of ((config.selectors as { role?: string }[] | undefined) ?? []).entries()) {
    if (allowed?.includes(String(selector.role ?? "").toLowerCase())) continue;
    const roles = allowed ? allowed.join(", ") : "none, for it is unknown";
    throw invalid(`${place}.selectors[${i}].role`, `with role ${role} the selectable roles are: ${roles}`);
  }
}

function checkAzure(config: DiscoveryConfig, place: string): void {
  const method = config.authenticationMethod ?? "OAuth";
  if (method !== "OAuth") return;
  for (const field of ["tenantID", "clientID", "clientSecret"]) {
    if (!config[field]) throw invalid(`${place}.${field}`, "OAuth, the default method, needs it");
  }
}

function checkDns(config: DiscoveryConfig, place: string): void {
  if (!config.type || config.type === "SRV" || config.port !== undefined) return;
  throw invalid(`${place}.port`, `records of type ${config.type} hold no port`, "Give the port");
}

const CHECKS: Record<string, (config: DiscoveryConfig, place: string) => void> = {
  kubernetesSDConfigs: checkKubernetes,
  azureSDConfigs: checkAzure,
  dnsSDConfigs: checkDns,
  httpSDConfigs: checkServer("url"),
  kumaSDConfigs: checkServer("server"),
  nomadSDConfigs: checkServer("server"),
  puppetDBSDConfigs: checkServer("url"),
};

function needs(place: string, since: string, version: string): Error {
  return invalid(place, `it needs Prometheus ${since}, this is ${version}`, "Raise spec.version of the instance");
}

function checkDiscovery(mechanism: string, config: DiscoveryConfig, place: string, version: string): void {
  for (const [field, since] of Object.entries(FIELD_SINCE[mechanism] ?? {})) {
    if (config[field] !== undefined && !atLeast(version, since)) throw needs(`${place}.${field}`, since, version);
  }
  for (const [owner, field, value, since] of VALUE_SINCE) {
    if (owner === mechanism && config[field] === value && !atLeast(version, since)) {
      throw needs(`${place}.${field}`, since, version);
    }
  }
  CHECKS[mechanism]?.(config, place);
}

export function checkScrapeConfig({ spec, metadata }: ScrapeConfig, scope: GenerationScope): void {
  const { version } = scope.gate;
  const client = clientScope(scope, metadata.namespace ?? "");
  checkClient(spec, client, "spec");
  checkTimes(spec.scrapeInterval, spec.scrapeTimeout, scope, "spec");
  checkRelabelRules(spec.relabelings, version, "spec.relabelings");
  checkRelabelRules(spec.metricRelabelings, version, "spec.metricRelabelings");
  for (const [i, { labels }] of (spec.staticConfigs ?? []).entries()) {
    checkStaticLabels(labels, version, `spec.staticConfigs[${i}].labels`);
  }
  for (const mechanism of Object.keys(MECHANISMS)) {
    const configs = spec[mechanism as `${string}SDConfigs`] ?? [];
    const since = MECHANISM_SINCE[mechanism];
    if (configs.length > 0 && since && !atLeast(version, since)) throw needs(`spec.${mechanism}`, since, version);
    for (const [i, config] of configs.entries()) {
      const place = `spec.${mechanism}[${i}]`;
      checkClient(config as HttpClientConfig, client, place);
      checkDiscovery(mechanism, config, place, version);
    }
  }
}
