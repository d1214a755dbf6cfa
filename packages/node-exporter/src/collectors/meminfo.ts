import { type Collector, FamilySet, readText } from "../collector.ts";

/** Fields of /proc/meminfo that are sizes, in KiB there; brackets of `Active(anon)` become an underline. */
const SIZES = new Set([
  "Active", "Active_anon", "Active_file", "AnonHugePages", "AnonPages", "Bounce", "Buffers", "Cached", "CmaFree",
  "CmaTotal", "CommitLimit", "Committed_AS", "DirectMap1G", "DirectMap2M", "DirectMap4k", "Dirty", "HardwareCorrupted",
  "Hugepagesize", "Inactive", "Inactive_anon", "Inactive_file", "KernelStack", "Mapped", "MemAvailable", "MemFree",
  "MemTotal", "Mlocked", "NFS_Unstable", "PageTables", "Percpu", "SReclaimable", "SUnreclaim", "Shmem",
  "ShmemHugePages", "ShmemPmdMapped", "Slab", "SwapCached", "SwapFree", "SwapTotal", "Unevictable", "VmallocChunk",
  "VmallocTotal", "VmallocUsed", "Writeback", "WritebackTmp", "Zswap", "Zswapped",
]); // biome-ignore format: a list
const COUNTS = new Set(["HugePages_Free", "HugePages_Rsvd", "HugePages_Surp", "HugePages_Total"]);

export const meminfo: Collector = {
  name: "meminfo",
  collect({ paths }) {
    const out = new FamilySet();
    for (const line of readText(paths.procfs, "meminfo").split("\n")) {
      if (line === "") continue;
      const match = /^(\S+):\s+(\d+)(?: (kB))?$/.exec(line.trimEnd());
      if (!match) throw new Error(`not a line of /proc/meminfo: ${JSON.stringify(line)}`);
      const key = match[1].replace(/\((.*)\)/, "_$1");
      const value = Number(match[2]) * (match[3] ? 1024 : 1);
      // What kernels added later upstream does not tell.
      const name = SIZES.has(key) ? `${key}_bytes` : COUNTS.has(key) ? key : undefined;
      if (name) out.gauge(`node_memory_${name}`, `Memory information field ${name}.`, value);
    }
    return out.families;
  },
};
