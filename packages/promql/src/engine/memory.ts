/**
 * How much memory queries may take: each of them, and all together. Bytes are reserved before what needs them is made, and
 * before series are decoded into it; a query that would go over is refused by name and number, the others go on.
 */
import { executionError, type QueryError } from "./error.ts";

/**
 * Where engines of several threads note what their queries hold, so that a limit counts for all of them together: KiB of each,
 * in an Int32Array over a SharedArrayBuffer. An engine writes its own cell only; that of a thread that is gone is to be set to 0.
 */
export interface MemoryCells {
  readonly cells: Int32Array;
  /** The engine's own. */
  readonly index: number;
}

/** What all queries of an engine hold, and of those that share its limit. */
export class SharedMemory {
  readonly limit: number;
  readonly #shared: MemoryCells | undefined;
  #held = 0;

  constructor(limit: number, shared?: MemoryCells) {
    this.limit = limit;
    this.#shared = shared;
  }

  /** Bytes of this engine's queries. */
  get held(): number {
    return this.#held;
  }

  set held(bytes: number) {
    this.#held = bytes;
    if (this.#shared) Atomics.store(this.#shared.cells, this.#shared.index, Math.ceil(bytes / 1024));
  }

  /** Bytes that other engines' queries hold. */
  get elsewhere(): number {
    if (!this.#shared) return 0;
    const { cells, index } = this.#shared;
    let kib = 0;
    for (let i = 0; i < cells.length; i++) if (i !== index) kib += Atomics.load(cells, i);
    return 1024 * kib;
  }
}

/** What a refused query is told: its largest selectors, and what its size comes from. */
export type Narrowing = () => string;

export class QueryMemory {
  readonly #limit: number;
  readonly #shared: SharedMemory;
  readonly #narrowing: Narrowing;
  held = 0;
  peak = 0;

  constructor(limit: number, shared: SharedMemory, narrowing: Narrowing) {
    this.#limit = limit;
    this.#shared = shared;
    this.#narrowing = narrowing;
  }

  /** Throws QueryError, with nothing reserved, when it does not fit. */
  reserve(bytes: number): void {
    const held = this.held + bytes;
    if (held > this.#limit) {
      throw this.#refuse(
        `query would use ${formatBytes(held)} of memory, more than the ${formatBytes(this.#limit)} that one query may use`,
        "or raise the limit of a query",
      );
    }
    const here = this.#shared.held + bytes;
    const all = here + this.#shared.elsewhere;
    if (all > this.#shared.limit) {
      throw this.#refuse(
        `all queries together would use ${formatBytes(all)} of memory, more than the allowed ${formatBytes(this.#shared.limit)}, this one ${formatBytes(held)}`,
        "or repeat the query when fewer others run",
      );
    }
    this.held = held;
    this.#shared.held = here;
    if (held > this.peak) this.peak = held;
  }

  release(bytes: number): void {
    this.held -= bytes;
    this.#shared.held -= bytes;
  }

  #refuse(message: string, otherwise: string): QueryError {
    return executionError(message, `${this.#narrowing()}, ${otherwise}`);
  }
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** As "1.5 GiB". */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
