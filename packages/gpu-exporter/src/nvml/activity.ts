/** Shares of time in which parts of a device work (GPM, from Hopper on): the difference of two samples of counters. */
import type { Figures } from "../reading.ts";
import { SUCCESS } from "./codes.ts";
import type { Handle, Nvml } from "./library.ts";

/** Metrics asked for, by NVML's numbers, and what their value is multiplied by: percent, and MiB a second. */
const METRICS: readonly (readonly [keyof Figures, number, number])[] = [
  ["graphicsActive", 1, 0.01],
  ["tensorActive", 5, 0.01],
  ["dramActive", 10, 0.01],
  ["pcieSent", 20, 2 ** 20],
  ["pcieReceived", 21, 2 ** 20],
];

/** Two samples must lie so far apart, in milliseconds, that the device has refreshed its counters. */
const MIN_APART_MS = 150;
const VERSION = 1;
const HEAD = 24;
const METRIC = 40;

/**
 * nvmlGpmMetricsGet_t, as far as the metrics asked for:
 *
 *     0 version u32   4 count u32   8 first sample   16 second sample   24 metrics, each:
 *         0 metric u32   4 code i32   8 value f64   16 three pointers to names
 */
function difference(nvml: Nvml, first: Handle, second: Handle): Figures {
  const out = Buffer.alloc(HEAD + METRIC * METRICS.length);
  out.writeUInt32LE(VERSION, 0);
  out.writeUInt32LE(METRICS.length, 4);
  out.writeBigUInt64LE(first, 8);
  out.writeBigUInt64LE(second, 16);
  for (const [i, [, id]] of METRICS.entries()) out.writeUInt32LE(id, HEAD + METRIC * i);
  if (nvml.call("nvmlGpmMetricsGet", out) !== SUCCESS) return {};
  const figures: Figures = {};
  for (const [i, [name, , scale]] of METRICS.entries()) {
    const at = HEAD + METRIC * i;
    const value = out.readDoubleLE(at + 8);
    if (out.readInt32LE(at + 4) === SUCCESS && Number.isFinite(value)) figures[name] = value * scale;
  }
  return figures;
}

/** Remembers the last sample of a device. */
export class Activity {
  readonly #nvml: Nvml;
  readonly #device: Handle;
  readonly #samples: readonly Handle[];
  /** Which of the samples is the last one; none yet: -1. */
  #last = -1;
  #at = 0;
  #figures: Figures = {};

  constructor(nvml: Nvml, device: Handle) {
    this.#nvml = nvml;
    this.#device = device;
    this.#samples = this.#allocate();
  }

  #allocate(): Handle[] {
    const support = Buffer.alloc(8);
    support.writeUInt32LE(VERSION, 0);
    const code = this.#nvml.call("nvmlGpmQueryDeviceSupport", this.#device, support);
    if (code !== SUCCESS || support.readUInt32LE(4) === 0) return [];
    const samples: Handle[] = [];
    for (let i = 0; i < 2; i++) {
      const made = this.#nvml.handle("nvmlGpmSampleAlloc");
      if (!("handle" in made)) return [];
      samples.push(made.handle);
    }
    return samples;
  }

  /** What was done since the last time; nothing the first time, and where the device cannot tell. */
  read(now: number): Figures {
    if (this.#samples.length < 2) return {};
    if (this.#last >= 0 && now - this.#at < MIN_APART_MS) return this.#figures;
    const next = this.#last === 0 ? 1 : 0;
    if (this.#nvml.call("nvmlGpmSampleGet", this.#device, this.#samples[next]) !== SUCCESS) {
      this.#last = -1;
      return {};
    }
    this.#figures = this.#last < 0 ? {} : difference(this.#nvml, this.#samples[this.#last], this.#samples[next]);
    this.#last = next;
    this.#at = now;
    return this.#figures;
  }
}
