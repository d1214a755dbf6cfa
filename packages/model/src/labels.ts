/**
 * A label set: sorted, immutable, without empty values (in Prometheus a label with an empty value does not exist).
 *
 * Held as one flat array `[name0, value0, name1, value1, …]` sorted by name in code unit order of the UTF-8 bytes,
 * which for JavaScript strings means comparing by code point.
 */
import { compareStrings } from "./strings.ts";

export const METRIC_NAME = "__name__";

export class Labels implements Iterable<readonly [string, string]> {
  static readonly empty = new Labels([]);
  /** `[name0, value0, …]`, sorted by name. */
  readonly pairs: readonly string[];
  #key: string | undefined;

  private constructor(pairs: readonly string[]) {
    this.pairs = pairs;
  }

  /** Takes pairs that are known to be sorted, unique and non-empty; for decoders of formats that guarantee it. */
  static fromSortedPairs(pairs: readonly string[]): Labels {
    return pairs.length === 0 ? Labels.empty : new Labels(pairs);
  }

  static from(record: Readonly<Record<string, string>>): Labels {
    return Labels.fromEntries(Object.entries(record));
  }

  /** Sorts, drops empty values; a later entry of the same name wins. */
  static fromEntries(entries: Iterable<readonly [string, string]>): Labels {
    const map = new Map<string, string>();
    for (const [name, value] of entries) map.set(name, value);
    const names = [...map.keys()].filter((name) => map.get(name) !== "").sort(compareStrings);
    const pairs: string[] = new Array(names.length * 2);
    for (let i = 0; i < names.length; i++) {
      pairs[2 * i] = names[i];
      pairs[2 * i + 1] = map.get(names[i])!;
    }
    return Labels.fromSortedPairs(pairs);
  }

  get size(): number {
    return this.pairs.length / 2;
  }

  /** Value of a label, "" when it is absent. */
  get(name: string): string {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1];
    return "";
  }

  has(name: string): boolean {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return true;
    return false;
  }

  get metricName(): string {
    return this.get(METRIC_NAME);
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (let i = 0; i < this.pairs.length; i += 2) yield [this.pairs[i], this.pairs[i + 1]];
  }

  /** A copy with a label set, or removed when the value is "". */
  with(name: string, value: string): Labels {
    const { pairs } = this;
    let i = 0;
    while (i < pairs.length && compareStrings(pairs[i], name) < 0) i += 2;
    const present = pairs[i] === name;
    if (value === "") return present ? Labels.fromSortedPairs([...pairs.slice(0, i), ...pairs.slice(i + 2)]) : this;
    return Labels.fromSortedPairs([...pairs.slice(0, i), name, value, ...pairs.slice(present ? i + 2 : i)]);
  }

  /** Only the labels for which `keep` is true. */
  filter(keep: (name: string) => boolean): Labels {
    const out: string[] = [];
    for (let i = 0; i < this.pairs.length; i += 2) {
      if (keep(this.pairs[i])) out.push(this.pairs[i], this.pairs[i + 1]);
    }
    return out.length === this.pairs.length ? this : Labels.fromSortedPairs(out);
  }

  withoutMetricName(): Labels {
    return this.pairs[0] === METRIC_NAME || this.has(METRIC_NAME) ? this.filter((name) => name !== METRIC_NAME) : this;
  }

  /** A string that is equal exactly for equal label sets; a Map key. 0xFF cannot occur in valid UTF-8 labels. */
  key(): string {
    this.#key ??= this.pairs.join("\u00ff");
    return this.#key;
  }

  equals(other: Labels): boolean {
    const a = this.pairs;
    const b = other.pairs;
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
    return true;
  }

  /** Prometheus' order of series: pair by pair, name first, shorter set first on a tie. */
  compare(other: Labels): number {
    const a = this.pairs;
    const b = other.pairs;
    const shared = Math.min(a.length, b.length);
    for (let i = 0; i < shared; i++) {
      const order = compareStrings(a[i], b[i]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }

  toObject(): Record<string, string> {
    const out: Record<string, string> = {};
    for (let i = 0; i < this.pairs.length; i += 2) {
      // A label may legally be called __proto__.
      Object.defineProperty(out, this.pairs[i], {
        value: this.pairs[i + 1],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return out;
  }

  toJSON(): Record<string, string> {
    return this.toObject();
  }

  /** `{a="b", c="d"}` with Go-quoted values, as upstream's labels.Labels.String(). */
  toString(): string {
    const parts: string[] = [];
    for (let i = 0; i < this.pairs.length; i += 2) {
      const name = this.pairs[i];
      parts.push(
        `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(this.pairs[i + 1])}`,
      );
    }
    return `{${parts.join(", ")}}`;
  }
}

/** Mutable label set for relabelling and target building. Setting "" removes a label. */
export class LabelsBuilder {
  #map = new Map<string, string>();

  constructor(base?: Iterable<readonly [string, string]>) {
    if (base) for (const [name, value] of base) this.set(name, value);
  }

  get(name: string): string {
    return this.#map.get(name) ?? "";
  }

  set(name: string, value: string): this {
    if (value === "") this.#map.delete(name);
    else this.#map.set(name, value);
    return this;
  }

  delete(name: string): this {
    this.#map.delete(name);
    return this;
  }

  /** A snapshot: safe to change the builder while walking it. */
  entries(): [string, string][] {
    return [...this.#map];
  }

  build(): Labels {
    return Labels.fromEntries(this.#map);
  }
}
