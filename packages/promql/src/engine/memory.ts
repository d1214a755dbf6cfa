/**
 * How much memory queries may take: each of them, and all together. Bytes are reserved before what needs them is made, and
 * before series are decoded into it; a query that would go over is refused by name and number, the others go on.
 */
import { executionError, type QueryError } from "./error.ts";

/** What all queries of an engine hold. */
export class SharedMemory {
  readonly limit: number;
  held = 0;

  constructor(limit: number) {
    this.limit = limit;
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
    const all = this.#shared.held + bytes;
    if (all > this.#shared.limit) {
      throw this.#refuse(
        `all queries together would use ${formatBytes(all)} of memory, more than the allowed ${formatBytes(this.#shared.limit)}, this one ${formatBytes(held)}`,
        "or repeat the query when fewer others run",
      );
    }
    this.held = held;
    this.#shared.held = all;
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
