/** Metrics every Prometheus process has, under client_golang's names, plus Node's own. */
import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Registry } from "./registry.ts";

const startSeconds = Date.now() / 1000 - process.uptime();

function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return Number.NaN;
  }
}

function maxOpenFiles(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return limit ? Number(limit[1]) : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

export function registerProcessMetrics(registry: Registry): void {
  registry.counterFunction("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry.gaugeFunction("process_resident_memory_bytes", "Resident memory size in bytes.", () =>
    process.memoryUsage.rss(),
  );
  registry.gaugeFunction(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
    () => startSeconds,
  );
  registry.gaugeFunction("process_open_fds", "Number of open file descriptors.", openFiles);
  registry.gaugeFunction("process_max_fds", "Maximum number of open file descriptors.", maxOpenFiles);
  registry.gaugeFunction(
    "nodejs_heap_size_used_bytes",
    "JavaScript heap in use in bytes.",
    () => process.memoryUsage().heapUsed,
  );
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  registry.gaugeFunction(
    "nodejs_eventloop_lag_p99_seconds",
    "99th percentile of the event loop delay since the last scrape in seconds.",
    () => {
      const p99 = delay.percentile(99) / 1e9;
      delay.reset();
      return p99;
    },
  );
}
