import { type Collector, FamilySet, readText } from "../collector.ts";

export const cgroups: Collector = {
  name: "cgroups",
  collect({ paths }) {
    const out = new FamilySet();
    // The first line names the columns.
    for (const line of readText(paths.procfs, "cgroups").split("\n").slice(1)) {
      const [subsystem, , count, enabled] = line.split(/\s+/);
      if (enabled === undefined) continue;
      const labels = ["subsys_name", subsystem];
      out.gauge("node_cgroups_cgroups", "Current cgroup number of the subsystem.", Number(count), labels);
      out.gauge("node_cgroups_enabled", "Current cgroup number of the subsystem.", Number(enabled), labels);
    }
    return out.families;
  },
};
