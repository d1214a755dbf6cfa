import { type Collector, FamilySet, NoData, readText } from "../collector.ts";
import { networkLock } from "../netlink.ts";
import { askWifi, type Bss, type Station, type WifiInterface } from "../nl80211.ts";
import { existsSync } from "../system.ts";

/** Figures of a station. */
const STATION: readonly (readonly [key: keyof Station, name: string, help: string, kind: "counter" | "gauge"])[] = [
  [
    "connected",
    "connected_seconds_total",
    "The total number of seconds a station has been connected to an access point.",
    "counter",
  ],
  [
    "inactive",
    "inactive_seconds",
    "The number of seconds since any wireless activity has occurred on a station.",
    "gauge",
  ],
  [
    "receiveBitrate",
    "receive_bits_per_second",
    "The current WiFi receive bitrate of a station, in bits per second.",
    "gauge",
  ],
  [
    "transmitBitrate",
    "transmit_bits_per_second",
    "The current WiFi transmit bitrate of a station, in bits per second.",
    "gauge",
  ],
  ["receivedBytes", "receive_bytes_total", "The total number of bytes received by a WiFi station.", "counter"],
  ["transmittedBytes", "transmit_bytes_total", "The total number of bytes transmitted by a WiFi station.", "counter"],
  ["signal", "signal_dbm", "The current WiFi signal strength, in decibel-milliwatts (dBm).", "gauge"],
  [
    "transmitRetries",
    "transmit_retries_total",
    "The total number of times a station has had to retry while sending a packet.",
    "counter",
  ],
  [
    "transmitFailed",
    "transmit_failed_total",
    "The total number of times a station has failed to send a packet.",
    "counter",
  ],
  ["beaconLoss", "beacon_loss_total", "The total number of times a station has detected a beacon loss.", "counter"],
  [
    "transmittedPackets",
    "transmitted_packets_total",
    "The total number of packets transmitted by a station.",
    "counter",
  ],
  ["receivedPackets", "received_packets_total", "The total number of packets received by a station.", "counter"],
];

/** States of a connection by the kernel's number: authenticated and associated, and member of a network without a centre. */
const MODES: Readonly<Record<number, string>> = { 0: "client", 1: "client", 2: "ad-hoc" };

const NANOSECONDS = 1e9;

type Json = Record<string, string | number>;

const macOf = (base64: unknown): string =>
  [...Buffer.from(String(base64 ?? ""), "base64")].map((byte) => byte.toString(16).padStart(2, "0")).join(":");

/** What `askWifi` would answer, from files: for tests on machines without such devices. */
function readFixtures(folder: string): WifiInterface[] {
  const read = <T>(...path: string[]): T | undefined => {
    const file = [folder, ...path].join("/");
    return existsSync(file) ? (JSON.parse(readText(file)) as T) : undefined;
  };
  return (read<Json[]>("interfaces.json") ?? []).map((entry): WifiInterface => {
    const name = String(entry.name ?? "");
    const bss = name === "" ? undefined : read<Json>(name, "bss.json");
    const stations = name === "" ? [] : (read<Json[]>(name, "stationinfo.json") ?? []);
    const number = (of: Json, key: string): number => Number(of[key] ?? 0);
    return {
      name,
      megahertz: number(entry, "frequency"),
      bss: bss && { bssid: macOf(bss.bssid), ssid: String(bss.ssid ?? ""), status: number(bss, "status") },
      stations: stations.map((station) => ({
        address: macOf(station.hardwareaddr),
        connected: number(station, "connected") / NANOSECONDS,
        inactive: number(station, "inactive") / NANOSECONDS,
        receiveBitrate: number(station, "receivebitrate"),
        transmitBitrate: number(station, "transmitbitrate"),
        receivedBytes: number(station, "receivedbytes"),
        transmittedBytes: number(station, "transmittedbytes"),
        receivedPackets: number(station, "receivedpackets"),
        transmittedPackets: number(station, "transmittedpackets"),
        signal: number(station, "signal"),
        transmitRetries: number(station, "transmitretries"),
        transmitFailed: number(station, "transmitfailed"),
        beaconLoss: number(station, "beaconloss"),
      })),
    };
  });
}

function addBss(out: FamilySet, device: string, { bssid, ssid, status }: Bss): void {
  const help = "Labeled WiFi interface station information as provided by the operating system.";
  const labels = ["device", device, "bssid", bssid, "ssid", ssid, "mode", MODES[status] ?? "unknown"];
  out.gauge("node_wifi_station_info", help, 1, labels);
}

export const wifi: Collector = {
  name: "wifi",
  async collect({ flags }, signal) {
    const fixtures = String(flags["collector.wifi.fixtures"] ?? "");
    if (fixtures === "") await networkLock(signal);
    const interfaces = fixtures === "" ? askWifi() : readFixtures(fixtures);
    if (!interfaces) throw new NoData("the kernel has no wireless devices");
    const out = new FamilySet();
    // Virtual devices may have no name.
    for (const { name, megahertz, bss, stations } of interfaces.filter(({ name }) => name !== "")) {
      const help = "The current frequency a WiFi interface is operating at, in hertz.";
      out.gauge("node_wifi_interface_frequency_hertz", help, megahertz * 1e6, ["device", name]);
      if (bss) addBss(out, name, bss);
      for (const station of stations) {
        const labels = ["device", name, "mac_address", station.address];
        for (const [key, metric, what, kind] of STATION)
          out.add(kind, `node_wifi_station_${metric}`, what, Number(station[key]), labels);
      }
    }
    return out.families;
  },
};
