import type { MetricFamily } from "@pharos/exposition";
import { type Collector, type CollectorContext, FamilySet, ignored, readText, readTrimmed } from "../collector.ts";
import { networkLock } from "../netlink.ts";
import type { Pattern } from "../pattern.ts";
import { listLinks } from "../rtnetlink.ts";
import { networkInterfaces } from "../system.ts";

/** Columns of /proc/net/dev. */
const COLUMNS = [
  "receive_bytes", "receive_packets", "receive_errors", "receive_dropped", "receive_fifo", "receive_frame",
  "receive_compressed", "receive_multicast", "transmit_bytes", "transmit_packets", "transmit_errors",
  "transmit_dropped", "transmit_fifo", "transmit_colls", "transmit_carrier", "transmit_compressed",
]; // biome-ignore format: a table

/** Names of /proc/net/dev for what the kernel counts more finely: a name, and the counters that are summed up in it. */
const LEGACY: readonly (readonly [name: string, first: string, ...others: string[]])[] = [
  ["receive_errs", "receive_errors"],
  ["receive_drop", "receive_dropped", "receive_missed_errors"],
  ["receive_fifo", "receive_fifo_errors"],
  ["receive_frame", "receive_frame_errors", "receive_length_errors", "receive_over_errors", "receive_crc_errors"],
  ["receive_multicast", "multicast"],
  ["transmit_errs", "transmit_errors"],
  ["transmit_drop", "transmit_dropped"],
  ["transmit_fifo", "transmit_fifo_errors"],
  ["transmit_colls", "collisions"],
  [
    "transmit_carrier",
    "transmit_carrier_errors",
    "transmit_aborted_errors",
    "transmit_heartbeat_errors",
    "transmit_window_errors",
  ],
];

type Stats = Map<string, number>;
type Devices = (readonly [device: string, stats: Stats])[];

function toLegacy(stats: Stats): void {
  for (const [name, first, ...others] of LEGACY) {
    const value = stats.get(first);
    if (value === undefined) continue;
    let sum = value;
    stats.delete(first);
    for (const other of others) {
      sum += stats.get(other) ?? 0;
      stats.delete(other);
    }
    stats.set(name, sum);
  }
}

function readFile(procfs: string): Devices {
  return readText(procfs, "net/dev")
    .split("\n")
    .flatMap((line): Devices => {
      const match = /^\s*(.+):\s*(\d.*)$/.exec(line);
      if (!match) return [];
      const values = match[2].trim().split(/\s+/);
      if (values.length < COLUMNS.length) throw new Error(`not a line of /proc/net/dev: ${JSON.stringify(line)}`);
      return [[match[1], new Map(COLUMNS.map((name, i) => [name, Number(values[i])]))]];
    });
}

/** As Go's net package sorts addresses. */
function scopeOf(address: string): string {
  if (/^(127\.|169\.254\.|224\.0\.0\.|::1$|fe[89ab]|ff.2:)/i.test(address)) return "link-local";
  if (/^ff.1:/i.test(address)) return "interface-local";
  return address === "0.0.0.0" || address === "::" || address === "255.255.255.255" ? "" : "global";
}

function addAddresses(out: FamilySet, include: Pattern | undefined, exclude: Pattern | undefined): void {
  for (const [device, addresses] of Object.entries(networkInterfaces())) {
    if (ignored(device, include, exclude)) continue;
    for (const { address, cidr } of addresses ?? []) {
      if (cidr === null) continue;
      const labels = ["device", device, "address", address, "netmask", cidr.slice(cidr.indexOf("/") + 1)];
      const help = "node network address by device";
      out.gauge("node_network_address_info", help, 1, [...labels, "scope", scopeOf(address)]);
    }
  }
}

function tell(devices: Devices, { paths, patterns, flags }: CollectorContext): MetricFamily[] {
  const out = new FamilySet();
  const include = patterns["collector.netdev.device-include"];
  const exclude = patterns["collector.netdev.device-exclude"];
  const aliases = flags["collector.netdev.label-ifalias"] === true;
  for (const [device, stats] of devices) {
    if (ignored(device, include, exclude)) continue;
    if (flags["collector.netdev.enable-detailed-metrics"] !== true) toLegacy(stats);
    const labels = ["device", device];
    if (aliases) labels.push("ifalias", readTrimmed(paths.sysfs, "class/net", device, "ifalias") ?? "");
    for (const [name, value] of stats)
      out.counter(`node_network_${name}_total`, `Network device statistic ${name}.`, value, labels);
  }
  if (flags["collector.netdev.address-info"] === true) addAddresses(out, include, exclude);
  return out.families;
}

export const netdev: Collector = {
  name: "netdev",
  flags: {
    "collector.netdev.device-include": {
      type: "string",
      default: "",
      pattern: true,
      opposite: "collector.netdev.device-exclude",
      help: "Regexp of net devices to include (mutually exclusive to device-exclude).",
    },
    "collector.netdev.device-exclude": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of net devices to exclude (mutually exclusive to device-include).",
    },
    "collector.netdev.address-info": {
      type: "boolean",
      default: "false",
      help: "Collect address-info for every device",
    },
    "collector.netdev.enable-detailed-metrics": {
      type: "boolean",
      default: "false",
      help: "Use (incompatible) metric names that provide more detailed stats on Linux",
    },
    "collector.netdev.netlink": {
      type: "boolean",
      default: "true",
      help: "Use netlink to gather stats instead of /proc/net/dev.",
    },
    "collector.netdev.label-ifalias": { type: "boolean", default: "false", help: "Add ifAlias label" },
  },
  collect(context, signal) {
    if (context.flags["collector.netdev.netlink"] === false) return tell(readFile(context.paths.procfs), context);
    return networkLock(signal).then(() =>
      tell(
        listLinks().flatMap(({ name, stats }): Devices => (stats ? [[name, stats]] : [])),
        context,
      ),
    );
  },
};
