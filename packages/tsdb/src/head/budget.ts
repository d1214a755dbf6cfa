/**
 * The bytes the head may take. In the last tenth new series are refused, first to those sources (scrape pools, remote
 * writers) that grew most of late: whoever explodes is stopped, whoever starts one more pod is not. What is known goes on.
 */

export interface BudgetSource {
  name: string;
  /** Series it was the first to report, as far as they are in the head. */
  series: number;
  /** New ones since the growth was last halved. */
  growth: number;
  /** New series refused. */
  refused: number;
}

/** From this share of the budget on. */
const SOFT = 0.9;
/** Growth is halved so often, ms. */
const HALVING_MS = 10 * 60_000;

export class Budget {
  readonly limit: number;
  readonly #used: () => number;
  readonly #sources: BudgetSource[] = [];
  readonly #numbers = new Map<string, number>();
  #mostGrowth = 0;
  #halvedAt = Date.now();
  refused = 0;

  /** `limit` in bytes, 0: any. */
  constructor(limit: number, used: () => number) {
    this.limit = limit;
    this.#used = used;
    this.sourceOf("");
  }

  get used(): number {
    return this.#used();
  }

  get sources(): readonly BudgetSource[] {
    return this.#sources;
  }

  sourceOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#sources.push({ name, series: 0, growth: 0, refused: 0 }) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }

  /** Whether the source may have one more series. */
  admits(source: number): boolean {
    if (this.limit === 0) return true;
    const soft = SOFT * this.limit;
    const used = this.#used();
    if (used < soft) return true;
    this.#decay();
    const left = (this.limit - used) / (this.limit - soft);
    // Nothing is left: nobody. All of it is left: everybody but who grew most.
    if (left > 0 && this.#sources[source].growth < left * this.#mostGrowth) return true;
    this.#sources[source].refused++;
    this.refused++;
    return false;
  }

  added(source: number): void {
    const entry = this.#sources[source];
    entry.series++;
    if (++entry.growth > this.#mostGrowth) this.#mostGrowth = entry.growth;
  }

  removed(source: number): void {
    this.#sources[source].series--;
  }

  #decay(): void {
    const times = Math.floor((Date.now() - this.#halvedAt) / HALVING_MS);
    if (times === 0) return;
    this.#halvedAt += times * HALVING_MS;
    for (const source of this.#sources) source.growth = Math.floor(source.growth / 2 ** times);
    this.#mostGrowth = Math.max(...this.#sources.map(({ growth }) => growth));
  }
}
