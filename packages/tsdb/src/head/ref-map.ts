/** From refs of the log to numbers of series: refs are near one another, so that pages of them make it an array. */
const PAGE = 65_536;
const NONE = new Uint32Array();

export class RefMap {
  readonly #pages = new Map<number, Uint32Array>();
  #last: Uint32Array = NONE;
  #lastPage = -1;

  /** -1 when the ref is not known. */
  get(ref: number): number {
    const page = Math.floor(ref / PAGE);
    if (page !== this.#lastPage) {
      this.#lastPage = page;
      this.#last = this.#pages.get(page) ?? NONE;
    }
    const entry = this.#last[ref - page * PAGE];
    return entry === undefined ? -1 : entry - 1;
  }

  set(ref: number, series: number): void {
    const page = Math.floor(ref / PAGE);
    let entries = this.#pages.get(page);
    if (!entries) this.#pages.set(page, (entries = new Uint32Array(PAGE)));
    entries[ref - page * PAGE] = series + 1;
    this.#lastPage = -1;
  }

  /** Forgets the refs of series that are gone. */
  forget(gone: ReadonlySet<number>): void {
    for (const entries of this.#pages.values()) {
      for (let i = 0; i < entries.length; i++) if (entries[i] !== 0 && gone.has(entries[i] - 1)) entries[i] = 0;
    }
  }
}
