/** Service discovery on the answers of real APIs that Prometheus recorded: the label sets are those its own tests expect. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Discovery, parseSdConfigs } from "@pharos/discovery";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";
import type { Suite, SuiteResult } from "./suite.ts";

interface RecordedCase {
  name: string;
  /** `$URL` stands for the server's address. */
  yaml: string;
  /** File below the data's folder that a request is answered with; undefined: not found. */
  file(request: IncomingMessage, path: string): string | undefined;
}

/** A digest of label sets that does not depend on their order. */
function digestOf(targets: readonly TargetLabels[]): string {
  const lines = targets.map((labels) => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex").slice(0, 16);
}

const moby = (folder: string) => (request: IncomingMessage, path: string) => {
  // One answer was recorded with a filter, under a digest of the query.
  const query = request.url?.split("?")[1];
  const suffix =
    query === undefined ? ".json" : `.json__${createHash("sha1").update(query).digest("base64url").slice(0, 10)}`;
  const name = path.replace(/^\/v1\.\d+/, "");
  return [suffix, ".json"].map((end) => `moby/${folder}${name}${end}`).find((file) => existsSync(join(data, file)));
};
const linode = (request: IncomingMessage, path: string): string => {
  const { region = "no_region_filter" } = JSON.parse(String(request.headers["x-filter"] ?? "{}")) as {
    region?: string;
  };
  return `linode/${region}${path}.json`;
};
const ovh = (_request: IncomingMessage, path: string): string | undefined =>
  ({
    "/dedicated/server": "ovhcloud/dedicated_server/dedicated_servers.json",
    "/dedicated/server/abcde": "ovhcloud/dedicated_server/dedicated_servers_details.json",
    "/dedicated/server/abcde/ips": "ovhcloud/dedicated_server/dedicated_servers_abcde_ips.json",
    "/vps": "ovhcloud/vps/vps.json",
    "/vps/abc": "ovhcloud/vps/vps_details.json",
    "/vps/abc/ips": "ovhcloud/vps/vps_abc_ips.json",
  })[path];

const SCALEWAY =
  "project_id: 8feda53f-15f0-447f-badf-ebe32dad2fc0, access_key: SCWXXXXXXXXXXXXXXXXX, secret_key: 6d6579e5-a5b9-49fc-a35f-b4feb9b87301";
const OVH = "endpoint: '$URL/', application_key: a, application_secret: b, consumer_key: c";

/** Where the data is, set before cases run. */
let data = "";

const CASES: RecordedCase[] = [
  { name: "docker", yaml: "docker_sd_configs: [{host: '$URL'}]", file: moby("dockerprom") },
  {
    name: "docker, all networks",
    yaml: "docker_sd_configs: [{host: '$URL', match_first_network: false}]",
    file: moby("dockerprom"),
  },
  { name: "docker, IPv6", yaml: "docker_sd_configs: [{host: '$URL'}]", file: moby("dockeripv6") },
  ...(["nodes", "services", "tasks"] as const).map((role) => ({
    name: `dockerswarm ${role}`,
    yaml: `dockerswarm_sd_configs: [{host: '$URL', role: ${role}}]`,
    file: moby("swarmprom"),
  })),
  {
    name: "dockerswarm services, filtered",
    yaml: "dockerswarm_sd_configs: [{host: '$URL', role: services, filters: [{name: name, values: [mon_node-exporter, mon_grafana]}]}]",
    file: moby("swarmprom"),
  },
  {
    name: "dockerswarm services, plugin",
    yaml: "dockerswarm_sd_configs: [{host: '$URL', role: services}]",
    file: moby("swarmprom-plugin"),
  },
  ...["", ", region: us-east", ", region: ca-central"].map((region) => ({
    name: `linode${region}`,
    yaml: `linode_sd_configs: [{authorization: {credentials: a}${region}}]`,
    file: linode,
  })),
  {
    name: "ionos",
    yaml: "ionos_sd_configs: [{datacenter_id: 8feda53f-15f0-447f-badf-ebe32dad2fc0}]",
    file: () => "ionos/servers.json",
  },
  {
    name: "ovhcloud dedicated_server",
    yaml: `ovhcloud_sd_configs: [{service: dedicated_server, ${OVH}}]`,
    file: ovh,
  },
  { name: "ovhcloud vps", yaml: `ovhcloud_sd_configs: [{service: vps, ${OVH}}]`, file: ovh },
  {
    name: "puppetdb",
    yaml: "puppetdb_sd_configs: [{url: '$URL', query: 'vhosts'}]",
    file: () => "puppetdb/vhosts.json",
  },
  {
    name: "puppetdb with parameters",
    yaml: "puppetdb_sd_configs: [{url: '$URL', query: 'vhosts', include_parameters: true}]",
    file: () => "puppetdb/vhosts.json",
  },
  {
    name: "scaleway instance",
    yaml: `scaleway_sd_configs: [{role: instance, ${SCALEWAY}}]`,
    file: () => "scaleway/instance.json",
  },
];

/** Targets and the digest of their label sets, by case: what upstream's tests expect. */
const EXPECTED: Readonly<Record<string, readonly [targets: number, digest: string]>> = {
  docker: [8, "9ec8f058d96c386c"],
  "docker, all networks": [13, "cae8c43659396bba"],
  "docker, IPv6": [1, "537015be730c92c3"],
  "dockerswarm nodes": [5, "3f2aae4ac8a9f8f8"],
  "dockerswarm services": [15, "629f086a942c3e7c"],
  "dockerswarm tasks": [27, "e9cfc179f6dd154c"],
  "dockerswarm services, filtered": [4, "71f52b1f72854f48"],
  "dockerswarm services, plugin": [2, "1dbec21719d3adc6"],
  linode: [4, "978278ad8d358ca7"],
  "linode, region: us-east": [2, "50f3e67e9a24327e"],
  "linode, region: ca-central": [1, "a3891ffc42956641"],
  ionos: [3, "97475580c82a51a5"],
  "ovhcloud dedicated_server": [1, "7e1f8227f84fff56"],
  "ovhcloud vps": [1, "8d64c5025e985b83"],
  puppetdb: [1, "cbee6979cc66c7c0"],
  "puppetdb with parameters": [1, "1afe2aab4957bb8b"],
  "scaleway instance": [4, "f9bf43733d3ef3a1"],
};

/** What a case finds; its failure as a text. */
async function lookUp({ yaml, file }: RecordedCase, folder: string): Promise<TargetLabels[] | string> {
  data = folder;
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/[?].*/, "").replaceAll(/\/{2,}/g, "/");
    response.setHeader("api-version", "1.40");
    response.setHeader("content-type", "application/json");
    if (path === "/auth/time") return void response.end(String(Math.floor(Date.now() / 1000)));
    if (path === "/_ping") return void response.end("OK");
    const name = file(request, path);
    if (name === undefined) return void response.writeHead(404).end();
    response.end(readFileSync(join(folder, name)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { promise, resolve } = Promise.withResolvers<TargetLabels[]>();
  const discovery = new Discovery({
    log: silentLogger,
    registry: new Registry(),
    throttleMs: 1,
    onUpdate: (_job, groups) =>
      resolve(groups.flatMap(({ labels, targets }) => targets.map((target) => ({ ...labels, ...target })))),
  });
  try {
    const sdConfigs = parseSdConfigs(parseYaml(yaml.replaceAll("$URL", url)).map()).map((sd) => {
      const config = sd.config as { endpoint?: string };
      // Most clouds have one fixed address.
      return config.endpoint?.startsWith("https:") ? { ...sd, config: { ...config, endpoint: url } } : sd;
    });
    discovery.apply([{ job: "job", sdConfigs }]);
    const late = new Promise<undefined>((done) => setTimeout(() => done(undefined), 1000));
    const targets = await Promise.race([promise, late]);
    return (targets ?? discovery.reasonFor("job")) || "nothing was found out in time";
  } finally {
    await discovery.stop();
    server.closeAllConnections();
    server.close();
  }
}

async function recorded(folder: string): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const each of CASES) {
    result.total++;
    const found = await lookUp(each, folder);
    const [targets, digest] = EXPECTED[each.name];
    const good = Array.isArray(found) && found.length === targets && digestOf(found) === digest;
    if (good) result.passed++;
    else {
      const got = Array.isArray(found) ? `${found.length} targets, digest ${digestOf(found)}` : found;
      result.failures.push(`${each.name}: wanted ${targets} targets, digest ${digest}; got ${got}`);
    }
  }
  return result;
}

export const suites: Suite[] = [{ name: "discovery-recorded", data: "prometheus/discovery", run: recorded }];
