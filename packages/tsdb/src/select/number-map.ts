/** From small integers to numbers other than 0, which stands for nothing. */

/** Up to here an array is cheaper than a Map, whatever is in it. */
const DENSE = 1 << 18;

export class NumberMap {
  readonly #dense: Uint32Array | undefined;
  readonly #sparse = new Map<number, number>();

  /** Keys are below `bound`. */
  constructor(bound: number) {
    this.#dense = bound <= DENSE ? new Uint32Array(bound) : undefined;
  }

  get(key: number): number {
    return this.#dense ? this.#dense[key] : (this.#sparse.get(key) ?? 0);
  }

  set(key: number, value: number): void {
    if (this.#dense) this.#dense[key] = value;
    else this.#sparse.set(key, value);
  }
}
