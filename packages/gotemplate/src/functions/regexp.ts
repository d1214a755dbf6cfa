/** Regular expressions of templates: RE2 syntax, linear time, Go's error texts and its replacement. */
import { compileRe2 } from "@pharos/model";
import { checkLength } from "../text/bound.ts";

interface Compiled {
  regexp: ReturnType<typeof compileRe2>;
  /** Numbers of the groups of a name; Go allows a name more than once. */
  groups: ReadonlyMap<string, readonly number[]>;
}

/** Templates are few and run often. */
const CACHE_SIZE = 256;
const cache = new Map<string, Compiled>();
/**
 * Instructions of the pattern times characters of the text: linear time is still long for a large pattern on a long text,
 * and nothing can interrupt it. Some seconds at most.
 */
const MAX_WORK = 200_000_000;

/** Compiles, or throws what Go's regexp.Compile says of a pattern that is none. */
function compile(pattern: string): Compiled {
  const known = cache.get(pattern);
  if (known) return known;
  const { unique, groups } = withUniqueNames(pattern);
  let regexp: Compiled["regexp"];
  try {
    regexp = compileRe2(unique);
  } catch (error) {
    throw new Error(`error parsing regexp: ${(error as Error).message.replace(/^error parsing regexp: /, "")}`);
  }
  if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value!);
  const compiled = { regexp, groups };
  cache.set(pattern, compiled);
  return compiled;
}

/** Escapes, quotations and classes, in which no group begins; and what begins a group. */
const PARTS = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|\((?:\?(?:P?<([A-Za-z0-9_]+)>)?)?/gsu;

/** The pattern with names that occur again made different, and which groups each name had. */
function withUniqueNames(pattern: string): { unique: string; groups: Map<string, number[]> } {
  const groups = new Map<string, number[]>();
  let count = 0;
  const unique = pattern.replace(PARTS, (part, name?: string) => {
    if (part === "(") count++;
    if (name === undefined) return part;
    count++;
    const earlier = groups.get(name);
    if (!earlier) {
      groups.set(name, [count]);
      return part;
    }
    earlier.push(count);
    return part.replace(name, `${name}_again_${count}`);
  });
  return { unique, groups };
}

function matcherOf({ regexp }: Compiled, text: string): ReturnType<Compiled["regexp"]["matcher"]> {
  if (regexp.programSize() * text.length > MAX_WORK) throw new Error("the text is too long for this pattern");
  return regexp.matcher(text);
}

/** regexp.MatchString. */
export function matches(pattern: string, text: string): boolean {
  return matcherOf(compile(pattern), text).find();
}

/** Between backquotes where the pattern allows it. */
function goQuote(text: string): string {
  return text.includes("`") ? JSON.stringify(text) : `\`${text}\``;
}

/**
 * regexp.MustCompile(pattern).ReplaceAllString(text, replacement): `$1`, `${name}`, `$$`; an empty match right after a
 * match does not count.
 */
export function replaceAll(pattern: string, replacement: string, text: string): string {
  let compiled: Compiled;
  try {
    compiled = compile(pattern);
  } catch (error) {
    throw new Error(`regexp: Compile(${goQuote(pattern)}): ${(error as Error).message}`);
  }
  const matcher = matcherOf(compiled, text);
  const group = (name: string): string => {
    const numbers = /^(?:0|[1-9][0-9]{0,7})$/.test(name) ? [Number(name)] : (compiled.groups.get(name) ?? []);
    for (const number of numbers) {
      const found = number <= matcher.groupCount() ? matcher.group(number) : null;
      if (found !== null && found !== undefined) return found;
    }
    return "";
  };
  let out = "";
  let end = 0;
  let lastMatchEnd = -1;
  while (matcher.find()) {
    const start = matcher.start();
    if (matcher.end() === start && start === lastMatchEnd) continue;
    out += text.slice(end, start);
    out += replacement.replace(
      /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
      (all, braced?: string, bare?: string) => (all === "$$" ? "$" : group(braced ?? bare!)),
    );
    checkLength(out.length);
    end = matcher.end();
    lastMatchEnd = end;
  }
  return out + text.slice(end);
}
