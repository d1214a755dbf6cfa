/** Label matchers, as in PromQL selectors, Alertmanager routes and the HTTP API's `match[]`. */
import type { Labels } from "./labels.ts";
import { AnchoredRegexp } from "./regexp.ts";

export type MatchType = "=" | "!=" | "=~" | "!~";

export class Matcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
  /** Compiled pattern of `=~` and `!~`. */
  readonly regexp: AnchoredRegexp | undefined;

  /** Throws a UserError when the value of a regular expression matcher is not RE2. */
  constructor(type: MatchType, name: string, value: string) {
    this.type = type;
    this.name = name;
    this.value = value;
    this.regexp = type === "=~" || type === "!~" ? new AnchoredRegexp(value) : undefined;
  }

  matches(value: string): boolean {
    switch (this.type) {
      case "=":
        return value === this.value;
      case "!=":
        return value !== this.value;
      case "=~":
        return this.regexp!.test(value);
      case "!~":
        return !this.regexp!.test(value);
    }
  }

  /** A matcher that accepts "" also accepts series without the label. */
  get matchesEmpty(): boolean {
    return this.matches("");
  }

  toString(): string {
    const name = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(this.name) ? this.name : JSON.stringify(this.name);
    return `${name}${this.type}${JSON.stringify(this.value)}`;
  }
}

export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  for (const matcher of matchers) if (!matcher.matches(labels.get(matcher.name))) return false;
  return true;
}
