import type { MetricFamily } from "@pharos/exposition";
import { type Collector, FamilySet, ignored, readText } from "../collector.ts";
import { NETLINK_ROUTE, Netlink, networkLock } from "../netlink.ts";
import { listLinks } from "../rtnetlink.ts";

const RTM_GETNEIGH = 30;
/** struct ndmsg: u8 family · 3 × pad · i32 index · u16 state · u8 flags · u8 type */
const NDMSG_BYTES = 12;
const AF_INET = 2;
/** Addresses that need no asking for, such as loopback's: /proc/net/arp has them not. */
const NUD_NOARP = 0x40;

function count(devices: Iterable<string>): Map<string, number> {
  const out = new Map<string, number>();
  for (const device of devices) out.set(device, (out.get(device) ?? 0) + 1);
  return out;
}

function countFile(procfs: string): Map<string, number> {
  const lines = readText(procfs, "net/arp").trimEnd().split("\n").slice(1);
  return count(
    lines.map((line) => {
      const columns = line.trim().split(/\s+/);
      if (columns.length !== 6) throw new Error(`not a line of /proc/net/arp: ${JSON.stringify(line)}`);
      return columns[5];
    }),
  );
}

function countNeighbours(): Map<string, number> {
  const names = new Map(listLinks().map(({ index, name }) => [index, name]));
  using connection = new Netlink(NETLINK_ROUTE);
  const request = Buffer.alloc(NDMSG_BYTES);
  request[0] = AF_INET;
  const devices: string[] = [];
  for (const { body } of connection.dump(RTM_GETNEIGH, request)) {
    const name = names.get(body.readInt32LE(4));
    // A device may go between the two questions.
    if (name !== undefined && (body.readUInt16LE(8) & NUD_NOARP) === 0) devices.push(name);
  }
  return count(devices);
}

export const arp: Collector = {
  name: "arp",
  flags: {
    "collector.arp.device-include": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of arp devices to include (mutually exclusive to device-exclude).",
    },
    "collector.arp.device-exclude": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of arp devices to exclude (mutually exclusive to device-include).",
    },
    "collector.arp.netlink": {
      type: "boolean",
      default: "true",
      help: "Use netlink to gather stats instead of /proc/net/arp.",
    },
  },
  collect({ paths, patterns, flags }, signal) {
    const include = patterns["collector.arp.device-include"];
    const exclude = patterns["collector.arp.device-exclude"];
    const tell = (entries: ReadonlyMap<string, number>): MetricFamily[] => {
      const out = new FamilySet();
      for (const [device, count] of entries) {
        const name = "node_arp_entries";
        if (!ignored(device, include, exclude)) out.gauge(name, "ARP entries by device", count, ["device", device]);
      }
      return out.families;
    };
    if (flags["collector.arp.netlink"] === false) return tell(countFile(paths.procfs));
    return networkLock(signal).then(() => tell(countNeighbours()));
  },
};
