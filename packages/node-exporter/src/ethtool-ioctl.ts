/** Questions to the drivers of network devices, by ioctl. */
import { ioctl, lastError, libc } from "./libc.ts";
import { getRawPointer } from "./system.ts";

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const SIOCETHTOOL = 0x8946n;
/** struct ifreq: char[16] name of the device · pointer to the question */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;

/** u32 command · u32 supported · u32 advertising · u16 speed · u8 duplex, port, address, transceiver, autonegotiate · … */
const GET_SETTINGS = { command: 0x01, bytes: 44 };
/** u32 command · char[32] driver, version, firmware, bus, rom · … · u32 number of counters, at 180 */
const GET_DRIVER = { command: 0x03, bytes: 196, counters: 180 };
/** u32 command · u32 which strings · u32 how many · char[32] each */
const GET_STRINGS = { command: 0x1b, head: 12, each: 32 };
const STATS_STRINGS = 1;
/** u32 command · u32 how many · u64 each */
const GET_STATS = { command: 0x1d, head: 8, each: 8 };
/** More counters no driver has. */
const MAX_COUNTERS = 100_000;

export interface LinkSettings {
  /** Bits as in LINK_MODES. */
  supported: number;
  advertising: number;
  autonegotiate: number;
}

export interface DriverInfo {
  driver: string;
  version: string;
  firmwareVersion: string;
  busInfo: string;
  romVersion: string;
  counters: number;
}

const string = (buffer: Buffer, at: number, bytes: number): string =>
  buffer.toString("utf8", at, at + bytes).split("\0", 1)[0];

/** Asks about any device; to be disposed. */
export class EthtoolSocket implements Disposable {
  readonly #descriptor: number;

  constructor() {
    this.#descriptor = libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    if (this.#descriptor < 0) throw lastError("socket");
  }

  #ask(device: string, command: number, question: Buffer): Buffer {
    question.writeUInt32LE(command, 0);
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(device.slice(0, NAME_BYTES - 1), 0, "utf8");
    request.writeBigUInt64LE(getRawPointer(question), NAME_BYTES);
    ioctl(this.#descriptor, SIOCETHTOOL, request);
    return question;
  }

  link(device: string): LinkSettings {
    const answer = this.#ask(device, GET_SETTINGS.command, Buffer.alloc(GET_SETTINGS.bytes));
    return {
      supported: answer.readUInt32LE(4),
      advertising: answer.readUInt32LE(8),
      autonegotiate: answer[18],
    };
  }

  driver(device: string): DriverInfo {
    const answer = this.#ask(device, GET_DRIVER.command, Buffer.alloc(GET_DRIVER.bytes));
    const field = (index: number): string => string(answer, 4 + 32 * index, 32);
    return {
      driver: field(0),
      version: field(1),
      firmwareVersion: field(2),
      busInfo: field(3),
      romVersion: field(4),
      counters: answer.readUInt32LE(GET_DRIVER.counters),
    };
  }

  /** Counters by the driver's own names for them. */
  counters(device: string): Map<string, number> {
    const out = new Map<string, number>();
    const count = Math.min(this.driver(device).counters, MAX_COUNTERS);
    if (count === 0) return out;
    const names = Buffer.alloc(GET_STRINGS.head + count * GET_STRINGS.each);
    names.writeUInt32LE(STATS_STRINGS, 4);
    names.writeUInt32LE(count, 8);
    this.#ask(device, GET_STRINGS.command, names);
    const values = Buffer.alloc(GET_STATS.head + count * GET_STATS.each);
    values.writeUInt32LE(count, 4);
    this.#ask(device, GET_STATS.command, values);
    for (let i = 0; i < count; i++) {
      const name = string(names, GET_STRINGS.head + i * GET_STRINGS.each, GET_STRINGS.each);
      if (name !== "") out.set(name, Number(values.readBigUInt64LE(GET_STATS.head + i * GET_STATS.each)));
    }
    return out;
  }

  [Symbol.dispose](): void {
    libc().close(this.#descriptor);
  }
}
