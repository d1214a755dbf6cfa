import {
  type Collector,
  type CollectorContext,
  FamilySet,
  ignored,
  listOrNoData,
  readInteger,
  readTrimmed,
} from "../collector.ts";
import { readDevice, readDeviceInteger } from "../device-file.ts";
import { linkModes } from "../ethtool-netlink.ts";
import { networkLock } from "../netlink.ts";
import { hardwareAddress, LINK_STATS, type Link, listLinks } from "../rtnetlink.ts";
import { statSync } from "../system.ts";

/** Files of /sys/class/net/<device> that hold one number, and the properties they are. */
const PROPERTIES: readonly (readonly [file: string, property: string, kind?: "counter"])[] = [
  ["addr_assign_type", "address_assign_type"],
  ["carrier", "carrier"],
  ["carrier_changes", "carrier_changes_total", "counter"],
  ["carrier_up_count", "carrier_up_changes_total", "counter"],
  ["carrier_down_count", "carrier_down_changes_total", "counter"],
  ["dev_id", "device_id"],
  ["dormant", "dormant"],
  ["flags", "flags"],
  ["ifindex", "iface_id"],
  ["iflink", "iface_link"],
  ["link_mode", "iface_link_mode"],
  ["mtu", "mtu_bytes"],
  ["name_assign_type", "name_assign_type"],
  ["netdev_group", "net_dev_group"],
  ["tx_queue_len", "transmit_queue_length"],
  ["type", "protocol_type"],
];

/** Files for which the kernel takes its lock on network devices, or asks the driver. */
const SLOW = new Set(["carrier"]);

/** IFF_UP in the device's flags: what an administrator wants, whatever the cable says. */
const FLAG_UP = 1;
const MEGABIT_BYTES = 1e6 / 8;

const OPERSTATES = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"];

const helpOf = (property: string): string => `Network device property: ${property}`;

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function adminState(flags: number | undefined): string {
  if (flags === undefined) return "unknown";
  return (flags & FLAG_UP) !== 0 ? "up" : "down";
}

async function addDevice(
  out: FamilySet,
  folder: string,
  device: string,
  { flags }: CollectorContext,
  signal: AbortSignal,
): Promise<void> {
  const labels = ["device", device];
  const text = (file: string): string => readTrimmed(folder, file) ?? "";
  const operstate = text("operstate");
  const interfaceFlags = readInteger(folder, "flags");
  // Of a device that is switched off the driver is not asked: the kernel would answer with an error.
  const up = adminState(interfaceFlags) !== "down";
  out.gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", Number(operstate === "up"), labels);
  out.gauge("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.", 1, [
    ...labels,
    "address",
    text("address"),
    "broadcast",
    text("broadcast"),
    "duplex",
    (up ? await readDevice(`${folder}/duplex`, signal) : undefined) ?? "",
    "operstate",
    operstate,
    "adminstate",
    adminState(interfaceFlags),
    "ifalias",
    text("ifalias"),
  ]);
  for (const [file, property, kind] of PROPERTIES) {
    if (SLOW.has(file) && !up) continue;
    const value = SLOW.has(file) ? await readDeviceInteger(`${folder}/${file}`, signal) : readInteger(folder, file);
    out.add(kind ?? "gauge", `node_network_${property}`, helpOf(property), value, labels);
  }
  const speed = up ? await readDeviceInteger(`${folder}/speed`, signal) : undefined;
  // Some devices report -1 Mbit/s; without the flag upstream passes that on.
  if (speed !== undefined && (speed >= 0 || flags["collector.netclass.ignore-invalid-speed"] !== true)) {
    out.gauge("node_network_speed_bytes", helpOf("speed_bytes"), Math.trunc(speed * MEGABIT_BYTES), labels);
  }
}

/** What netlink says of a device, by property. */
const LINK_PROPERTIES: readonly (readonly [property: string, of: (link: Link) => number | undefined])[] = [
  ["carrier", (link) => link.carrier],
  ["carrier_changes_total", (link) => link.carrierChanges],
  ["carrier_up_changes_total", (link) => link.carrierUp],
  ["carrier_down_changes_total", (link) => link.carrierDown],
  ["flags", (link) => link.flags],
  ["iface_id", (link) => link.index],
  ["iface_link_mode", (link) => link.linkMode],
  ["dormant", (link) => link.linkMode],
  // The kernel leaves it out where the device stands on nothing but itself.
  ["iface_link", (link) => link.link || link.index],
  ["mtu_bytes", (link) => link.mtu],
  ["net_dev_group", (link) => link.group],
  ["transmit_queue_length", (link) => link.queueLength],
  ["protocol_type", (link) => link.type],
];

function addLink(out: FamilySet, link: Link, duplex: string, { flags }: CollectorContext): void {
  const labels = ["device", link.name];
  const operstate = OPERSTATES[link.operationalState] ?? "unknown";
  out.gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", Number(operstate === "up"), labels);
  out.gauge("node_network_info", "Non-numeric data of <iface>, value is always 1.", 1, [
    ...labels,
    "address",
    hardwareAddress(link.address),
    "broadcast",
    hardwareAddress(link.broadcast),
    "duplex",
    duplex,
    "operstate",
    operstate,
    "ifalias",
    link.alias,
  ]);
  for (const altname of link.alternativeNames.filter(Boolean)) {
    const help = "Non-numeric data of <iface> altname, value is always 1.";
    out.gauge("node_network_altnames_info", help, 1, ["altname", altname, ...labels]);
  }
  for (const [property, of] of LINK_PROPERTIES) {
    const kind = property.endsWith("_total") ? "counter" : "gauge";
    out.add(kind, `node_network_${property}`, helpOf(property), of(link), labels);
  }
  // What netlink does not tell; these three take no lock.
  for (const [file, property] of PROPERTIES) {
    if (!["addr_assign_type", "dev_id", "name_assign_type"].includes(file)) continue;
    const value = readInteger("/sys/class/net", link.name, file);
    out.gauge(`node_network_${property}`, helpOf(property), value, labels);
  }
  if (flags["collector.netclass_rtnl.with-stats"] !== true || !link.stats) return;
  for (const name of LINK_STATS)
    out.gauge(`node_network_${name}_total`, helpOf(`${name}_total`), link.stats.get(name), labels);
}

export const netclass: Collector = {
  name: "netclass",
  flags: {
    "collector.netclass.ignored-devices": {
      type: "string",
      default: "^$",
      pattern: true,
      help: "Regexp of net devices to ignore for netclass collector.",
    },
    "collector.netclass.ignore-invalid-speed": {
      type: "boolean",
      default: "false",
      help: "Ignore devices where the speed is invalid. This will be the default behavior in 2.x.",
    },
    "collector.netclass.netlink": {
      type: "boolean",
      default: "false",
      help: "Use netlink to gather stats instead of /proc/net/dev.",
    },
    "collector.netclass_rtnl.with-stats": {
      type: "boolean",
      default: "false",
      help: "Expose the statistics for each network device, replacing netdev collector.",
    },
  },
  async collect(context, signal) {
    const exclude = context.patterns["collector.netclass.ignored-devices"];
    const out = new FamilySet();
    if (context.flags["collector.netclass.netlink"] === true) {
      await networkLock(signal);
      const modes = linkModes();
      for (const link of listLinks()) {
        if (ignored(link.name, undefined, exclude)) continue;
        const mode = modes.get(link.index);
        addLink(out, link, mode?.duplex ?? "", context);
        const speed = mode?.speed;
        if (speed === undefined) continue;
        out.gauge("node_network_speed_bytes", helpOf("speed_bytes"), speed * MEGABIT_BYTES, ["device", link.name]);
      }
      return out.families;
    }
    const root = `${context.paths.sysfs}/class/net`;
    for (const device of listOrNoData(root)) {
      // Files such as bonding_masters lie among the devices.
      if (ignored(device, undefined, exclude) || !isFolder(`${root}/${device}`)) continue;
      await addDevice(out, `${root}/${device}`, device, context, signal);
    }
    return out.families;
  },
};
