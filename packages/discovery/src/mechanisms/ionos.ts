/** ionos_sd_configs: servers of an IONOS Cloud data center. */
import type { TargetLabels } from "@pharos/model";
import type { Json } from "../api/json.ts";
import { defined, joinHostPort, sanitize, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_ionos_server_";

/** Text of a field that may be missing. */
function optional(json: Json, ...path: string[]): string | undefined {
  const field = json.get(...path);
  return field.exists ? field.text() : undefined;
}

function serverLabels(server: Json, serversId: string | undefined, port: number): TargetLabels[] {
  let ips: string[] = [];
  const byName = new Map<string, string[]>();
  for (const nic of server.items("entities", "nics", "items")) {
    const properties = nic.get("properties");
    if (!properties.exists) continue;
    const name = optional(properties, "name") ?? "unnamed";
    const own = properties.texts("ips");
    // Upstream puts a later card's addresses in front.
    ips = [...own, ...ips];
    byName.set(name, [...own, ...(byName.get(name) ?? [])]);
  }
  if (ips.length === 0) return [];
  const properties = server.get("properties");
  const [volume] = server.items("entities", "volumes", "items");
  const cards = [...byName].map(([name, own]) => [`${PREFIX}nic_ip_${sanitize(name)}`, surround(own)]);
  return [
    defined({
      __address__: joinHostPort(ips[0], port),
      [`${PREFIX}ip`]: surround(ips),
      [`${PREFIX}availability_zone`]: optional(properties, "availabilityZone"),
      [`${PREFIX}cpu_family`]: optional(properties, "cpuFamily"),
      [`${PREFIX}servers_id`]: serversId,
      [`${PREFIX}id`]: optional(server, "id"),
      [`${PREFIX}lifecycle`]: optional(server, "metadata", "state"),
      [`${PREFIX}name`]: optional(properties, "name"),
      [`${PREFIX}state`]: optional(properties, "vmState"),
      [`${PREFIX}type`]: optional(properties, "type"),
      [`${PREFIX}boot_cdrom_id`]: optional(properties, "bootCdrom", "id"),
      [`${PREFIX}boot_volume_id`]: optional(properties, "bootVolume", "id"),
      [`${PREFIX}boot_image_id`]: volume ? optional(volume, "properties", "image") : undefined,
      ...Object.fromEntries(cards),
    }),
  ];
}

export const ionosMechanism = refreshMechanism({
  name: "ionos",
  things: "servers",
  parse(settings) {
    const datacenterId = settings.text("datacenter_id");
    const port = settings.integer("port", 80);
    if (datacenterId === "") throw settings.fail("datacenter id can't be empty");
    return { datacenterId, port, endpoint: "https://api.ionos.com" };
  },
  place: ({ endpoint, datacenterId }) => `${endpoint} (data center ${datacenterId})`,
  open({ endpoint, datacenterId, port }, { api }) {
    const url = `${endpoint}/cloudapi/v6/datacenters/${encodeURIComponent(datacenterId)}/servers?depth=3`;
    return async () => {
      const answer = await api.json(url);
      const servers = answer.items("items");
      const id = optional(answer, "id");
      return found(
        "ionos",
        servers.flatMap((server) => serverLabels(server, id, port)),
        servers.length,
      );
    };
  },
});
