import {
  type Collector,
  type CollectorContext,
  FamilySet,
  ignored,
  list,
  readInteger,
  readTrimmed,
} from "../collector.ts";

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

/** IFF_UP in the device's flags: what an administrator wants, whatever the cable says. */
const FLAG_UP = 1;

async function addDevice(out: FamilySet, folder: string, device: string, { flags }: CollectorContext): Promise<void> {
  const labels = ["device", device];
  const text = async (file: string): Promise<string> => (await readTrimmed(folder, file)) ?? "";
  const operstate = await text("operstate");
  out.gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", Number(operstate === "up"), labels);
  const interfaceFlags = (await readInteger(folder, "flags")) ?? 0;
  out.gauge("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.", 1, [
    ...labels,
    "address",
    await text("address"),
    "broadcast",
    await text("broadcast"),
    "duplex",
    await text("duplex"),
    "operstate",
    operstate,
    "adminstate",
    (interfaceFlags & FLAG_UP) !== 0 ? "up" : "down",
    "ifalias",
    await text("ifalias"),
  ]);
  for (const [file, property, kind] of PROPERTIES) {
    const value = await readInteger(folder, file);
    out.add(kind ?? "gauge", `node_network_${property}`, `Network device property: ${property}`, value, labels);
  }
  const speed = await readInteger(folder, "speed");
  // Some devices report -1 Mbit/s; without the flag upstream passes that on.
  if (speed !== undefined && (speed >= 0 || flags["collector.netclass.ignore-invalid-speed"] !== true)) {
    out.gauge("node_network_speed_bytes", "Network device property: speed_bytes", (speed * 1e6) / 8, labels);
  }
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
  },
  async collect(context) {
    const root = `${context.paths.sysfs}/class/net`;
    const out = new FamilySet();
    for (const device of await list(root)) {
      if (ignored(device, undefined, context.patterns["collector.netclass.ignored-devices"])) continue;
      // Files such as bonding_masters lie among the devices.
      if ((await list(root, device)).length === 0) continue;
      await addDevice(out, `${root}/${device}`, device, context);
    }
    return out.families;
  },
};
