import { type Collector, FamilySet } from "../collector.ts";
import { formatAddress } from "../ip-address.ts";
import { attributesOf, NETLINK_ROUTE, Netlink, networkLock, parseAttributes } from "../netlink.ts";
import { listLinks } from "../rtnetlink.ts";

const RTM_GETROUTE = 26;
/** struct rtmsg: u8 family · destination bits · source bits · tos · table · protocol · scope · type; u32 flags */
const RTMSG_BYTES = 12;
const RTN_UNICAST = 1;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, MULTIPATH: 9 } as const;
/** struct rtnexthop: u16 length · u8 flags · u8 hops · i32 index of the device; attributes follow */
const NEXTHOP_BYTES = 8;

/** Who made a route, by the kernel's number. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra", 10: "mrt", 11: "zebra",
  12: "bird", 13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp", 17: "mrouted", 42: "babel", 186: "bgp", 187: "isis",
  188: "ospf", 189: "rip", 192: "eigrp",
}; // biome-ignore format: a table

interface Hop {
  index: number;
  gateway: string;
  /** "" unless there are several. */
  weight: string;
}

const address = (value: Buffer | undefined): string => (value ? formatAddress(value) : "");

/** The ways of a route that has several. */
function parseHops(value: Buffer): Hop[] {
  const hops: Hop[] = [];
  for (let at = 0; at + NEXTHOP_BYTES <= value.length; ) {
    const length = value.readUInt16LE(at);
    if (length < NEXTHOP_BYTES || at + length > value.length) throw new Error(`netlink: a way of ${length} bytes`);
    const attributes = new Map(attributesOf(value.subarray(at + NEXTHOP_BYTES, at + length)));
    hops.push({
      index: value.readInt32LE(at + 4),
      gateway: address(attributes.get(RTA.GATEWAY)),
      weight: String(value[at + 3] + 1),
    });
    at += (length + 3) & ~3;
  }
  return hops;
}

export const networkRoute: Collector = {
  name: "network_route",
  async collect(_context, signal) {
    await networkLock(signal);
    const names = new Map(listLinks().map(({ index, name }) => [index, name]));
    const counts = new Map<string, number>();
    const out = new FamilySet();
    using connection = new Netlink(NETLINK_ROUTE);
    for (const { body } of connection.dump(RTM_GETROUTE, Buffer.alloc(RTMSG_BYTES))) {
      if (body[7] !== RTN_UNICAST) continue;
      const attributes = parseAttributes(body, RTMSG_BYTES);
      const multipath = attributes.get(RTA.MULTIPATH);
      const own: Hop = {
        index: attributes.get(RTA.OIF)?.readInt32LE(0) ?? 0,
        gateway: address(attributes.get(RTA.GATEWAY)),
        weight: "",
      };
      const bits = body[1];
      const destination = attributes.get(RTA.DST);
      for (const { index, gateway, weight } of multipath ? parseHops(multipath) : [own]) {
        const device = names.get(index) ?? "";
        out.gauge("node_network_route_info", "network routing table information", 1, [
          "device",
          device,
          "src",
          address(attributes.get(RTA.PREFSRC)),
          "dest",
          bits === 0 || !destination ? "default" : `${formatAddress(destination)}/${bits}`,
          "gw",
          gateway,
          "priority",
          String(attributes.get(RTA.PRIORITY)?.readUInt32LE(0) ?? 0),
          "proto",
          PROTOCOLS[body[5]] ?? "unknown",
          "weight",
          weight,
        ]);
        counts.set(device, (counts.get(device) ?? 0) + 1);
      }
    }
    for (const [device, count] of counts)
      out.gauge("node_network_routes", "network routes by interface", count, ["device", device]);
    return out.families;
  },
};
