/** digitalocean_sd_configs: droplets and managed databases. */
import type { TargetLabels } from "@pharos/model";
import { type Api, withQuery } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { joinHostPort, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_digitalocean_";
const ROLES = ["droplets", "databases"] as const;
const PER_PAGE = "100";

/** All pages of a list of droplets: the last one does not link to a last page. */
async function linkedPages(api: Api, url: string): Promise<Json[]> {
  const out: Json[] = [];
  for (let page = 1; ; page++) {
    const answer = await api.json(withQuery(url, { page: String(page), per_page: PER_PAGE }));
    out.push(...answer.items("droplets"));
    if (answer.text("links", "pages", "last") === "") return out;
  }
}

/** All pages of the list of databases, whose links are not to be relied on: until one has nothing new. */
async function databasePages(api: Api, url: string): Promise<Json[]> {
  const out = new Map<string, Json>();
  for (let page = 1; ; page++) {
    const answer = await api.json(withQuery(url, { page: String(page), per_page: PER_PAGE }));
    const fresh = answer.items("databases").filter((cluster) => !out.has(cluster.text("id")));
    if (fresh.length === 0) return [...out.values()];
    for (const cluster of fresh) out.set(cluster.text("id"), cluster);
  }
}

function addressOf(droplet: Json, version: "v4" | "v6", type: string): string {
  return (
    droplet
      .items("networks", version)
      .find((item) => item.text("type") === type)
      ?.text("ip_address") ?? ""
  );
}

function dropletLabels(droplet: Json, port: number): TargetLabels {
  const publicIPv4 = addressOf(droplet, "v4", "public");
  const features = droplet.texts("features");
  const tags = droplet.texts("tags");
  return {
    [`${PREFIX}droplet_id`]: droplet.integer("id"),
    [`${PREFIX}droplet_name`]: droplet.text("name"),
    [`${PREFIX}image`]: droplet.text("image", "slug"),
    [`${PREFIX}image_name`]: droplet.text("image", "name"),
    [`${PREFIX}private_ipv4`]: addressOf(droplet, "v4", "private"),
    [`${PREFIX}public_ipv4`]: publicIPv4,
    [`${PREFIX}public_ipv6`]: addressOf(droplet, "v6", "public"),
    [`${PREFIX}region`]: droplet.text("region", "slug"),
    [`${PREFIX}size`]: droplet.text("size_slug"),
    [`${PREFIX}status`]: droplet.text("status"),
    [`${PREFIX}vpc`]: droplet.text("vpc_uuid"),
    __address__: joinHostPort(publicIPv4, port),
    ...(features.length > 0 && { [`${PREFIX}features`]: surround(features) }),
    ...(tags.length > 0 && { [`${PREFIX}tags`]: surround(tags) }),
  };
}

function databaseLabels(cluster: Json, port: number): TargetLabels {
  const inside = cluster.get("private_connection");
  const outside = cluster.get("connection");
  const host = inside.text("host") || outside.text("host");
  return {
    [`${PREFIX}db_id`]: cluster.text("id"),
    [`${PREFIX}db_name`]: cluster.text("name"),
    [`${PREFIX}db_engine`]: cluster.text("engine"),
    [`${PREFIX}db_version`]: cluster.text("version"),
    [`${PREFIX}db_status`]: cluster.text("status"),
    [`${PREFIX}db_region`]: cluster.text("region"),
    [`${PREFIX}db_size`]: cluster.text("size"),
    [`${PREFIX}db_num_nodes`]: cluster.integer("num_nodes"),
    ...(inside.exists && { [`${PREFIX}db_private_host`]: inside.text("host") }),
    ...(outside.exists && { [`${PREFIX}db_host`]: outside.text("host") }),
    ...(host !== "" && { __address__: joinHostPort(host, port) }),
    // Tags are not sanitized, as upstream has it.
    ...Object.fromEntries(cluster.texts("tags").map((tag) => [`${PREFIX}db_tag_${tag}`, "true"])),
  };
}

export const digitaloceanMechanism = refreshMechanism({
  name: "digitalocean",
  things: "droplets or databases",
  parse(settings) {
    const port = settings.integer("port", 80);
    const given = settings.choice("role", ROLES, (role) => `unknown DigitalOcean SD role ${role}`);
    return { port, role: given || "droplets", endpoint: "https://api.digitalocean.com" };
  },
  place: ({ endpoint, role }) => `${endpoint}/v2/${role}`,
  open({ endpoint, role, port }, { api }) {
    return async () => {
      const url = `${endpoint}/v2/${role}`;
      if (role === "databases") {
        const clusters = await databasePages(api, url);
        return found(
          "DigitalOcean Databases",
          clusters.map((item) => databaseLabels(item, port)),
        );
      }
      const items = await linkedPages(api, url);
      const connected = items.filter((item) => item.items("networks", "v4").length > 0);
      return found(
        "DigitalOcean",
        connected.map((item) => dropletLabels(item, port)),
        items.length,
      );
    };
  },
});
