import { type Collector, FamilySet, readText } from "../collector.ts";

/** Lines `Node 0, zone Normal 4381 1093 …`: free blocks of 1, 2, 4, … pages. */
export const buddyinfo: Collector = {
  name: "buddyinfo",
  collect({ paths }) {
    const out = new FamilySet();
    for (const line of readText(paths.procfs, "buddyinfo").split("\n")) {
      const match = /^Node\s+(\d+),\s+zone\s+(\S+)\s+(.*)$/.exec(line);
      if (!match) continue;
      for (const [size, count] of match[3].trim().split(/\s+/).entries()) {
        const labels = ["node", match[1], "zone", match[2], "size", String(size)];
        out.gauge("node_buddyinfo_blocks", "Count of free blocks according to size.", Number(count), labels);
      }
    }
    return out.families;
  },
};
