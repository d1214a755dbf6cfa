/** The newest exemplars over all series, in a circle of fixed size. */
import type { Exemplar } from "@pharos/model";

interface Slot {
  series: number;
  exemplar: Exemplar;
}

export class ExemplarRing {
  readonly #slots: Slot[] = [];
  readonly capacity: number;
  /** Time of the newest one of each series. */
  readonly #last = new Map<number, number>();
  #next = 0;
  appended = 0;
  outOfOrder = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get count(): number {
    return this.#slots.length;
  }

  get seriesCount(): number {
    return this.#last.size;
  }

  /** Unix ms of the one that goes next, 0 without one. */
  get oldestTime(): number {
    return (this.#slots[this.#next % Math.max(1, this.#slots.length)]?.exemplar.timestamp ?? 0) || 0;
  }

  /** `series`: its number. */
  add(series: number, { labels, value, timestamp = 0 }: Exemplar): void {
    if (this.capacity === 0) return;
    // A target shows the same exemplar until it has a newer one.
    const last = this.#last.get(series) ?? Number.NEGATIVE_INFINITY;
    if (timestamp <= last) {
      if (timestamp < last) this.outOfOrder++;
      return;
    }
    this.#last.set(series, timestamp);
    this.#slots[this.#next] = { series, exemplar: { labels, value, timestamp } };
    this.#next = (this.#next + 1) % this.capacity;
    this.appended++;
  }

  /** All of them with the numbers of their series, oldest first. */
  *all(): Generator<{ series: number; exemplar: Exemplar }> {
    const start = this.#slots.length < this.capacity ? 0 : this.#next;
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[(start + i) % this.#slots.length];
      if (slot.series >= 0) yield slot;
    }
  }

  /** Exemplars of the given series in a range, by series, oldest first. */
  select(chosen: ReadonlySet<number>, start: number, end: number): Map<number, Exemplar[]> {
    const out = new Map<number, Exemplar[]>();
    for (const { series, exemplar } of this.#slots) {
      const time = exemplar.timestamp ?? 0;
      if (!chosen.has(series) || time < start || time > end) continue;
      const list = out.get(series);
      if (list) list.push(exemplar);
      else out.set(series, [exemplar]);
    }
    for (const list of out.values()) list.sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
    return out;
  }

  /** Series that are gone; their numbers may come to mean others. */
  forget(gone: ReadonlySet<number>): void {
    for (const series of gone) this.#last.delete(series);
    for (const slot of this.#slots) if (gone.has(slot.series)) slot.series = -1;
  }
}
