/** ovhcloud_sd_configs: dedicated servers and virtual private servers of OVHcloud; each request is signed. */
import { createHash } from "node:crypto";
import { isIP, isIPv4, isIPv6 } from "node:net";
import type { Secret } from "@pharos/kit";
import { describeError, type TargetLabels, UserError } from "@pharos/model";
import type { Api } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { found, refreshMechanism } from "../refresh.ts";

const SERVICES = ["dedicated_server", "vps"] as const;
const PATHS = { dedicated_server: "/dedicated/server", vps: "/vps" };
const ENDPOINTS: Readonly<Record<string, string>> = {
  "ovh-eu": "https://eu.api.ovh.com/1.0",
  "ovh-ca": "https://ca.api.ovh.com/1.0",
  "ovh-us": "https://api.us.ovhcloud.com/1.0",
  "kimsufi-eu": "https://eu.api.kimsufi.com/1.0",
  "kimsufi-ca": "https://ca.api.kimsufi.com/1.0",
  "soyoustart-eu": "https://eu.api.soyoustart.com/1.0",
  "soyoustart-ca": "https://ca.api.soyoustart.com/1.0",
};

interface OvhConfig {
  endpoint: string;
  applicationKey: string;
  applicationSecret: Secret;
  consumerKey: Secret;
  service: (typeof SERVICES)[number];
}

class Ovh {
  readonly #api: Api;
  readonly #config: OvhConfig;
  readonly #base: string;
  /** The server's clock less ours, s. */
  #delta: number | undefined;

  constructor(api: Api, config: OvhConfig) {
    if (config.endpoint.endsWith("/")) {
      throw new UserError("discovery.config", "endpoint name cannot have a trailing slash");
    }
    const base = config.endpoint.includes("/") ? config.endpoint : ENDPOINTS[config.endpoint];
    if (base === undefined) {
      throw new UserError("discovery.config", `unknown endpoint ${JSON.stringify(config.endpoint)}`, {
        fix: `Use a URL or one of ${Object.keys(ENDPOINTS).join(", ")}`,
      });
    }
    this.#api = api;
    this.#config = config;
    this.#base = base;
  }

  async get(path: string): Promise<Json> {
    const { applicationKey, applicationSecret, consumerKey } = this.#config;
    const url = `${this.#base}${path}`;
    this.#delta ??= (await this.#api.json(`${this.#base}/auth/time`)).number() - Math.floor(Date.now() / 1000);
    const timestamp = String(Math.floor(Date.now() / 1000) + this.#delta);
    // The body, here none, would stand between URL and time.
    const signed = [applicationSecret.reveal(), consumerKey.reveal(), "GET", url, "", timestamp].join("+");
    return this.#api.json(url, {
      headers: {
        "x-ovh-application": applicationKey,
        "x-ovh-consumer": consumerKey.reveal(),
        "x-ovh-timestamp": timestamp,
        "x-ovh-signature": `$1$${createHash("sha1").update(signed).digest("hex")}`,
      },
    });
  }
}

/** Addresses of a list that has single ones and blocks; of blocks only those of one IPv4 address count. */
export function parseIpList(list: readonly string[]): string[] {
  const out: string[] = [];
  for (const entry of list) {
    const [address, bits] = entry.split("/");
    if (isIP(address) === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) {
      throw new UserError("discovery.answer", "could not parse IP addresses from list");
    }
    if ((bits === undefined || bits === "32") && !/^[0.:]+$/.test(address)) out.push(address);
  }
  if (out.length === 0) throw new UserError("discovery.answer", "could not parse IP addresses from list");
  return out;
}

function addressLabels(prefix: string, name: string, ips: readonly string[]): TargetLabels {
  const ipv4 = ips.findLast((ip) => isIPv4(ip)) ?? "";
  const ipv6 = ips.findLast((ip) => isIPv6(ip)) ?? "";
  return {
    __address__: ipv4 || ipv6,
    instance: name,
    [`${prefix}name`]: name,
    [`${prefix}ipv4`]: ipv4,
    [`${prefix}ipv6`]: ipv6,
  };
}

function dedicatedLabels(server: Json, ips: readonly string[]): TargetLabels {
  const prefix = "__meta_ovhcloud_dedicated_server_";
  return {
    ...addressLabels(prefix, server.text("name"), ips),
    [`${prefix}state`]: server.text("state"),
    [`${prefix}commercial_range`]: server.text("commercialRange"),
    [`${prefix}link_speed`]: server.integer("linkSpeed"),
    [`${prefix}rack`]: server.text("rack"),
    [`${prefix}no_intervention`]: String(server.flag("noIntervention")),
    [`${prefix}os`]: server.text("os"),
    [`${prefix}support_level`]: server.text("supportLevel"),
    [`${prefix}server_id`]: server.integer("serverId"),
    [`${prefix}reverse`]: server.text("reverse"),
    [`${prefix}datacenter`]: server.text("datacenter"),
  };
}

function vpsLabels(server: Json, ips: readonly string[]): TargetLabels {
  const prefix = "__meta_ovhcloud_vps_";
  const model = server.get("model");
  return {
    ...addressLabels(prefix, server.text("name"), ips),
    [`${prefix}offer`]: model.text("offer"),
    // As Go prints a list.
    [`${prefix}datacenter`]: `[${model.texts("datacenter").join(" ")}]`,
    [`${prefix}model_vcore`]: model.integer("vcore"),
    [`${prefix}maximum_additional_ip`]: model.integer("maximumAdditionnalIp"),
    [`${prefix}version`]: model.text("version"),
    [`${prefix}model_name`]: model.text("name"),
    [`${prefix}disk`]: model.integer("disk"),
    [`${prefix}memory`]: model.integer("memory"),
    [`${prefix}zone`]: server.text("zone"),
    [`${prefix}display_name`]: server.text("displayName"),
    [`${prefix}cluster`]: server.text("cluster"),
    [`${prefix}state`]: server.text("state"),
    [`${prefix}netboot_mode`]: server.text("netbootMode"),
    [`${prefix}memory_limit`]: server.integer("memoryLimit"),
    [`${prefix}offer_type`]: server.text("offerType"),
    [`${prefix}vcore`]: server.integer("vcore"),
  };
}

export const ovhcloudMechanism = refreshMechanism({
  name: "ovhcloud",
  http: "none",
  things: "servers",
  parse(settings): OvhConfig {
    const endpoint = settings.text("endpoint", "ovh-eu");
    const applicationKey = settings.text("application_key");
    const applicationSecret = settings.secret("application_secret");
    const consumerKey = settings.secret("consumer_key");
    const given = settings.text("service");
    if (endpoint === "") throw settings.fail("endpoint can not be empty");
    if (applicationKey === "") throw settings.fail("application key can not be empty");
    if (!applicationSecret) throw settings.fail("application secret can not be empty");
    if (!consumerKey) throw settings.fail("consumer key can not be empty");
    const service = SERVICES.find((known) => known === given);
    if (!service) throw settings.fail(`unknown service: ${given}`);
    return { endpoint, applicationKey, applicationSecret, consumerKey, service };
  },
  place: ({ endpoint, service }) => `${endpoint} (service ${service})`,
  open(config, { api, log, signal }) {
    const ovh = new Ovh(api, config);
    const { service } = config;
    return async () => {
      const names = (await ovh.get(PATHS[service])).texts();
      const targets: TargetLabels[] = [];
      for (const name of names) {
        const path = `${PATHS[service]}/${encodeURIComponent(name)}`;
        try {
          const server = await ovh.get(path);
          const ips = parseIpList((await ovh.get(`${path}/ips`)).texts());
          targets.push(service === "vps" ? vpsLabels(server, ips) : dedicatedLabels(server, ips));
        } catch (error) {
          if (signal.aborted) throw error;
          log.warn("could not get details of a server", { service, server: name, err: describeError(error) });
        }
      }
      return found(`ovhcloud_${service}`, targets, names.length);
    };
  },
});
