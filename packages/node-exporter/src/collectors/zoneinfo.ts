import { type Collector, FamilySet, readText } from "../collector.ts";

/** Lines of a zone, and the metrics they are. */
const FIELDS: readonly (readonly [key: string, name: string, help: string])[] = [
  ["high", "high_pages", "Zone watermark pages_high"],
  ["low", "low_pages", "Zone watermark pages_low"],
  ["managed", "managed_pages", "Present pages managed by the buddy system"],
  ["min", "min_pages", "Zone watermark pages_min"],
  ["nr_active_anon", "nr_active_anon_pages", "Number of anonymous pages recently more used"],
  ["nr_active_file", "nr_active_file_pages", "Number of active pages with file-backing"],
  ["nr_anon_pages", "nr_anon_pages", "Number of anonymous pages currently used by the system"],
  [
    "nr_anon_transparent_hugepages",
    "nr_anon_transparent_hugepages",
    "Number of anonymous transparent huge pages currently used by the system",
  ],
  ["nr_dirtied", "nr_dirtied_total", "Page dirtyings since bootup"],
  ["nr_dirty", "nr_dirty_pages", "Number of dirty pages"],
  ["nr_file_pages", "nr_file_pages", "Number of file pages"],
  ["nr_free_pages", "nr_free_pages", "Total number of free pages in the zone"],
  ["nr_inactive_anon", "nr_inactive_anon_pages", "Number of anonymous pages recently less used"],
  ["nr_inactive_file", "nr_inactive_file_pages", "Number of inactive pages with file-backing"],
  ["nr_isolated_anon", "nr_isolated_anon_pages", "Temporary isolated pages from anon lru"],
  ["nr_isolated_file", "nr_isolated_file_pages", "Temporary isolated pages from file lru"],
  ["nr_kernel_stack", "nr_kernel_stacks", "Number of kernel stacks"],
  ["nr_mapped", "nr_mapped_pages", "Number of mapped pages"],
  ["nr_shmem", "nr_shmem_pages", "Number of shmem pages (included tmpfs/GEM pages)"],
  ["nr_slab_reclaimable", "nr_slab_reclaimable_pages", "Number of reclaimable slab pages"],
  ["nr_slab_unreclaimable", "nr_slab_unreclaimable_pages", "Number of unreclaimable slab pages"],
  ["nr_unevictable", "nr_unevictable_pages", "Number of unevictable pages"],
  ["nr_writeback", "nr_writeback_pages", "Number of writeback pages"],
  ["nr_written", "nr_written_total", "Page writings since bootup"],
  ["numa_foreign", "numa_foreign_total", "Was intended here, hit elsewhere"],
  ["numa_hit", "numa_hit_total", "Allocated in intended node"],
  ["numa_interleave", "numa_interleave_total", "Interleaver preferred this zone"],
  ["numa_local", "numa_local_total", "Allocation from local node"],
  ["numa_miss", "numa_miss_total", "Allocated in non intended node"],
  ["numa_other", "numa_other_total", "Allocation from other node"],
  ["present", "present_pages", "Physical pages existing within the zone"],
  ["spanned", "spanned_pages", "Total pages spanned by the zone, including holes"],
  ["scanned", "scanned_pages", "Pages scanned since last reclaim"],
  ["nr_mlock_stack", "nr_mlock_stack_pages", "mlock()ed pages found and moved off LRU"],
];

export const zoneinfo: Collector = {
  name: "zoneinfo",
  collect({ paths }) {
    const out = new FamilySet();
    for (const block of readText(paths.procfs, "zoneinfo").split(/^(?=Node )/m)) {
      const head = /^Node\s+(\d+),\s+zone\s+(\S+)/.exec(block);
      if (!head) continue;
      const labels = ["node", head[1], "zone", head[2]];
      const lines = new Map(
        block.split("\n").map((line): [string, number] => {
          const [key, value] = line.trim().split(/\s+/);
          return [key, Number(value)];
        }),
      );
      for (const [key, name, help] of FIELDS) {
        out.add(name.endsWith("_total") ? "counter" : "gauge", `node_zoneinfo_${name}`, help, lines.get(key), labels);
      }
      const protection = /protection: \((.*)\)/.exec(block)?.[1].split(", ") ?? [];
      for (const [i, value] of protection.entries()) {
        out.gauge(`node_zoneinfo_protection_${i}`, `Protection array ${i}. field`, Number(value), labels);
      }
    }
    return out.families;
  },
};
