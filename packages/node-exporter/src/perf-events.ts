/**
 * Counters of the kernel's perf subsystem, over all processes of a processor.
 *
 *   struct perf_event_attr  u32 type · u32 size · u64 config · u64 period · u64 sample type · u64 read format · u64 flags · …
 *   what is read            u64 value · u64 time it was enabled · u64 time it counted
 *
 * A processor has fewer counters than there are events: they take turns, and the value is stretched by the times.
 */
import { lastError, libc } from "./libc.ts";
import { readSync } from "./system.ts";

/** Numbers of the system call, which the C library has no function for. */
const PERF_EVENT_OPEN: Readonly<Record<string, bigint>> = { x64: 298n, arm64: 241n };
const ATTRIBUTES_BYTES = 112;
const FORMAT_TIMES = 3n;
const EXCLUDE_HYPERVISOR = 1n << 6n;
const ALL_PROCESSES = -1n;
const NO_GROUP = -1n;
const CLOSE_ON_EXEC = 8n;
const READ_BYTES = 24;

export interface PerfEvent {
  type: number;
  config: bigint;
}

export const HARDWARE = 0;
export const SOFTWARE = 1;
export const TRACEPOINT = 2;
export const CACHE = 3;

/** A counter that counts from the time it is opened. */
export class PerfCounter implements Disposable {
  readonly #descriptor: number;
  readonly #buffer = Buffer.alloc(READ_BYTES);

  /** Throws the system's error: ENOENT where the processor has not the event, EACCES where it is not allowed. */
  constructor({ type, config }: PerfEvent, cpu: number) {
    const number = PERF_EVENT_OPEN[process.arch];
    if (number === undefined) throw new Error(`perf events are not known for ${process.arch}`);
    const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
    attributes.writeUInt32LE(type, 0);
    attributes.writeUInt32LE(ATTRIBUTES_BYTES, 4);
    attributes.writeBigUInt64LE(config, 8);
    attributes.writeBigUInt64LE(FORMAT_TIMES, 32);
    attributes.writeBigUInt64LE(EXCLUDE_HYPERVISOR, 40);
    const opened = libc().syscall(number, attributes, ALL_PROCESSES, BigInt(cpu), NO_GROUP, CLOSE_ON_EXEC);
    if (opened < 0n) throw lastError("perf_event_open");
    this.#descriptor = Number(opened);
  }

  read(): number {
    if (readSync(this.#descriptor, this.#buffer, 0, READ_BYTES, null) !== READ_BYTES)
      throw new Error("perf: short read");
    const [value, enabled, counted] = [0, 8, 16].map((at) => Number(this.#buffer.readBigUInt64LE(at)));
    return counted > 0 && counted < enabled ? Math.round(value * (enabled / counted)) : value;
  }

  [Symbol.dispose](): void {
    libc().close(this.#descriptor);
  }
}
