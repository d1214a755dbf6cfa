/** Cells of numbers for groups × steps, in few large arrays: queries have thousands of groups, often of a single step. */

/** Cells that one slab holds at most, unless a single group needs more. */
const SLAB_CELLS = 1 << 16;

/** Columns of one cell a step for each of a run of groups. What they mean is the accumulator's business. */
export class Slab {
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly count: Float64Array;
  /** Kinds of samples seen: bit FLOAT, bit HISTOGRAM. */
  readonly seen: Uint8Array;

  constructor(cells: number) {
    this.first = new Float64Array(cells);
    this.second = new Float64Array(cells);
    this.count = new Float64Array(cells);
    this.seen = new Uint8Array(cells);
  }

  static readonly BYTES_PER_CELL = 25;
}

/** Slabs by group, each made when the first of its groups is met. */
export class Slabs {
  readonly #steps: number;
  readonly #groups: number;
  readonly #groupsPerSlab: number;
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #reserve: (bytes: number) => void;

  /** `reserve` is told how many bytes are about to be taken. */
  constructor(steps: number, groups: number, reserve: (bytes: number) => void) {
    this.#steps = steps;
    this.#groups = groups;
    this.#groupsPerSlab = Math.max(1, Math.min(groups, Math.floor(SLAB_CELLS / Math.max(1, steps))));
    this.#reserve = reserve;
  }

  of(group: number): Slab {
    const index = Math.floor(group / this.#groupsPerSlab);
    let slab = this.#slabs[index];
    if (!slab) {
      const groups = Math.min(this.#groupsPerSlab, this.#groups - index * this.#groupsPerSlab);
      const cells = groups * this.#steps;
      this.#reserve(cells * Slab.BYTES_PER_CELL);
      this.#slabs[index] = slab = new Slab(cells);
    }
    return slab;
  }

  /** The group's first cell in its slab. */
  baseOf(group: number): number {
    return (group % this.#groupsPerSlab) * this.#steps;
  }
}
