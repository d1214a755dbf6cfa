/** Which series have a label: sorted lists of refs by name and value. Refs only ever grow, so that appending keeps order. */
import { compareStrings, type Labels, type Matcher } from "@pharos/model";
import { type PostingsSource, selectPostings } from "../postings/select.ts";

export class Postings implements PostingsSource {
  readonly #all: number[] = [];
  readonly #byName = new Map<string, Map<string, number[]>>();

  add(ref: number, labels: Labels): void {
    this.#all.push(ref);
    for (const [name, value] of labels) {
      let values = this.#byName.get(name);
      if (!values) this.#byName.set(name, (values = new Map()));
      const refs = values.get(value);
      if (refs) refs.push(ref);
      else values.set(value, [ref]);
    }
  }

  /** Forgets series; one pass over the lists they were in. */
  remove(gone: ReadonlyMap<number, Labels>): void {
    const filter = (list: number[]): void => {
      let kept = 0;
      for (const ref of list) if (!gone.has(ref)) list[kept++] = ref;
      list.length = kept;
    };
    filter(this.#all);
    const touched = new Map<string, Set<string>>();
    for (const labels of gone.values()) {
      for (const [name, value] of labels) {
        const values = touched.get(name) ?? new Set();
        touched.set(name, values.add(value));
      }
    }
    for (const [name, values] of touched) {
      const lists = this.#byName.get(name);
      if (!lists) continue;
      for (const value of values) {
        const list = lists.get(value);
        if (!list) continue;
        filter(list);
        if (list.length === 0) lists.delete(value);
      }
      if (lists.size === 0) this.#byName.delete(name);
    }
  }

  names(): string[] {
    return [...this.#byName.keys()].sort(compareStrings);
  }

  values(name: string): string[] {
    return [...(this.#byName.get(name)?.keys() ?? [])].sort(compareStrings);
  }

  /** Number of series of each value. */
  counts(name: string): Iterable<[string, number]> {
    return [...(this.#byName.get(name) ?? [])].map(([value, refs]) => [value, refs.length]);
  }

  /** Refs of the series all matchers accept, ascending. */
  select(matchers: readonly Matcher[]): readonly number[] {
    return selectPostings(this, matchers);
  }

  all(): readonly number[] {
    return this.#all;
  }

  unsortedValues(name: string): Iterable<string> {
    return this.#byName.get(name)?.keys() ?? [];
  }

  refs(name: string, value: string): readonly number[] {
    return this.#byName.get(name)?.get(value) ?? [];
  }
}
