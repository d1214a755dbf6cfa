/** Service discovery in Prometheus' configuration test files and target documents: what is bad is refused in its words. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Discovery, parseSdConfigs } from "@pharos/discovery";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";
import type { Suite, SuiteResult } from "./suite.ts";

/** What the message must contain, by file (upstream's config_test.go). */
const MESSAGES: Readonly<Record<string, string>> = {
  azure_authentication_method:
    'unknown authentication_type "invalid". Supported types are "OAuth", "ManagedIdentity", "SDK" or "WorkloadIdentity"',
  azure_bearertoken_basicauth: "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
  azure_client_id_missing: "azure SD configuration requires a client_id",
  azure_client_secret_missing: "azure SD configuration requires a client_secret",
  azure_subscription_id_missing: "azure SD configuration requires a subscription_id",
  azure_tenant_id_missing: "azure SD configuration requires a tenant_id",
  ec2_filters_empty_values: "EC2 SD configuration filter values cannot be empty",
  ec2_token_file: "at most one of bearer_token & bearer_token_file must be configured",
  empty_static_config: "empty or null section in static_configs",
  eureka_invalid_server: "invalid eureka server URL",
  eureka_no_server: "empty or null eureka server",
  hetzner_role: "unknown role",
  http_token_file: "at most one of bearer_token & bearer_token_file must be configured",
  http_url_bad_scheme: "URL scheme must be 'http' or 'https'",
  http_url_no_host: "host is missing in URL",
  http_url_no_scheme: "URL scheme must be 'http' or 'https'",
  ionos_datacenter: "datacenter id can't be empty",
  kubernetes_api_server_with_own_namespace: "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously",
  kubernetes_authorization_basicauth: "at most one of basic_auth, oauth2 & authorization must be configured",
  kubernetes_bearertoken: "at most one of bearer_token & bearer_token_file must be configured",
  kubernetes_bearertoken_basicauth:
    "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
  kubernetes_http_config_without_api_server:
    "to use custom HTTP client configuration please provide the 'api_server' URL explicitly",
  kubernetes_kubeconfig_with_apiserver: "cannot use 'kubeconfig_file' and 'api_server' simultaneously",
  kubernetes_kubeconfig_with_http_config:
    "cannot use a custom HTTP client configuration together with 'kubeconfig_file'",
  kubernetes_kubeconfig_with_own_namespace:
    "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously",
  kubernetes_namespace_discovery: "field foo not found in type kubernetes.plain",
  kubernetes_role: "role",
  kubernetes_selectors_duplicated_role: "duplicated selector role: pod",
  kubernetes_selectors_endpoints: "endpoints role supports only pod, service, endpoints selectors",
  kubernetes_selectors_incorrect_selector:
    "invalid selector: 'metadata.status-Running'; can't understand 'metadata.status-Running'",
  kubernetes_selectors_ingress: "ingress role supports only ingress selectors",
  kubernetes_selectors_node: "node role supports only node selectors",
  kubernetes_selectors_pod: "pod role supports only pod, node selectors",
  kubernetes_selectors_service: "service role supports only service selectors",
  lightsail_token_file: "at most one of bearer_token & bearer_token_file must be configured",
  marathon_authtoken_authorization:
    "marathon_sd: at most one of auth_token, auth_token_file & authorization must be configured",
  marathon_authtoken_authtokenfile: "marathon_sd: at most one of auth_token & auth_token_file must be configured",
  marathon_authtoken_basicauth:
    "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured",
  marathon_authtoken_bearertoken:
    "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured",
  marathon_no_servers: "marathon_sd: must contain at least one Marathon server",
  oci_authentication_method: 'oci_sd: unknown auth method "invalid", expected "api_key" or "instance_principal"',
  openstack_availability: "unknown availability invalid, must be one of admin, internal or public",
  openstack_role: "unknown OpenStack SD role",
  outscale_no_region: "outscale SD configuration requires a region",
  outscale_no_secret: "one of secret_key & secret_key_file must be configured",
  outscale_two_secrets: "at most one of secret_key & secret_key_file must be configured",
  ovhcloud_bad_service: "unknown service: fakeservice",
  ovhcloud_no_secret: "application secret can not be empty",
  puppetdb_bad_url: "host is missing in URL",
  puppetdb_no_query: "query missing",
  puppetdb_no_scheme: "URL scheme must be 'http' or 'https'",
  puppetdb_no_url: "URL is missing",
  puppetdb_token_file: "at most one of bearer_token & bearer_token_file must be configured",
  scaleway_no_secret: "one of secret_key & secret_key_file must be configured",
  scaleway_role: 'unknown role "invalid"',
  scaleway_two_secrets: "at most one of secret_key & secret_key_file must be configured",
  stackit_endpoint: "invalid endpoint",
  url_in_targetgroup: '"http://bad" is not a valid hostname',
  uyuni_no_server: "Uyuni SD configuration requires server host",
  uyuni_token_file: "at most one of bearer_token & bearer_token_file must be configured",
};

function readConfig(path: string): void {
  const root = parseYaml(readFileSync(path, "utf8"), path).map();
  for (const job of root.get("scrape_configs")?.items() ?? []) parseSdConfigs(job.map());
}

function configs(folder: string): SuiteResult {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const file of readdirSync(folder).sort()) {
    const wanted = file.endsWith(".bad.yml") ? MESSAGES[file.slice(0, -".bad.yml".length)] : undefined;
    if (wanted === undefined && !/\.good\.yml$/.test(file)) continue;
    result.total++;
    let message = "";
    try {
      readConfig(join(folder, file));
    } catch (error) {
      message = error instanceof Error ? error.message : String(error);
    }
    if (wanted === undefined ? message === "" : message.includes(wanted)) result.passed++;
    else result.failures.push(`${file}: wanted ${JSON.stringify(wanted ?? "")}, got ${JSON.stringify(message)}`);
  }
  return result;
}

/** What a configuration finds: its groups, or why there are none. */
async function discover(yaml: string): Promise<TargetGroup[] | string> {
  const { promise, resolve } = Promise.withResolvers<TargetGroup[]>();
  const discovery = new Discovery({
    log: silentLogger,
    registry: new Registry(),
    throttleMs: 5,
    onUpdate: (_job, groups) => resolve(groups),
  });
  try {
    discovery.apply([{ job: "job", sdConfigs: parseSdConfigs(parseYaml(yaml).map()) }]);
    const groups = await Promise.race([
      promise,
      new Promise<undefined>((done) => setTimeout(() => done(undefined), 500)),
    ]);
    return groups ?? discovery.reasonFor("job");
  } finally {
    await discovery.stop();
  }
}

const essence = (groups: readonly TargetGroup[]): string =>
  JSON.stringify(
    groups.map(({ targets, labels: { __meta_filepath, __meta_url, ...labels } }) => ({ targets, labels })),
  );

const address = (__address__: string) => ({ __address__ });
const FOUND: Readonly<Record<string, string>> = Object.fromEntries(
  ["valid.json", "valid.yml", "valid3.yml"].map((file) => [
    file,
    essence([
      { source: "", targets: [address("localhost:9090"), address("example.org:443")], labels: { foo: "bar" } },
      { source: "", targets: [address("my.domain")], labels: {} },
    ]),
  ]),
);

async function documents(folder: string): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const check = (name: string, good: boolean, got: unknown): void => {
    result.total++;
    if (good) result.passed++;
    else result.failures.push(`${name}: ${JSON.stringify(got)}`);
  };
  const dir = mkdtempSync(join(tmpdir(), "pharos-sd-"));
  try {
    for (const file of readdirSync(join(folder, "file"))) {
      cpSync(join(folder, "file", file), join(dir, file));
      const found = await discover(`file_sd_configs: [{files: ['${join(dir, file)}']}]`);
      if (file.startsWith("invalid")) check(file, Array.isArray(found) && found.length === 0, found);
      else if (FOUND[file]) check(file, Array.isArray(found) && essence(found) === FOUND[file], found);
      else check(file, Array.isArray(found) && found.length === 3, found);
    }
    const body = readFileSync(join(folder, "http", "http_sd.good.json"));
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const found = await discover(`http_sd_configs: [{url: '${url}'}]`);
    const wanted = essence([
      { source: "", targets: [address("127.0.0.1:9090")], labels: { __meta_datacenter: "bru1" } },
    ]);
    check("http_sd.good.json", Array.isArray(found) && essence(found) === wanted, found);
    server.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
  return result;
}

export const suites: Suite[] = [
  { name: "discovery-config", data: "prometheus/config-testdata", run: configs },
  { name: "discovery-documents", data: "prometheus/discovery", run: documents },
];
