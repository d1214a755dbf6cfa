import { type Collector, gauge, readText, single } from "../collector.ts";

export const meminfo: Collector = {
  name: "meminfo",
  collect({ paths }) {
    const families = [];
    for (const line of readText(paths.procfs, "meminfo").split("\n")) {
      const match = /^([^:]+):\s+(\d+)(?:\s+(kB))?$/.exec(line.trim());
      if (!match) continue;
      const [, key, digits, unit] = match;
      // `Active(anon)` → `Active_anon`
      const clean = key.replace(/\((.*)\)/, "_$1");
      const name = unit ? `${clean}_bytes` : clean;
      families.push(
        gauge(`node_memory_${name}`, `Memory information field ${name}.`, single(Number(digits) * (unit ? 1024 : 1))),
      );
    }
    return families;
  },
};
