/** hetzner_sd_configs: servers of Hetzner Cloud, and dedicated servers of Hetzner Robot. */
import { isIPv6 } from "node:net";
import type { TargetLabels } from "@pharos/model";
import { type Api, withQuery } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { joinHostPort, prefixed, sanitize } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_hetzner_";
const HCLOUD = `${PREFIX}hcloud_`;
const ROLES = ["robot", "hcloud"] as const;
const ENDPOINTS = { hcloud: "https://api.hetzner.cloud/v1", robot: "https://robot-ws.your-server.de" };
const PER_PAGE = "50";

/** All pages of a list of Hetzner Cloud. */
async function pages(api: Api, url: string, what: string, query: Record<string, string | undefined>): Promise<Json[]> {
  const out: Json[] = [];
  for (let page = 1; page > 0; ) {
    const answer = await api.json(withQuery(`${url}/${what}`, { ...query, page: String(page), per_page: PER_PAGE }));
    out.push(...answer.items(what));
    page = answer.number("meta", "pagination", "next_page");
  }
  return out;
}

function cloudLabels(server: Json, networks: ReadonlyMap<number, string>, port: number): TargetLabels {
  // Upstream prints an address that is not there as Go prints nil.
  const ipv4 = server.text("public_net", "ipv4", "ip") || "<nil>";
  const type = server.get("server_type");
  const location = server.get("location");
  const image = server.get("image");
  const labels: TargetLabels = {
    [`${PREFIX}role`]: "hcloud",
    [`${PREFIX}server_id`]: server.integer("id"),
    [`${PREFIX}server_name`]: server.text("name"),
    [`${PREFIX}public_ipv4`]: ipv4,
    [`${PREFIX}public_ipv6_network`]: server.text("public_net", "ipv6", "ip") || "<nil>",
    [`${PREFIX}server_status`]: server.text("status"),
    [`${HCLOUD}location`]: location.text("name"),
    [`${HCLOUD}location_network_zone`]: location.text("network_zone"),
    [`${HCLOUD}datacenter_location`]: location.text("name"),
    [`${HCLOUD}datacenter_location_network_zone`]: location.text("network_zone"),
    [`${HCLOUD}server_type`]: type.text("name"),
    [`${HCLOUD}cpu_cores`]: type.integer("cores"),
    [`${HCLOUD}cpu_type`]: type.text("cpu_type"),
    [`${HCLOUD}memory_size_gb`]: String(Math.trunc(type.number("memory"))),
    [`${HCLOUD}disk_size_gb`]: type.integer("disk"),
    __address__: joinHostPort(ipv4, port),
  };
  if (image.exists) {
    for (const key of ["name", "description", "os_version", "os_flavor"])
      labels[`${HCLOUD}image_${key}`] = image.text(key);
  }
  for (const attached of server.items("private_net")) {
    const network = networks.get(attached.number("network"));
    if (network !== undefined) labels[`${HCLOUD}private_ipv4_${sanitize(network)}`] = attached.text("ip");
  }
  const own = server.textMap("labels");
  for (const key of Object.keys(own)) labels[`${HCLOUD}labelpresent_${sanitize(key)}`] = "true";
  return { ...labels, ...prefixed(`${HCLOUD}label_`, own) };
}

function robotLabels(server: Json, port: number): TargetLabels {
  const ip = server.text("server_ip");
  const datacenter = server.text("dc").toLowerCase();
  const subnet = server.items("subnet").find((item) => isIPv6(item.text("ip")));
  return {
    [`${PREFIX}role`]: "robot",
    [`${PREFIX}server_id`]: server.integer("server_number"),
    [`${PREFIX}server_name`]: server.text("server_name"),
    [`${PREFIX}datacenter`]: datacenter,
    [`${PREFIX}public_ipv4`]: ip,
    [`${PREFIX}server_status`]: server.text("status"),
    [`${PREFIX}robot_datacenter`]: datacenter,
    [`${PREFIX}robot_product`]: server.text("product"),
    [`${PREFIX}robot_cancelled`]: String(server.flag("cancelled")),
    __address__: joinHostPort(ip, port),
    ...(subnet && { [`${PREFIX}public_ipv6_network`]: `${subnet.text("ip")}/${subnet.text("mask")}` }),
  };
}

export const hetznerMechanism = refreshMechanism({
  name: "hetzner",
  things: "servers",
  parse(settings) {
    const port = settings.integer("port", 80);
    const role = settings.choice("role", ROLES, (given) => `unknown role ${given}`);
    const labelSelector = settings.text("label_selector");
    if (role === "") throw settings.fail("role missing (one of: robot, hcloud)");
    return { role, port, labelSelector, endpoint: ENDPOINTS[role] };
  },
  place: ({ endpoint }) => endpoint,
  open({ role, port, labelSelector, endpoint }, { api }) {
    return async () => {
      if (role === "robot") {
        const servers = (await api.json(`${endpoint}/server`)).items();
        return found(
          "hetzner",
          servers.map((entry) => robotLabels(entry.get("server"), port)),
        );
      }
      const servers = await pages(api, endpoint, "servers", { label_selector: labelSelector || undefined });
      const networks = new Map(
        (await pages(api, endpoint, "networks", {})).map((network) => [network.number("id"), network.text("name")]),
      );
      return found(
        "hetzner",
        servers.map((server) => cloudLabels(server, networks, port)),
      );
    };
  },
});
