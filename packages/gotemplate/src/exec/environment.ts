/** What a running template may look up. */
import type { Tree } from "../node.ts";
import type { GoFunc } from "../value/type.ts";

/** What a map gives for a missing key: nothing, the zero value, or an error. */
export type MissingKey = "invalid" | "zero" | "error";

export interface Environment {
  templates: ReadonlyMap<string, Tree>;
  functions: ReadonlyMap<string, GoFunc>;
  missingKey: MissingKey;
}

/** Thrown through the template by a function that cannot answer yet; whoever executes it answers and starts again. */
export class Suspension {
  readonly ready: Promise<void>;

  constructor(ready: Promise<void>) {
    this.ready = ready;
  }
}
