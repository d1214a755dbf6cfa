import type { SimpleMetric } from "@pharos/exposition";
import { type Collector, type CollectorContext, counter, gauge, ignored, readText, readTrimmed } from "../collector.ts";

/** The kernel counts disk transfers in sectors of this size whatever the device's are. */
const SECTOR_BYTES = 512;

/** Columns of /proc/diskstats behind the device's name. */
const COLUMNS: readonly (readonly [name: string, help: string, factor: number, kind?: "gauge"])[] = [
  ["reads_completed_total", "The total number of reads completed successfully.", 1],
  ["reads_merged_total", "The total number of reads merged.", 1],
  ["read_bytes_total", "The total number of bytes read successfully.", SECTOR_BYTES],
  ["read_time_seconds_total", "The total number of seconds spent by all reads.", 0.001],
  ["writes_completed_total", "The total number of writes completed successfully.", 1],
  ["writes_merged_total", "The number of writes merged.", 1],
  ["written_bytes_total", "The total number of bytes written successfully.", SECTOR_BYTES],
  ["write_time_seconds_total", "This is the total number of seconds spent by all writes.", 0.001],
  ["io_now", "The number of I/Os currently in progress.", 1, "gauge"],
  ["io_time_seconds_total", "Total seconds spent doing I/Os.", 0.001],
  ["io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", 0.001],
  ["discards_completed_total", "The total number of discards completed successfully.", 1],
  ["discards_merged_total", "The total number of discards merged.", 1],
  ["discarded_sectors_total", "The total number of sectors discarded successfully.", 1],
  ["discard_time_seconds_total", "This is the total number of seconds spent by all discards.", 0.001],
  ["flush_requests_total", "The total number of flush requests completed successfully", 1],
  ["flush_requests_time_seconds_total", "This is the total number of seconds spent by all flush requests.", 0.001],
];

/** What udev found out about a device; empty where there is no udev. */
async function udev({ paths }: CollectorContext, major: string, minor: string): Promise<Record<string, string>> {
  const text = (await readTrimmed(paths.udevData, `b${major}:${minor}`)) ?? "";
  const out: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^E:([^=]+)=(.*)$/.exec(line);
    if (match) out[match[1]] = match[2];
  }
  return out;
}

export const diskstats: Collector = {
  name: "diskstats",
  async collect(context) {
    const { paths, patterns } = context;
    const columns: SimpleMetric[][] = COLUMNS.map(() => []);
    const info: SimpleMetric[] = [];
    for (const line of (await readText(paths.procfs, "diskstats")).split("\n")) {
      const [major, minor, device, ...values] = line.trim().split(/\s+/);
      if (
        !device ||
        ignored(device, patterns["collector.diskstats.device-include"], patterns["collector.diskstats.device-exclude"])
      )
        continue;
      COLUMNS.forEach(([, , factor], i) => {
        if (values[i] !== undefined)
          columns[i].push({
            labels: ["device", device],
            value: factor === 0.001 ? Number(values[i]) / 1000 : Number(values[i]) * factor,
          });
      });
      const data = await udev(context, major, minor);
      const rotational = (await readTrimmed(paths.sysfs, "block", device, "queue/rotational")) ?? "";
      info.push({
        labels: [
          "device", device, "major", major, "minor", minor, "path", data.ID_PATH ?? "", "wwn", data.ID_WWN ?? "",
          "model", data.ID_MODEL ?? "", "serial", data.ID_SERIAL_SHORT ?? data.ID_SERIAL ?? "", "revision", data.ID_REVISION ?? "", "rotational", rotational,
        ], // biome-ignore format: pairs
        value: 1,
      });
    }
    return [
      ...COLUMNS.map(([name, help, , kind], i) =>
        (kind === "gauge" ? gauge : counter)(`node_disk_${name}`, help, columns[i]),
      ),
      gauge("node_disk_info", "Info of /sys/block/<block_device>.", info),
    ];
  },
};
