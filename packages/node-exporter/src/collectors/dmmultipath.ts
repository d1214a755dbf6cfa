import { type Collector, FamilySet, list, listOrNoData, readInteger, readTrimmed } from "../collector.ts";

const SECTOR_BYTES = 512;
/** States of the devices under a path that carry data: of SCSI and of NVMe. */
const ACTIVE = new Set(["running", "live"]);

export const dmmultipath: Collector = {
  name: "dmmultipath",
  collect({ paths }) {
    const root = `${paths.sysfs}/block`;
    const out = new FamilySet();
    const gauge = (name: string, help: string, value: number | undefined, labels: string[]): void =>
      out.gauge(`node_dmmultipath_${name}`, help, value, labels);
    for (const device of listOrNoData(root).filter((name) => name.startsWith("dm-"))) {
      const folder = `${root}/${device}`;
      const uuid = readTrimmed(folder, "dm/uuid") ?? "";
      if (!uuid.startsWith("mpath-")) continue;
      const name = readTrimmed(folder, "dm/name") ?? "";
      const labels = ["device", name, "sysfs_name", device];
      gauge("device_info", "Non-numeric information about a DM-multipath device.", 1, [...labels, "uuid", uuid]);
      gauge(
        "device_active",
        "Whether the multipath device-mapper device is active (1) or suspended (0).",
        Number(readInteger(folder, "dm/suspended") !== 1),
        labels,
      );
      gauge(
        "device_size_bytes",
        "Size of the multipath device in bytes, read from /sys/block/<dm>/size.",
        (readInteger(folder, "size") ?? 0) * SECTOR_BYTES,
        labels,
      );
      const slaves = list(folder, "slaves");
      let active = 0;
      for (const path of slaves) {
        const state = readTrimmed(root, path, "device/state") ?? "unknown";
        if (ACTIVE.has(state)) active++;
        gauge(
          "path_state",
          "Reports the underlying device state for a multipath path, as read from /sys/block/<dev>/device/state.",
          1,
          ["device", name, "path", path, "state", state],
        );
      }
      gauge("device_paths", "Number of paths for a multipath device.", slaves.length, labels);
      gauge(
        "device_paths_active",
        "Number of paths in active state (SCSI running or NVMe live) for a multipath device.",
        active,
        labels,
      );
      gauge(
        "device_paths_failed",
        "Number of paths not in active state for a multipath device.",
        slaves.length - active,
        labels,
      );
    }
    return out.families;
  },
};
