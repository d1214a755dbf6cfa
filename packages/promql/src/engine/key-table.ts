/** Numbers for sequences of strings. */
import type { LabelColumn, Labels } from "@pharos/model";

const INITIAL = 256;

/**
 * Numbers that are equal exactly for equal sequences of strings: a tree walked by the numbers of the strings. Unlike with
 * joined keys no string is made, and those of labels know their hashes already.
 *
 * The edges of the tree are an open-addressed hash table in three columns (node, string, child); a child of 0 is a free slot,
 * as no edge leads to the root. A Map of pairs would allocate a heap number for every edge.
 */
export class KeyTable {
  /** Sequences start here. */
  static readonly ROOT = 0;

  readonly #strings = new Map<string, number>();
  #nodes = new Int32Array(INITIAL);
  #labels = new Int32Array(INITIAL);
  #children = new Int32Array(INITIAL);
  #edges = 0;
  /** Number of the sequence that ends at a node, plus one; 0 where none does. */
  #keys = new Int32Array(INITIAL);
  #size = 0;

  /** Different sequences so far. */
  get size(): number {
    return this.#size;
  }

  /** The node that follows another one along a string. */
  step(node: number, text: string): number {
    return this.#follow(node, this.#numberOf(text));
  }

  /** Moves every node along the value of its series in a column, "" where it has none. */
  stepAll(nodes: Int32Array, { numbers, values }: LabelColumn): void {
    const strings = this.#numbersOf(values);
    for (let i = 0; i < nodes.length; i++) nodes[i] = this.#follow(nodes[i], strings[numbers[i]]);
  }

  /** Moves the nodes of those series that have a value in a column along the column's name and that value. */
  stepPresent(nodes: Int32Array, name: string, { numbers, values }: LabelColumn): void {
    const strings = this.#numbersOf(values);
    const named = this.#numberOf(name);
    for (let i = 0; i < nodes.length; i++) {
      if (numbers[i] !== 0) nodes[i] = this.#follow(this.#follow(nodes[i], named), strings[numbers[i]]);
    }
  }

  #numbersOf(texts: readonly string[]): Int32Array {
    const numbers = new Int32Array(texts.length);
    for (let i = 0; i < texts.length; i++) numbers[i] = this.#numberOf(texts[i]);
    return numbers;
  }

  #numberOf(text: string): number {
    let string = this.#strings.get(text);
    if (string === undefined) this.#strings.set(text, (string = this.#strings.size));
    return string;
  }

  #follow(node: number, string: number): number {
    const slot = this.#slotOf(node, string);
    const child = this.#children[slot];
    if (child !== 0) return child;
    this.#nodes[slot] = node;
    this.#labels[slot] = string;
    this.#children[slot] = ++this.#edges;
    const added = this.#edges;
    if (this.#edges * 2 > this.#children.length) this.#grow();
    return added;
  }

  /** The slot of an edge, or the free one where it belongs. */
  #slotOf(node: number, string: number): number {
    const mask = this.#children.length - 1;
    let hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(string, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    while (this.#children[slot] !== 0 && (this.#nodes[slot] !== node || this.#labels[slot] !== string)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const [nodes, labels, children] = [this.#nodes, this.#labels, this.#children];
    const capacity = children.length * 4;
    this.#nodes = new Int32Array(capacity);
    this.#labels = new Int32Array(capacity);
    this.#children = new Int32Array(capacity);
    for (let i = 0; i < children.length; i++) {
      if (children[i] === 0) continue;
      const slot = this.#slotOf(nodes[i], labels[i]);
      this.#nodes[slot] = nodes[i];
      this.#labels[slot] = labels[i];
      this.#children[slot] = children[i];
    }
  }

  /** The number of the sequence that ends at a node: 0, 1, … in order of first use. */
  keyAt(node: number): number {
    if (node >= this.#keys.length) {
      const keys = new Int32Array(Math.max(node + 1, this.#keys.length * 2));
      keys.set(this.#keys);
      this.#keys = keys;
    }
    if (this.#keys[node] === 0) this.#keys[node] = ++this.#size;
    return this.#keys[node] - 1;
  }

  keyOf({ pairs }: Labels): number {
    let node = KeyTable.ROOT;
    for (let i = 0; i < pairs.length; i++) node = this.step(node, pairs[i]);
    return this.keyAt(node);
  }
}
