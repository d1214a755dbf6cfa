/** Wireless devices, asked over the kernel's netlink family nl80211. */
import { GENERIC_HEADER, genericRequest, resolveFamily } from "./generic-netlink.ts";
import { attribute, NETLINK_GENERIC, Netlink, parseAttributes, text } from "./netlink.ts";
import { hardwareAddress } from "./rtnetlink.ts";

const GET_INTERFACE = 5;
const GET_STATION = 17;
const GET_SCAN = 32;

const ATTR = { IFINDEX: 3, IFNAME: 4, MAC: 6, STA_INFO: 21, WIPHY_FREQ: 38, BSS: 47 } as const;
const STA = {
  INACTIVE_TIME: 1, RX_BYTES: 2, TX_BYTES: 3, SIGNAL: 7, TX_BITRATE: 8, RX_PACKETS: 9, TX_PACKETS: 10, TX_RETRIES: 11,
  TX_FAILED: 12, RX_BITRATE: 14, CONNECTED_TIME: 16, BEACON_LOSS: 18, RX_BYTES64: 23, TX_BYTES64: 24,
} as const; // biome-ignore format: a table
const RATE = { BITRATE: 1, BITRATE32: 5 } as const;
const BSS = { BSSID: 1, INFORMATION_ELEMENTS: 6, STATUS: 9 } as const;
/** The information element that is the network's name. */
const SSID_ELEMENT = 0;
/** Bit rates are counted in these. */
const RATE_UNIT = 100_000;

export interface Bss {
  bssid: string;
  ssid: string;
  /** 0 authenticated, 1 associated, 2 joined without a centre. */
  status: number;
}

export interface Station {
  address: string;
  /** Seconds. */
  connected: number;
  inactive: number;
  /** Bits a second. */
  receiveBitrate: number;
  transmitBitrate: number;
  receivedBytes: number;
  transmittedBytes: number;
  receivedPackets: number;
  transmittedPackets: number;
  /** dBm. */
  signal: number;
  transmitRetries: number;
  transmitFailed: number;
  beaconLoss: number;
}

export interface WifiInterface {
  /** "" for virtual devices. */
  name: string;
  megahertz: number;
  bss?: Bss;
  stations: Station[];
}

const word = (value: Buffer | undefined): number => (value && value.length >= 4 ? value.readUInt32LE(0) : 0);

function bitrate(value: Buffer | undefined): number {
  if (!value) return 0;
  const rates = parseAttributes(value);
  const narrow = rates.get(RATE.BITRATE);
  return RATE_UNIT * (word(rates.get(RATE.BITRATE32)) || (narrow && narrow.length >= 2 ? narrow.readUInt16LE(0) : 0));
}

function parseStation(attributes: ReadonlyMap<number, Buffer>): Station | undefined {
  const info = attributes.get(ATTR.STA_INFO);
  if (!info) return undefined;
  const of = parseAttributes(info);
  const bytes = (wide: number, narrow: number): number => {
    const value = of.get(wide);
    return value && value.length >= 8 ? Number(value.readBigUInt64LE(0)) : word(of.get(narrow));
  };
  return {
    address: hardwareAddress(attributes.get(ATTR.MAC) ?? Buffer.alloc(0)),
    connected: word(of.get(STA.CONNECTED_TIME)),
    inactive: word(of.get(STA.INACTIVE_TIME)) / 1000,
    receiveBitrate: bitrate(of.get(STA.RX_BITRATE)),
    transmitBitrate: bitrate(of.get(STA.TX_BITRATE)),
    receivedBytes: bytes(STA.RX_BYTES64, STA.RX_BYTES),
    transmittedBytes: bytes(STA.TX_BYTES64, STA.TX_BYTES),
    receivedPackets: word(of.get(STA.RX_PACKETS)),
    transmittedPackets: word(of.get(STA.TX_PACKETS)),
    signal: of.get(STA.SIGNAL)?.readInt8(0) ?? 0,
    transmitRetries: word(of.get(STA.TX_RETRIES)),
    transmitFailed: word(of.get(STA.TX_FAILED)),
    beaconLoss: word(of.get(STA.BEACON_LOSS)),
  };
}

/** The name among information elements: u8 kind · u8 length · value. */
export function ssidOf(elements: Buffer): string {
  for (let at = 0; at + 2 <= elements.length; at += 2 + elements[at + 1]) {
    const value = elements.subarray(at + 2, at + 2 + elements[at + 1]);
    if (elements[at] === SSID_ELEMENT) return value.toString("utf8");
  }
  return "";
}

/** The network a device belongs to: the one among those it hears that has a status. */
function parseBss(attributes: ReadonlyMap<number, Buffer>): Bss | undefined {
  const value = attributes.get(ATTR.BSS);
  if (!value) return undefined;
  const of = parseAttributes(value);
  const status = of.get(BSS.STATUS);
  if (!status) return undefined;
  return {
    bssid: hardwareAddress(of.get(BSS.BSSID) ?? Buffer.alloc(0)),
    ssid: ssidOf(of.get(BSS.INFORMATION_ELEMENTS) ?? Buffer.alloc(0)),
    status: word(status),
  };
}

/** All wireless devices; undefined when the kernel knows of no such thing. */
export function askWifi(): WifiInterface[] | undefined {
  using connection = new Netlink(NETLINK_GENERIC);
  const family = resolveFamily(connection, "nl80211");
  if (!family) return undefined;
  const dump = (command: number, ...attributes: Buffer[]): Map<number, Buffer>[] => {
    try {
      const request = genericRequest(command, family.version, ...attributes);
      return connection.dump(family.id, request).map(({ body }) => parseAttributes(body, GENERIC_HEADER));
    } catch (error) {
      // Not every kind of device has every kind of answer.
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EOPNOTSUPP" || code === "ENOTSUP" || code === "ENODEV" || code === "ENOENT") return [];
      throw error;
    }
  };
  return dump(GET_INTERFACE).map((attributes): WifiInterface => {
    const name = text(attributes.get(ATTR.IFNAME));
    const index = attributes.get(ATTR.IFINDEX);
    const of = name === "" || !index ? undefined : attribute(ATTR.IFINDEX, index);
    return {
      name,
      megahertz: word(attributes.get(ATTR.WIPHY_FREQ)),
      bss: of && dump(GET_SCAN, of).map(parseBss).find(Boolean),
      stations: of ? dump(GET_STATION, of).flatMap((answer) => parseStation(answer) ?? []) : [],
    };
  });
}
