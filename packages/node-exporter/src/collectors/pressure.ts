import { type Collector, FamilySet, NoData, readTrimmed } from "../collector.ts";

const TOTALS: readonly (readonly [resource: string, kind: "some" | "full", name: string, help: string])[] = [
  ["cpu", "some", "cpu_waiting", "Total time in seconds that processes have waited for CPU time"],
  ["io", "some", "io_waiting", "Total time in seconds that processes have waited due to IO congestion"],
  ["io", "full", "io_stalled", "Total time in seconds no process could make progress due to IO congestion"],
  ["memory", "some", "memory_waiting", "Total time in seconds that processes have waited for memory"],
  ["memory", "full", "memory_stalled", "Total time in seconds no process could make progress due to memory congestion"],
  ["irq", "full", "irq_stalled", "Total time in seconds no process could make progress due to IRQ congestion"],
];

/** Pressure stall information: needs Linux 4.20 with CONFIG_PSI, interrupts 6.1. */
export const pressure: Collector = {
  name: "pressure",
  collect({ paths }) {
    const out = new FamilySet();
    for (const [resource, kind, name, help] of TOTALS) {
      const text = readTrimmed(paths.procfs, "pressure", resource);
      const micros = new RegExp(`^${kind} .*total=(\\d+)`, "m").exec(text ?? "")?.[1];
      if (micros !== undefined) out.counter(`node_pressure_${name}_seconds_total`, help, Number(micros) / 1000 / 1000);
    }
    if (out.families.length === 0) throw new NoData("no pressure information");
    return out.families;
  },
};
