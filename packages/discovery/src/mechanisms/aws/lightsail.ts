/** lightsail_sd_configs: instances of Lightsail. */
import type { TargetLabels } from "@pharos/model";
import type { Json } from "../../api/json.ts";
import { defined, joinHostPort, sanitize, surround } from "../../labels.ts";
import { type AwsRole, roleMechanism } from "./config.ts";

const PREFIX = "__meta_lightsail_";

/** Labels of an instance; none when it has no private address. */
export function instanceLabels(instance: Json, region: string, port: number): TargetLabels[] {
  const optional = (...path: string[]): string | undefined =>
    instance.get(...path).exists ? instance.text(...path) : undefined;
  const privateIp = optional("privateIpAddress");
  if (privateIp === undefined) return [];
  const ipv6 = instance.texts("ipv6Addresses");
  const labels = defined({
    __address__: joinHostPort(privateIp, port),
    [`${PREFIX}private_ip`]: privateIp,
    [`${PREFIX}region`]: region,
    [`${PREFIX}availability_zone`]: optional("location", "availabilityZone"),
    [`${PREFIX}blueprint_id`]: optional("blueprintId"),
    [`${PREFIX}bundle_id`]: optional("bundleId"),
    [`${PREFIX}instance_name`]: optional("name"),
    [`${PREFIX}instance_state`]: optional("state", "name"),
    [`${PREFIX}instance_support_code`]: optional("supportCode"),
    [`${PREFIX}public_ip`]: optional("publicIpAddress"),
    [`${PREFIX}ipv6_addresses`]: ipv6.length > 0 ? surround(ipv6) : undefined,
  });
  for (const tag of instance.items("tags")) {
    if (tag.get("key").exists && tag.get("value").exists) {
      labels[`${PREFIX}tag_${sanitize(tag.text("key"))}`] = tag.text("value");
    }
  }
  return [labels];
}

export const lightsailRole: AwsRole = {
  name: "lightsail",
  things: "instances",
  open(aws, { port }) {
    return async () => {
      const region = await aws.region();
      const instances: Json[] = [];
      let pageToken: string | undefined;
      do {
        const page = await aws.json("lightsail", "GetInstances", { pageToken });
        instances.push(...page.items("instances"));
        pageToken = page.text("nextPageToken") || undefined;
      } while (pageToken !== undefined);
      const targets = instances.flatMap((instance) => instanceLabels(instance, region, port));
      return { targets, seen: instances.length };
    };
  },
};

export const lightsailMechanism = roleMechanism(lightsailRole);
