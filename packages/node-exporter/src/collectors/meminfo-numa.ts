import { type Collector, FamilySet, list, readText } from "../collector.ts";

/** Names such as `Active(anon)` become `Active_anon`. */
const clean = (name: string): string => name.replace(/\((.*)\)/, "_$1");

export const meminfoNuma: Collector = {
  name: "meminfo_numa",
  collect({ paths }) {
    const root = `${paths.sysfs}/devices/system/node`;
    const out = new FamilySet();
    for (const node of list(root).filter((name) => /^node\d+$/.test(name))) {
      const labels = ["node", node.slice(4)];
      for (const line of readText(root, node, "meminfo").split("\n")) {
        const match = /^Node\s+\d+\s+([^:]+):\s+(\d+)(\s+kB)?/.exec(line);
        if (!match) continue;
        const name = clean(match[1]);
        out.gauge(
          `node_memory_numa_${name}`,
          `Memory information field ${name}.`,
          Number(match[2]) * (match[3] ? 1024 : 1),
          labels,
        );
      }
      for (const line of readText(root, node, "numastat").trim().split("\n")) {
        const [key, value] = line.split(" ");
        out.counter(`node_memory_numa_${key}_total`, `Memory information field ${key}_total.`, Number(value), labels);
      }
    }
    return out.families;
  },
};
