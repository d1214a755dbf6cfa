/** A bucket of tokens: one comes every interval, up to `burst`; a request takes one. */
export class RateLimiter {
  readonly #burst: number;
  readonly #intervalMs: number;
  #tokens: number;
  #at: number;

  constructor({ burst, intervalMs }: { burst: number; intervalMs: number }, now = performance.now()) {
    this.#burst = burst;
    this.#intervalMs = intervalMs;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes a token; false when there is none. `now` in ms. */
  allow(now = performance.now()): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) / this.#intervalMs);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
