/** Open addressing over numbers that stand for records elsewhere; the records keep their hashes. */

/** Slots hold entry + 1, 0 is empty. */
export class HashTable {
  readonly #hashOf: (entry: number) => number;
  #slots = new Uint32Array(1024);
  #mask = 1023;
  #count = 0;
  #cursor = 0;

  /** `hashOf`: the hash an entry was added with. */
  constructor(hashOf: (entry: number) => number) {
    this.#hashOf = hashOf;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** The first candidate for a hash, -1 when there is none; `next` goes on from there. */
  first(hash: number): number {
    this.#cursor = spread(hash) & this.#mask;
    return this.#slots[this.#cursor] - 1;
  }

  next(): number {
    this.#cursor = (this.#cursor + 1) & this.#mask;
    return this.#slots[this.#cursor] - 1;
  }

  add(hash: number, entry: number): void {
    if (++this.#count * 4 > this.#slots.length * 3) this.#grow();
    this.#place(hash, entry);
  }

  /** Takes out an entry and moves those behind it up, so that searches need no marks of the removed. */
  remove(hash: number, entry: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = spread(hash) & mask;
    while (slots[hole] !== entry + 1) {
      if (slots[hole] === 0) return;
      hole = (hole + 1) & mask;
    }
    this.#count--;
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const home = spread(this.#hashOf(slots[at] - 1)) & mask;
      // It may move when its home does not lie between the hole and where it is.
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        slots[hole] = slots[at];
        hole = at;
      }
    }
    slots[hole] = 0;
  }

  #place(hash: number, entry: number): void {
    let at = spread(hash) & this.#mask;
    while (this.#slots[at] !== 0) at = (at + 1) & this.#mask;
    this.#slots[at] = entry + 1;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#slots.length - 1;
    for (const slot of old) if (slot !== 0) this.#place(this.#hashOf(slot - 1), slot - 1);
  }
}

/** Low bits of the hashes used here are not random enough by themselves. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
