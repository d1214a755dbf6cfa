/** Which matcher syntax is in force: UTF-8 with the classic one as fallback, or either alone (feature flags). */
import { type Logger, silentLogger } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { parseClassicMatcher, parseClassicMatchers } from "./classic.ts";
import type { AlertMatcher } from "./matcher.ts";
import { parseUtf8Matcher, parseUtf8Matchers } from "./utf8.ts";

export type MatcherMode = "fallback" | "utf8-strict" | "classic";

type Parse<T> = (input: string) => T;

function attempt<T>(parse: Parse<T>, input: string): { value: T } | { error: unknown } {
  try {
    return { value: parse(input) };
  } catch (error) {
    return { error };
  }
}

export class MatcherSyntax {
  readonly mode: MatcherMode;
  readonly #log: Logger;

  constructor(mode: MatcherMode = "fallback", log: Logger = silentLogger) {
    this.mode = mode;
    this.#log = log;
  }

  /** `origin` says in warnings where the text came from: "config", "api". */
  matchers(input: string, origin: string): AlertMatcher[] {
    return this.#parse(input, origin, parseUtf8Matchers, parseClassicMatchers, (list) => list.map(String).join(","));
  }

  matcher(input: string, origin: string): AlertMatcher {
    if (this.mode !== "classic" && (input.startsWith("{") || input.endsWith("}"))) {
      throw new UserError("alertmanager.matcher", `unexpected open or close brace: ${input}`);
    }
    return this.#parse(input, origin, parseUtf8Matcher, parseClassicMatcher, String);
  }

  isLabelName(name: string): boolean {
    return this.mode === "classic" ? /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) : name !== "" && name.isWellFormed();
  }

  #parse<T>(input: string, origin: string, utf8: Parse<T>, classic: Parse<T>, show: (value: T) => string): T {
    if (this.mode === "classic") return classic(input);
    if (this.mode === "utf8-strict") return utf8(input);
    const modern = attempt(utf8, input);
    const old = attempt(classic, input);
    if ("error" in modern) {
      // Neither: the classic message is the one people know.
      if ("error" in old) throw old.error;
      this.#log.warn(
        "These matchers are not valid in the UTF-8 syntax and were read in the classic one. Put names and values in double quotes and escape backslashes.",
        { input, origin, err: modern.error, suggestion: show(old.value) },
      );
      return old.value;
    }
    if ("value" in old && show(old.value) !== show(modern.value)) {
      this.#log.warn("Matchers input has disagreement", { input, origin });
      return old.value;
    }
    return modern.value;
  }
}
