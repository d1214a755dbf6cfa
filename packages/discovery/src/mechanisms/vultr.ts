/** vultr_sd_configs: instances of Vultr. */
import type { TargetLabels } from "@pharos/model";
import { withQuery } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { joinHostPort, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_vultr_instance_";

function instanceLabels(instance: Json, port: number): TargetLabels {
  const features = instance.texts("features");
  const tags = instance.texts("tags");
  return {
    [`${PREFIX}id`]: instance.text("id"),
    [`${PREFIX}label`]: instance.text("label"),
    [`${PREFIX}os`]: instance.text("os"),
    [`${PREFIX}os_id`]: instance.integer("os_id"),
    [`${PREFIX}region`]: instance.text("region"),
    [`${PREFIX}plan`]: instance.text("plan"),
    [`${PREFIX}vcpu_count`]: instance.integer("vcpu_count"),
    [`${PREFIX}ram_mb`]: instance.integer("ram"),
    [`${PREFIX}allowed_bandwidth_gb`]: instance.integer("allowed_bandwidth"),
    [`${PREFIX}disk_gb`]: instance.integer("disk"),
    [`${PREFIX}main_ip`]: instance.text("main_ip"),
    [`${PREFIX}main_ipv6`]: instance.text("v6_main_ip"),
    [`${PREFIX}internal_ip`]: instance.text("internal_ip"),
    [`${PREFIX}hostname`]: instance.text("hostname"),
    [`${PREFIX}server_status`]: instance.text("server_status"),
    __address__: joinHostPort(instance.text("main_ip"), port),
    ...(features.length > 0 && { [`${PREFIX}features`]: surround(features) }),
    ...(tags.length > 0 && { [`${PREFIX}tags`]: surround(tags) }),
  };
}

export const vultrMechanism = refreshMechanism({
  name: "vultr",
  things: "instances",
  parse: (settings) => ({ port: settings.integer("port", 80), endpoint: "https://api.vultr.com" }),
  place: ({ endpoint }) => endpoint,
  open({ endpoint, port }, { api }) {
    return async () => {
      const targets: TargetLabels[] = [];
      let cursor: string | undefined;
      do {
        const answer = await api.json(withQuery(`${endpoint}/v2/instances`, { per_page: "100", cursor }));
        targets.push(...answer.items("instances").map((instance) => instanceLabels(instance, port)));
        cursor = answer.text("meta", "links", "next") || undefined;
      } while (cursor !== undefined);
      return found("Vultr", targets);
    };
  },
});
