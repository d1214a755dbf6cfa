/** scaleway_sd_configs: instances and bare metal servers of Scaleway. */
import { readFileSync } from "node:fs";
import type { Secret } from "@pharos/kit";
import { type TargetLabels, UserError } from "@pharos/model";
import { type Api, withQuery } from "../api/client.ts";
import { Json } from "../api/json.ts";
import { joinHostPort, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";
import type { Settings } from "../settings.ts";

const INSTANCE = "__meta_scaleway_instance_";
const BAREMETAL = "__meta_scaleway_baremetal_";
const ROLES = ["instance", "baremetal"] as const;
const PER_PAGE = "100";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ACCESS_KEY = /^SCW[A-Z0-9]{17}$/i;

interface ScalewayConfig {
  role: (typeof ROLES)[number];
  port: number;
  project: string;
  endpoint: string;
  zone: string;
  accessKey: string;
  secretKey: Secret | undefined;
  secretKeyFile: string;
  nameFilter: string;
  tagsFilter: string[];
}

function parse(settings: Settings): ScalewayConfig {
  const role = settings.choice("role", ROLES, (given) => `unknown role ${given}`);
  const config = {
    port: settings.integer("port", 80),
    project: settings.text("project_id"),
    endpoint: settings.text("api_url", "https://api.scaleway.com"),
    zone: settings.text("zone", "fr-par-1"),
    accessKey: settings.text("access_key"),
    secretKey: settings.secret("secret_key"),
    secretKeyFile: settings.file("secret_key_file"),
    nameFilter: settings.text("name_filter"),
    tagsFilter: settings.texts("tags_filter"),
  };
  const { secretKey, secretKeyFile, project, accessKey, endpoint } = config;
  if (role === "") throw settings.fail("role missing (one of: instance, baremetal)");
  if (project === "") throw settings.fail("project_id is mandatory");
  if (!secretKey && secretKeyFile === "") throw settings.fail("one of secret_key & secret_key_file must be configured");
  if (secretKey && secretKeyFile !== "") {
    throw settings.fail("at most one of secret_key & secret_key_file must be configured");
  }
  if (accessKey === "") throw settings.fail("access_key is mandatory");
  // What Scaleway's own client checks.
  if (!ACCESS_KEY.test(accessKey))
    throw settings.fail("access_key is invalid: 'SCW' and 17 letters or digits are expected");
  if (secretKey && !UUID.test(secretKey.reveal())) throw settings.fail("secret_key is invalid: a UUID is expected");
  if (!UUID.test(project)) throw settings.fail("project_id is invalid: a UUID is expected");
  if (!/^https?:\/\/[^/]/.test(endpoint) || !URL.canParse(endpoint)) {
    throw settings.fail(`api_url ${JSON.stringify(endpoint)} is invalid`);
  }
  return { ...config, role };
}

/** The region of a zone: `fr-par` of `fr-par-1`. */
function regionOf(zone: string): string | undefined {
  return /^([a-z]{2}-[a-z]{3})-[1-9]$/.exec(zone)?.[1];
}

class Scaleway {
  readonly #api: Api;
  readonly #config: ScalewayConfig;

  constructor(api: Api, config: ScalewayConfig) {
    this.#api = api;
    this.#config = config;
  }

  #headers(): Record<string, string> {
    const { secretKey, secretKeyFile } = this.#config;
    return { "x-auth-token": secretKey?.reveal() ?? readFileSync(secretKeyFile, "utf8").trim() };
  }

  /** All pages of a list. */
  async #pages(path: string, key: string, query: Record<string, string | string[] | undefined> = {}): Promise<Json[]> {
    const out: Json[] = [];
    for (let page = 1; ; page++) {
      const url = withQuery(`${this.#config.endpoint}${path}`, {
        ...query,
        per_page: PER_PAGE,
        page_size: PER_PAGE,
        page: String(page),
      });
      const { headers, body } = await this.#api.get(url, { headers: this.#headers() });
      const answer = Json.parse(body.toString("utf8"));
      const items = answer.items(key);
      out.push(...items);
      // The instance API counts in a header, the others in the answer.
      const total = Number(headers["x-total-count"] ?? answer.number("total_count"));
      if (items.length === 0 || out.length >= total) return out;
    }
  }

  #filters(): Record<string, string | string[] | undefined> {
    const { nameFilter, tagsFilter, role } = this.#config;
    const tags = role === "instance" ? tagsFilter.join(",") : tagsFilter;
    return { name: nameFilter || undefined, tags: tagsFilter.length > 0 ? tags : undefined };
  }

  async instances(): Promise<{ targets: TargetLabels[]; seen: number }> {
    const servers = await this.#pages(`/instance/v1/zones/${this.#config.zone}/servers`, "servers", this.#filters());
    const privateIps = await this.#privateIps(servers);
    return {
      targets: servers.flatMap((server) => instanceLabels(server, privateIps, this.#config.port)),
      seen: servers.length,
    };
  }

  /** Addresses in private networks, by network card, of servers that have no other address. */
  async #privateIps(servers: readonly Json[]): Promise<Map<string, string>> {
    const cards = new Map<string, string[]>();
    for (const server of servers) {
      if (["private_ip", "public_ip", "ipv6"].some((key) => server.get(key).exists)) continue;
      const ids = server
        .items("private_nics")
        .map((card) => card.text("id"))
        .filter((id) => id !== "");
      const zone = server.text("zone");
      const region = regionOf(zone);
      if (region === undefined)
        throw new UserError("discovery.answer", `${JSON.stringify(zone)} is no zone of Scaleway`);
      if (ids.length > 0) cards.set(region, [...(cards.get(region) ?? []), ...ids]);
    }
    const out = new Map<string, string>();
    for (const [region, ids] of cards) {
      const query = { resource_ids: ids, resource_types: "instance_private_nic" };
      for (const ip of await this.#pages(`/ipam/v1/regions/${region}/ips`, "ips", query)) {
        const [address] = ip.text("address").split("/");
        if (!ip.flag("is_ipv6") && address !== "") out.set(ip.text("resource", "id"), address);
      }
    }
    return out;
  }

  async baremetal(): Promise<{ targets: TargetLabels[]; seen: number }> {
    const base = `/baremetal/v1/zones/${this.#config.zone}`;
    const servers = await this.#pages(`${base}/servers`, "servers", this.#filters());
    const offers = new Map((await this.#pages(`${base}/offers`, "offers")).map((offer) => [offer.text("id"), offer]));
    const systems = new Map((await this.#pages(`${base}/os`, "os")).map((system) => [system.text("id"), system]));
    const targets = servers.map((server) => baremetalLabels(server, offers, systems, this.#config.port));
    return { targets, seen: servers.length };
  }
}

function instanceLabels(server: Json, privateIps: ReadonlyMap<string, string>, port: number): TargetLabels[] {
  const labels: TargetLabels = {
    [`${INSTANCE}boot_type`]: server.text("boot_type"),
    [`${INSTANCE}hostname`]: server.text("hostname"),
    [`${INSTANCE}id`]: server.text("id"),
    [`${INSTANCE}name`]: server.text("name"),
    [`${INSTANCE}organization_id`]: server.text("organization"),
    [`${INSTANCE}project_id`]: server.text("project"),
    [`${INSTANCE}status`]: server.text("state"),
    [`${INSTANCE}type`]: server.text("commercial_type"),
    [`${INSTANCE}zone`]: server.text("zone"),
  };
  const image = server.get("image");
  if (image.exists) for (const key of ["arch", "id", "name"]) labels[`${INSTANCE}image_${key}`] = image.text(key);
  const location = server.get("location");
  if (location.exists) {
    for (const key of ["cluster_id", "hypervisor_id", "node_id"])
      labels[`${INSTANCE}location_${key}`] = location.text(key);
  }
  const group = server.get("security_group");
  if (group.exists) for (const key of ["id", "name"]) labels[`${INSTANCE}security_group_${key}`] = group.text(key);
  const region = regionOf(server.text("zone"));
  if (region !== undefined) labels[`${INSTANCE}region`] = region;
  const tags = server.texts("tags");
  if (tags.length > 0) labels[`${INSTANCE}tags`] = surround(tags);
  for (const [family, name] of [
    ["inet", "ipv4"],
    ["inet6", "ipv6"],
  ]) {
    const own = server
      .items("public_ips")
      .filter((ip) => ip.text("family") === family)
      .map((ip) => ip.text("address"));
    if (own.length > 0) labels[`${INSTANCE}public_${name}_addresses`] = surround(own);
  }
  let address = "";
  const ipv6 = server.get("ipv6");
  if (ipv6.exists) labels[`${INSTANCE}public_ipv6`] = address = ipv6.text("address");
  const publicIp = server.get("public_ip");
  if (publicIp.exists) {
    address = publicIp.text("address");
    if (publicIp.text("family") !== "inet6") labels[`${INSTANCE}public_ipv4`] = address;
  }
  const privateIp = server.get("private_ip").exists
    ? server.text("private_ip")
    : address === ""
      ? server
          .items("private_nics")
          .map((card) => privateIps.get(card.text("id")))
          .find((ip) => ip !== undefined)
      : undefined;
  if (privateIp !== undefined) labels[`${INSTANCE}private_ipv4`] = address = privateIp;
  return address === "" ? [] : [{ ...labels, __address__: joinHostPort(address, port) }];
}

function baremetalLabels(
  server: Json,
  offers: ReadonlyMap<string, Json>,
  systems: ReadonlyMap<string, Json>,
  port: number,
): TargetLabels {
  const labels: TargetLabels = {
    [`${BAREMETAL}id`]: server.text("id"),
    [`${BAREMETAL}name`]: server.text("name"),
    [`${BAREMETAL}zone`]: server.text("zone"),
    [`${BAREMETAL}status`]: server.text("status"),
    [`${BAREMETAL}project_id`]: server.text("project_id"),
  };
  const offer = offers.get(server.text("offer_id"));
  if (offer) labels[`${BAREMETAL}type`] = offer.text("name");
  const system = systems.get(server.text("install", "os_id"));
  if (system) {
    labels[`${BAREMETAL}os_name`] = system.text("name");
    labels[`${BAREMETAL}os_version`] = system.text("version");
  }
  const tags = server.texts("tags");
  if (tags.length > 0) labels[`${BAREMETAL}tags`] = surround(tags);
  const addresses = new Map<string, string>();
  for (const ip of server.items("ips")) {
    const version = ip.text("version");
    if (version !== "IPv4" && version !== "IPv6")
      throw new UserError("discovery.answer", `unknown IP version: ${version}`);
    if (!addresses.has(version)) addresses.set(version, ip.text("address"));
  }
  const ipv4 = addresses.get("IPv4");
  const ipv6 = addresses.get("IPv6");
  if (ipv4 !== undefined) labels[`${BAREMETAL}public_ipv4`] = ipv4;
  if (ipv6 !== undefined) labels[`${BAREMETAL}public_ipv6`] = ipv6;
  const address = ipv4 ?? ipv6;
  return address === undefined ? labels : { ...labels, __address__: joinHostPort(address, port) };
}

export const scalewayMechanism = refreshMechanism({
  name: "scaleway",
  things: "servers",
  parse,
  place: ({ endpoint, zone, role }) => `${endpoint} (zone ${zone}, role ${role})`,
  open(config, { api }) {
    const scaleway = new Scaleway(api, config);
    return async () => {
      const { targets, seen } = await (config.role === "instance" ? scaleway.instances() : scaleway.baremetal());
      return found("scaleway", targets, seen);
    };
  },
});
