/**
 * What label_replace made of a label value is remembered: dashboards and rules ask the same again and again, and running a
 * regular expression over a value costs a hundred times as much as looking the outcome up. Bounded in patterns and values.
 */
import { AnchoredRegexp } from "@pharos/model";

const MAX_PATTERNS = 16;
const MAX_VALUES = 5000;
/** Longer values are not worth their memory. */
const MAX_LENGTH = 200;

export class Expansion {
  readonly #regexp: AnchoredRegexp;
  readonly #replacement: string;
  readonly #known = new Map<string, string | undefined>();

  /** Throws UserError for a pattern that is no regular expression. */
  constructor(pattern: string, replacement: string) {
    this.#regexp = new AnchoredRegexp(pattern);
    this.#replacement = replacement;
  }

  /** The replacement with its references filled in; undefined when the value does not match. */
  of(value: string): string | undefined {
    const known = this.#known.get(value);
    if (known !== undefined || this.#known.has(value)) return known;
    const expanded = this.#regexp.expand(value, this.#replacement);
    if (this.#known.size < MAX_VALUES && value.length <= MAX_LENGTH) this.#known.set(value, expanded);
    return expanded;
  }

  /** As many values as are remembered have been met: the ones of today may be others. */
  get isFull(): boolean {
    return this.#known.size >= MAX_VALUES;
  }
}

export class Expansions {
  /** Most recently used last. */
  readonly #byPattern = new Map<string, Expansion>();

  /** Throws as the constructor of Expansion does. */
  get(pattern: string, replacement: string): Expansion {
    const key = `${pattern}\0${replacement}`;
    let expansion = this.#byPattern.get(key);
    this.#byPattern.delete(key);
    if (!expansion || expansion.isFull) expansion = new Expansion(pattern, replacement);
    this.#byPattern.set(key, expansion);
    if (this.#byPattern.size > MAX_PATTERNS) this.#byPattern.delete(this.#byPattern.keys().next().value!);
    return expansion;
  }
}
