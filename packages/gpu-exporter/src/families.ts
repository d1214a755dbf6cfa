/** The metrics a reading gives, under the names of two exporters. */
import type { LabelRun, MetricFamily, SimpleMetric } from "@pharos/exposition";
import type { PodOf } from "./pods/owners.ts";
import type { Device, Figures, Instance, Reading } from "./reading.ts";

interface Spec {
  name: string;
  help: string;
  type?: "counter" | "gauge";
  figure: keyof Figures;
  /** Of the figure; default: as it is. */
  value?: (figure: number) => number;
}

/** Of nvidia_gpu_prometheus_exporter. */
const NVIDIA_GPU: readonly Spec[] = [
  { name: "memory_used_bytes", help: "Memory used by the GPU device in bytes", figure: "memoryUsed" },
  { name: "memory_total_bytes", help: "Total memory of the GPU device in bytes", figure: "memoryTotal" },
  {
    name: "duty_cycle",
    help: "Percent of time over the past sample period during which one or more kernels were executing on the GPU device",
    figure: "gpuUtilization",
  },
  { name: "power_usage_milliwatts", help: "Power usage of the GPU device in milliwatts", figure: "power" },
  { name: "temperature_celsius", help: "Temperature of the GPU device in celsius", figure: "temperature" },
  { name: "fanspeed_percent", help: "Fanspeed of the GPU device as a percent of its maximum", figure: "fanSpeed" },
];

const mebibytes = (bytes: number): number => Math.floor(bytes / 2 ** 20);
const watts = (milliwatts: number): number => milliwatts / 1000;

/** The default fields of dcgm-exporter that the driver's library tells. */
const DCGM: readonly Spec[] = [
  { name: "DEV_SM_CLOCK", help: "SM clock frequency (in MHz).", figure: "smClock" },
  { name: "DEV_MEM_CLOCK", help: "Memory clock frequency (in MHz).", figure: "memoryClock" },
  { name: "DEV_MEMORY_TEMP", help: "Memory temperature (in C).", figure: "memoryTemperature" },
  { name: "DEV_GPU_TEMP", help: "GPU temperature (in C).", figure: "temperature" },
  { name: "DEV_POWER_USAGE", help: "Power draw (in W).", figure: "power", value: watts },
  {
    name: "DEV_TOTAL_ENERGY_CONSUMPTION",
    help: "Total energy consumption since boot (in mJ).",
    type: "counter",
    figure: "energy",
  },
  { name: "DEV_PCIE_REPLAY_COUNTER", help: "Total number of PCIe retries.", type: "counter", figure: "pcieReplays" },
  { name: "DEV_GPU_UTIL", help: "GPU utilization (in %).", figure: "gpuUtilization" },
  { name: "DEV_MEM_COPY_UTIL", help: "Memory utilization (in %).", figure: "memoryUtilization" },
  { name: "DEV_ENC_UTIL", help: "Encoder utilization (in %).", figure: "encoderUtilization" },
  { name: "DEV_DEC_UTIL", help: "Decoder utilization (in %).", figure: "decoderUtilization" },
  { name: "DEV_XID_ERRORS", help: "Value of the last XID error encountered.", figure: "xid" },
  { name: "DEV_FB_FREE", help: "Framebuffer memory free (in MiB).", figure: "bufferFree", value: mebibytes },
  { name: "DEV_FB_USED", help: "Framebuffer memory used (in MiB).", figure: "bufferUsed", value: mebibytes },
  {
    name: "DEV_FB_RESERVED",
    help: "Framebuffer memory reserved (in MiB).",
    figure: "bufferReserved",
    value: mebibytes,
  },
  {
    name: "DEV_UNCORRECTABLE_REMAPPED_ROWS",
    help: "Number of remapped rows for uncorrectable errors",
    type: "counter",
    figure: "uncorrectableRemappedRows",
  },
  {
    name: "DEV_CORRECTABLE_REMAPPED_ROWS",
    help: "Number of remapped rows for correctable errors",
    type: "counter",
    figure: "correctableRemappedRows",
  },
  { name: "DEV_ROW_REMAP_FAILURE", help: "Whether remapping of rows has failed", figure: "rowRemapFailure" },
  { name: "PROF_GR_ENGINE_ACTIVE", help: "Ratio of time the graphics engine is active.", figure: "graphicsActive" },
  {
    name: "PROF_PIPE_TENSOR_ACTIVE",
    help: "Ratio of cycles the tensor (HMMA) pipe is active.",
    figure: "tensorActive",
  },
  {
    name: "PROF_DRAM_ACTIVE",
    help: "Ratio of cycles the device memory interface is active sending or receiving data.",
    figure: "dramActive",
  },
  {
    name: "PROF_PCIE_TX_BYTES",
    help: "The rate of data transmitted over the PCIe bus - including both protocol headers and data payloads - in bytes per second.",
    figure: "pcieSent",
  },
  {
    name: "PROF_PCIE_RX_BYTES",
    help: "The rate of data received over the PCIe bus - including both protocol headers and data payloads - in bytes per second.",
    figure: "pcieReceived",
  },
];

interface Row {
  labels: LabelRun;
  figures: Figures;
}

function families(prefix: string, specs: readonly Spec[], rows: readonly Row[]): MetricFamily[] {
  return specs.map(
    ({ name, help, type = "gauge", figure, value = (given) => given }): MetricFamily => ({
      name: prefix + name,
      help,
      type,
      metrics: rows.flatMap(({ labels, figures }): SimpleMetric[] => {
        const found = figures[figure];
        return found === undefined ? [] : [{ labels, value: value(found) }];
      }),
    }),
  );
}

function podLabels(podOf: PodOf | undefined, device: Device, instance?: Instance): string[] {
  const pod = podOf?.(device, instance);
  return pod ? ["container", pod.container, "namespace", pod.namespace, "pod", pod.pod] : [];
}

const identity = ({ minorNumber, uuid, name }: Device): string[] => [
  "minor_number",
  String(minorNumber),
  "uuid",
  uuid,
  "name",
  name,
];

/** `podOf` absent: nothing about pods is to be told. */
export function nvidiaGpuFamilies({ devices, count }: Reading, podOf?: PodOf): MetricFamily[] {
  const rows = devices.map((device) => ({
    labels: [...identity(device), ...podLabels(podOf, device)],
    figures: device.figures,
  }));
  return [
    {
      name: "nvidia_gpu_num_devices",
      help: "Number of GPU devices",
      type: "gauge",
      metrics: [{ labels: [], value: count }],
    },
    ...families("nvidia_gpu_", NVIDIA_GPU, rows),
    {
      name: "nvidia_gpu_device_up",
      help: "Whether the GPU device answers (0: it is lost)",
      type: "gauge",
      metrics: devices.map((device) => ({ labels: identity(device), value: Number(!device.lost) })),
    },
  ];
}

export function dcgmFamilies({ devices, driverVersion }: Reading, hostname: string, podOf?: PodOf): MetricFamily[] {
  const rows = devices.flatMap((device): Row[] => {
    const { index, uuid, pciBusId, minorNumber, name, figures, instances } = device;
    const row = (shown: Figures, instance?: Instance): Row => ({
      labels: [
        "gpu",
        String(index),
        "UUID",
        uuid,
        "pci_bus_id",
        pciBusId,
        "device",
        `nvidia${minorNumber}`,
        "modelName",
        name,
        ...(instance ? ["GPU_I_PROFILE", instance.profile, "GPU_I_ID", String(instance.gpuInstance)] : []),
        "hostname",
        hostname,
        "DCGM_FI_DRIVER_VERSION",
        driverVersion,
        ...podLabels(podOf, device, instance),
      ],
      figures: shown,
    });
    return [row(figures), ...instances.map((instance) => row(instance.figures, instance))];
  });
  return families("DCGM_FI_", DCGM, rows);
}
