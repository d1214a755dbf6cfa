/** Regular expressions of flags. */
import { compileRe2, UserError } from "@pharos/model";
import type { RE2JS } from "re2js";

/** Names a machine has are few; what comes beyond is not remembered. */
const REMEMBERED = 10_000;

/**
 * RE2 in linear time, which costs microseconds a name: as the same names are asked of it at every scrape, it remembers
 * what it answered.
 */
export class Pattern {
  readonly #expression: RE2JS;
  readonly #answers = new Map<string, boolean>();

  /** `anchored` makes it match whole names. A UserError names the flag when it is no RE2. */
  constructor(flag: string, source: string, anchored = false) {
    try {
      this.#expression = compileRe2(anchored ? `^(?:${source})$` : source);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError("node-exporter.flag", error.message, { where: { flag: `--${flag}` }, cause: error });
    }
  }

  matches(name: string): boolean {
    let answer = this.#answers.get(name);
    if (answer === undefined) {
      answer = this.#expression.matcher(name).find();
      if (this.#answers.size < REMEMBERED) this.#answers.set(name, answer);
    }
    return answer;
  }
}
