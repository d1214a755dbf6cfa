import {
  type Collector,
  type CollectorContext,
  FamilySet,
  ignored,
  readInteger,
  readText,
  readTrimmed,
} from "../collector.ts";

/** The kernel counts disk transfers in sectors of this size whatever the device's are. */
const SECTOR_BYTES = 512;
const SECONDS = 1 / 1000;

/** Columns of /proc/diskstats behind the device's name. */
const COLUMNS: readonly (readonly [name: string, help: string, factor: number, kind?: "gauge"])[] = [
  ["reads_completed_total", "The total number of reads completed successfully.", 1],
  ["reads_merged_total", "The total number of reads merged.", 1],
  ["read_bytes_total", "The total number of bytes read successfully.", SECTOR_BYTES],
  ["read_time_seconds_total", "The total number of seconds spent by all reads.", SECONDS],
  ["writes_completed_total", "The total number of writes completed successfully.", 1],
  ["writes_merged_total", "The number of writes merged.", 1],
  ["written_bytes_total", "The total number of bytes written successfully.", SECTOR_BYTES],
  ["write_time_seconds_total", "This is the total number of seconds spent by all writes.", SECONDS],
  ["io_now", "The number of I/Os currently in progress.", 1, "gauge"],
  ["io_time_seconds_total", "Total seconds spent doing I/Os.", SECONDS],
  ["io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", SECONDS],
  ["discards_completed_total", "The total number of discards completed successfully.", 1],
  ["discards_merged_total", "The total number of discards merged.", 1],
  ["discarded_sectors_total", "The total number of sectors discarded successfully.", 1],
  ["discard_time_seconds_total", "This is the total number of seconds spent by all discards.", SECONDS],
  ["flush_requests_total", "The total number of flush requests completed successfully", 1],
  ["flush_requests_time_seconds_total", "This is the total number of seconds spent by all flush requests.", SECONDS],
];

/** udev's properties of ATA disks that are numbers. */
const ATA: readonly (readonly [property: string, name: string, help: string])[] = [
  ["ID_ATA_WRITE_CACHE", "ata_write_cache", "ATA disk has a write cache."],
  ["ID_ATA_WRITE_CACHE_ENABLED", "ata_write_cache_enabled", "ATA disk has its write cache enabled."],
  ["ID_ATA_ROTATION_RATE_RPM", "ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."],
];

/** What udev found out about a device; empty where there is no udev. */
function udev({ paths }: CollectorContext, major: string, minor: string): Map<string, string> {
  const text = readTrimmed(paths.udevData, `b${major}:${minor}`) ?? "";
  const out = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^E:([^=]+)=(.*)$/.exec(line);
    if (match) out.set(match[1], match[2]);
  }
  return out;
}

function addUdevInfo(out: FamilySet, device: string, properties: ReadonlyMap<string, string>): void {
  const get = (key: string): string => properties.get(key) ?? "";
  if (get("ID_FS_TYPE") !== "") {
    out.gauge("node_disk_filesystem_info", "Info about disk filesystem.", 1, [
      "device",
      device,
      "type",
      get("ID_FS_TYPE"),
      "usage",
      get("ID_FS_USAGE"),
      "uuid",
      get("ID_FS_UUID"),
      "version",
      get("ID_FS_VERSION"),
    ]);
  }
  if (get("DM_NAME") !== "") {
    out.gauge("node_disk_device_mapper_info", "Info about disk device mapper.", 1, [
      "device",
      device,
      "name",
      get("DM_NAME"),
      "uuid",
      get("DM_UUID"),
      "vg_name",
      get("DM_VG_NAME"),
      "lv_name",
      get("DM_LV_NAME"),
      "lv_layer",
      get("DM_LV_LAYER"),
    ]);
  }
  if (get("ID_ATA") === "") return;
  for (const [property, name, help] of ATA) {
    if (/^\d+$/.test(get(property))) out.gauge(`node_disk_${name}`, help, Number(get(property)), ["device", device]);
  }
}

export const diskstats: Collector = {
  name: "diskstats",
  flags: {
    "collector.diskstats.device-exclude": {
      type: "string",
      default: "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$",
      pattern: true,
      help: "Regexp of diskstats devices to exclude (mutually exclusive to device-include).",
    },
    "collector.diskstats.device-include": {
      type: "string",
      default: "",
      pattern: true,
      opposite: "collector.diskstats.device-exclude",
      help: "Regexp of diskstats devices to include (mutually exclusive to device-exclude).",
    },
  },
  collect(context) {
    const { paths, patterns } = context;
    const out = new FamilySet();
    for (const line of readText(paths.procfs, "diskstats").split("\n")) {
      const [major, minor, device, ...values] = line.trim().split(/\s+/);
      if (
        !device ||
        ignored(device, patterns["collector.diskstats.device-include"], patterns["collector.diskstats.device-exclude"])
      )
        continue;
      for (const [i, [name, help, factor, kind]] of COLUMNS.entries()) {
        if (values[i] === undefined) break;
        out.add(kind ?? "counter", `node_disk_${name}`, help, Number(values[i]) * factor, ["device", device]);
      }
      const properties = udev(context, major, minor);
      const get = (key: string): string => properties.get(key) ?? "";
      const rotational = readInteger(paths.sysfs, "block", device, "queue/rotational") === 1;
      out.gauge("node_disk_info", "Info of /sys/block/<block_device>.", 1, [
        "device",
        device,
        "major",
        major,
        "minor",
        minor,
        "path",
        get("ID_PATH"),
        "wwn",
        get("ID_WWN"),
        "model",
        get("ID_MODEL"),
        "serial",
        // The serial printed on the disk; virtio devices have only the last.
        get("SCSI_IDENT_SERIAL") || get("ID_SERIAL_SHORT") || get("ID_SERIAL"),
        "revision",
        get("ID_REVISION"),
        "rotational",
        rotational ? "1" : "0",
      ]);
      addUdevInfo(out, device, properties);
    }
    return out.families;
  },
};
