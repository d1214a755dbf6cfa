/** Alerts about NVIDIA GPUs, from the GPU exporter. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

export function gpu({ job, limit }: Settings): RuleSet {
  const g = job.gpu;
  const which = "GPU {{ $labels.minor_number }} ({{ $labels.name }}) at {{ $labels.instance }}";
  const hot = (severity: "warning" | "critical", celsius: number): Rule =>
    alert("GPUTemperatureHigh", {
      severity,
      for: "5m",
      expr: `nvidia_gpu_temperature_celsius{${g}} > ${celsius}`,
      summary: `A GPU is hotter than ${celsius} °C.`,
      description: `${which} has {{ $value }} °C and will slow down.`,
    });
  return {
    name: "gpu-rules",
    groups: [
      {
        name: "gpu",
        rules: [
          alert("GPUDriverUnavailable", {
            severity: "critical",
            for: "5m",
            expr: `nvidia_gpu_exporter_up{${g}} == 0`,
            summary: "The GPU driver cannot be asked.",
            description: "The GPU exporter at {{ $labels.instance }} gets nothing from NVIDIA's driver.",
          }),
          alert("GPUDeviceLost", {
            severity: "critical",
            for: "5m",
            expr: `nvidia_gpu_device_up{${g}} == 0`,
            summary: "A GPU does not answer.",
            description: `${which} does not answer the driver.`,
          }),
          alert("GPUDevicesMissing", {
            severity: "warning",
            for: "10m",
            expr: `nvidia_gpu_num_devices{${g}} < max_over_time(nvidia_gpu_num_devices{${g}}[1d])`,
            summary: "A machine has fewer GPUs than yesterday.",
            description: "{{ $labels.instance }} has only {{ $value }} GPUs; within the last day it had more.",
          }),
          hot("warning", limit.gpuTemperatureWarning),
          hot("critical", limit.gpuTemperatureCritical),
          alert("GPUMemoryAlmostFull", {
            severity: "warning",
            for: "15m",
            expr: `nvidia_gpu_memory_used_bytes{${g}} / nvidia_gpu_memory_total_bytes{${g}} > ${limit.gpuMemory}`,
            summary: "A GPU is nearly out of memory.",
            description: `${which} has {{ $value | humanizePercentage }} of its memory in use.`,
          }),
          alert("GPUExporterErrors", {
            severity: "warning",
            for: "15m",
            expr: `rate(nvidia_gpu_exporter_read_errors_total{${g}}[5m]) > 0`,
            summary: "The GPU exporter fails to read devices.",
            description:
              "The GPU exporter at {{ $labels.instance }} fails to read some of what its devices should tell.",
          }),
        ],
      },
    ],
  };
}
