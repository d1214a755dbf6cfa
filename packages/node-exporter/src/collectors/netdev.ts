import type { SimpleMetric } from "@pharos/exposition";
import { type Collector, counter, ignored, readText, readTrimmed } from "../collector.ts";

/** Columns of /proc/net/dev. */
const RECEIVE = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"];
const TRANSMIT = ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"];

export const netdev: Collector = {
  name: "netdev",
  flags: {
    "collector.netdev.device-include": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of net devices to include (mutually exclusive to device-exclude).",
    },
    "collector.netdev.device-exclude": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of net devices to exclude (mutually exclusive to device-include).",
    },
    "collector.netdev.netlink": {
      type: "boolean",
      default: "true",
      help: "Tell of the devices of this process' own network namespace instead of those in --path.procfs.",
    },
  },
  async collect({ paths, patterns, flags }) {
    // Netlink answers for the network namespace this process is in, whatever tree the paths point to.
    const own = flags["collector.netdev.netlink"] !== false;
    const procfs = own ? "/proc" : paths.procfs;
    const sysfs = own ? "/sys" : paths.sysfs;
    const columns = new Map<string, SimpleMetric[]>();
    const push = (name: string, device: string, value: number): void => {
      const column = columns.get(name) ?? [];
      columns.set(name, column);
      column.push({ labels: ["device", device], value });
    };
    for (const line of (await readText(procfs, "net", "dev")).split("\n")) {
      const match = /^\s*(.+):\s*(\d.*)$/.exec(line);
      if (!match) continue;
      const [, device, rest] = match;
      if (ignored(device, patterns["collector.netdev.device-include"], patterns["collector.netdev.device-exclude"]))
        continue;
      const values = rest.trim().split(/\s+/).map(Number);
      RECEIVE.forEach((name, i) => {
        push(`receive_${name}`, device, values[i]);
      });
      TRANSMIT.forEach((name, i) => {
        push(`transmit_${name}`, device, values[RECEIVE.length + i]);
      });
      // Only netlink and sysfs have this one.
      const nohandler = await readTrimmed(sysfs, "class/net", device, "statistics/rx_nohandler");
      if (nohandler !== undefined) push("receive_nohandler", device, Number(nohandler));
    }
    return [...columns]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, metrics]) => counter(`node_network_${name}_total`, `Network device statistic ${name}.`, metrics));
  },
};
