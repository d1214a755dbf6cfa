import type { Socket } from "node:dgram";
import { UserError } from "@pharos/model/error";
import { type Collector, type CollectorContext, FamilySet } from "../collector.ts";
import { parseGoDuration } from "../go-duration.ts";

/** u8 leap, version, mode · stratum · poll · precision · u32 delay · dispersion · id · u64 reference, origin, receive, send */
const PACKET_BYTES = 48;
const CLIENT = 3;
/** Seconds from 1900 to 1970. */
const EPOCH = 2_208_988_800;
const TIMEOUT_MS = 1000;
/** RFC 5905: a server that is further from the truth than this is not one. */
const MAX_STRATUM = 16;
const MAX_DISPERSION = 16;
const MAX_POLL_SECONDS = 2 ** 17;
const UNSYNCHRONISED = 3;
const DAY = 86_400;

interface Query {
  host: string;
  port: number;
  version: number;
  ttl: number;
}

export interface Answer {
  leap: number;
  stratum: number;
  /** Seconds; times are Unix ones. */
  rtt: number;
  offset: number;
  reference: number;
  time: number;
  rootDelay: number;
  rootDispersion: number;
  /** By how much answer and question contradict each other. */
  minError: number;
}

const short = (packet: Buffer, at: number): number => packet.readUInt32BE(at) / 2 ** 16;

function timestamp(packet: Buffer, at: number): number {
  const seconds = packet.readUInt32BE(at);
  const fraction = packet.readUInt32BE(at + 4) / 2 ** 32;
  return seconds === 0 && fraction === 0 ? 0 : seconds - EPOCH + fraction;
}

/** `sent` and `received` by this machine's clock; throws when the packet is no answer. */
export function parseAnswer(packet: Buffer, sent: number, received: number): Answer {
  if (packet.length < PACKET_BYTES) throw new Error(`an answer of ${packet.length} bytes`);
  const arrived = timestamp(packet, 32);
  const left = timestamp(packet, 40);
  if (left === 0) throw new Error("the server does not say when it answered");
  return {
    leap: packet[0] >> 6,
    stratum: packet[1],
    rtt: Math.max(0, received - sent - (left - arrived)),
    offset: (arrived - sent + (left - received)) / 2,
    reference: timestamp(packet, 16),
    time: left,
    rootDelay: short(packet, 4),
    rootDispersion: short(packet, 8),
    minError: Math.max(0, sent - arrived, left - received),
  };
}

function query({ host, port, version, ttl }: Query, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { createSocket } = process.getBuiltinModule("node:dgram");
    const socket: Socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", signal });
    const timer = setTimeout(() => fail(new Error(`${host} does not answer`)), TIMEOUT_MS);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.close();
      reject(error);
    };
    const packet = Buffer.alloc(PACKET_BYTES);
    packet[0] = (version << 3) | CLIENT;
    // What the server gives back as the time we asked at: chance, so that nobody can guess an answer.
    process.getBuiltinModule("node:crypto").randomFillSync(packet, 40, 8);
    const cookie = Buffer.from(packet.subarray(40));
    let sent = 0;
    socket.on("error", fail);
    socket.on("message", (answer) => {
      const received = Date.now() / 1000;
      if (answer.length >= PACKET_BYTES && !answer.subarray(24, 32).equals(cookie)) return;
      clearTimeout(timer);
      socket.close();
      try {
        resolve(parseAnswer(answer, sent, received));
      } catch (error) {
        reject(error);
      }
    });
    socket.connect(port, host, () => {
      socket.setTTL(ttl);
      sent = Date.now() / 1000;
      socket.send(packet);
    });
  });
}

/** Midnight at which the last leap second that was announced comes: its flag is gone right after. */
let leapMidnight = 0;

/** RFC 5905's heuristics, and the limits that were set. */
export function isSane(answer: Answer, maxDistance: number, tolerance: number): boolean {
  const { leap, stratum, rtt, reference, time, rootDelay, rootDispersion, minError } = answer;
  if (leap === 1 || leap === 2) leapMidnight = (Math.floor(time / DAY) + 1) * DAY;
  // A day around it the second may be smeared.
  const smeared = leapMidnight > 0 && Math.abs(time - leapMidnight) < DAY ? 1 : 0;
  const valid =
    stratum > 0 &&
    stratum < MAX_STRATUM &&
    leap !== UNSYNCHRONISED &&
    reference <= time &&
    time - reference <= MAX_POLL_SECONDS &&
    rootDelay / 2 + rootDispersion <= MAX_DISPERSION;
  const distance = Math.max(0, rtt + rootDelay) / 2 + rootDispersion;
  return valid && distance <= maxDistance && minError <= tolerance + smeared;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/;

function readQuery({ flags }: CollectorContext): Query {
  const flag = (name: string): number => Number(flags[`collector.ntp.${name}`]);
  const complain = (name: string, message: string): never => {
    throw new UserError("node-exporter.flag", message, { where: { flag: `--collector.ntp.${name}` } });
  };
  const host = String(flags["collector.ntp.server"]);
  if (flags["collector.ntp.server-is-local"] !== true && !LOOPBACK.test(host))
    complain("server", "only IP address of local NTP server is valid for --collector.ntp.server");
  const version = flag("protocol-version");
  if (version < 2 || version > 4) complain("protocol-version", `invalid NTP protocol version ${version}`);
  const port = flag("server-port");
  if (port < 1 || port > 65_535) complain("server-port", `invalid NTP port number ${port}`);
  return { host, port, version, ttl: flag("ip-ttl") };
}

export const ntp: Collector = {
  name: "ntp",
  async collect(context, signal) {
    const duration = (name: string): number =>
      parseGoDuration(`collector.ntp.${name}`, String(context.flags[`collector.ntp.${name}`])) / 1000;
    const answer = await query(readQuery(context), signal);
    const out = new FamilySet();
    const gauge = (name: string, help: string, value: number): void => out.gauge(`node_ntp_${name}`, help, value);
    gauge("stratum", "NTPD stratum.", answer.stratum);
    gauge("leap", "NTPD leap second indicator, 2 bits.", answer.leap);
    gauge("rtt_seconds", "RTT to NTPD.", answer.rtt);
    gauge("offset_seconds", "ClockOffset between NTP and local clock.", answer.offset);
    gauge("reference_timestamp_seconds", "NTPD ReferenceTime, UNIX timestamp.", Math.max(0, answer.reference));
    gauge("root_delay_seconds", "NTPD RootDelay.", answer.rootDelay);
    gauge("root_dispersion_seconds", "NTPD RootDispersion.", answer.rootDispersion);
    const sane = isSane(answer, duration("max-distance"), duration("local-offset-tolerance"));
    gauge("sanity", "NTPD sanity according to RFC5905 heuristics and configured limits.", Number(sane));
    return out.families;
  },
};
