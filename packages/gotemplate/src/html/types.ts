/** Strings that are known to be safe in one context of HTML (html/template's content types). */
import { Type } from "../value/type.ts";

const content = (name: string): Type => new Type("string", `template.${name}`);
export const HTML = content("HTML");
export const HTML_ATTR = content("HTMLAttr");
export const URL = content("URL");
export const JS = content("JS");
export const JS_STRING = content("JSStr");
export const CSS = content("CSS");
export const SRCSET = content("Srcset");
