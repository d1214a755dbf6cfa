import { type Collector, FamilySet, ignored, readText } from "../collector.ts";

/** From /proc/net/arp, so IPv4 only; upstream's default asks the kernel over netlink and counts IPv6 neighbours as well. */
export const arp: Collector = {
  name: "arp",
  flags: {
    "collector.arp.device-include": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of arp devices to include.",
    },
    "collector.arp.device-exclude": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of arp devices to exclude.",
    },
    "collector.arp.netlink": {
      type: "boolean",
      default: "true",
      help: "Tell of this process' own network namespace instead of the one in --path.procfs.",
    },
  },
  async collect({ paths, patterns, flags }) {
    const procfs = flags["collector.arp.netlink"] === false ? paths.procfs : "/proc";
    const entries = new Map<string, number>();
    for (const line of (await readText(procfs, "net/arp")).split("\n").slice(1)) {
      const device = line.trim().split(/\s+/)[5];
      if (!device) continue;
      if (ignored(device, patterns["collector.arp.device-include"], patterns["collector.arp.device-exclude"])) continue;
      entries.set(device, (entries.get(device) ?? 0) + 1);
    }
    const out = new FamilySet();
    for (const [device, count] of entries)
      out.gauge("node_arp_entries", "ARP entries by device", count, ["device", device]);
    return out.families;
  },
};
