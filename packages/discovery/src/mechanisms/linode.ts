/** linode_sd_configs: instances of Linode. Between full refreshes only the account's events are asked for. */
import type { TargetLabels } from "@pharos/model";
import { type Api, ApiStatusError, withQuery } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { joinHostPort, surround } from "../labels.ts";
import { type Found, found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_linode_";
const PAGE_SIZE = "500";
const EVENTS_PAGE_SIZE = "25";
/** Events tell of what was done through the API only, so everything is asked for again after so many quiet refreshes. */
const QUIET_REFRESHES = 10;
const BYTES_PER_MIB = 2 ** 20;

async function pages(api: Api, url: string, filter: object | undefined): Promise<Json[]> {
  const out: Json[] = [];
  const headers: Record<string, string> = filter ? { "x-filter": JSON.stringify(filter) } : {};
  for (let page = 1, last = 1; page <= last; page++) {
    const answer = await api.json(withQuery(url, { page: String(page), page_size: PAGE_SIZE }), { headers });
    out.push(...answer.items("data"));
    last = answer.number("pages");
  }
  return out;
}

/** The host name of an address; the API has the text "null" for none as well. */
function reverseOf(address: Json): string {
  const name = address.text("rdns");
  return name === "null" ? "" : name;
}

interface Addresses {
  publicIPv4: string;
  publicIPv4Reverse: string;
  privateIPv4: string;
  privateIPv4Reverse: string;
  extra: string[];
}

function addressesOf(instance: Json, known: ReadonlyMap<string, Json[]>): Addresses {
  const out: Addresses = { publicIPv4: "", publicIPv4Reverse: "", privateIPv4: "", privateIPv4Reverse: "", extra: [] };
  for (const detailed of instance.texts("ipv4").flatMap((ip) => known.get(ip) ?? [])) {
    const address = detailed.text("address");
    const isPublic = detailed.flag("public");
    if (isPublic && out.publicIPv4 === "") {
      out.publicIPv4 = address;
      out.publicIPv4Reverse = reverseOf(detailed);
    } else if (!isPublic && out.privateIPv4 === "") {
      out.privateIPv4 = address;
      out.privateIPv4Reverse = reverseOf(detailed);
    } else out.extra.push(address);
  }
  return out;
}

function instanceLabels(
  instance: Json,
  known: ReadonlyMap<string, Json[]>,
  ranges: readonly Json[],
  { port, tagSeparator }: { port: number; tagSeparator: string },
): TargetLabels {
  const { publicIPv4, publicIPv4Reverse, privateIPv4, privateIPv4Reverse, extra } = addressesOf(instance, known);
  const [slaac] = instance.text("ipv6").split("/");
  const ipv6 = slaac === "" ? undefined : known.get(slaac)?.at(-1);
  const routed = ranges
    .filter((range) => slaac !== "" && range.text("route_target") === slaac)
    .map((range) => `${range.text("range")}/${range.integer("prefix")}`);
  const tags = instance.texts("tags");
  const specs = instance.get("specs");
  const bytes = (key: string): string => BigInt(specs.number(key) * BYTES_PER_MIB).toString();
  return {
    [`${PREFIX}instance_id`]: instance.integer("id"),
    [`${PREFIX}instance_label`]: instance.text("label"),
    [`${PREFIX}image`]: instance.text("image"),
    [`${PREFIX}private_ipv4`]: privateIPv4,
    [`${PREFIX}public_ipv4`]: publicIPv4,
    [`${PREFIX}public_ipv6`]: ipv6?.text("address") ?? "",
    [`${PREFIX}private_ipv4_rdns`]: privateIPv4Reverse,
    [`${PREFIX}public_ipv4_rdns`]: publicIPv4Reverse,
    [`${PREFIX}public_ipv6_rdns`]: ipv6 ? reverseOf(ipv6) : "",
    [`${PREFIX}region`]: instance.text("region"),
    [`${PREFIX}type`]: instance.text("type"),
    [`${PREFIX}status`]: instance.text("status"),
    [`${PREFIX}group`]: instance.text("group"),
    [`${PREFIX}gpus`]: specs.integer("gpus"),
    [`${PREFIX}hypervisor`]: instance.text("hypervisor"),
    [`${PREFIX}backups`]: instance.flag("backups", "enabled") ? "enabled" : "disabled",
    [`${PREFIX}specs_disk_bytes`]: bytes("disk"),
    [`${PREFIX}specs_memory_bytes`]: bytes("memory"),
    [`${PREFIX}specs_vcpus`]: specs.integer("vcpus"),
    [`${PREFIX}specs_transfer_bytes`]: bytes("transfer"),
    __address__: joinHostPort(publicIPv4, port),
    ...(tags.length > 0 && { [`${PREFIX}tags`]: surround(tags, tagSeparator) }),
    ...(extra.length > 0 && { [`${PREFIX}extra_ips`]: surround(extra, tagSeparator) }),
    ...(routed.length > 0 && { [`${PREFIX}ipv6_ranges`]: surround(routed, tagSeparator) }),
  };
}

export const linodeMechanism = refreshMechanism({
  name: "linode",
  things: "instances",
  parse: (settings) => ({
    port: settings.integer("port", 80),
    tagSeparator: settings.text("tag_separator", ","),
    region: settings.text("region"),
    endpoint: "https://api.linode.com",
  }),
  place: ({ endpoint, region }) => (region === "" ? endpoint : `${endpoint} in region ${region}`),
  open(config, { api, metrics }) {
    const base = `${config.endpoint}/v4`;
    let last: Found | undefined;
    let lastAt = new Date();
    let quiet = 0;
    let events = true;

    async function everything(): Promise<Found> {
      const filter = config.region === "" ? undefined : { region: config.region };
      try {
        const instances = await pages(api, `${base}/linode/instances`, filter);
        const addresses = await pages(api, `${base}/networking/ips`, filter);
        const ranges = await pages(api, `${base}/networking/ipv6/ranges`, filter);
        const known = Map.groupBy(addresses, (address) => address.text("address"));
        const connected = instances.filter((instance) => instance.items("ipv4").length > 0);
        return found(
          "Linode",
          connected.map((instance) => instanceLabels(instance, known, ranges, config)),
          instances.length,
        );
      } catch (error) {
        metrics.linodeFailures.inc();
        throw error;
      }
    }

    async function happened(): Promise<boolean> {
      const since = { created: { "+gte": lastAt.toISOString().slice(0, 19) } };
      try {
        const url = withQuery(`${base}/account/events`, { page: "1", page_size: EVENTS_PAGE_SIZE });
        const answer = await api.json(url, { headers: { "x-filter": JSON.stringify(since) } });
        quiet++;
        return answer.items("data").length > 0 || quiet >= QUIET_REFRESHES;
      } catch (error) {
        // The token may not read events: everything is asked for each time then.
        if (!(error instanceof ApiStatusError) || error.status !== 401) throw error;
        events = false;
        return true;
      }
    }

    return async () => {
      const now = new Date();
      if (!last || !events || (await happened())) {
        last = await everything();
        quiet = 0;
      }
      lastAt = now;
      return last;
    };
  },
});
