/** CSS: strings, which may be URLs, `url(…)` and comments. */
import { quote } from "../text/quote.ts";
import { type Context, failed, type State, type Step } from "./context.ts";
import { decodeCss } from "./escape-css.ts";
import { urlText } from "./transition-url.ts";

/** `url` alone, not the end of a longer name. */
const KEYWORD = /(?:^|[^a-z0-9_\x80-\ufffd\u{10000}-\u{10ffff}-])url$/iu;
const SPACE = /[\t\n\f\r ]*/y;

export function cssText(c: Context, s: string): Step {
  for (const { index, 0: char } of s.matchAll(/[("'/]/g)) {
    switch (char) {
      case "(": {
        if (!endsWithUrl(s, index)) break;
        SPACE.lastIndex = index + 1;
        const start = index + 1 + SPACE.exec(s)![0].length;
        if (s[start] === '"') return [{ ...c, state: "CSSDqURL" }, start + 1];
        if (s[start] === "'") return [{ ...c, state: "CSSSqURL" }, start + 1];
        return [{ ...c, state: "CSSURL" }, start];
      }
      case "/":
        if (s[index + 1] === "/") return [{ ...c, state: "CSSLineCmt" }, index + 2];
        if (s[index + 1] === "*") return [{ ...c, state: "CSSBlockCmt" }, index + 2];
        break;
      case '"':
        return [{ ...c, state: "CSSDqStr" }, index + 1];
      case "'":
        return [{ ...c, state: "CSSSqStr" }, index + 1];
    }
  }
  return [c, s.length];
}

/** Whether the keyword `url`, and space at most, stands before the index. */
function endsWithUrl(s: string, index: number): boolean {
  let end = index;
  while (end > 0 && "\t\n\f\r ".includes(s[end - 1])) end--;
  // Two more characters than the keyword: the one before it may take two units.
  return KEYWORD.test(s.slice(Math.max(end - 5, 0), end));
}

const ENDS: Partial<Record<State, RegExp>> = {
  CSSDqStr: /["\\]/g,
  CSSDqURL: /["\\]/g,
  CSSSqStr: /['\\]/g,
  CSSSqURL: /['\\]/g,
  // Without quotes it ends at a newline or closing parenthesis, too.
  CSSURL: /[\t\n\f\r )\\]/g,
};

/** Strings are taken for URLs, on the safe side. */
export function cssString(start: Context, s: string): Step {
  const special = new RegExp(ENDS[start.state]!);
  let c = start;
  /** From where text is not yet looked at; begins with the last escape, which may be longer than one character. */
  let unseen = 0;
  let rest = 0;
  for (let match = special.exec(s); match; match = special.exec(s)) {
    if (match[0] !== "\\") return [{ ...c, state: "CSS" }, match.index + 1];
    const escaped = match.index + 1;
    if (escaped === s.length) {
      return [failed(`unfinished escape sequence in CSS string: ${quote(s)}`), s.length];
    }
    [c] = urlText(c, decodeCss(s.slice(unseen, escaped + 1)));
    unseen = match.index;
    rest = escaped + 1;
    special.lastIndex = rest;
  }
  [c] = urlText(c, s.slice(rest));
  return [c, s.length];
}
