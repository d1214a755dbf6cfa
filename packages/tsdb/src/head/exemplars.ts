/** The newest exemplars over all series, in a circle of fixed size. */
import type { Exemplar } from "@pharos/model";

interface Slot {
  ref: number;
  exemplar: Exemplar;
}

export class ExemplarRing {
  readonly #slots: Slot[] = [];
  readonly #capacity: number;
  readonly #last = new Map<number, number>();
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(ref: number, { labels, value, timestamp = 0 }: Exemplar): void {
    // A target shows the same exemplar until it has a newer one.
    if (this.#capacity === 0 || timestamp <= (this.#last.get(ref) ?? Number.NEGATIVE_INFINITY)) return;
    this.#last.set(ref, timestamp);
    this.#slots[this.#next] = { ref, exemplar: { labels, value, timestamp } };
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Exemplars of the given series in a range, by series, oldest first. */
  select(refs: ReadonlySet<number>, start: number, end: number): Map<number, Exemplar[]> {
    const out = new Map<number, Exemplar[]>();
    for (const { ref, exemplar } of this.#slots) {
      const time = exemplar.timestamp ?? 0;
      if (!refs.has(ref) || time < start || time > end) continue;
      const list = out.get(ref);
      if (list) list.push(exemplar);
      else out.set(ref, [exemplar]);
    }
    for (const list of out.values()) list.sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
    return out;
  }

  forget(ref: number): void {
    this.#last.delete(ref);
  }
}
