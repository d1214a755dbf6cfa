/**
 * How text moves a context on: HTML itself. A transition reads some characters and says where it is then
 * (html/template/transition.go). JavaScript and CSS have files of their own.
 */
import { quote } from "../text/quote.ts";
import { attributeKind } from "./attribute.ts";
import {
  type Attribute,
  type Context,
  type Element,
  failed,
  isComment,
  isInScriptLiteral,
  START,
  type State,
  type Step,
  VALUE_STATES,
} from "./context.ts";
import { cssString, cssText } from "./transition-css.ts";
import { jsDelimited, jsTemplate, jsText, lineComment } from "./transition-js.ts";
import { urlText } from "./transition-url.ts";

const ELEMENTS: Readonly<Record<string, Element>> = {
  script: "Script",
  style: "Style",
  textarea: "Textarea",
  title: "Title",
};
/** What an element holds. */
const BODIES: Readonly<Record<Element, State>> = {
  None: "Text",
  Script: "JS",
  Style: "CSS",
  Textarea: "RCDATA",
  Title: "RCDATA",
};
/** A tag's name at the place: `a-b` and `a:b` are names, `a-` is not. */
const TAG_NAME = /[A-Za-z][A-Za-z0-9]*(?:[:-][A-Za-z0-9]+)*/y;
const NOT_SPACE = /[^ \t\n\f\r]/g;
const END_OF_NAME = /[ \t\n\f\r=>'"<]/g;

/** Index of the first character at or after `from` that the (global) pattern matches; the text's length without one. */
function find(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function text(c: Context, s: string): Step {
  for (let from = 0; ; ) {
    const open = s.indexOf("<", from);
    if (open < 0 || open + 1 === s.length) return [c, s.length];
    if (s.startsWith("<!--", open)) return [{ ...START, state: "HTMLCmt" }, open + 4];
    const isEnd = s[open + 1] === "/";
    const at = open + (isEnd ? 2 : 1);
    if (at === s.length) return [c, s.length];
    TAG_NAME.lastIndex = at;
    const name = TAG_NAME.exec(s)?.[0];
    if (name !== undefined) {
      const element = isEnd ? "None" : elementNamed(name);
      return [{ ...START, state: "Tag", element }, at + name.length];
    }
    from = at;
  }
}

function elementNamed(name: string): Element {
  const lower = name.toLowerCase();
  return Object.hasOwn(ELEMENTS, lower) ? ELEMENTS[lower] : "None";
}

/** End of the attribute's name that starts at `from`, or the context of a character that no name may have. */
function nameEnd(s: string, from: number): number | Context {
  const end = find(END_OF_NAME, s, from);
  const char = s[end];
  if (char !== "'" && char !== '"' && char !== "<") return end;
  return failed(`${quote(char)} in attribute name: ${quote([...s.slice(0, 64)].slice(0, 32).join(""))}`);
}

function tag(c: Context, s: string): Step {
  const start = find(NOT_SPACE, s, 0);
  if (start === s.length) return [c, s.length];
  if (s[start] === ">") return [{ ...START, state: BODIES[c.element], element: c.element }, start + 1];
  const end = nameEnd(s, start);
  if (typeof end !== "number") return [end, s.length];
  if (end === start) {
    return [failed(`expected space, attr name, or end of tag, but got ${quote(s.slice(start))}`), s.length];
  }
  const attr = attributeNamed(s.slice(start, end).toLowerCase(), c.element);
  const state = end === s.length ? "AttrName" : "AfterName";
  return [{ ...START, state, element: c.element, attr }, end];
}

function attributeNamed(name: string, element: Element): Attribute {
  if (element === "Script" && name === "type") return "ScriptType";
  switch (attributeKind(name)) {
    case "url":
      return "URL";
    case "css":
      return "Style";
    case "js":
      return "Script";
    case "srcset":
      return "Srcset";
    default:
      return "None";
  }
}

function attributeName(c: Context, s: string): Step {
  const end = nameEnd(s, 0);
  if (typeof end !== "number") return [end, s.length];
  return [end === s.length ? c : { ...c, state: "AfterName" }, end];
}

function afterName(c: Context, s: string): Step {
  const start = find(NOT_SPACE, s, 0);
  if (start === s.length) return [c, s.length];
  if (s[start] !== "=") return [{ ...c, state: "Tag" }, start];
  return [{ ...c, state: "BeforeValue" }, start + 1];
}

function beforeValue(c: Context, s: string): Step {
  const start = find(NOT_SPACE, s, 0);
  if (start === s.length) return [c, s.length];
  const state = VALUE_STATES[c.attr];
  if (s[start] === "'") return [{ ...c, state, delim: "SingleQuote" }, start + 1];
  if (s[start] === '"') return [{ ...c, state, delim: "DoubleQuote" }, start + 1];
  return [{ ...c, state, delim: "SpaceOrTagEnd" }, start];
}

function htmlComment(c: Context, s: string): Step {
  const end = s.indexOf("-->");
  return end < 0 ? [c, s.length] : [START, end + 3];
}

function blockComment(c: Context, s: string): Step {
  const end = s.indexOf("*/");
  return end < 0 ? [c, s.length] : [{ ...c, state: c.state === "JSBlockCmt" ? "JS" : "CSS" }, end + 2];
}

/** End tags of the elements whose content is no HTML, where they count: followed by what ends a tag's name. */
const END_TAGS: Readonly<Record<Exclude<Element, "None">, RegExp>> = {
  Script: /<\/script(?=[> \t\n\f/])/gi,
  Style: /<\/style(?=[> \t\n\f/])/gi,
  Textarea: /<\/textarea(?=[> \t\n\f/])/gi,
  Title: /<\/title(?=[> \t\n\f/])/gi,
};

/** Index at or after `from` of the end tag that ends the element's content; -1 when there is none. */
export function endTagIndex(c: Context, s: string, from: number): number {
  if (c.element === "None") return -1;
  // In a literal of a script its end tag is escaped, so it does not end the script.
  if (c.element === "Script" && (isInScriptLiteral(c.state) || isComment(c.state))) return -1;
  const end = find(END_TAGS[c.element], s, from);
  return end === s.length ? -1 : end;
}

function untilEndTag(c: Context, s: string): Step {
  const end = endTagIndex(c, s, 0);
  return end < 0 ? [c, s.length] : [START, end];
}

function everything(c: Context, s: string): Step {
  return [c, s.length];
}

const TRANSITIONS: Readonly<Record<State, (c: Context, s: string) => Step>> = {
  Text: text,
  Tag: tag,
  AttrName: attributeName,
  AfterName: afterName,
  BeforeValue: beforeValue,
  HTMLCmt: htmlComment,
  RCDATA: untilEndTag,
  Attr: everything,
  URL: urlText,
  Srcset: urlText,
  JS: jsText,
  JSDqStr: jsDelimited,
  JSSqStr: jsDelimited,
  JSTmplLit: jsTemplate,
  JSRegexp: jsDelimited,
  JSBlockCmt: blockComment,
  JSLineCmt: lineComment,
  JSHTMLOpenCmt: lineComment,
  JSHTMLCloseCmt: lineComment,
  CSS: cssText,
  CSSDqStr: cssString,
  CSSSqStr: cssString,
  CSSDqURL: cssString,
  CSSSqURL: cssString,
  CSSURL: cssString,
  CSSBlockCmt: blockComment,
  CSSLineCmt: lineComment,
  Error: everything,
  Dead: everything,
};

/** The context after the first token of the text. */
export function transition(c: Context, s: string): Step {
  return TRANSITIONS[c.state](c, s);
}

/** Under another state than the context's own. */
export function transitionAs(state: State, c: Context, s: string): Step {
  return TRANSITIONS[state](c, s);
}
