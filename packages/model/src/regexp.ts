/**
 * Regular expressions given by users: RE2 syntax and linear time (re2js), never JavaScript's backtracking engine.
 * Anchored as Prometheus does it (`^(?s:…)$`), with literal, prefix and alternation fast paths that need no engine.
 */
import { RE2JS } from "re2js";
import { UserError } from "./error.ts";

/** Compiles an RE2 pattern; a UserError with Go's wording when it is not one. */
export function compileRe2(pattern: string, flags = 0): RE2JS {
  try {
    return RE2JS.compile(pattern, flags);
  } catch (error) {
    throw new UserError("model.regexp", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const META = /[\\.+*?()|[\]{}^$]/;

function compileAnchored(source: string): RE2JS {
  try {
    return compileRe2(`^(?s:${source})$`);
  } catch (error) {
    // The complaint is about what was written, not about what was put around it.
    compileRe2(source);
    throw error;
  }
}

/** A whole-string regular expression. */
export class AnchoredRegexp {
  readonly source: string;
  /** The only strings that can match, when the pattern is a literal or a plain alternation of literals. */
  readonly literals: readonly string[] | undefined;
  /** Text every match starts with ("" when none is known). */
  readonly prefix: string;
  readonly #test: (value: string) => boolean;
  #compiled: RE2JS | undefined;

  constructor(source: string) {
    this.source = source;
    // Compiled even when a fast path exists, because a bad pattern must be refused at once.
    const compiled = compileAnchored(source);
    const body =
      source.startsWith("(") && source.endsWith(")") && !/[()]/.test(source.slice(1, -1))
        ? source.slice(1, -1)
        : source;
    const plain = body.replace(/^\?:/, "");
    this.prefix = "";
    if (plain === ".*") this.#test = () => true;
    else if (plain === ".+") this.#test = (value) => value !== "";
    else if (plain.split("|").every((part) => !META.test(part))) {
      this.literals = plain.split("|");
      const set = new Set(this.literals);
      this.#test = (value) => set.has(value);
    } else {
      const first = source.search(META);
      const quantified = first >= 0 && /[*?{|]/.test(source[first]);
      const prefix = source.includes("|") ? "" : source.slice(0, quantified ? Math.max(0, first - 1) : first);
      // A surrogate pair before a quantifier counts as one character.
      this.prefix = /[\ud800-\udbff]$/.test(prefix) ? prefix.slice(0, -1) : prefix;
      const rest = source.slice(this.prefix.length);
      const start = this.prefix;
      if (rest === ".*") this.#test = (value) => value.startsWith(start);
      else if (rest === ".+") this.#test = (value) => value.length > start.length && value.startsWith(start);
      else this.#test = (value) => value.startsWith(start) && compiled.matcher(value).find();
    }
    this.#compiled = compiled;
  }

  test(value: string): boolean {
    return this.#test(value);
  }

  /** Go's Regexp.Expand on a full match: `$1`, `${1}`, `$name`; undefined when the value does not match. */
  expand(value: string, template: string): string | undefined {
    const matcher = this.#compiled!.matcher(value);
    if (!matcher.find()) return undefined;
    const names = this.#compiled!.namedGroups();
    return expandTemplate(template, (name) => {
      if (/^[0-9]+$/.test(name)) return Number(name) <= matcher.groupCount() ? (matcher.group(Number(name)) ?? "") : "";
      return name in names ? (matcher.group(name) ?? "") : "";
    });
  }
}

/** Go's template expansion: `$name` takes the longest run of letters, digits and underscores; `$$` is a dollar. */
export function expandTemplate(template: string, group: (name: string) => string): string {
  return template.replace(/\$(?:\$|\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g, (all, braced?: string, bare?: string) =>
    all === "$$" ? "$" : group(braced ?? bare!),
  );
}
