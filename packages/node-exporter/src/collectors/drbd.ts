import { type Collector, FamilySet, readTextOrNoData } from "../collector.ts";

/** Keys of /proc/drbd that are numbers; the kernel counts in KiB, except what it receives. */
const NUMBERS: Readonly<Record<string, readonly [name: string, help: string, factor: number, kind?: "gauge"]>> = {
  ns: ["network_sent_bytes_total", "Total number of bytes sent via the network.", 1024],
  nr: ["network_received_bytes_total", "Total number of bytes received via the network.", 1],
  dw: ["disk_written_bytes_total", "Net data written on local hard disk; in bytes.", 1024],
  dr: ["disk_read_bytes_total", "Net data read from local hard disk; in bytes.", 1024],
  al: ["activitylog_writes_total", "Number of updates of the activity log area of the meta data.", 1],
  bm: ["bitmap_writes_total", "Number of updates of the bitmap area of the meta data.", 1],
  lo: ["local_pending", "Number of open requests to the local I/O sub-system.", 1, "gauge"],
  pe: [
    "remote_pending",
    "Number of requests sent to the peer, but that have not yet been answered by the latter.",
    1,
    "gauge",
  ],
  ua: [
    "remote_unacknowledged",
    "Number of requests received by the peer via the network connection, but that have not yet been answered.",
    1,
    "gauge",
  ],
  ap: [
    "application_pending",
    "Number of block I/O requests forwarded to DRBD, but not yet answered by DRBD.",
    1,
    "gauge",
  ],
  ep: ["epochs", "Number of Epochs currently on the fly.", 1, "gauge"],
  oos: ["out_of_sync_bytes", "Amount of data known to be out of sync; in bytes.", 1024, "gauge"],
};

/** Keys that tell of this node and the other, `Primary/Secondary`, and the word that is good. */
const PAIRS: Readonly<Record<string, readonly [name: string, help: string, good: string]>> = {
  ro: ["node_role_is_primary", "Whether the role of the node is in the primary state.", "Primary"],
  ds: ["disk_state_is_up_to_date", "Whether the disk of the node is up to date.", "UpToDate"],
};

export const drbd: Collector = {
  name: "drbd",
  collect({ paths }) {
    const out = new FamilySet();
    let device = "unknown";
    for (const word of readTextOrNoData(paths.procfs, "drbd").split(/\s+/)) {
      const [key, value, more] = word.split(":");
      if (value === undefined || more !== undefined) continue;
      if (value === "" && /^\d+$/.test(key)) device = `drbd${Number(key)}`;
      else if (Object.hasOwn(NUMBERS, key)) {
        const [name, help, factor, kind = "counter"] = NUMBERS[key];
        if (!/^\d+(\.\d+)?$/.test(value)) throw new Error(`not a number in /proc/drbd: ${word}`);
        out.add(kind, `node_drbd_${name}`, help, Number(value) * factor, ["device", device]);
      } else if (Object.hasOwn(PAIRS, key)) {
        const [name, help, good] = PAIRS[key];
        const [local, remote = ""] = value.split("/");
        out.gauge(`node_drbd_${name}`, help, Number(local === good), ["device", device, "node", "local"]);
        out.gauge(`node_drbd_${name}`, help, Number(remote === good), ["device", device, "node", "remote"]);
      } else if (key === "cs") {
        const help = "Whether DRBD is connected to the peer.";
        out.gauge("node_drbd_connected", help, Number(value === "Connected"), ["device", device]);
      }
    }
    return out.families;
  },
};
