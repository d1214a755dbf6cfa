/** The Docker Engine API, as docker_sd_configs and dockerswarm_sd_configs ask it. */
import { isIP } from "node:net";
import { type TargetLabels, UserError } from "@pharos/model";
import { type Api, withQuery } from "../../api/client.ts";
import type { Json } from "../../api/json.ts";
import { sanitize } from "../../labels.ts";
import type { Settings } from "../../settings.ts";

export interface DockerHost {
  host: string;
  /** As the API's `filters` parameter. */
  filters: Record<string, string[]>;
}

/** The newest version of the API that is known here, and the one of engines that tell none. */
const NEWEST = 51;
const OLDEST = 24;

/** Reads `host` and `filters`. */
export function parseDockerHost(settings: Settings): DockerHost {
  const host = settings.text("host");
  const filters: Record<string, string[]> = {};
  for (const item of settings.given("filters")?.items() ?? []) {
    const map = item.map();
    const name = map.get("name")?.string() ?? "";
    (filters[name] ??= []).push(...(map.get("values")?.strings() ?? []));
    map.done("moby.Filter");
  }
  if (host === "") throw settings.fail("host missing");
  return { host, filters };
}

/** The socket to connect to, for `unix://` and `npipe://` hosts. */
export function socketOf({ host }: DockerHost): string | undefined {
  return /^(?:unix|npipe):\/\/(.*)$/.exec(host)?.[1];
}

function baseUrl({ host }: DockerHost): string {
  if (/^(?:unix|npipe):\/\//.test(host)) return "http://docker";
  const url = host.replace(/^tcp:\/\//, "http://").replace(/\/+$/, "");
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new UserError("discovery.config", `unable to parse docker host ${JSON.stringify(host)}`, {
      fix: "Give a unix://, npipe://, tcp://, http:// or https:// URL",
    });
  }
  return url;
}

export class DockerEngine {
  readonly #api: Api;
  readonly #base: string;
  #versioned: string | undefined;

  constructor(api: Api, host: DockerHost) {
    this.#api = api;
    this.#base = baseUrl(host);
  }

  /** Asks for a list; filters without values are left out. */
  async list(path: string, filters: Record<string, string[]> = {}): Promise<Json[]> {
    this.#versioned ??= `${this.#base}/v1.${await this.#version()}`;
    const entries = Object.entries(filters)
      .filter(([, values]) => values.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const wanted = Object.fromEntries(
      entries.map(([name, values]) => [name, Object.fromEntries(values.toSorted().map((value) => [value, true]))]),
    );
    const query = { filters: entries.length > 0 ? JSON.stringify(wanted) : undefined };
    return (await this.#api.json(withQuery(`${this.#versioned}${path}`, query))).items();
  }

  /** The minor version of the API both sides know. */
  async #version(): Promise<number> {
    const { headers } = await this.#api.get(`${this.#base}/_ping`);
    const minor = /^1\.(\d+)$/.exec(String(headers["api-version"] ?? ""))?.[1];
    return Math.min(NEWEST, minor === undefined ? OLDEST : Number(minor));
  }

  /** Labels of each network, by its id. */
  async networkLabels(prefix: string): Promise<Map<string, TargetLabels>> {
    const networks = await this.list("/networks");
    return new Map(
      networks.map((network) => [
        network.text("Id"),
        {
          [`${prefix}network_id`]: network.text("Id"),
          [`${prefix}network_name`]: network.text("Name"),
          [`${prefix}network_scope`]: network.text("Scope"),
          [`${prefix}network_internal`]: String(network.flag("Internal")),
          [`${prefix}network_ingress`]: String(network.flag("Ingress")),
          ...Object.fromEntries(
            Object.entries(network.textMap("Labels")).map(([key, value]) => [
              `${prefix}network_label_${sanitize(key)}`,
              value,
            ]),
          ),
        },
      ]),
    );
  }
}

/** The address of `10.0.0.1/24`. */
export function addressOf(cidr: string): string {
  const [address, bits] = cidr.split("/");
  if (isIP(address) === 0 || bits === undefined) {
    throw new UserError("discovery.answer", `error while parsing address ${cidr}: invalid CIDR address`);
  }
  return address;
}
