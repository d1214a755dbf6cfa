/** What is asked of each device, call by call; a call that fails costs its own figures only. */
import type { Figures } from "../reading.ts";
import { SUCCESS } from "./codes.ts";
import { type Handle, type Nvml, u32At, u64At } from "./library.ts";

type Query = (nvml: Nvml, device: Handle) => Figures;

/** Functions that write one number, and what it is. */
const NUMBERS: readonly (readonly [keyof Figures, "u32" | "u64", string, ...number[]])[] = [
  ["power", "u32", "nvmlDeviceGetPowerUsage"],
  ["energy", "u64", "nvmlDeviceGetTotalEnergyConsumption"],
  ["fanSpeed", "u32", "nvmlDeviceGetFanSpeed"],
  // The kinds of clocks: 1 streaming multiprocessors, 2 memory.
  ["smClock", "u32", "nvmlDeviceGetClockInfo", 1],
  ["memoryClock", "u32", "nvmlDeviceGetClockInfo", 2],
  ["pcieReplays", "u32", "nvmlDeviceGetPcieReplayCounter"],
];

/** nvmlMemory_t: total u64, free u64, used u64. */
const memory: Query = (nvml, device) => {
  const out = Buffer.alloc(24);
  if (nvml.call("nvmlDeviceGetMemoryInfo", device, out) !== SUCCESS) return {};
  return {
    memoryTotal: u64At(out, 0),
    memoryUsed: u64At(out, 16),
    bufferFree: u64At(out, 8),
    bufferUsed: u64At(out, 16),
  };
};

/**
 * nvmlMemory_v2_t:
 *
 *     0 version u32 (size 40, version 2)   8 total u64   16 reserved u64   24 free u64   32 used u64
 */
const memoryApart: Query = (nvml, device) => {
  const out = Buffer.alloc(40);
  out.writeUInt32LE(40 | (2 << 24), 0);
  if (nvml.call("nvmlDeviceGetMemoryInfo_v2", device, out) !== SUCCESS) return {};
  return { bufferReserved: u64At(out, 16), bufferFree: u64At(out, 24), bufferUsed: u64At(out, 32) };
};

/** nvmlUtilization_t: gpu u32, memory u32. */
const utilization: Query = (nvml, device) => {
  const out = Buffer.alloc(8);
  if (nvml.call("nvmlDeviceGetUtilizationRates", device, out) !== SUCCESS) return {};
  return { gpuUtilization: u32At(out, 0), memoryUtilization: u32At(out, 4) };
};

/** Utilization and sampling period, both u32. */
const codecs: Query = (nvml, device) => {
  const read = (name: string): number | undefined => {
    const value = Buffer.alloc(4);
    return nvml.call(name, device, value, Buffer.alloc(4)) === SUCCESS ? u32At(value, 0) : undefined;
  };
  return {
    encoderUtilization: read("nvmlDeviceGetEncoderUtilization"),
    decoderUtilization: read("nvmlDeviceGetDecoderUtilization"),
  };
};

/** nvmlTemperature_v1_t: version u32 (size 12, version 1), sensor u32 (0: the die), temperature i32. */
const temperature: Query = (nvml, device) => {
  const out = Buffer.alloc(12);
  out.writeUInt32LE(12 | (1 << 24), 0);
  if (nvml.call("nvmlDeviceGetTemperatureV", device, out) === SUCCESS) return { temperature: out.readInt32LE(8) };
  // Libraries before version 13 have the older function only.
  return { temperature: nvml.u32("nvmlDeviceGetTemperature", device, 0) };
};

const MEMORY_TEMPERATURE = 82;

/**
 * nvmlFieldValue_t:
 *
 *     0 field u32   4 scope u32   8 time i64   16 latency i64   24 type i32   28 code i32   32 value, 8 bytes
 */
const memoryTemperature: Query = (nvml, device) => {
  const out = Buffer.alloc(40);
  out.writeUInt32LE(MEMORY_TEMPERATURE, 0);
  if (nvml.call("nvmlDeviceGetFieldValues", device, 1, out) !== SUCCESS || out.readInt32LE(28) !== SUCCESS) return {};
  // Devices without such a sensor tell 0.
  return { memoryTemperature: u32At(out, 32) || undefined };
};

const remappedRows: Query = (nvml, device) => {
  const [correctable, uncorrectable, pending, failure] = Array.from({ length: 4 }, () => Buffer.alloc(4));
  const code = nvml.call("nvmlDeviceGetRemappedRows", device, correctable, uncorrectable, pending, failure);
  if (code !== SUCCESS) return {};
  return {
    correctableRemappedRows: u32At(correctable, 0),
    uncorrectableRemappedRows: u32At(uncorrectable, 0),
    rowRemapFailure: u32At(failure, 0),
  };
};

const QUERIES: readonly Query[] = [
  memory,
  memoryApart,
  utilization,
  codecs,
  temperature,
  memoryTemperature,
  remappedRows,
];

/** Everything a device tells of itself. */
export function readFigures(nvml: Nvml, device: Handle): Figures {
  const figures: Figures = {};
  for (const query of QUERIES) Object.assign(figures, query(nvml, device));
  for (const [name, size, fn, ...args] of NUMBERS) figures[name] = nvml[size](fn, device, ...args);
  return figures;
}

/** A slice of a device tells its memory alone. */
export function readInstanceFigures(nvml: Nvml, instance: Handle): Figures {
  return { ...memory(nvml, instance), ...memoryApart(nvml, instance) };
}
