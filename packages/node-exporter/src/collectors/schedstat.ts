import { type Collector, FamilySet, readTextOrNoData } from "../collector.ts";

export const schedstat: Collector = {
  name: "schedstat",
  collect({ paths }) {
    const out = new FamilySet();
    for (const line of readTextOrNoData(paths.procfs, "schedstat").split("\n")) {
      const match = /^cpu(\d+)\s+(.*)$/.exec(line);
      if (!match) continue;
      const values = match[2].split(" ").map(Number);
      const labels = ["cpu", match[1]];
      const [running, waiting, timeslices] = values.slice(6);
      out.counter(
        "node_schedstat_running_seconds_total",
        "Number of seconds CPU spent running a process.",
        running / 1e9,
        labels,
      );
      out.counter(
        "node_schedstat_waiting_seconds_total",
        "Number of seconds spent by processing waiting for this CPU.",
        waiting / 1e9,
        labels,
      );
      out.counter("node_schedstat_timeslices_total", "Number of timeslices executed by CPU.", timeslices, labels);
    }
    return out.families;
  },
};
