/** Network devices as rtnetlink tells of them. */
import { attributesOf, type Message, NETLINK_ROUTE, Netlink, parseAttributes, text } from "./netlink.ts";

const RTM_GETLINK = 18;
/** struct ifinfomsg: u8 family · u8 pad · u16 type · i32 index · u32 flags · u32 change */
const IFINFO_BYTES = 16;
const IFLA = {
  ADDRESS: 1, BROADCAST: 2, IFNAME: 3, MTU: 4, LINK: 5, STATS: 7, TXQLEN: 13, OPERSTATE: 16, LINKMODE: 17, IFALIAS: 20,
  STATS64: 23, GROUP: 27, CARRIER: 33, CARRIER_CHANGES: 35, CARRIER_UP_COUNT: 47, CARRIER_DOWN_COUNT: 48, PROP_LIST: 52,
} as const; // biome-ignore format: a table

/** Fields of struct rtnl_link_stats64, and of rtnl_link_stats at half the width. */
export const LINK_STATS = [
  "receive_packets", "transmit_packets", "receive_bytes", "transmit_bytes", "receive_errors", "transmit_errors",
  "receive_dropped", "transmit_dropped", "multicast", "collisions", "receive_length_errors", "receive_over_errors",
  "receive_crc_errors", "receive_frame_errors", "receive_fifo_errors", "receive_missed_errors",
  "transmit_aborted_errors", "transmit_carrier_errors", "transmit_fifo_errors", "transmit_heartbeat_errors",
  "transmit_window_errors", "receive_compressed", "transmit_compressed", "receive_nohandler",
] as const; // biome-ignore format: a table

export interface Link {
  index: number;
  type: number;
  flags: number;
  name: string;
  address: Buffer;
  broadcast: Buffer;
  /** Index of the device below; undefined when there is none. */
  link?: number;
  mtu?: number;
  operationalState: number;
  linkMode?: number;
  queueLength?: number;
  group?: number;
  carrier?: number;
  carrierChanges?: number;
  carrierUp?: number;
  carrierDown?: number;
  alias: string;
  alternativeNames: string[];
  /** By the names of LINK_STATS; undefined when the device has none. */
  stats?: Map<string, number>;
}

function parseStats(attributes: ReadonlyMap<number, Buffer>): Map<string, number> | undefined {
  const wide = attributes.get(IFLA.STATS64);
  const narrow = attributes.get(IFLA.STATS);
  if (!wide && !narrow) return undefined;
  const out = new Map<string, number>();
  for (const [i, name] of LINK_STATS.entries()) {
    // Older kernels have fewer fields.
    if (wide && 8 * i + 8 <= wide.length) out.set(name, Number(wide.readBigUInt64LE(8 * i)));
    else if (!wide && narrow && 4 * i + 4 <= narrow.length) out.set(name, narrow.readUInt32LE(4 * i));
    else out.set(name, 0);
  }
  return out;
}

function parseLink({ body }: Message): Link {
  const attributes = parseAttributes(body, IFINFO_BYTES);
  const number = (type: number): number | undefined => {
    const value = attributes.get(type);
    if (!value || value.length === 0) return undefined;
    return value.length >= 4 ? value.readUInt32LE(0) : value[0];
  };
  const names = attributes.get(IFLA.PROP_LIST);
  return {
    type: body.readUInt16LE(2),
    index: body.readInt32LE(4),
    flags: body.readUInt32LE(8),
    name: text(attributes.get(IFLA.IFNAME)),
    address: attributes.get(IFLA.ADDRESS) ?? Buffer.alloc(0),
    broadcast: attributes.get(IFLA.BROADCAST) ?? Buffer.alloc(0),
    link: number(IFLA.LINK),
    mtu: number(IFLA.MTU),
    operationalState: number(IFLA.OPERSTATE) ?? 0,
    linkMode: number(IFLA.LINKMODE),
    queueLength: number(IFLA.TXQLEN),
    group: number(IFLA.GROUP),
    carrier: number(IFLA.CARRIER),
    carrierChanges: number(IFLA.CARRIER_CHANGES),
    carrierUp: number(IFLA.CARRIER_UP_COUNT),
    carrierDown: number(IFLA.CARRIER_DOWN_COUNT),
    alias: text(attributes.get(IFLA.IFALIAS)),
    alternativeNames: names ? [...attributesOf(names)].map(([, name]) => text(name)) : [],
    stats: parseStats(attributes),
  };
}

/** All devices of the network namespace this process is in. */
export function listLinks(): Link[] {
  using connection = new Netlink(NETLINK_ROUTE);
  return connection.dump(RTM_GETLINK, Buffer.alloc(IFINFO_BYTES)).map(parseLink);
}

/** `02:42:ac:11:00:02` */
export function hardwareAddress(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
