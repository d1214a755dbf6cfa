/** A rate, averaged over time with more weight on what is newer; see upstream's ewmaRate. */
export class EwmaRate {
  readonly #weight: number;
  readonly #intervalSeconds: number;
  #events = 0;
  #last = 0;
  #started = false;

  constructor(weight: number, intervalSeconds: number) {
    this.#weight = weight;
    this.#intervalSeconds = intervalSeconds;
  }

  /** Per second. */
  get rate(): number {
    return this.#last;
  }

  add(events: number): void {
    this.#events += events;
  }

  /** To be called once per interval. */
  tick(): void {
    const now = this.#events / this.#intervalSeconds;
    this.#events = 0;
    if (this.#started) this.#last += this.#weight * (now - this.#last);
    else if (now > 0) {
      this.#started = true;
      this.#last = now;
    }
  }
}
