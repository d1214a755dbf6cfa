/** ec2_sd_configs: instances of EC2. */
import { describeError, type TargetLabels, UserError } from "@pharos/model";
import type { XmlElement } from "../../api/xml.ts";
import { defined, joinHostPort, surround } from "../../labels.ts";
import { type AwsClient, numbered } from "./client.ts";
import { type AwsFilter, type AwsRole, roleMechanism } from "./config.ts";
import { members, tagLabels } from "./fields.ts";

const PREFIX = "__meta_ec2_";
/** No instance type has that many network interfaces. */
const MAX_DEVICE = 1000;

function filterParameters(filters: readonly AwsFilter[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [i, { name, values }] of filters.entries()) {
    out[`Filter.${i + 1}.Name`] = name;
    Object.assign(out, numbered(`Filter.${i + 1}.Value`, values));
  }
  return out;
}

/** All reservations, page after page. */
export async function describeReservations(
  aws: AwsClient,
  parameters: Readonly<Record<string, string>>,
): Promise<XmlElement[]> {
  const out: XmlElement[] = [];
  let token: string | undefined;
  do {
    const page = await aws.query("ec2", "DescribeInstances", { ...parameters, NextToken: token });
    out.push(...members(page, "reservationSet"));
    token = page.text("nextToken") || undefined;
  } while (token !== undefined);
  return out;
}

/** Zones' account-independent ids by their names. */
async function zoneIds(aws: AwsClient): Promise<Map<string, string>> {
  const answer = await aws.query("ec2", "DescribeAvailabilityZones");
  return new Map(members(answer, "availabilityZoneInfo").map((zone) => [zone.text("zoneName"), zone.text("zoneId")]));
}

interface Ipv6Addresses {
  /** By device index, "" where a device has none. */
  primary: string[];
  all: string[];
}

function ipv6Of(interfaces: readonly XmlElement[]): Ipv6Addresses {
  const out: Ipv6Addresses = { primary: [], all: [] };
  for (const card of interfaces) {
    for (const address of members(card, "ipv6AddressesSet")) {
      const ip = address.text("ipv6Address");
      out.all.push(ip);
      if (address.text("isPrimaryIpv6") !== "true") continue;
      const device = Number(card.text("attachment", "deviceIndex"));
      if (!Number.isInteger(device) || device < 0 || device > MAX_DEVICE) {
        throw new UserError("discovery.answer", `an EC2 network interface has device index ${device}`);
      }
      // The position says which device it is.
      while (out.primary.length <= device) out.primary.push("");
      out.primary[device] = ip;
    }
  }
  return out;
}

/** Labels of an instance; none when it has no address. */
export function instanceLabels(
  instance: XmlElement,
  owner: string,
  { region, port, zones }: { region: string; port: number; zones: ReadonlyMap<string, string> },
): TargetLabels[] {
  const optional = (...path: string[]): string | undefined => instance.text(...path) || undefined;
  const inVpc = instance.text("vpcId") !== "";
  const interfaces = inVpc
    ? members(instance, "networkInterfaceSet").filter((card) => card.text("subnetId") !== "")
    : [];
  const ipv6 = ipv6Of(interfaces);
  const defaultIpv6 = [...ipv6.primary, ...ipv6.all].find((ip) => ip !== "");
  const privateIp = optional("privateIpAddress");
  const address = privateIp ?? defaultIpv6;
  if (address === undefined) return [];
  const publicIp = optional("ipAddress");
  const zone = instance.text("placement", "availabilityZone");
  const subnets = [...new Set(interfaces.map((card) => card.text("subnetId")))];
  return [
    {
      ...defined({
        __address__: joinHostPort(address, port),
        [`${PREFIX}instance_id`]: instance.text("instanceId"),
        [`${PREFIX}region`]: region,
        [`${PREFIX}owner_id`]: owner || undefined,
        [`${PREFIX}default_ipv6_address`]: defaultIpv6,
        [`${PREFIX}private_ip`]: privateIp,
        [`${PREFIX}private_dns_name`]: instance.find("privateDnsName") && instance.text("privateDnsName"),
        [`${PREFIX}platform`]: optional("platform"),
        [`${PREFIX}public_ip`]: publicIp,
        [`${PREFIX}public_dns_name`]: publicIp === undefined ? undefined : instance.text("dnsName"),
        [`${PREFIX}primary_ipv6_addresses`]: ipv6.primary.length > 0 ? surround(ipv6.primary) : undefined,
        [`${PREFIX}ipv6_addresses`]: ipv6.all.length > 0 ? surround(ipv6.all) : undefined,
        [`${PREFIX}ami`]: instance.text("imageId"),
        [`${PREFIX}availability_zone`]: zone,
        [`${PREFIX}availability_zone_id`]: zones.get(zone) ?? "",
        [`${PREFIX}instance_state`]: instance.text("instanceState", "name"),
        [`${PREFIX}instance_type`]: instance.text("instanceType"),
        [`${PREFIX}instance_lifecycle`]: optional("instanceLifecycle"),
        [`${PREFIX}architecture`]: optional("architecture"),
        [`${PREFIX}vpc_id`]: optional("vpcId"),
        [`${PREFIX}primary_subnet_id`]: inVpc ? instance.text("subnetId") : undefined,
        [`${PREFIX}subnet_id`]: inVpc ? surround(subnets) : undefined,
      }),
      ...tagLabels(`${PREFIX}tag_`, members(instance, "tagSet")),
    },
  ];
}

export const ec2Role: AwsRole = {
  name: "ec2",
  things: "instances",
  filters: true,
  open(aws, { filters, port }, { log }) {
    let zones: Map<string, string> | undefined;
    return async () => {
      const region = await aws.region();
      try {
        // Asked for until it is known: zones are not added often.
        zones ??= await zoneIds(aws);
      } catch (error) {
        log.debug("Unable to describe availability zones", { err: describeError(error) });
      }
      const reservations = await describeReservations(aws, filterParameters(filters));
      const scope = { region, port, zones: zones ?? new Map<string, string>() };
      const instances = reservations.flatMap((reservation) =>
        members(reservation, "instancesSet").map((instance) => ({ instance, owner: reservation.text("ownerId") })),
      );
      const targets = instances.flatMap(({ instance, owner }) => instanceLabels(instance, owner, scope));
      return { targets, seen: instances.length };
    };
  },
};

export const ec2Mechanism = roleMechanism(ec2Role);
