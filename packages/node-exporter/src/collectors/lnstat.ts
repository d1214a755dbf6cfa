import { type Collector, FamilySet, list, readText } from "../collector.ts";

/** /proc/net/stat/*: a line of names, then a line of hexadecimal numbers a processor. */
export const lnstat: Collector = {
  name: "lnstat",
  collect({ paths }) {
    const out = new FamilySet();
    for (const subsystem of list(paths.procfs, "net/stat")) {
      const [head, ...lines] = readText(paths.procfs, "net/stat", subsystem).trim().split("\n");
      const names = head.trim().split(/\s+/);
      for (const [cpu, line] of lines.entries()) {
        for (const [i, value] of line.trim().split(/\s+/).entries()) {
          const labels = ["subsystem", subsystem, "cpu", String(cpu)];
          out.counter(`node_lnstat_${names[i]}_total`, "linux network cache stats", Number.parseInt(value, 16), labels);
        }
      }
    }
    return out.families;
  },
};
