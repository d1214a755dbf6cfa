/**
 * Pages of files that were read, of all files together, within one budget of bytes. Two generations: what is used while the
 * young one fills stays, the rest goes with the old one.
 */
export class PageCache {
  readonly #budget: number;
  #young = new Map<number, Buffer>();
  #old = new Map<number, Buffer>();
  #youngBytes = 0;
  #oldBytes = 0;
  #files = 0;

  /** `budgetBytes`: of all pages kept. */
  constructor(budgetBytes: number) {
    this.#budget = budgetBytes;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /** A number of its own for a file. */
  register(): number {
    return this.#files++;
  }

  get(file: number, page: number): Buffer | undefined {
    const key = file * 2 ** 24 + page;
    const kept = this.#young.get(key);
    if (kept) return kept;
    const old = this.#old.get(key);
    if (old) {
      this.#old.delete(key);
      this.#oldBytes -= old.length;
      this.#keep(key, old);
    }
    return old;
  }

  put(file: number, page: number, bytes: Buffer): void {
    this.#keep(file * 2 ** 24 + page, bytes);
  }

  /** Forgets the pages of a file that is closed. */
  forget(file: number): void {
    const from = file * 2 ** 24;
    for (const [key, page] of this.#young) {
      if (key >= from && key < from + 2 ** 24 && this.#young.delete(key)) this.#youngBytes -= page.length;
    }
    for (const [key, page] of this.#old) {
      if (key >= from && key < from + 2 ** 24 && this.#old.delete(key)) this.#oldBytes -= page.length;
    }
  }

  #keep(key: number, page: Buffer): void {
    if (this.#youngBytes + page.length > this.#budget / 2) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, page);
    this.#youngBytes += page.length;
  }
}
