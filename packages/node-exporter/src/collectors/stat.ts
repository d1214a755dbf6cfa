import type { MetricFamily, SimpleMetric } from "@pharos/exposition";
import { type Collector, counter, gauge, readText, single } from "../collector.ts";

/** Lines of /proc/stat besides the processors'. */
const LINES: readonly (readonly [key: string, kind: "counter" | "gauge", name: string, help: string])[] = [
  ["intr", "counter", "node_intr_total", "Total number of interrupts serviced."],
  ["ctxt", "counter", "node_context_switches_total", "Total number of context switches."],
  ["processes", "counter", "node_forks_total", "Total number of forks."],
  ["btime", "gauge", "node_boot_time_seconds", "Node boot time, in unixtime."],
  ["procs_running", "gauge", "node_procs_running", "Number of processes in runnable state."],
  ["procs_blocked", "gauge", "node_procs_blocked", "Number of processes blocked waiting for I/O to complete."],
];

/** Vectors behind the total of the `softirq` line. */
const VECTORS = ["hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"];

export const stat: Collector = {
  name: "stat",
  flags: {
    "collector.stat.softirq": { type: "boolean", default: "false", help: "Export softirq calls per vector" },
  },
  collect({ paths, flags }) {
    const values = new Map<string, number>();
    let vectors: SimpleMetric[] = [];
    for (const line of readText(paths.procfs, "stat").split("\n")) {
      const [key, value, ...rest] = line.split(" ");
      values.set(key, Number(value));
      if (key === "softirq") {
        vectors = rest.map((count, i) => ({ labels: ["vector", VECTORS[i] ?? `unknown${i}`], value: Number(count) }));
      }
    }
    const families: MetricFamily[] = [];
    for (const [key, kind, name, help] of LINES) {
      const value = values.get(key);
      if (value !== undefined) families.push((kind === "counter" ? counter : gauge)(name, help, single(value)));
    }
    if (flags["collector.stat.softirq"] === true && vectors.length > 0) {
      families.push(counter("node_softirqs_total", "Number of softirq calls.", vectors));
    }
    return families;
  },
};
