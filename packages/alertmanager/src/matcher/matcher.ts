/** Alertmanager's label matchers. They differ from PromQL's in two points: `.` does not match a newline, and names may be any UTF-8 text. */
import { AnchoredRegexp, compareStrings, compileRe2, type Labels, type MatchType } from "@pharos/model";

/** Characters that force a name into quotes. */
const RESERVED = /[\s{}!=~,\\"'`]/u;

function compile(value: string): (text: string) => boolean {
  // Without a dot both flavours of regular expression agree, and AnchoredRegexp has fast paths.
  if (!value.includes(".")) {
    const regexp = new AnchoredRegexp(value);
    return (text) => regexp.test(text);
  }
  const compiled = compileRe2(`^(?:${value})$`);
  return (text) => compiled.matcher(text).find();
}

/** Escapes as OpenMetrics does: only backslash, quote and newline. */
function quoteValue(value: string): string {
  return `"${value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))}"`;
}

export class AlertMatcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
  readonly #test: (text: string) => boolean;

  /** Throws a UserError when the value of a regular expression matcher is not RE2. */
  constructor(type: MatchType, name: string, value: string) {
    this.type = type;
    this.name = name;
    this.value = value;
    if (type === "=") this.#test = (text) => text === value;
    else if (type === "!=") this.#test = (text) => text !== value;
    else {
      // Compiled in upstream's form first, for the wording of its errors.
      compileRe2(`^(?:${value})$`);
      const test = compile(value);
      this.#test = type === "=~" ? test : (text) => !test(text);
    }
  }

  matches(text: string): boolean {
    return this.#test(text);
  }

  toString(): string {
    const name = this.name === "" || RESERVED.test(this.name) ? JSON.stringify(this.name) : this.name;
    return `${name}${this.type}${quoteValue(this.value)}`;
  }
}

/** Upstream's order of the types. */
const TYPE_ORDER: readonly MatchType[] = ["=", "!=", "=~", "!~"];

/** By name, then value, then type. */
export function compareMatchers(a: AlertMatcher, b: AlertMatcher): number {
  return (
    compareStrings(a.name, b.name) ||
    compareStrings(a.value, b.value) ||
    TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type)
  );
}

/** `{a="b",c=~"d"}`. */
export function formatMatchers(matchers: readonly AlertMatcher[]): string {
  return `{${matchers.map(String).join(",")}}`;
}

/** A missing label counts as an empty one. */
export function matchAll(matchers: readonly AlertMatcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matcher.matches(labels.get(matcher.name)));
}
