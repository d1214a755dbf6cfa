import { type Collector, FamilySet, readText } from "../collector.ts";

export const entropy: Collector = {
  name: "entropy",
  collect({ paths }) {
    const read = (file: string): number => Number(readText(paths.procfs, "sys/kernel/random", file));
    const out = new FamilySet();
    out.gauge("node_entropy_available_bits", "Bits of available entropy.", read("entropy_avail"));
    out.gauge("node_entropy_pool_size_bits", "Bits of entropy pool.", read("poolsize"));
    return out.families;
  },
};
