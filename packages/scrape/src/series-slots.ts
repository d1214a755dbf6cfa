/** What is known of each series of one target, in columns: a slot costs 13 bytes and no object. */

/** The series was dropped by metric relabelling. */
export const DROPPED = 1;
/** The series is part of the last good scrape and gets a staleness marker when it is gone. */
export const TRACKED = 2;
/** The same of the scrape that is being read. */
export const PENDING = 4;
const USED = 8;

export class SeriesSlots {
  /** Handle of the series in storage, 0 while there is none. */
  refs = new Float64Array(64);
  /** Number of the scrape the series was last seen in. */
  seen = new Uint32Array(64);
  flags = new Uint8Array(64);
  /** Slots below it have been used. */
  end = 0;
  readonly #free: number[] = [];

  make(): number {
    const slot = this.#free.pop() ?? this.end++;
    if (slot >= this.refs.length) this.#grow();
    this.refs[slot] = 0;
    this.seen[slot] = 0;
    this.flags[slot] = USED;
    return slot;
  }

  free(slot: number): void {
    this.flags[slot] = 0;
    this.refs[slot] = 0;
    this.#free.push(slot);
  }

  isUsed(slot: number): boolean {
    return (this.flags[slot] & USED) !== 0;
  }

  /** Ends a scrape: a good one decides what is tracked from now on, a refused one changes nothing. */
  settle(good: boolean): void {
    const { flags, end } = this;
    for (let slot = 0; slot < end; slot++) {
      const before = flags[slot];
      const rest = before & ~(PENDING | TRACKED);
      if (!good) flags[slot] = before & ~PENDING;
      else flags[slot] = (before & PENDING) !== 0 ? rest | TRACKED : rest;
    }
  }

  #grow(): void {
    const size = this.refs.length * 2;
    const { refs, seen, flags } = this;
    this.refs = new Float64Array(size);
    this.refs.set(refs);
    this.seen = new Uint32Array(size);
    this.seen.set(seen);
    this.flags = new Uint8Array(size);
    this.flags.set(flags);
  }
}
