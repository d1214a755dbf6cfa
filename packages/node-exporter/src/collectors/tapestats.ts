import { type Collector, FamilySet, ignored, listOrNoData, readInteger } from "../collector.ts";

const NANO = 1e-9;

/** Files of /sys/class/scsi_tape/<device>/stats. */
const COUNTERS: readonly (readonly [file: string, name: string, help: string, factor?: number, kind?: "gauge"])[] = [
  ["in_flight", "io_now", "The number of I/Os currently outstanding to this device.", 1, "gauge"],
  [
    "io_ns",
    "io_time_seconds_total",
    "The amount of time spent waiting for all I/O to complete (including read and write). This includes tape movement commands such as seeking between file or set marks and implicit tape movement such as when rewind on close tape devices are used.",
    NANO,
  ],
  [
    "other_cnt",
    "io_others_total",
    "The number of I/Os issued to the tape drive other than read or write commands. The time taken to complete these commands uses the following calculation io_time_seconds_total-read_time_seconds_total-write_time_seconds_total",
  ],
  ["read_byte_cnt", "read_bytes_total", "The number of bytes read from the tape drive."],
  ["read_cnt", "reads_completed_total", "The number of read requests issued to the tape drive."],
  ["read_ns", "read_time_seconds_total", "The amount of time spent waiting for read requests to complete.", NANO],
  ["write_byte_cnt", "written_bytes_total", "The number of bytes written to the tape drive."],
  ["write_cnt", "writes_completed_total", "The number of write requests issued to the tape drive."],
  ["write_ns", "write_time_seconds_total", "The amount of time spent waiting for write requests to complete.", NANO],
  [
    "resid_cnt",
    "residual_total",
    "The number of times during a read or write we found the residual amount to be non-zero. This should mean that a program is issuing a read larger thean the block size on tape. For write not all data made it to tape.",
  ],
];

export const tapestats: Collector = {
  name: "tapestats",
  collect({ paths, patterns }) {
    const root = `${paths.sysfs}/class/scsi_tape`;
    const out = new FamilySet();
    // The same drive appears as nst0, st0a and so on as well.
    for (const device of listOrNoData(root).filter((name) => /^st\d+$/.test(name))) {
      if (ignored(device, undefined, patterns["collector.tapestats.ignored-devices"])) continue;
      for (const [file, name, help, factor = 1, kind = "counter"] of COUNTERS) {
        const value = readInteger(root, device, "stats", file) ?? 0;
        out.add(kind, `node_tape_${name}`, help, value * factor, ["device", device]);
      }
    }
    return out.families;
  },
};
