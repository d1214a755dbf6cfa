import { type Collector, FamilySet, ignored, readText } from "../collector.ts";
import { NETLINK_ROUTE, Netlink, networkLock, parseAttributes, text } from "../netlink.ts";
import { listLinks } from "../rtnetlink.ts";

const RTM_GETQDISC = 38;
/** struct tcmsg: u8 family · 3 × pad · i32 index of the device · u32 handle · u32 parent · u32 info */
const TCMSG_BYTES = 20;
const TCA_KIND = 1;
/** u64 bytes · u32 packets · drops · overlimits · bps · pps · queue length · backlog; from before STATS2 */
const TCA_STATS = 3;
const TCA_STATS2 = 7;
/** u64 bytes · u32 packets */
const STATS_BASIC = 1;
/** u32 queue length · backlog · drops · requeues · overlimits */
const STATS_QUEUE = 3;
const ROOT = 0xffffffff;

interface Qdisc {
  device: string;
  kind: string;
  bytes: number;
  packets: number;
  drops: number;
  requeues: number;
  overlimits: number;
  length: number;
  backlog: number;
}

/** Root queues of all devices. */
function ask(): Qdisc[] {
  const names = new Map(listLinks().map(({ index, name }) => [index, name]));
  using connection = new Netlink(NETLINK_ROUTE);
  return connection.dump(RTM_GETQDISC, Buffer.alloc(TCMSG_BYTES)).flatMap(({ body }): Qdisc[] => {
    const parent = body.readUInt32LE(12);
    const device = names.get(body.readInt32LE(4));
    if ((parent !== 0 && parent !== ROOT) || device === undefined) return [];
    const attributes = parseAttributes(body, TCMSG_BYTES);
    const nested = attributes.get(TCA_STATS2);
    const stats = nested ? parseAttributes(nested) : new Map<number, Buffer>();
    const basic = stats.get(STATS_BASIC) ?? attributes.get(TCA_STATS);
    const queue = stats.get(STATS_QUEUE);
    const word = (index: number): number =>
      queue && queue.length >= 4 * index + 4 ? queue.readUInt32LE(4 * index) : 0;
    return [
      {
        device,
        kind: text(attributes.get(TCA_KIND)),
        bytes: basic ? Number(basic.readBigUInt64LE(0)) : 0,
        packets: basic ? basic.readUInt32LE(8) : 0,
        length: word(0),
        backlog: word(1),
        drops: word(2),
        requeues: word(3),
        overlimits: word(4),
      },
    ];
  });
}

/** What `ask` would answer, from a file: for tests on machines without such devices. */
function readFixture(folder: string): Qdisc[] {
  const list = JSON.parse(readText(folder.replace(/\/$/, ""), "results.json")) as Record<string, string | number>[];
  const number = (entry: Record<string, string | number>, name: string): number => Number(entry[name] ?? 0);
  return list
    .filter((entry) => number(entry, "Parent") === 0)
    .map((entry) => ({
      device: String(entry.IfaceName),
      kind: String(entry.Kind),
      bytes: number(entry, "Bytes"),
      packets: number(entry, "Packets"),
      drops: number(entry, "Drops"),
      requeues: number(entry, "Requeues"),
      overlimits: number(entry, "Overlimits"),
      length: number(entry, "Qlen"),
      backlog: number(entry, "Backlog"),
    }));
}

const COLUMNS: readonly (readonly [key: keyof Qdisc, name: string, help: string, kind: "counter" | "gauge"])[] = [
  ["bytes", "bytes_total", "Number of bytes sent.", "counter"],
  ["packets", "packets_total", "Number of packets sent.", "counter"],
  ["drops", "drops_total", "Number of packets dropped.", "counter"],
  ["requeues", "requeues_total", "Number of packets dequeued, not transmitted, and requeued.", "counter"],
  ["overlimits", "overlimits_total", "Number of overlimit packets.", "counter"],
  ["length", "current_queue_length", "Number of packets currently in queue to be sent.", "gauge"],
  ["backlog", "backlog", "Number of bytes currently in queue to be sent.", "gauge"],
];

export const qdisc: Collector = {
  name: "qdisc",
  async collect({ flags, patterns }, signal) {
    const fixtures = String(flags["collector.qdisc.fixtures"] ?? "");
    if (fixtures === "") await networkLock(signal);
    const out = new FamilySet();
    for (const entry of fixtures === "" ? ask() : readFixture(fixtures)) {
      const include = patterns["collector.qdisc.device-include"];
      if (ignored(entry.device, include, patterns["collector.qdisc.device-exclude"])) continue;
      const labels = ["device", entry.device, "kind", entry.kind];
      for (const [key, name, help, kind] of COLUMNS)
        out.add(kind, `node_qdisc_${name}`, help, Number(entry[key]), labels);
    }
    return out.families;
  },
};
