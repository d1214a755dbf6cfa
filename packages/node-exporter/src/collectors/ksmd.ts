import { type Collector, FamilySet, readInteger } from "../collector.ts";

/** Files of /sys/kernel/mm/ksm, and what they tell. */
const FILES: readonly (readonly [file: string, name: string, help: string])[] = [
  ["full_scans", "full_scans_total", "How many times all mergeable areas have been scanned."],
  [
    "general_profit",
    "general_profit_bytes",
    "How effective is KSM. ksm_saved_pages * sizeof(page) - (all_rmap_items) * sizeof(rmap_item)",
  ],
  ["merge_across_nodes", "merge_across_nodes", "Specifies if pages from different NUMA nodes can be merged."],
  ["pages_shared", "pages_shared", "How many shared pages are being used."],
  ["pages_sharing", "pages_sharing", "How many more sites are sharing them i.e. how much saved."],
  ["pages_to_scan", "pages_to_scan", "How many pages to scan before ksmd goes to sleep."],
  ["pages_unshared", "pages_unshared", "How many pages unique but repeatedly checked for merging."],
  ["pages_volatile", "pages_volatile", "How many pages changing too fast to be placed in a tree."],
  ["run", "run", "The status of ksmd. stopped = 0, running = 1"],
  ["sleep_millisecs", "sleep_seconds", "How many seconds ksmd should sleep before next scan."],
];

export const ksmd: Collector = {
  name: "ksmd",
  collect({ paths }) {
    const out = new FamilySet();
    for (const [file, name, help] of FILES) {
      const value = readInteger(paths.sysfs, "kernel/mm/ksm", file);
      const scaled = value !== undefined && file === "sleep_millisecs" ? value / 1000 : value;
      out.add(name.endsWith("_total") ? "counter" : "gauge", `node_ksmd_${name}`, help, scaled);
    }
    return out.families;
  },
};
