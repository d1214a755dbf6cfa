import { type Collector, FamilySet, list, listOrNoData, readInteger, readTrimmed } from "../collector.ts";
import { readDeviceInteger } from "../device-file.ts";

/** Sizes in sysfs are in sectors of this size, used blocks in the namespace's own. */
const SECTOR_BYTES = 512;

export const nvme: Collector = {
  name: "nvme",
  async collect({ paths }, signal) {
    const root = `${paths.sysfs}/class/nvme`;
    const out = new FamilySet();
    for (const device of listOrNoData(root)) {
      const folder = `${root}/${device}`;
      const text = (file: string): string => readTrimmed(folder, file) ?? "";
      out.gauge("node_nvme_info", "Non-numeric data from /sys/class/nvme/<device>, value is always 1.", 1, [
        "device",
        device,
        "firmware_revision",
        text("firmware_rev"),
        "model",
        text("model"),
        "serial",
        text("serial"),
        "state",
        text("state"),
        "cntlid",
        text("cntlid"),
      ]);
      for (const entry of list(folder)) {
        const nsid = /^nvme\d+(?:c\d+)?n(\d+)$/.exec(entry)?.[1];
        if (nsid === undefined) continue;
        const labels = ["device", device, "nsid", nsid];
        const block = readInteger(folder, entry, "queue/logical_block_size") ?? SECTOR_BYTES;
        const size = readInteger(folder, entry, "size") ?? 0;
        // Newer kernels ask the device for it.
        const used = (await readDeviceInteger(`${folder}/${entry}/nuse`, signal)) ?? 0;
        const state = readTrimmed(folder, entry, "ana_state") ?? "unknown";
        const namespace = (name: string, help: string, value: number, run = labels): void =>
          out.gauge(`node_nvme_namespace_${name}`, help, value, run);
        namespace("info", "Information about NVMe namespaces. Value is always 1", 1, [...labels, "ana_state", state]);
        namespace(
          "capacity_bytes",
          "Capacity of the NVMe namespace in bytes. Computed as namespace_size * namespace_logical_block_size",
          size * block,
        );
        namespace(
          "size_bytes",
          "Size of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/size",
          size * block,
        );
        namespace(
          "used_bytes",
          "Used space of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/nuse",
          used * block,
        );
        namespace(
          "logical_block_size_bytes",
          "Logical block size of the NVMe namespace in bytes. Usually 4Kb. Available in /sys/class/nvme/<device>/<namespace>/queue/logical_block_size",
          block,
        );
      }
    }
    return out.families;
  },
};
