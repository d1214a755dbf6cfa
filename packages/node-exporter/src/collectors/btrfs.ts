import { type Collector, FamilySet, list, readText, readTextIfThere, readTrimmed } from "../collector.ts";
import { inPool } from "../device-file.ts";
import { ioctl, ioctlNumber } from "../libc.ts";
import { readMounts } from "../mounts.ts";
import { closeSync, open } from "../system.ts";

const SECTOR_BYTES = 512;

/** Bytes on the disks for one of data, by the layout of copies; parity depends on the number of devices. */
function ratioOf(layout: string, devices: number): number {
  switch (layout) {
    case "single":
    case "raid0":
      return 1;
    case "dup":
    case "raid1":
    case "raid10":
      return 2;
    case "raid1c3":
      return 3;
    case "raid1c4":
      return 4;
    case "raid5":
      return devices / (devices - 1);
    case "raid6":
      return devices / (devices - 2);
    default:
      return 0;
  }
}

/** Lines `key value` of commit_stats; kernels before 6.0 have none. */
function readCommits(folder: string): (key: string) => number {
  const values = new Map<string, number>();
  for (const line of (readTextIfThere(folder, "commit_stats") ?? "").split("\n").filter(Boolean)) {
    const match = /^\s*(\S+)\s+(\d+)\s*$/.exec(line);
    if (!match) throw new Error(`not a line of commit_stats: ${JSON.stringify(line)}`);
    values.set(match[1], Number(match[2]));
  }
  return (key) => values.get(key) ?? 0;
}

interface Device {
  name: string;
  uuid: string;
  used: number;
  total: number;
  errors: number[];
}

/** Kinds of errors of a device, in the order of the kernel's counters. */
const ERRORS = ["write", "read", "flush", "corruption", "generation"];

const BTRFS_MAGIC = 0x94;
/** u64 max_id · u64 num_devices · u8[16] fsid · … */
const FS_INFO = { number: ioctlNumber("read", BTRFS_MAGIC, 31, 1024), bytes: 1024 };
/** u64 devid · u8[16] uuid · u64 bytes_used · u64 total_bytes · … · u8[1024] path, at 3072 */
const DEV_INFO = { number: ioctlNumber("readwrite", BTRFS_MAGIC, 30, 4096), bytes: 4096, path: 3072 };
/** u64 devid · u64 number of counters · u64 flags · u64[] counters */
const DEV_STATS = { number: ioctlNumber("readwrite", BTRFS_MAGIC, 52, 1032), bytes: 1032 };
/** Ids have gaps where devices were taken out; more than this is no machine. */
const MAX_DEVICE_ID = 10_000n;

function readDevices(descriptor: number): { id: string; devices: Device[] } {
  const info = Buffer.alloc(FS_INFO.bytes);
  ioctl(descriptor, FS_INFO.number, info);
  const last = info.readBigUInt64LE(0);
  const count = info.readBigUInt64LE(8);
  const devices: Device[] = [];
  for (let id = 0n; id <= last && id < MAX_DEVICE_ID && BigInt(devices.length) < count; id++) {
    const device = Buffer.alloc(DEV_INFO.bytes);
    device.writeBigUInt64LE(id, 0);
    try {
      ioctl(descriptor, DEV_INFO.number, device);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENODEV") continue;
      throw error;
    }
    const stats = Buffer.alloc(DEV_STATS.bytes);
    stats.writeBigUInt64LE(id, 0);
    stats.writeBigUInt64LE(BigInt(ERRORS.length), 8);
    ioctl(descriptor, DEV_STATS.number, stats);
    const path = device.toString("utf8", DEV_INFO.path, DEV_INFO.path + 1024).split("\0", 1)[0];
    devices.push({
      name: path.slice(path.lastIndexOf("/") + 1),
      uuid: device.toString("hex", 8, 24),
      used: Number(device.readBigUInt64LE(24)),
      total: Number(device.readBigUInt64LE(32)),
      errors: ERRORS.map((_, i) => Number(stats.readBigUInt64LE(24 + 8 * i))),
    });
  }
  return { id: info.toString("hex", 16, 32), devices };
}

/** Devices by file system, from each that is mounted and may be asked. */
async function askMounted(procfs: string, rootfs: string): Promise<Map<string, Device[]>> {
  const out = new Map<string, Device[]>();
  const asked = new Set<string>();
  for (const { type, device, mountPoint } of readMounts(procfs)) {
    if (type !== "btrfs" || asked.has(device)) continue;
    let descriptor: number | undefined;
    try {
      const path = rootfs === "/" ? mountPoint : `${rootfs}${mountPoint}`;
      // The disk may be asked for its root; what follows the kernel knows.
      descriptor = await inPool<number>((done) => open(path, "r", done));
      const { id, devices } = readDevices(descriptor);
      asked.add(device);
      out.set(id, devices);
    } catch {
      // Not allowed, or not mounted here: perhaps by another mount point, else sysfs has to do.
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
  return out;
}

function addDevices(out: FamilySet, uuid: string, devices: readonly Device[]): void {
  for (const { name, uuid: deviceUuid, used, total, errors } of devices) {
    const labels = ["uuid", uuid, "device", name, "btrfs_dev_uuid", deviceUuid];
    out.gauge("node_btrfs_device_size_bytes", "Size of a device that is part of the filesystem.", total, labels);
    const unused = "Unused bytes unused on a device that is part of the filesystem.";
    out.gauge("node_btrfs_device_unused_bytes", unused, total - used, labels);
    for (const [i, type] of ERRORS.entries()) {
      const help = "Errors reported for the device";
      out.counter("node_btrfs_device_errors_total", help, errors[i], [...labels, "type", type]);
    }
  }
}

export const btrfs: Collector = {
  name: "btrfs",
  async collect({ paths }) {
    const root = `${paths.sysfs}/fs/btrfs`;
    const out = new FamilySet();
    const fileSystems = list(root).filter((name) => name.includes("-"));
    const mounted = fileSystems.length > 0 ? await askMounted(paths.procfs, paths.rootfs) : undefined;
    for (const entry of fileSystems) {
      const folder = `${root}/${entry}`;
      const number = (file: string): number => Number(/^\d+$/.exec(readTrimmed(folder, file) ?? "")?.[0] ?? 0);
      const uuid = readTrimmed(folder, "metadata_uuid") || entry;
      const labels = ["uuid", uuid];
      const gauge = (name: string, help: string, value: number, more: string[] = []): void =>
        out.gauge(`node_btrfs_${name}`, help, value, [...labels, ...more]);
      gauge("info", "Filesystem information", 1, ["label", readText(folder, "label").trim()]);
      gauge("global_rsv_size_bytes", "Size of global reserve.", number("allocation/global_rsv_size"));
      const commits = readCommits(folder);
      const commitsHelp = "The total number of commits that have occurred.";
      out.counter("node_btrfs_commits_total", commitsHelp, commits("commits"), labels);
      const milliseconds = (key: string): number => commits(key) / 1000;
      const last = "Duration of the most recent commit, in seconds.";
      gauge("last_commit_seconds", last, milliseconds("last_commit_ms"));
      gauge("max_commit_seconds", "Duration of the slowest commit, in seconds.", milliseconds("max_commit_ms"));
      const total = "Sum of the duration of all commits, in seconds.";
      out.counter("node_btrfs_commit_seconds_total", total, milliseconds("total_commit_ms"), labels);
      const devices = list(folder, "devices");
      for (const type of ["data", "metadata", "system"]) {
        const group = `allocation/${type}`;
        const of = ["block_group_type", type];
        gauge("reserved_bytes", "Amount of space reserved for a data type", number(`${group}/bytes_reserved`), of);
        for (const layout of list(folder, group).filter((name) => list(folder, group, name).length > 0)) {
          const as = [...of, "mode", layout];
          const used = number(`${group}/${layout}/used_bytes`);
          gauge("used_bytes", "Amount of used space by a layout/data type", used, as);
          const size = number(`${group}/${layout}/total_bytes`);
          gauge("size_bytes", "Amount of space allocated for a layout/data type", size, as);
          const ratio = ratioOf(layout, devices.length);
          gauge("allocation_ratio", "Data allocation ratio for a layout/data type", ratio, as);
        }
      }
      const asked = mounted?.get(uuid.replaceAll("-", ""));
      if (asked) addDevices(out, uuid, asked);
      else {
        for (const device of devices) {
          const help = "Size of a device that is part of the filesystem.";
          gauge("device_size_bytes", help, number(`devices/${device}/size`) * SECTOR_BYTES, ["device", device]);
        }
      }
    }
    return out.families;
  },
};
