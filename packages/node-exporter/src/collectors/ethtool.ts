import { type Collector, cleanName, FamilySet, ignored, listOrNoData } from "../collector.ts";
import { EthtoolSocket } from "../ethtool-ioctl.ts";
import { ADVERTISED, LINK_MODES, PORTS, SUPPORTED } from "../ethtool-modes.ts";
import { networkLock } from "../netlink.ts";
import { statSync } from "../system.ts";

/** Counters whose metric has a name of its own. */
const RENAMED: Readonly<Record<string, readonly [name: string, help: string]>> = {
  rx_bytes: ["received_bytes_total", "Network interface bytes received"],
  rx_dropped: ["received_dropped_total", "Number of received frames dropped"],
  rx_errors: ["received_errors_total", "Number of received frames with errors"],
  rx_packets: ["received_packets_total", "Network interface packets received"],
  tx_bytes: ["transmitted_bytes_total", "Network interface bytes sent"],
  tx_errors: ["transmitted_errors_total", "Number of sent frames with errors"],
  tx_packets: ["transmitted_packets_total", "Network interface packets sent"],
};

const MEGABIT_BYTES = 1e6 / 8;
const AUTONEGOTIATE = 6;
const PAUSE = 13;
const ASYMMETRIC_PAUSE = 14;

/** As metrics call it: `rx` is `received`, `tx` is `transmitted`. */
export function metricName(counter: string): string {
  const name = cleanName(counter).toLowerCase().replace(/^_+/, "");
  const words = name.replace(/(^|_)rx(_|$)/g, "$1received$2").replace(/(^|_)tx(_|$)/g, "$1transmitted$2");
  return `node_ethtool_${words}`;
}

function addModes(out: FamilySet, device: string, modes: number, of: typeof SUPPORTED): void {
  const labels = ["device", device];
  const has = (bit: number): number => (modes >>> bit) & 1;
  for (const [bit, megabits, duplex, phy] of LINK_MODES) {
    if (has(bit) === 0) continue;
    const mode = ["duplex", duplex, "mode", `${megabits}base${phy}`];
    out.gauge(of.speed[0], of.speed[1], megabits * MEGABIT_BYTES, [...labels, ...mode]);
  }
  out.gauge(of.autonegotiate[0], of.autonegotiate[1], has(AUTONEGOTIATE), labels);
  out.gauge(of.pause[0], of.pause[1], has(PAUSE), labels);
  out.gauge(of.asymmetricPause[0], of.asymmetricPause[1], has(ASYMMETRIC_PAUSE), labels);
}

/** Counters whose names become the same are told by none of them. */
function uniqueNames(counters: Iterable<string>, wanted: (name: string) => boolean): Map<string, string> {
  const out = new Map<string, string>();
  const twice = new Set<string>();
  for (const counter of counters) {
    if (!wanted(cleanName(counter))) continue;
    const name = metricName(counter);
    if (out.has(name)) twice.add(name);
    else out.set(name, counter);
  }
  for (const name of twice) out.delete(name);
  return out;
}

export const ethtool: Collector = {
  name: "ethtool",
  async collect({ paths, patterns, log }, signal) {
    const out = new FamilySet();
    using socket = new EthtoolSocket();
    /** What the driver cannot answer is left out. */
    const ask = <T>(what: string, device: string, question: () => T): T | undefined => {
      try {
        return question();
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        const level = code === "EOPNOTSUPP" || code === "ENOTSUP" ? "debug" : "error";
        log[level](`ethtool ${what} error`, { device, err: error });
        return undefined;
      }
    };
    const root = `${paths.sysfs}/class/net`;
    for (const device of listOrNoData(root)) {
      const include = patterns["collector.ethtool.device-include"];
      if (ignored(device, include, patterns["collector.ethtool.device-exclude"])) continue;
      if (!statSync(`${root}/${device}`).isDirectory()) continue;
      await networkLock(signal);
      const link = ask("link info", device, () => socket.link(device));
      if (link) {
        addModes(out, device, link.supported, SUPPORTED);
        addModes(out, device, link.advertising, ADVERTISED);
        for (const [bit, type] of PORTS) {
          const help = "Type of ports or PHYs supported by network device";
          if ((link.supported >>> bit) & 1)
            out.gauge("node_network_supported_port_info", help, 1, ["device", device, "type", type]);
        }
        const help = "If this port is using autonegotiate";
        out.gauge("node_network_autonegotiate", help, link.autonegotiate, ["device", device]);
      }
      const driver = ask("driver info", device, () => socket.driver(device));
      if (driver) {
        const help =
          "A metric with a constant '1' value labeled by bus_info, device, driver, expansion_rom_version, firmware_version, version.";
        out.gauge("node_ethtool_info", help, 1, [
          "bus_info",
          driver.busInfo,
          "device",
          device,
          "driver",
          driver.driver,
          "expansion_rom_version",
          driver.romVersion,
          "firmware_version",
          driver.firmwareVersion,
          "version",
          driver.version,
        ]);
      }
      const counters = ask("stats", device, () => socket.counters(device)) ?? new Map<string, number>();
      const metrics = patterns["collector.ethtool.metrics-include"];
      for (const [name, counter] of uniqueNames(counters.keys(), (each) => metrics?.matches(each) ?? true)) {
        const clean = cleanName(counter);
        const [own, help] = Object.hasOwn(RENAMED, clean) ? RENAMED[clean] : ["", `Network interface ${clean}`];
        const metric = own === "" ? name : `node_ethtool_${own}`;
        out.untyped(metric, help, counters.get(counter), ["device", device]);
      }
    }
    return out.families;
  },
};
