/** Escapers for text, attributes and names of attributes. */
import type { Value } from "../value/value.ts";
import { attributeKind } from "./attribute.ts";
import { contentOf, FAILSAFE, textOf } from "./content.ts";
import { type Context, isInTag, START } from "./context.ts";
import { transition, transitionAs } from "./transition.ts";
import { HTML, HTML_ATTR } from "./types.ts";

type Arguments = readonly (Value | undefined)[];

const TEXT: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "&": "&amp;",
  "'": "&#39;",
  "+": "&#43;",
  "<": "&lt;",
  ">": "&gt;",
};
/** Without quotes around, space and what HTML parsers disagree on ends or changes the value. */
const UNQUOTED: Readonly<Record<string, string>> = {
  ...TEXT,
  "\0": "&#xfffd;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\v": "&#11;",
  "\f": "&#12;",
  "\r": "&#13;",
  " ": "&#32;",
  "=": "&#61;",
  "`": "&#96;",
};
const TEXT_PATTERN = /[\0"&'+<>]/g;
/** HTML keeps its entities. */
const TEXT_PATTERN_HTML = /[\0"'+<>]/g;
// Beside the table: code points that are none (a byte that is not UTF-8, too), which HTML parsers replace.
const UNQUOTED_PATTERN = /[\0\t\n\v\f\r "&'+<=>`\ufdd0-\ufdef\ufff0-\uffff\udc80-\udcff]/gu;
const UNQUOTED_PATTERN_HTML = /[\0\t\n\v\f\r "'+<=>`\ufdd0-\ufdef\ufff0-\uffff\udc80-\udcff]/gu;

function escapeText(text: string, isHtml: boolean): string {
  return text.replace(isHtml ? TEXT_PATTERN_HTML : TEXT_PATTERN, (char) => TEXT[char]);
}

function escapeUnquoted(text: string, isHtml: boolean): string {
  return text.replace(isHtml ? UNQUOTED_PATTERN_HTML : UNQUOTED_PATTERN, (char) => {
    const known = UNQUOTED[char];
    if (known !== undefined) return known;
    const code = char.charCodeAt(0);
    return `&#x${(code >= 0xdc80 && code <= 0xdcff ? 0xfffd : code).toString(16)};`;
  });
}

export function htmlText(args: Arguments): string {
  const { text, type } = contentOf(args);
  return type === HTML ? text : escapeText(text, false);
}

/** In `<textarea>` and `<title>` tags are text, entities are not. */
export function rcdata(args: Arguments): string {
  const { text, type } = contentOf(args);
  return escapeText(text, type === HTML);
}

export function quotedAttribute(args: Arguments): string {
  const { text, type } = contentOf(args);
  return type === HTML ? escapeText(stripTags(text), true) : escapeText(text, false);
}

export function unquotedAttribute(args: Arguments): string {
  const { text, type } = contentOf(args);
  // Without a value, what follows would become it.
  if (text === "") return FAILSAFE;
  return type === HTML ? escapeUnquoted(stripTags(text), true) : escapeUnquoted(text, false);
}

/** A name of an attribute that has no power: no event handler, URL or style. */
export function attributeNameFilter(args: Arguments): string {
  const { text, type } = contentOf(args);
  if (type === HTML_ATTR) return text;
  const name = text.toLowerCase();
  return /^[0-9a-z]+$/.test(name) && attributeKind(name) === "plain" ? name : FAILSAFE;
}

/** Comments are not for data. */
export function commentFilter(args: Arguments): string {
  textOf(args);
  return "";
}

const DELIMITERS = { DoubleQuote: /"/g, SingleQuote: /'/g, SpaceOrTagEnd: /[ \t\n\f\r>]/g };

/** Only the text of some HTML: for attributes, in which tags are text. */
export function stripTags(html: string): string {
  let out = "";
  let c: Context = START;
  let at = 0;
  let onlyText = true;
  while (at < html.length) {
    if (c.delim !== "None") {
      const ends = DELIMITERS[c.delim];
      ends.lastIndex = at;
      const end = ends.exec(html);
      if (!end) break;
      at = end.index + (c.delim === "SpaceOrTagEnd" ? 0 : 1);
      c = { ...START, state: "Tag", element: c.element };
      continue;
    }
    const rest = html.slice(at);
    const [next, taken] =
      c.element !== "None" && !isInTag(c.state) ? transitionAs("RCDATA", c, rest) : transition(c, rest);
    if (c.state === "Text" || c.state === "RCDATA") {
      let end = at + taken;
      if (next.state !== c.state) {
        const open = html.lastIndexOf("<", end - 1);
        if (open >= at) end = open;
      }
      out += html.slice(at, end);
    } else onlyText = false;
    c = next;
    at += taken;
  }
  if (onlyText) return html;
  return c.state === "Text" || c.state === "RCDATA" ? out + html.slice(at) : out;
}
