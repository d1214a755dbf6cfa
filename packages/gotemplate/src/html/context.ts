/**
 * Where in HTML, JavaScript, CSS or a URL an action of a template stands. The names are Go's (html/template/context.go),
 * because messages and the names of derived templates spell them.
 */
import type { Node, Tree } from "../node.ts";

export type State =
  /** Between tags. */
  | "Text"
  /** In a tag, before an attribute or the tag's end. */
  | "Tag"
  | "AttrName"
  | "AfterName"
  /** After the equals sign of an attribute. */
  | "BeforeValue"
  | "HTMLCmt"
  /** In `<textarea>` or `<title>`, which hold text but no tags. */
  | "RCDATA"
  | "Attr"
  | "URL"
  | "Srcset"
  | "JS"
  | "JSDqStr"
  | "JSSqStr"
  | "JSTmplLit"
  | "JSRegexp"
  | "JSBlockCmt"
  | "JSLineCmt"
  | "JSHTMLOpenCmt"
  | "JSHTMLCloseCmt"
  | "CSS"
  | "CSSDqStr"
  | "CSSSqStr"
  | "CSSDqURL"
  | "CSSSqURL"
  | "CSSURL"
  | "CSSBlockCmt"
  | "CSSLineCmt"
  /** Nothing safe can be said any more. */
  | "Error"
  /** After `{{break}}` or `{{continue}}`: never reached. */
  | "Dead";

/** What ends the attribute's value. */
export type Delimiter = "None" | "DoubleQuote" | "SingleQuote" | "SpaceOrTagEnd";
export type UrlPart = "None" | "PreQuery" | "QueryOrFrag" | "Unknown";
/** What a slash would mean. */
export type SlashMeaning = "Regexp" | "DivOp" | "Unknown";
export type Attribute = "None" | "Script" | "ScriptType" | "Style" | "URL" | "Srcset";
export type Element = "None" | "Script" | "Style" | "Textarea" | "Title";

export interface Place {
  node: Node;
  tree: Tree;
}

/** Why a template cannot be escaped. Shared by all contexts that follow from it, and completed on its way up. */
export interface Problem {
  place?: Place;
  /** Name of the template that was to be executed. */
  name: string;
  /** 0: unknown. */
  line: number;
  text: string;
}

export interface Context {
  readonly state: State;
  readonly delim: Delimiter;
  readonly urlPart: UrlPart;
  readonly jsCtx: SlashMeaning;
  /** Open braces in each `${` of the template literals around. */
  readonly braces: readonly number[];
  readonly attr: Attribute;
  readonly element: Element;
  readonly problem?: Problem;
}

/** Where a template starts. */
export const START: Context = {
  state: "Text",
  delim: "None",
  urlPart: "None",
  jsCtx: "Regexp",
  braces: [],
  attr: "None",
  element: "None",
};

/** What a transition over text gives: the context after it, and how many characters it took. */
export type Step = readonly [context: Context, taken: number];

export function failed(text: string, place?: Place, line = 0): Context {
  return { ...START, state: "Error", problem: { text, place, line, name: "" } };
}

export function sameContext(a: Context, b: Context): boolean {
  return (
    a.state === b.state &&
    a.delim === b.delim &&
    a.urlPart === b.urlPart &&
    a.jsCtx === b.jsCtx &&
    a.attr === b.attr &&
    a.element === b.element &&
    a.problem === b.problem &&
    a.braces.length === b.braces.length &&
    a.braces.every((depth, i) => depth === b.braces[i])
  );
}

/** As Go prints it; `<nil>` is the error that it does not hold. */
export function describeContext(c: Context): string {
  return `{state${c.state} delim${c.delim} urlPart${c.urlPart} jsCtx${c.jsCtx} attr${c.attr} element${c.element} <nil>}`;
}

/** Name of the template derived from `name` for a call in this context. */
export function derivedName(c: Context, name: string): string {
  if (c.state === "Text") return name;
  let derived = `${name}$htmltemplate_state${c.state}`;
  if (c.delim !== "None") derived += `_delim${c.delim}`;
  if (c.urlPart !== "None") derived += `_urlPart${c.urlPart}`;
  if (c.jsCtx !== "Regexp") derived += `_jsCtx${c.jsCtx}`;
  // Go's name leaves the braces out, so that two different contexts would share one template.
  if (c.braces.length > 0) derived += `_braces${c.braces.join("_")}`;
  if (c.attr !== "None") derived += `_attr${c.attr}`;
  if (c.element !== "None") derived += `_element${c.element}`;
  return derived;
}

export function isComment(state: State): boolean {
  return state.endsWith("Cmt");
}

export function isInTag(state: State): boolean {
  return (
    state === "Tag" || state === "AttrName" || state === "AfterName" || state === "BeforeValue" || state === "Attr"
  );
}

export function isInScriptLiteral(state: State): boolean {
  return state === "JSDqStr" || state === "JSSqStr" || state === "JSTmplLit" || state === "JSRegexp";
}

/** What the value of an attribute is, at its start. */
export const VALUE_STATES: Readonly<Record<Attribute, State>> = {
  None: "Attr",
  Script: "JS",
  ScriptType: "Attr",
  Style: "CSS",
  URL: "URL",
  Srcset: "Srcset",
};

/** The context after a transition that takes no character: what an action stands in, not what was read before it. */
export function nudge(c: Context): Context {
  switch (c.state) {
    case "Tag":
      return { ...c, state: "AttrName" };
    case "BeforeValue":
      return { ...c, state: VALUE_STATES[c.attr], delim: "SpaceOrTagEnd", attr: "None" };
    case "AfterName":
      return { ...c, state: "AttrName", attr: "None" };
    default:
      return c;
  }
}
