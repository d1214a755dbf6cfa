import { type Collector, counter, readTextOrNoData, single } from "../collector.ts";

export const kernelHung: Collector = {
  name: "kernel_hung",
  collect({ paths }) {
    const count = Number(readTextOrNoData(paths.procfs, "sys/kernel/hung_task_detect_count"));
    const help = "Total number of tasks that have been detected as hung since the system booted.";
    return [counter("node_kernel_hung_tasks_total", help, single(count))];
  },
};
