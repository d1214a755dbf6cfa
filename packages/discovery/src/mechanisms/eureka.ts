/** eureka_sd_configs: instances registered at a Eureka server. */
import { type TargetLabels, UserError } from "@pharos/model";
import type { XmlElement } from "../api/xml.ts";
import { joinHostPort, sanitize } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_eureka_app_instance_";

function wholeNumber(text: string, what: string): number {
  if (!/^[-+]?\d+$/.test(text))
    throw new UserError("discovery.answer", `${what} is ${JSON.stringify(text)}, no whole number`);
  return Number(text);
}

function portLabels(name: string, port: XmlElement | undefined): TargetLabels {
  if (!port) return {};
  return {
    [`${PREFIX}${name}`]: String(wholeNumber(port.text(), name)),
    [`${PREFIX}${name}_enabled`]: String(/^(1|t|true)$/i.test(port.attributes.get("enabled") ?? "")),
  };
}

function metadataLabels(prefix: string, metadata: XmlElement | undefined): TargetLabels {
  const items = metadata?.children ?? [];
  return Object.fromEntries(items.map(({ name, inner }) => [`${PREFIX}${prefix}${sanitize(name)}`, inner]));
}

function instanceLabels(app: string, instance: XmlElement): TargetLabels {
  const host = instance.text("hostName");
  const port = instance.find("port");
  const center = instance.find("dataCenterInfo");
  return {
    __address__: joinHostPort(host, port ? wholeNumber(port.text(), "port") : 80),
    instance: instance.text("instanceId"),
    __meta_eureka_app_name: app,
    [`${PREFIX}hostname`]: host,
    [`${PREFIX}homepage_url`]: instance.text("homePageUrl"),
    [`${PREFIX}statuspage_url`]: instance.text("statusPageUrl"),
    [`${PREFIX}healthcheck_url`]: instance.text("healthCheckUrl"),
    [`${PREFIX}ip_addr`]: instance.text("ipAddr"),
    [`${PREFIX}vip_address`]: instance.text("vipAddress"),
    [`${PREFIX}secure_vip_address`]: instance.text("secureVipAddress"),
    [`${PREFIX}status`]: instance.text("status"),
    [`${PREFIX}country_id`]: String(wholeNumber(instance.text("countryId") || "0", "countryId")),
    [`${PREFIX}id`]: instance.text("instanceId"),
    ...portLabels("port", port),
    ...portLabels("secure_port", instance.find("securePort")),
    ...(center && { [`${PREFIX}datacenterinfo_name`]: center.text("name") }),
    ...metadataLabels("datacenterinfo_metadata_", center?.find("metadata")),
    ...metadataLabels("metadata_", instance.find("metadata")),
  };
}

export const eurekaMechanism = refreshMechanism({
  name: "eureka",
  refreshInterval: 30_000,
  things: "instances",
  parse(settings) {
    const server = settings.text("server");
    if (server === "") throw settings.fail("eureka_sd: empty or null eureka server");
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#]/i.test(server) || !URL.canParse(server)) {
      throw settings.fail("eureka_sd: invalid eureka server URL");
    }
    return { server };
  },
  place: ({ server }) => server,
  open({ server }, { api }) {
    return async () => {
      const root = await api.xml(`${server}/apps`);
      const targets = root
        .all("application")
        .flatMap((app) => app.all("instance").map((instance) => instanceLabels(app.text("name"), instance)));
      return found("eureka", targets);
    };
  },
});
