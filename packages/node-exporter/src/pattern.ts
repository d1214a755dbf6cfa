/** Regular expressions of flags. */
import { UserError } from "@pharos/model/error";

/** Names a machine has are few; what comes beyond is not remembered. */
const REMEMBERED = 10_000;

/** Whether a pattern is found in a name. */
type Test = (name: string) => boolean;

/**
 * A pattern that remembers what it answered: matching costs microseconds a name, and the same names are asked of it at
 * every scrape.
 */
export class Pattern {
  readonly #test: Test;
  readonly #answers = new Map<string, boolean>();

  constructor(test: Test) {
    this.#test = test;
  }

  matches(name: string): boolean {
    let answer = this.#answers.get(name);
    if (answer === undefined) {
      answer = this.#test(name);
      if (this.#answers.size < REMEMBERED) this.#answers.set(name, answer);
    }
    return answer;
  }
}

/** A pattern of the program's own, which is known to be the same in JavaScript and to take no time. */
export function ownPattern(source: string): Pattern {
  const expression = new RegExp(source);
  return new Pattern((name) => expression.test(name));
}

/** A pattern somebody gave: RE2, in linear time. A UserError names the flag when it is none. */
export async function userPattern(flag: string, source: string): Promise<Pattern> {
  const { compileRe2 } = await import("@pharos/model/regexp");
  try {
    const expression = compileRe2(source);
    return new Pattern((name) => expression.matcher(name).find());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError("node-exporter.flag", error.message, { where: { flag: `--${flag}` }, cause: error });
  }
}
