import { type Collector, FamilySet, list, listOrNoData, readText } from "../collector.ts";

const STATES = ["connecting", "dead", "deleting", "live", "new", "resetting", "unknown"];

/** The kernel's word, or `unknown` for one it learnt later. */
function stateOf(text: string): string {
  const word = text === "deleting (no IO)" ? "deleting" : text;
  return STATES.includes(word) ? word : "unknown";
}

export const nvmesubsystem: Collector = {
  name: "nvmesubsystem",
  collect({ paths }) {
    const root = `${paths.sysfs}/class/nvme-subsystem`;
    const out = new FamilySet();
    const gauge = (name: string, help: string, value: number, labels: string[]): void =>
      out.gauge(`node_nvmesubsystem_${name}`, help, value, labels);
    for (const subsystem of listOrNoData(root).filter((name) => name.startsWith("nvme-subsys"))) {
      const read = (file: string): string => readText(root, subsystem, file).trim();
      const labels = ["subsystem", subsystem];
      const named = ["nqn", read("subsysnqn"), "model", read("model"), "serial", read("serial")];
      gauge("info", "Non-numeric information about an NVMe subsystem.", 1, [
        ...labels,
        ...named,
        "iopolicy",
        read("iopolicy"),
      ]);
      let paths = 0;
      let live = 0;
      for (const entry of list(root, subsystem)) {
        if (/^nvme\d+n\d+$/.test(entry)) {
          const help = "Maps an NVMe namespace block device to its subsystem.";
          gauge("namespace_info", help, 1, [...labels, "device", entry]);
        }
        if (!/^nvme\d+$/.test(entry)) continue;
        const state = stateOf(read(`${entry}/state`));
        const path = ["controller", entry, "transport", read(`${entry}/transport`)];
        paths++;
        if (state === "live") live++;
        const help = "Current NVMe controller path state (1 for the current state, 0 for all others).";
        for (const each of STATES)
          gauge("path_state", help, Number(each === state), [...labels, ...path, "state", each]);
      }
      gauge("paths", "Number of controller paths for an NVMe subsystem.", paths, labels);
      const help = "Number of controller paths in live state for an NVMe subsystem.";
      gauge("paths_live", help, live, labels);
    }
    return out.families;
  },
};
