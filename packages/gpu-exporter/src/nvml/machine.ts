/** All devices of the machine, remembered from one reading to the next. */
import type { Device, Instance, Reading } from "../reading.ts";
import { ReadError } from "../reading.ts";
import { Activity } from "./activity.ts";
import { codeName, GPU_IS_LOST, SUCCESS } from "./codes.ts";
import { readFigures, readInstanceFigures } from "./figures.ts";
import { type Handle, Nvml, textAt } from "./library.ts";

const UUID_SIZE = 96;
const NAME_SIZE = 96;
const VERSION_SIZE = 80;
/** nvmlPciInfo_t: legacy name 16 bytes, five u32, bus id 32 bytes. */
const PCI_SIZE = 68;
const PCI_BUS_ID = 36;
/** No machine has more; a library that says so is not believed. */
const MAX_DEVICES = 256;
const MAX_INSTANCES = 16;
const XID_EVENT = 8n;
/** Events taken at a reading at most, so that a storm of them does not hold it up. */
const MAX_EVENTS = 100;
/** Start with devices that are lost, too, rather than not at all. */
const INIT_NO_GPUS = 1;

type Identity = Pick<Device, "index" | "minorNumber" | "uuid" | "name" | "pciBusId">;

interface Known extends Identity {
  handle: Handle;
  activity: Activity;
}

export class Machine implements Disposable {
  readonly #nvml: Nvml;
  readonly #known = new Map<number, Known>();
  readonly #lastXid = new Map<Handle, number>();
  #events: Handle | undefined;

  /** A ReadError when there is no library or no driver. */
  constructor(library: string) {
    try {
      this.#nvml = new Nvml(library);
    } catch (error) {
      throw new ReadError("library_missing", (error as Error).message);
    }
    let code = this.#nvml.call("nvmlInitWithFlags", INIT_NO_GPUS);
    if (code !== SUCCESS) code = this.#nvml.call("nvmlInit_v2");
    if (code !== SUCCESS) {
      const message = this.#nvml.describe(code);
      this.#nvml[Symbol.dispose]();
      throw new ReadError(codeName(code), `nvmlInit: ${message}`);
    }
    const set = this.#nvml.handle("nvmlEventSetCreate");
    if ("handle" in set) this.#events = set.handle;
  }

  #identify(index: number): Identity & { handle: Handle } {
    const nvml = this.#nvml;
    const found = nvml.handle("nvmlDeviceGetHandleByIndex_v2", index);
    if ("code" in found) throw new ReadError(codeName(found.code), nvml.describe(found.code));
    const { handle } = found;
    const minorNumber = nvml.u32("nvmlDeviceGetMinorNumber", handle);
    const uuid = nvml.text("nvmlDeviceGetUUID", UUID_SIZE, handle);
    const name = nvml.text("nvmlDeviceGetName", NAME_SIZE, handle);
    if (minorNumber === undefined || uuid === undefined || name === undefined) {
      throw new ReadError("unidentified", `device ${index} does not say what it is`);
    }
    const pci = Buffer.alloc(PCI_SIZE);
    const hasPci = nvml.call("nvmlDeviceGetPciInfo_v3", handle, pci) === SUCCESS;
    const pciBusId = hasPci ? textAt(pci, PCI_BUS_ID, PCI_SIZE - PCI_BUS_ID) : "";
    return { index, handle, minorNumber, uuid, name, pciBusId };
  }

  /** The device as it was when it last said who it is. */
  #lost({ index, minorNumber, uuid, name, pciBusId }: Identity): Device {
    return { index, minorNumber, uuid, name, pciBusId, lost: true, figures: {}, instances: [] };
  }

  #device(index: number): Device | undefined {
    const before = this.#known.get(index);
    let identity: Identity & { handle: Handle };
    try {
      identity = this.#identify(index);
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      // One that never said who it is has no series, as in upstream's exporter.
      return before && this.#lost(before);
    }
    const { handle, ...labels } = identity;
    let known = before;
    if (!known || known.uuid !== identity.uuid || known.handle !== handle) {
      known = { ...identity, activity: new Activity(this.#nvml, handle) };
      this.#known.set(index, known);
      if (this.#events !== undefined) this.#nvml.call("nvmlDeviceRegisterEvents", handle, XID_EVENT, this.#events);
    }
    const probe = this.#nvml.call("nvmlDeviceGetMemoryInfo", handle, Buffer.alloc(24));
    if (probe === GPU_IS_LOST) return this.#lost(known);
    const figures = { ...readFigures(this.#nvml, handle), ...known.activity.read(performance.now()) };
    if (this.#events !== undefined) figures.xid = this.#lastXid.get(handle) ?? 0;
    return { ...labels, lost: false, figures, instances: this.#instances(handle) };
  }

  #instances(device: Handle): Instance[] {
    const nvml = this.#nvml;
    const current = Buffer.alloc(4);
    if (nvml.call("nvmlDeviceGetMigMode", device, current, Buffer.alloc(4)) !== SUCCESS) return [];
    if (current.readUInt32LE() !== 1) return [];
    const count = Math.min(nvml.u32("nvmlDeviceGetMaxMigDeviceCount", device) ?? 0, MAX_INSTANCES);
    const instances: Instance[] = [];
    for (let i = 0; i < count; i++) {
      const found = nvml.handle("nvmlDeviceGetMigDeviceHandleByIndex", device, i);
      if (!("handle" in found)) continue;
      const uuid = nvml.text("nvmlDeviceGetUUID", UUID_SIZE, found.handle);
      const gpuInstance = nvml.u32("nvmlDeviceGetGpuInstanceId", found.handle);
      const name = nvml.text("nvmlDeviceGetName", NAME_SIZE, found.handle) ?? "";
      if (uuid === undefined || gpuInstance === undefined) continue;
      const profile = /\bMIG (\S+)/.exec(name)?.[1] ?? "";
      instances.push({ uuid, gpuInstance, profile, figures: readInstanceFigures(nvml, found.handle) });
    }
    return instances;
  }

  /**
   * Takes the events that happened since the last time, without waiting.
   *
   * nvmlEventData_t: 0 device   8 type u64   16 data u64   24 two u32
   */
  #takeEvents(): void {
    if (this.#events === undefined) return;
    const out = Buffer.alloc(32);
    for (let i = 0; i < MAX_EVENTS; i++) {
      if (this.#nvml.call("nvmlEventSetWait_v2", this.#events, out, 0) !== SUCCESS) return;
      if (out.readBigUInt64LE(8) === XID_EVENT)
        this.#lastXid.set(out.readBigUInt64LE(0), Number(out.readBigUInt64LE(16)));
    }
  }

  /** Looks at all devices. A ReadError when they cannot even be counted. */
  read(): Reading {
    const nvml = this.#nvml;
    const out = Buffer.alloc(4);
    const code = nvml.call("nvmlDeviceGetCount_v2", out);
    if (code !== SUCCESS) throw new ReadError(codeName(code), `nvmlDeviceGetCount: ${nvml.describe(code)}`);
    const count = Math.min(out.readUInt32LE(), MAX_DEVICES);
    this.#takeEvents();
    const devices: Device[] = [];
    // What was there before and is not counted any more is lost as well.
    const last = Math.max(count, ...[...this.#known.keys()].map((index) => index + 1));
    for (let index = 0; index < last; index++) {
      const known = this.#known.get(index);
      const device = index < count ? this.#device(index) : known && this.#lost(known);
      if (device && !devices.some(({ uuid }) => uuid === device.uuid)) devices.push(device);
    }
    return {
      source: "nvml",
      driverVersion: nvml.text("nvmlSystemGetDriverVersion", VERSION_SIZE) ?? "",
      libraryVersion: nvml.text("nvmlSystemGetNVMLVersion", VERSION_SIZE) ?? "",
      count,
      devices,
    };
  }

  [Symbol.dispose](): void {
    this.#nvml.call("nvmlShutdown");
    this.#nvml[Symbol.dispose]();
  }
}
