/** Answers of real APIs that Prometheus recorded, and the sections that ask for them. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Answered } from "./serve.ts";

interface Recorded {
  name: string;
  /** `$URL` stands for the server's address. */
  yaml: string;
  /** File below the data's folder that a request is answered with; undefined: not found. */
  file(request: IncomingMessage, path: string): string | undefined;
}

/** Where the data is, set before cases run. */
let data = "";

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
const OVH = "endpoint: '$URL', application_key: a, application_secret: b, consumer_key: c";

const RECORDED: Recorded[] = [
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

/** The cases on the data in a folder. */
export function recordedCases(folder: string): Answered[] {
  data = folder;
  return RECORDED.map(({ name, yaml, file }) => ({
    name,
    yaml,
    answer(request, path) {
      const headers = { "api-version": "1.40" };
      if (path === "/auth/time") return { body: String(Math.floor(Date.now() / 1000)) };
      if (path === "/_ping") return { headers, body: "OK" };
      const found = file(request, path);
      return found === undefined ? undefined : { headers, body: readFileSync(join(folder, found), "utf8") };
    },
  }));
}
