/** What a running template may use up, and how much it has. */
import { LimitReached } from "../text/bound.ts";

export interface Limits {
  /** Nodes walked and loop turns made. */
  steps: number;
  /** Characters written, and length of any text made on the way. */
  output: number;
  /** Templates calling templates. */
  depth: number;
  /** Milliseconds from the start to the end; five seconds when not given. */
  milliseconds?: number;
}

export const DEFAULT_LIMITS: Required<Limits> = {
  steps: 1_000_000,
  output: 4 * 1024 * 1024,
  depth: 1_000,
  milliseconds: 5_000,
};

/** Steps between two looks at the clock. */
const CLOCK_STEPS = 256;

/** Counts against the limits. Executions that run inside one another share it. */
export class Meter {
  readonly limits: Required<Limits>;
  readonly #deadline: number;
  #steps = 0;
  #written = 0;
  /** The first template calls nothing yet. */
  #depth = -1;

  constructor(limits: Required<Limits>) {
    this.limits = limits;
    this.#deadline = performance.now() + limits.milliseconds;
  }

  step(): void {
    if (++this.#steps > this.limits.steps) {
      throw new LimitReached(`more than ${this.limits.steps} steps`, "Loop over less in this template");
    }
    if (this.#steps % CLOCK_STEPS === 0) this.checkClock();
  }

  /** Around every template that another one calls, or a function runs. */
  enter(): void {
    if (++this.#depth <= this.limits.depth) return;
    // Go's number; here another limit, or the stack's end, comes before it, which reads the same to the user.
    throw new LimitReached("exceeded maximum template depth (100000)", "A template probably calls itself without end");
  }

  leave(): void {
    this.#depth--;
  }

  /** Also called after every function, as one may take long. */
  checkClock(): void {
    if (performance.now() <= this.#deadline) return;
    throw new LimitReached(`took longer than ${this.limits.milliseconds} ms`, "Do less in this template");
  }

  write(length: number): void {
    this.#written += length;
    if (this.#written > this.limits.output) {
      throw new LimitReached(`output is longer than ${this.limits.output} characters`, "Print less in this template");
    }
  }

  /** For text that a function made. */
  check(length: number): void {
    if (length > this.limits.output) {
      throw new LimitReached(
        `a text is longer than ${this.limits.output} characters`,
        "Do not make a text longer in a loop",
      );
    }
  }
}
