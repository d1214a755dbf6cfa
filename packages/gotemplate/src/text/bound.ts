/** Bounds on what one function makes, so that no template can take all memory before a limit of its run is looked at. */

/** Longest text, in characters: beyond every sensible output, and short enough to hold some of. */
export const MAX_LENGTH = 64 * 1024 * 1024;
/** Most values that are walked for one text: values may share parts, so that a small one is endless to print. */
export const MAX_VALUES = 1_000_000;

/** Thrown at a limit; whoever runs the template adds where that was. */
export class LimitReached extends Error {
  /** What to change. */
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

export function checkLength(length: number): void {
  if (length <= MAX_LENGTH) return;
  throw new LimitReached(`a text is longer than ${MAX_LENGTH} characters`, "Do not make a text longer in a loop");
}

export function checkValues(count: number): void {
  if (count <= MAX_VALUES) return;
  throw new LimitReached(`more than ${MAX_VALUES} values in one text`, "Do not put lists into themselves in a loop");
}
