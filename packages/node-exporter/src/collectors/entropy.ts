import { type Collector, FamilySet, readText } from "../collector.ts";

export const entropy: Collector = {
  name: "entropy",
  async collect({ paths }) {
    const read = async (file: string): Promise<number> =>
      Number(await readText(paths.procfs, "sys/kernel/random", file));
    const out = new FamilySet();
    out.gauge("node_entropy_available_bits", "Bits of available entropy.", await read("entropy_avail"));
    out.gauge("node_entropy_pool_size_bits", "Bits of entropy pool.", await read("poolsize"));
    return out.families;
  },
};
