/** JavaScript: strings, template literals, regular expressions, comments, and what a slash would mean. */
import { quote } from "../text/quote.ts";
import { type Context, failed, type SlashMeaning, type State, type Step } from "./context.ts";

const SPACE =
  "\f\n\r\t\v \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff";
/** After these words a slash starts a regular expression. */
const BEFORE_REGEXP: ReadonlySet<string> = new Set(
  "break case continue delete do else finally in instanceof return throw try typeof void".split(" "),
);
/** After these characters as well: operators, and brackets that open. `}` mostly ends a block, not an object. */
const OPERATORS = ",<>=*%&|^?!~([:;{}";

/** What a slash means after a run of tokens without strings, comments, regular expressions and divisions. */
export function slashAfter(run: string, before: SlashMeaning): SlashMeaning {
  let end = run.length;
  while (end > 0 && SPACE.includes(run[end - 1])) end--;
  if (end === 0) return before;
  const last = run[end - 1];
  if (last === "+" || last === "-") {
    // ++ and -- end an operand, + and - do not; --- is -- and -.
    let start = end - 1;
    while (start > 0 && run[start - 1] === last) start--;
    return (end - start) % 2 === 1 ? "Regexp" : "DivOp";
  }
  if (last === ".") return /[0-9]/.test(run[end - 2] ?? "") ? "DivOp" : "Regexp";
  if (OPERATORS.includes(last)) return "Regexp";
  let start = end;
  while (start > 0 && isIdentifierPart(run[start - 1])) start--;
  return BEFORE_REGEXP.has(run.slice(start, end)) ? "Regexp" : "DivOp";
}

/** Of names and numbers, as far as ASCII goes. */
export function isIdentifierPart(char: string): boolean {
  return /^[$0-9A-Z_a-z]/.test(char);
}

const SPECIAL = /["`'/{}<\-#]/g;

export function jsText(start: Context, s: string): Step {
  const at = s.search(SPECIAL);
  if (at < 0) return [{ ...start, jsCtx: slashAfter(s, start.jsCtx) }, s.length];
  const c: Context = { ...start, jsCtx: slashAfter(s.slice(0, at), start.jsCtx) };
  const next = at + 1;
  switch (s[at]) {
    case '"':
      return [{ ...c, state: "JSDqStr", jsCtx: "Regexp" }, next];
    case "'":
      return [{ ...c, state: "JSSqStr", jsCtx: "Regexp" }, next];
    case "`":
      return [{ ...c, state: "JSTmplLit", jsCtx: "Regexp" }, next];
    case "/":
      if (s[next] === "/") return [{ ...c, state: "JSLineCmt" }, next + 1];
      if (s[next] === "*") return [{ ...c, state: "JSBlockCmt" }, next + 1];
      if (c.jsCtx === "Regexp") return [{ ...c, state: "JSRegexp" }, next];
      if (c.jsCtx === "DivOp") return [{ ...c, jsCtx: "Regexp" }, next];
      return [
        failed(`'/' could start a division or regexp: ${quote([...s.slice(at, at + 64)].slice(0, 32).join(""))}`),
        s.length,
      ];
    case "<":
      // JavaScript knows comments in the manner of HTML, to the end of the line.
      return s.startsWith("<!--", at) ? [{ ...c, state: "JSHTMLOpenCmt" }, at + 4] : [c, next];
    case "-":
      return s.startsWith("-->", at) ? [{ ...c, state: "JSHTMLCloseCmt" }, at + 3] : [c, next];
    case "#":
      return s[next] === "!" ? [{ ...c, state: "JSLineCmt" }, next + 1] : [c, next];
    case "{":
      return [changeDepth(c, 1), next];
    default:
      return [changeDepth(c, -1), next];
  }
}

/** Braces count only inside `${…}`: the one that closes it leads back into the template literal. */
function changeDepth(c: Context, by: number): Context {
  const depth = c.braces.at(-1);
  if (depth === undefined) return c;
  const outer = c.braces.slice(0, -1);
  return depth + by < 0 ? { ...c, braces: outer, state: "JSTmplLit" } : { ...c, braces: [...outer, depth + by] };
}

function partialEscape(s: string): Step {
  return [failed(`unfinished escape sequence in JS string: ${quote(s)}`), s.length];
}

export function jsTemplate(c: Context, s: string): Step {
  const special = /[`\\$]/g;
  for (let match = special.exec(s); match; match = special.exec(s)) {
    const { index } = match;
    if (match[0] === "`") return [{ ...c, state: "JS" }, index + 1];
    if (match[0] === "\\") {
      if (index + 1 === s.length) return partialEscape(s);
      special.lastIndex = index + 2;
    } else if (s[index + 1] === "{") {
      return [{ ...c, state: "JS", braces: [...c.braces, 0] }, index + 2];
    }
  }
  return [c, s.length];
}

const DELIMITED: Partial<Record<State, RegExp>> = {
  JSDqStr: /["\\]/g,
  JSSqStr: /['\\]/g,
  JSRegexp: /[/\\[\]]/g,
};

/** Strings and regular expressions. */
export function jsDelimited(c: Context, s: string): Step {
  const special = new RegExp(DELIMITED[c.state]!);
  let inCharset = false;
  for (let match = special.exec(s); match; match = special.exec(s)) {
    const { index } = match;
    switch (match[0]) {
      case "\\":
        if (index + 1 === s.length) return partialEscape(s);
        special.lastIndex = index + 2;
        continue;
      case "[":
        inCharset = true;
        continue;
      case "]":
        inCharset = false;
        continue;
      case "/":
        // The slash of `</script` does not end the expression: it will be escaped.
        if (s.slice(Math.max(index - 1, 0), index + 7).toLowerCase() === "</script") {
          special.lastIndex = index + 2;
          continue;
        }
    }
    if (!inCharset) return [{ ...c, state: "JS", jsCtx: "DivOp" }, index + 1];
  }
  if (inCharset) return [failed(`unfinished JS regexp charset: ${quote(s)}`), s.length];
  return [c, s.length];
}

/** To the end of the line, which is not part of the comment. CSS has these comments in all browsers, if in no standard. */
export function lineComment(c: Context, s: string): Step {
  const isCss = c.state === "CSSLineCmt";
  const end = s.search(isCss ? /[\n\f\r]/ : /[\n\r\u2028\u2029]/);
  return end < 0 ? [c, s.length] : [{ ...c, state: isCss ? "CSS" : "JS" }, end];
}
