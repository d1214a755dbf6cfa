import { type Collector, FamilySet, readText } from "../collector.ts";

/** Columns of /proc/net/softnet_stat, all hexadecimal: their place, and what they count. */
const COLUMNS: readonly (readonly [column: number, kind: "counter" | "gauge", name: string, help: string])[] = [
  [0, "counter", "processed_total", "Number of processed packets"],
  [1, "counter", "dropped_total", "Number of dropped packets"],
  [2, "counter", "times_squeezed_total", "Number of times processing packets ran out of quota"],
  [8, "counter", "cpu_collision_total", "Number of collision occur while obtaining device lock while transmitting"],
  [9, "counter", "received_rps_total", "Number of times cpu woken up received_rps"],
  [10, "counter", "flow_limit_count_total", "Number of times flow limit has been reached"],
  [11, "gauge", "backlog_len", "Softnet backlog status"],
];
/** Since Linux 5.14 the line says which processor it is of; lines of offline ones are missing. */
const CPU_COLUMN = 12;

export const softnet: Collector = {
  name: "softnet",
  collect({ paths }) {
    const lines = readText(paths.procfs, "net/softnet_stat")
      .split("\n")
      .filter((line) => line.trim() !== "");
    const out = new FamilySet();
    for (const [i, line] of lines.entries()) {
      const values = line
        .trim()
        .split(/\s+/)
        .map((text) => Number.parseInt(text, 16));
      const cpu = String(values[CPU_COLUMN] ?? i);
      for (const [column, kind, name, help] of COLUMNS)
        out.add(kind, `node_softnet_${name}`, help, values[column] ?? 0, ["cpu", cpu]);
    }
    return out.families;
  },
};
