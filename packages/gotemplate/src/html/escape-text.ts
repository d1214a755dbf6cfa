/** Literal text: the context after it, and the text without comments and with stray `<` escaped. */
import { quote } from "../text/quote.ts";
import {
  type Context,
  describeContext,
  failed,
  isComment,
  isInScriptLiteral,
  START,
  type State,
  type Step,
} from "./context.ts";
import { decodeEntities } from "./entity.ts";
import { endTagIndex, transition } from "./transition.ts";

/** Where the attribute's value ends. */
const VALUE_ENDS = { DoubleQuote: /"/g, SingleQuote: /'/g, SpaceOrTagEnd: /[ \t\n\f\r>]/g };
/** HTML has special rules for these in scripts; spelled so, they mean nothing. */
const SCRIPT_TAGS = /<(script|\/script|!--)/gi;
/** Length of what opens a comment. */
const OPENERS: Partial<Record<State, number>> = { HTMLCmt: 4, JSHTMLOpenCmt: 4, JSHTMLCloseCmt: 3 };
const JAVASCRIPT: ReadonlySet<string> = new Set(
  `application/ecmascript application/javascript application/json application/ld+json application/x-ecmascript
   application/x-javascript module text/ecmascript text/javascript text/javascript1.0 text/javascript1.1
   text/javascript1.2 text/javascript1.3 text/javascript1.4 text/javascript1.5 text/jscript text/livescript
   text/x-ecmascript text/x-javascript`.split(/\s+/),
);

export interface EscapedText {
  context: Context;
  /** The text to write, when it is another. */
  text: string | undefined;
}

export function escapeTextNode(start: Context, s: string): EscapedText {
  const walk = new Walk(s);
  let c = start;
  let out = "";
  /** Up to where the text is in `out`, or dropped. */
  let written = 0;
  let changed = false;
  const keep = (end: number, instead: string): void => {
    out += s.slice(written, end) + instead;
    changed = true;
  };
  let at = 0;
  while (at < s.length) {
    const [next, taken] = walk.step(c, at);
    const end = at + taken;
    if (c.state === "Text" || c.state === "RCDATA") {
      let textEnd = end;
      if (next.state !== c.state) {
        const open = s.lastIndexOf("<", end - 1);
        if (open >= at) textEnd = open;
      }
      for (let open = s.indexOf("<", at); open >= 0 && open < textEnd; open = s.indexOf("<", open + 1)) {
        if (/^<!DOCTYPE/i.test(s.slice(open, open + 9))) continue;
        keep(open, "&lt;");
        written = open + 1;
      }
    } else if (isComment(c.state) && c.delim === "None") {
      // Space stays between what the comment parted, a line's end where JavaScript needs it.
      if (c.state === "JSBlockCmt") out += /[\n\r\u2028\u2029]/.test(s.slice(written, end)) ? "\n" : " ";
      else if (c.state === "CSSBlockCmt") out += " ";
      changed ||= end > 0;
      written = end;
    }
    if (c.state !== next.state && isComment(next.state) && next.delim === "None") {
      keep(end - (OPENERS[next.state] ?? 2), "");
      written = end;
    }
    if (isInScriptLiteral(c.state)) {
      const literal = s.slice(at, end);
      const safe = literal.replace(SCRIPT_TAGS, "\\x3C$1");
      if (safe !== literal) {
        keep(at, safe);
        written = end;
      }
    }
    if (taken === 0 && c.state === next.state) {
      throw new Error(`no progress from ${describeContext(c)} at ${quote(s.slice(at, at + 32))}`);
    }
    c = next;
    at = end;
  }
  if (!changed || c.state === "Error") return { context: c, text: undefined };
  if (!isComment(c.state) || c.delim !== "None") out += s.slice(written);
  return { context: c, text: out };
}

/** Steps over one text, remembering where the end tag was found last: the way to it may have very many steps. */
class Walk {
  readonly #text: string;
  #endTag: { element: Context["element"]; index: number } | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  step(c: Context, at: number): Step {
    return c.delim === "None" ? this.#outsideValue(c, at) : this.#inValue(c, at);
  }

  #outsideValue(c: Context, at: number): Step {
    const end = this.#endTagFrom(c, at);
    if (end === at) return [START, 0];
    return transition(c, this.#text.slice(at, end < 0 ? undefined : end));
  }

  #endTagFrom(c: Context, at: number): number {
    if (c.element === "None") return -1;
    if (c.element === "Script" && (isInScriptLiteral(c.state) || isComment(c.state))) return -1;
    const known = this.#endTag;
    if (known?.element === c.element && (known.index < 0 || known.index >= at)) return known.index;
    const index = endTagIndex(c, this.#text, at);
    this.#endTag = { element: c.element, index };
    return index;
  }

  #inValue(c: Context, at: number): Step {
    const s = this.#text;
    const delimiter = VALUE_ENDS[c.delim as keyof typeof VALUE_ENDS];
    delimiter.lastIndex = at;
    const end = delimiter.exec(s)?.index ?? s.length;
    const value = s.slice(at, end);
    if (c.delim === "SpaceOrTagEnd") {
      // Parsers of HTML differ on what these do to a value without quotes.
      const bad = /["'<=`]/.exec(value)?.[0];
      if (bad !== undefined) return [failed(`${quote(bad)} in unquoted attr: ${quote(value)}`), s.length - at];
    }
    if (end === s.length) return [valueSoFar(c, value), s.length - at];
    const isNoScript = c.state === "Attr" && c.element === "Script" && c.attr === "ScriptType" && !isJavaScript(value);
    // All that is remembered of an attribute is its element.
    const element = isNoScript ? "None" : c.element;
    return [{ ...START, state: "Tag", element }, end - at + (c.delim === "SpaceOrTagEnd" ? 0 : 1)];
  }
}

/** The value goes on after the text. What is in it counts as HTML decodes it: `alert(&quot;` opens a string. */
function valueSoFar(start: Context, value: string): Context {
  let c = start;
  let rest = decodeEntities(value);
  while (rest !== "") {
    const [next, taken] = transition(c, rest);
    c = next;
    rest = rest.slice(taken);
  }
  return c;
}

/** Whether a script element of this type holds JavaScript. */
function isJavaScript(mimeType: string): boolean {
  return JAVASCRIPT.has(mimeType.split(";", 1)[0].toLowerCase().trim());
}
