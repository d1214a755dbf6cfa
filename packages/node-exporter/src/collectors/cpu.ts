import type { SimpleMetric } from "@pharos/exposition";
import { type Collector, counter, readText } from "../collector.ts";

/** Columns of a `cpuN` line of /proc/stat. */
const MODES = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
/** The kernel counts in units of 1/100 s for user space, whatever its own timer is. */
const USER_HZ = 100;

/**
 * Idle time may jump back a little on some kernels; a counter that falls would look like a reset. Values that fall by less
 * than this are kept, as upstream does.
 */
const JUMP_BACK_SECONDS = 3;

export const cpu: Collector = {
  name: "cpu",
  async collect({ paths }) {
    const modes: SimpleMetric[] = [];
    const guests: SimpleMetric[] = [];
    for (const line of (await readText(paths.procfs, "stat")).split("\n")) {
      const match = /^cpu(\d+)\s+(.*)$/.exec(line);
      if (!match) continue;
      const [, number, rest] = match;
      const ticks = rest.trim().split(/\s+/).map(Number);
      MODES.forEach((mode, i) => {
        if (ticks[i] === undefined) return;
        const seconds = ticks[i] / USER_HZ;
        modes.push({
          labels: ["cpu", number, "mode", mode],
          value: settle(`${paths.procfs} ${number} ${mode}`, seconds),
        });
      });
      ["user", "nice"].forEach((mode, i) => {
        if (ticks[8 + i] !== undefined)
          guests.push({ labels: ["cpu", number, "mode", mode], value: ticks[8 + i] / USER_HZ });
      });
    }
    return [
      counter("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs) for each mode.", guests),
      counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", modes),
    ];
  },
};

const last = new Map<string, number>();

function settle(key: string, seconds: number): number {
  const before = last.get(key) ?? 0;
  const value = seconds < before && before - seconds < JUMP_BACK_SECONDS ? before : seconds;
  last.set(key, value);
  return value;
}
