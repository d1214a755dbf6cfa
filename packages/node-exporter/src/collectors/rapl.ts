import { type Collector, cleanName, FamilySet, listOrNoData, readInteger, readTrimmed } from "../collector.ts";

/** Running average power limit counters of Intel (and newer AMD) processors. Reading them needs root on current kernels. */
export const rapl: Collector = {
  name: "rapl",
  collect({ paths, flags }) {
    const root = `${paths.sysfs}/class/powercap`;
    const out = new FamilySet();
    const counts = new Map<string, number>();
    for (const zone of listOrNoData(root)) {
      const name = readTrimmed(root, zone, "name");
      if (!name) continue;
      // `package-0` carries its own number; zones of the same name without one are counted.
      const [, numbered, own] = /^([^-]*)-(\d+)$/.exec(name) ?? [];
      const bare = numbered ?? name;
      const index = own ?? String(counts.get(bare) ?? 0);
      counts.set(bare, Number(index) + 1);
      const micro = readInteger(root, zone, "energy_uj");
      const joules = micro === undefined ? undefined : micro / 1e6;
      const labels = ["index", index, "path", `${root}/${zone}`];
      if (flags["collector.rapl.enable-zone-label"] === true) {
        out.counter("node_rapl_joules_total", "Current RAPL value in joules", joules, [...labels, "rapl_zone", bare]);
      } else {
        const help = `Current RAPL ${bare} value in joules`;
        out.counter(`node_rapl_${cleanName(bare)}_joules_total`, help, joules, labels);
      }
    }
    return out.families;
  },
};
