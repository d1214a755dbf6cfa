/** NVIDIA GPUs, by the GPU exporter. */
import { dashboard, FILLING, gauge, lines, query, stat, table } from "./dsl.ts";
import type { Scope } from "./scope.ts";

export function gpu({ job, limit }: Scope) {
  const g = (metric: string): string => `nvidia_gpu_${metric}{${job.gpu},instance=~"$instance"}`;
  const device = "{{instance}} {{minor_number}}";
  const memory = `${g("memory_used_bytes")} / ${g("memory_total_bytes")}`;
  const key = "instance, minor_number, name";
  return dashboard({
    name: "gpu",
    title: "GPU",
    description: "Use, memory, temperature and power of NVIDIA GPUs.",
    tags: ["gpu", "node"],
    variables: [
      {
        name: "instance",
        label: "Instance",
        query: `label_values(nvidia_gpu_exporter_up{${job.gpu}}, instance)`,
        many: true,
      },
    ],
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Devices", "none", `sum(${g("num_devices")})`),
          stat("Devices lost", "none", `count(${g("device_up")} == 0) or vector(0)`, {
            steps: [
              [null, "green"],
              [1, "red"],
            ],
          }),
          gauge("Busy", `avg(${g("duty_cycle")}) / 100`),
          gauge("Memory", `sum(${g("memory_used_bytes")}) / sum(${g("memory_total_bytes")})`),
          stat("Hottest", "celsius", `max(${g("temperature_celsius")})`, {
            spark: true,
            steps: [
              [null, "green"],
              [limit.gpuTemperatureWarning, "orange"],
              [limit.gpuTemperatureCritical, "red"],
            ],
          }),
          stat("Power", "watt", `sum(${g("power_usage_milliwatts")}) / 1000`, { spark: true }),
        ],
      },
      {
        title: "Devices",
        panels: [
          table(
            "Devices",
            [
              { label: "instance", name: "Instance" },
              { label: "minor_number", name: "Device" },
              { label: "name", name: "Model" },
            ],
            [
              { name: "Busy", share: true, expr: `max by (${key}) (${g("duty_cycle")}) / 100` },
              { name: "Memory used", unit: "bytes", expr: `max by (${key}) (${g("memory_used_bytes")})` },
              { name: "Memory", share: true, expr: `max by (${key}) (${memory})` },
              { name: "Temperature", unit: "celsius", expr: `max by (${key}) (${g("temperature_celsius")})` },
              { name: "Power", unit: "watt", expr: `max by (${key}) (${g("power_usage_milliwatts")}) / 1000` },
            ],
            { sort: "Busy" },
          ),
        ],
      },
      {
        title: "Over time",
        panels: [
          lines("Busy", "percent", [query(g("duty_cycle"), device)], { max: 100 }),
          lines("Memory", "percentunit", [query(memory, device)], { max: 1, steps: FILLING }),
          lines("Temperature", "celsius", [query(g("temperature_celsius"), device)], {
            steps: [
              [null, "green"],
              [limit.gpuTemperatureWarning, "orange"],
              [limit.gpuTemperatureCritical, "red"],
            ],
          }),
          lines("Power", "watt", [query(`${g("power_usage_milliwatts")} / 1000`, device)], { stack: true }),
          lines("Fans", "percent", [query(g("fanspeed_percent"), device)], {
            w: 24,
            max: 100,
            description: "Devices that are cooled from outside have none.",
          }),
        ],
      },
    ],
  });
}
