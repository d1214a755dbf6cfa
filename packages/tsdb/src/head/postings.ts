/** Which series have a label: sorted lists of refs by name and value. Refs only ever grow, so that appending keeps order. */
import { compareStrings, type Labels, type Matcher } from "@pharos/model";

export class Postings {
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
    let result: readonly number[] | undefined;
    const rest: Matcher[] = [];
    // Matchers that need a label come first: they only ever make the set smaller.
    for (const matcher of matchers) {
      if (matcher.matchesEmpty) rest.push(matcher);
      else result = intersect(result, this.#accepting(matcher));
      if (result?.length === 0) return [];
    }
    result ??= this.#all;
    for (const matcher of rest) {
      const refused = this.#refusing(matcher);
      if (refused.length > 0) result = subtract(result, refused);
    }
    return result;
  }

  /** Series whose value the matcher accepts; the matcher does not accept "". */
  #accepting(matcher: Matcher): readonly number[] {
    const values = this.#byName.get(matcher.name);
    if (!values) return [];
    if (matcher.type === "=") return values.get(matcher.value) ?? [];
    const literals = matcher.type === "=~" ? matcher.regexp?.literals : undefined;
    if (literals) return union(literals.map((value) => values.get(value) ?? []));
    const lists: number[][] = [];
    for (const [value, refs] of values) if (matcher.matches(value)) lists.push(refs);
    return union(lists);
  }

  /** Series that have the label with a value the matcher refuses; those without it are accepted. */
  #refusing(matcher: Matcher): readonly number[] {
    const values = this.#byName.get(matcher.name);
    if (!values) return [];
    if (matcher.type === "!=") return values.get(matcher.value) ?? [];
    const lists: number[][] = [];
    for (const [value, refs] of values) if (!matcher.matches(value)) lists.push(refs);
    return union(lists);
  }
}

function intersect(a: readonly number[] | undefined, b: readonly number[]): readonly number[] {
  if (!a) return b;
  const out: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      out.push(a[i]);
      i++;
      j++;
    } else if (a[i] < b[j]) i++;
    else j++;
  }
  return out;
}

function subtract(a: readonly number[], b: readonly number[]): readonly number[] {
  const out: number[] = [];
  for (let i = 0, j = 0; i < a.length; i++) {
    while (j < b.length && b[j] < a[i]) j++;
    if (b[j] !== a[i]) out.push(a[i]);
  }
  return out;
}

/** Lists of one name are disjoint. */
function union(lists: readonly (readonly number[])[]): readonly number[] {
  if (lists.length === 0) return [];
  if (lists.length === 1) return lists[0];
  return lists.flat().sort((a, b) => a - b);
}
