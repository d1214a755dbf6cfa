/** Functions on text that Prometheus' and Alertmanager's templates share. */
import { compileRe2 } from "@pharos/model";
import { HTML } from "../html/types.ts";
import { fn, textFn, textTest } from "../value/function.ts";
import { type GoFunc, STRING } from "../value/type.ts";
import { Value } from "../value/value.ts";

/** Compiles, or throws what Go's regexp says of a pattern that is none. */
function compile(pattern: string, context: "match" | "replace"): ReturnType<typeof compileRe2> {
  try {
    return compileRe2(pattern);
  } catch (error) {
    const reason = (error as Error).message.replace(/^error parsing regexp: /, "");
    const full = `error parsing regexp: ${reason}`;
    throw new Error(context === "match" ? full : `regexp: Compile(${goQuote(pattern)}): ${full}`);
  }
}

/** Between backquotes where the pattern allows it. */
function goQuote(text: string): string {
  return text.includes("`") ? JSON.stringify(text) : `\`${text}\``;
}

/** Go's Regexp.ReplaceAllString: `$1`, `${name}`, `$$`; an empty match right after a match does not count. */
export function replaceAll(pattern: string, replacement: string, text: string): string {
  const compiled = compile(pattern, "replace");
  const matcher = compiled.matcher(text);
  const names = compiled.namedGroups();
  let out = "";
  let end = 0;
  let lastMatchEnd = -1;
  while (matcher.find()) {
    const start = matcher.start();
    if (matcher.end() === start && start === lastMatchEnd) continue;
    out += text.slice(end, start);
    out += replacement.replace(
      /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
      (all, braced?: string, bare?: string) => {
        if (all === "$$") return "$";
        const name = braced ?? bare!;
        if (/^[0-9]+$/.test(name))
          return Number(name) <= matcher.groupCount() ? (matcher.group(Number(name)) ?? "") : "";
        return Object.hasOwn(names, name) ? (matcher.group(name) ?? "") : "";
      },
    );
    end = matcher.end();
    lastMatchEnd = end;
  }
  return out + text.slice(end);
}

/** Upper case for the first letter of each word; the rest of the word as `rest` makes it. */
export function titleCase(text: string, rest: (text: string) => string): string {
  return text.replace(/[\p{L}\p{M}\p{N}_]+(?:['’.:·][\p{L}\p{M}\p{N}_]+)*/gu, (word) => {
    const first = /[\p{Lu}\p{Ll}\p{Lt}]/u.exec(word);
    if (!first) return word;
    const after = first.index + first[0].length;
    return word.slice(0, first.index) + first[0].toUpperCase() + rest(word.slice(after));
  });
}

export const TEXT_FUNCTIONS: Readonly<Record<string, GoFunc>> = {
  toUpper: textFn((text) => text.toUpperCase()),
  toLower: textFn((text) => text.toLowerCase()),
  match: textTest((pattern, text) => compile(pattern, "match").matcher(text).find()),
  reReplaceAll: textFn((pattern, replacement, text) => replaceAll(pattern, replacement, text)),
  safeHtml: fn([STRING], HTML, (text) => new Value(HTML, text.text)),
};
