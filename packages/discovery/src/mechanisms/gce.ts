/** gce_sd_configs: instances of Google Compute Engine in a zone. */
import { googleTokens } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";
import { withQuery } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { prefixed, sanitize, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_gce_";
const SCOPE = "https://www.googleapis.com/auth/compute.readonly";

interface GceConfig {
  project: string;
  port: number;
  tagSeparator: string;
}

function instanceLabels(instance: Json, { project, port, tagSeparator }: GceConfig): TargetLabels[] {
  const interfaces = instance.items("networkInterfaces");
  const [primary] = interfaces;
  if (!primary) return [];
  const ip = primary.text("networkIP");
  const labels: TargetLabels = {
    [`${PREFIX}project`]: project,
    [`${PREFIX}zone`]: instance.text("zone"),
    [`${PREFIX}instance_id`]: instance.text("id") || "0",
    [`${PREFIX}instance_name`]: instance.text("name"),
    [`${PREFIX}instance_status`]: instance.text("status"),
    [`${PREFIX}machine_type`]: instance.text("machineType"),
    [`${PREFIX}network`]: primary.text("network"),
    [`${PREFIX}subnetwork`]: primary.text("subnetwork"),
    [`${PREFIX}private_ip`]: ip,
    __address__: `${ip}:${port}`,
  };
  for (const one of interfaces) labels[`${PREFIX}interface_ipv4_${sanitize(one.text("name"))}`] = one.text("networkIP");
  const tags = instance.texts("tags", "items");
  if (tags.length > 0) labels[`${PREFIX}tags`] = surround(tags, tagSeparator);
  for (const item of instance.items("metadata", "items")) {
    if (item.get("value").exists) labels[`${PREFIX}metadata_${sanitize(item.text("key"))}`] = item.text("value");
  }
  Object.assign(labels, prefixed(`${PREFIX}label_`, instance.textMap("labels")));
  const [access] = primary.items("accessConfigs");
  if (access?.text("type") === "ONE_TO_ONE_NAT") labels[`${PREFIX}public_ip`] = access.text("natIP");
  return [labels];
}

export const gceMechanism = refreshMechanism({
  name: "gce",
  http: "none",
  things: "instances",
  parse(settings) {
    const config = {
      project: settings.text("project"),
      zone: settings.text("zone"),
      filter: settings.text("filter"),
      port: settings.integer("port", 80),
      tagSeparator: settings.text("tag_separator", ","),
      endpoint: "https://compute.googleapis.com",
    };
    if (config.project === "") throw settings.fail("GCE SD configuration requires a project");
    if (config.zone === "") throw settings.fail("GCE SD configuration requires a zone");
    return config;
  },
  place: ({ endpoint, project, zone }) => `${endpoint} (project ${project}, zone ${zone})`,
  open(config, { api, signal }) {
    const { endpoint, project, zone, filter } = config;
    const tokens = googleTokens(api.http, [SCOPE]);
    const url = `${endpoint}/compute/v1/projects/${encodeURIComponent(project)}/zones/${encodeURIComponent(zone)}/instances`;
    return async () => {
      const instances: Json[] = [];
      let pageToken: string | undefined;
      do {
        const authorization = `Bearer ${await tokens.get(signal)}`;
        const page = await api.json(withQuery(url, { filter: filter || undefined, pageToken }), {
          headers: { authorization },
        });
        instances.push(...page.items("items"));
        pageToken = page.text("nextPageToken") || undefined;
      } while (pageToken !== undefined);
      const targets = instances.flatMap((instance) => instanceLabels(instance, config));
      return found(`GCE_${project}_${zone}`, targets, instances.length);
    };
  },
});
