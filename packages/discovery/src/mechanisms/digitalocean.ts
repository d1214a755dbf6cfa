/** digitalocean_sd_configs: droplets and managed databases. */
import type { TargetLabels } from "@pharos/model";
import { type Api, withQuery } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { joinHostPort, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_digitalocean_";
const ROLES = ["droplets", "databases"] as const;
const PER_PAGE = "100";

/** All pages of a list; the last one does not link to a last page, or is empty. */
async function pages(api: Api, url: string, key: string): Promise<Json[]> {
  const out: Json[] = [];
  for (let page = 1; ; page++) {
    const answer = await api.json(withQuery(url, { page: String(page), per_page: PER_PAGE }));
    const items = answer.items(key);
    out.push(...items);
    // Databases are listed without links: one more page is asked for as long as this one is full.
    const last = answer.get("links").exists
      ? answer.text("links", "pages", "last") === ""
      : items.length < Number(PER_PAGE);
    if (last || items.length === 0) return out;
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
      const items = await pages(api, `${endpoint}/v2/${role}`, role);
      if (role === "databases")
        return found(
          "DigitalOcean Databases",
          items.map((item) => databaseLabels(item, port)),
        );
      const connected = items.filter((item) => item.items("networks", "v4").length > 0);
      return found(
        "DigitalOcean",
        connected.map((item) => dropletLabels(item, port)),
        items.length,
      );
    };
  },
});
