import type { FlagSpecs } from "@pharos/kit";

export const gpuExporterFlags = {
  "web.listen-address": {
    type: "string",
    default: ":9445",
    help: "Address to listen on for web interface and telemetry.",
  },
  "web.config.file": { type: "string", default: "", help: "Web configuration file: TLS and users." },
  "web.disable-exporter-metrics": {
    type: "boolean",
    default: "false",
    help: "Exclude metrics about the exporter itself (process_*, nodejs_*).",
  },
  source: {
    type: "string",
    default: "auto",
    choices: ["auto", "nvml", "nvidia-smi"],
    help: "How the GPUs are read: auto takes NVIDIA's library and, where there is none, the program nvidia-smi.",
  },
  "nvml.library": { type: "string", default: "", help: "NVIDIA's library; absent: where it usually lies." },
  "nvidia-smi.command": { type: "string", default: "nvidia-smi", help: "The program nvidia-smi." },
  "read.timeout": {
    type: "duration",
    default: "5s",
    help: "A reading that takes longer is given up; the process that hangs in the driver is ended and started anew.",
  },
  "metrics.nvidia-gpu": { type: "boolean", default: "true", help: "Metrics under the names nvidia_gpu_*." },
  "metrics.dcgm": {
    type: "boolean",
    default: "false",
    help: "The default metrics of dcgm-exporter under its names, DCGM_FI_*.",
  },
  kubernetes: {
    type: "boolean",
    default: "false",
    help: "Say which pod and container has a device, as labels.",
  },
  "kubernetes.resource": {
    type: "string",
    multiple: true,
    help: "Further resource names under which GPUs are handed out, besides nvidia.com/gpu and nvidia.com/mig-*.",
  },
  "pod-resources-kubelet-socket": {
    type: "string",
    default: "/var/lib/kubelet/pod-resources/kubelet.sock",
    help: "The kubelet's socket that tells which container has which device.",
  },
} as const satisfies FlagSpecs;
