/** Speed and duplex of network devices, asked over ethtool's netlink family. */

import { GENERIC_HEADER, genericRequest, resolveFamily } from "./generic-netlink.ts";
import { attribute, NETLINK_GENERIC, Netlink, parseAttributes } from "./netlink.ts";

const ETHTOOL_MSG_LINKMODES_GET = 4;
const HEADER_ATTRIBUTE = 1;
const HEADER_DEV_INDEX = 1;
const SPEED = 5;
const DUPLEX = 6;
const NESTED = 0x8000;

export interface LinkMode {
  /** Mbit/s; the largest number of 32 bits when the driver does not know, which upstream tells as a speed. */
  speed?: number;
  duplex: string;
}

/** Names of DUPLEX_HALF, DUPLEX_FULL and what else there is. */
const DUPLEXES: Readonly<Record<number, string>> = { 0: "Half", 1: "Full" };

/** By the index of the device; none on kernels before 5.6, which have not the family. */
export function linkModes(): Map<number, LinkMode> {
  const out = new Map<number, LinkMode>();
  using connection = new Netlink(NETLINK_GENERIC);
  const family = resolveFamily(connection, "ethtool");
  if (!family) return out;
  const request = genericRequest(ETHTOOL_MSG_LINKMODES_GET, 1, attribute(HEADER_ATTRIBUTE | NESTED, Buffer.alloc(0)));
  for (const { body } of connection.dump(family.id, request)) {
    const attributes = parseAttributes(body, GENERIC_HEADER);
    const header = attributes.get(HEADER_ATTRIBUTE);
    const index = header && parseAttributes(header).get(HEADER_DEV_INDEX)?.readUInt32LE(0);
    if (index === undefined) continue;
    const speed = attributes.get(SPEED)?.readUInt32LE(0);
    const duplex = attributes.get(DUPLEX)?.[0];
    out.set(index, {
      speed,
      duplex: DUPLEXES[duplex ?? -1] ?? "Unknown",
    });
  }
  return out;
}
