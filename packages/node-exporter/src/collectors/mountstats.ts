import { type Collector, FamilySet, readText } from "../collector.ts";
import {
  BYTES,
  CONNECTION_COLUMNS,
  type Column,
  EVENTS,
  FIRST_TIME,
  GAUGES,
  OPERATIONS,
  TRANSPORT,
} from "./mountstats-columns.ts";

interface Mount {
  device: string;
  mountPoint: string;
  /** Statistics, where there are any: NFS alone has them. */
  nfs?: Nfs;
}

interface Nfs {
  age: number;
  bytes: string[];
  events: string[];
  transports: { protocol: string; values: string[] }[];
  operations: { name: string; values: string[] }[];
}

/** Fields of `xprt:` behind the protocol, by version of the statistics; RDMA has at least as many. */
const TRANSPORT_FIELDS: Readonly<Record<string, number>> = {
  "1.0 tcp": 10, "1.0 udp": 7, "1.1 tcp": 13, "1.1 udp": 10, "1.1 rdma": 28,
}; // biome-ignore format: a table

function parseTransport(version: string, [protocol = "", ...values]: readonly string[]): Nfs["transports"][number] {
  const expected = TRANSPORT_FIELDS[`${version} ${protocol}`];
  if (expected === undefined || (protocol === "rdma" ? values.length < expected : values.length !== expected)) {
    throw new Error(`NFS transport statistics of another form: version ${version}, ${protocol} ${values.join(" ")}`);
  }
  const [first, count] = CONNECTION_COLUMNS;
  if (protocol === "udp") values.splice(first, 0, ...Array<string>(count).fill("0"));
  // RDMA tells other things in the place of the slots and queues.
  if (protocol === "rdma") values.splice(10, 0, "0", "0", "0");
  return { protocol, values };
}

/** Blocks that begin with `device … mounted on … with fstype …`, and statistics under those that have them. */
export function parseMountStats(text: string): Mount[] {
  const mounts: Mount[] = [];
  let nfs: Nfs | undefined;
  let version = "";
  let operations = false;
  for (const line of text.split("\n")) {
    const [key = "", ...fields] = line.trim().split(/\s+/);
    if (key === "device") {
      if (fields.length < 7 || fields[1] !== "mounted" || fields[5] !== "fstype")
        throw new Error(`not a mount: ${line}`);
      operations = false;
      nfs = undefined;
      version = fields[7]?.replace("statvers=", "") ?? "";
      if (fields.length > 7) {
        if (fields[6] !== "nfs" && fields[6] !== "nfs4") throw new Error(`statistics of ${fields[6]} are not known`);
        nfs = { age: 0, bytes: [], events: [], transports: [], operations: [] };
      }
      mounts.push({ device: fields[0], mountPoint: fields[3], nfs });
    } else if (!nfs) continue;
    else if (key === "") operations = false;
    else if (operations) nfs.operations.push({ name: key.replace(/:$/, ""), values: fields });
    else if (key === "age:") nfs.age = Number(fields[0]);
    else if (key === "bytes:") nfs.bytes = fields;
    else if (key === "events:") nfs.events = fields;
    else if (key === "xprt:") nfs.transports.push(parseTransport(version, fields));
    else if (key === "per-op") operations = true;
  }
  return mounts;
}

/** The server's address, by the place of the mount in the list: the two files have the same order. */
function readAddresses(procfs: string): string[] {
  return readText(procfs, "self/mountinfo")
    .trimEnd()
    .split("\n")
    .map((line) => /(?:^|,)addr=([^,]*)/.exec(line.slice(line.lastIndexOf(" ") + 1))?.[1] ?? "");
}

/** Times may have wrapped below zero: upstream keeps what a double can hold exactly. */
const wrapped = (text: string): number => Number(BigInt(text) % 2n ** 53n);

function addColumns(out: FamilySet, columns: readonly Column[], values: readonly string[], labels: string[]): void {
  for (const [i, column] of columns.entries()) {
    if (!column || values[i] === undefined) continue;
    const [name, help] = column;
    let value = Number(values[i]);
    if (columns === OPERATIONS && i >= FIRST_TIME) value = wrapped(values[i]) / 1000;
    if (name === "transport_idle_time_seconds") value = wrapped(values[i]);
    out.add(GAUGES.has(name) ? "gauge" : "counter", `node_mountstats_nfs_${name}`, help, value, labels);
  }
}

function addNfs(out: FamilySet, nfs: Nfs, labels: string[]): void {
  out.counter("node_mountstats_nfs_age_seconds_total", "The age of the NFS mount in seconds.", nfs.age, labels);
  addColumns(out, BYTES, nfs.bytes, labels);
  for (const [i, { values }] of nfs.transports.entries())
    addColumns(out, TRANSPORT, values, [...labels, "transport", String(i)]);
  for (const { name, values } of nfs.operations) addColumns(out, OPERATIONS, values, [...labels, "operation", name]);
  addColumns(out, EVENTS, nfs.events, labels);
}

export const mountstats: Collector = {
  name: "mountstats",
  collect({ paths }) {
    const out = new FamilySet();
    const mounts = parseMountStats(readText(paths.procfs, "self/mountstats"));
    const addresses = readAddresses(paths.procfs);
    const seen = new Set<string>();
    const isNew = (...key: string[]): boolean => seen.size < seen.add(key.join("\0")).size;
    for (const [i, { device, mountPoint, nfs }] of mounts.entries()) {
      for (const { protocol } of nfs?.transports ?? []) {
        const address = addresses[i] ?? "";
        const labels = ["export", device, "protocol", protocol, "mountaddr", address];
        if (isNew(device, protocol, address, mountPoint)) {
          const help = "Info metric for an NFS mountpoint.";
          out.gauge("node_mountstats_nfs_mountpoint_info", help, 1, [...labels, "mountpoint", mountPoint]);
        }
        // The same export mounted twice has the same figures.
        if (!isNew(device, protocol, address)) break;
        addNfs(out, nfs!, labels);
      }
    }
    return out.families;
  },
};
