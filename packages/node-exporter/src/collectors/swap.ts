import { type Collector, FamilySet, readTextOrNoData } from "../collector.ts";

export const swap: Collector = {
  name: "swap",
  collect({ paths }) {
    const out = new FamilySet();
    // The first line names the columns.
    for (const line of readTextOrNoData(paths.procfs, "swaps").split("\n").slice(1)) {
      const [device, type, size, used, priority] = line.trim().split(/\s+/);
      if (priority === undefined) continue;
      const labels = ["device", device, "swap_type", type];
      out.gauge("node_swap_size_bytes", "Swap device size in bytes.", Number(size) * 1024, labels);
      out.gauge("node_swap_used_bytes", "Swap device used in bytes.", Number(used) * 1024, labels);
      out.gauge("node_swap_priority", "Swap device priority.", Number(priority), labels);
    }
    return out.families;
  },
};
