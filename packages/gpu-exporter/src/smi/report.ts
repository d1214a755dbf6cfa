/** What `nvidia-smi -q -x` reports, as a reading. */
import type { Device, Figures, Reading } from "../reading.ts";
import { ReadError } from "../reading.ts";
import { at, type Element, parseXml } from "./xml.ts";

const LOST = /GPU is lost|GPU requires reset|Unknown Error/i;

/** What a unit is multiplied by to give the unit of the figures. */
const UNITS: Readonly<Record<string, number>> = {
  MiB: 2 ** 20,
  "%": 1,
  C: 1,
  MHz: 1,
  // Figures have milliwatts and bytes a second.
  W: 1000,
  "KB/s": 1000,
  "": 1,
};

/** The number of a text such as `81559 MiB`; undefined for `N/A` and the like. */
function number(element: Element | undefined): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)\s*([A-Za-z%/]*)$/.exec(element?.text ?? "");
  const unit = match ? UNITS[match[2]] : undefined;
  return match && unit !== undefined ? Number(match[1]) * unit : undefined;
}

/** Where a figure stands; of several places, as drivers have moved them, the first that has one counts. */
const PLACES: Readonly<Partial<Record<keyof Figures, readonly string[][]>>> = {
  memoryTotal: [["fb_memory_usage", "total"]],
  bufferFree: [["fb_memory_usage", "free"]],
  bufferUsed: [["fb_memory_usage", "used"]],
  bufferReserved: [["fb_memory_usage", "reserved"]],
  gpuUtilization: [["utilization", "gpu_util"]],
  memoryUtilization: [["utilization", "memory_util"]],
  encoderUtilization: [["utilization", "encoder_util"]],
  decoderUtilization: [["utilization", "decoder_util"]],
  power: [
    ["gpu_power_readings", "instant_power_draw"],
    ["gpu_power_readings", "power_draw"],
    ["power_readings", "power_draw"],
  ],
  temperature: [["temperature", "gpu_temp"]],
  memoryTemperature: [["temperature", "memory_temp"]],
  fanSpeed: [["fan_speed"]],
  smClock: [["clocks", "sm_clock"]],
  memoryClock: [["clocks", "mem_clock"]],
  pcieReplays: [["pci", "replay_counter"]],
  correctableRemappedRows: [["remapped_rows", "remapped_row_corr"]],
  uncorrectableRemappedRows: [["remapped_rows", "remapped_row_unc"]],
};

function figuresOf(gpu: Element): Figures {
  const figures: Figures = {};
  for (const [name, places] of Object.entries(PLACES)) {
    for (const place of places) {
      const value = number(at(gpu, ...place));
      if (value === undefined) continue;
      figures[name as keyof Figures] = value;
      break;
    }
  }
  const { bufferUsed, bufferReserved = 0 } = figures;
  if (bufferUsed !== undefined) figures.memoryUsed = bufferUsed + bufferReserved;
  const failure = at(gpu, "remapped_rows", "remapped_row_failure")?.text;
  if (failure === "Yes" || failure === "No") figures.rowRemapFailure = Number(failure === "Yes");
  return figures;
}

function deviceOf(gpu: Element, index: number): Device | undefined {
  const uuid = at(gpu, "uuid")?.text ?? "";
  const minor = at(gpu, "minor_number")?.text ?? "";
  if (uuid === "" || LOST.test(uuid)) return undefined;
  const lost = LOST.test(at(gpu, "fb_memory_usage", "total")?.text ?? "");
  return {
    index,
    minorNumber: /^\d+$/.test(minor) ? Number(minor) : index,
    uuid,
    name: at(gpu, "product_name")?.text ?? "",
    pciBusId: at(gpu, "pci", "pci_bus_id")?.text ?? "",
    lost,
    figures: lost ? {} : figuresOf(gpu),
    instances: [],
  };
}

/** A ReadError when the text is no such report. */
export function parseReport(text: string): Reading {
  const log = parseXml(text);
  if (log?.name !== "nvidia_smi_log") throw new ReadError("unreadable", "nvidia-smi printed no report");
  const gpus = log.children.filter(({ name }) => name === "gpu");
  const count = number(at(log, "attached_gpus")) ?? gpus.length;
  const devices = gpus.flatMap((gpu, index) => deviceOf(gpu, index) ?? []);
  return {
    source: "nvidia-smi",
    driverVersion: at(log, "driver_version")?.text ?? "",
    libraryVersion: "",
    count,
    devices,
  };
}
