import { type Collector, FamilySet, ignored, readText } from "../collector.ts";

const COLUMNS: readonly (readonly [name: string, help: string])[] = [
  ["active_objects", "The number of objects that are currently active (i.e., in use)."],
  ["objects", "The total number of allocated objects (i.e., objects that are both in use and not in use)."],
  ["object_size_bytes", "The size of objects in this slab, in bytes."],
  ["objects_per_slab", "The number of objects stored in each slab."],
  ["pages_per_slab", "The number of pages allocated for each slab."],
];

/** Reading /proc/slabinfo needs root. */
export const slabinfo: Collector = {
  name: "slabinfo",
  collect({ paths, patterns }) {
    const out = new FamilySet();
    for (const line of readText(paths.procfs, "slabinfo").split("\n")) {
      const [slab, ...values] = line.split(/\s+/);
      if (!/^\d+$/.test(values[0] ?? "")) continue;
      if (ignored(slab, patterns["collector.slabinfo.slabs-include"], undefined)) continue;
      if (ignored(slab, undefined, patterns["collector.slabinfo.slabs-exclude"])) continue;
      for (const [i, [name, help]] of COLUMNS.entries())
        out.gauge(`node_slabinfo_${name}`, help, Number(values[i]), ["slab", slab]);
    }
    return out.families;
  },
};
