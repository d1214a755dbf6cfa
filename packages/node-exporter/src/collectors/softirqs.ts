import { type Collector, FamilySet, readText } from "../collector.ts";

export const softirqs: Collector = {
  name: "softirqs",
  collect({ paths }) {
    const [head, ...lines] = readText(paths.procfs, "softirqs").split("\n");
    const cpus = head
      .trim()
      .split(/\s+/)
      .map((name) => name.slice(3));
    const out = new FamilySet();
    for (const line of lines) {
      const [type, counts] = line.split(":");
      if (counts === undefined) continue;
      for (const [i, count] of counts.trim().split(/\s+/).entries()) {
        const labels = ["cpu", cpus[i] ?? String(i), "type", type.trim()];
        out.counter("node_softirqs_functions_total", "Softirq counts per CPU.", Number(count), labels);
      }
    }
    return out.families;
  },
};
