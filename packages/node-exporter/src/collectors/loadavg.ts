import { type Collector, gauge, readText, single } from "../collector.ts";

export const loadavg: Collector = {
  name: "loadavg",
  collect({ paths }) {
    const values = readText(paths.procfs, "loadavg").split(" ").map(Number);
    return [1, 5, 15].map((minutes, i) => gauge(`node_load${minutes}`, `${minutes}m load average.`, single(values[i])));
  },
};
