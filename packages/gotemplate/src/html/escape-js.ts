/** Escapers for JavaScript: values, strings, template literals and regular expressions. */
import { sprint } from "../fmt/print.ts";
import { hasJson, marshal } from "../json/marshal.ts";
import { LimitReached } from "../text/bound.ts";
import { string, unbox, type Value } from "../value/value.ts";
import { contentOf, textOf } from "./content.ts";
import { isIdentifierPart } from "./transition-js.ts";
import { JS, JS_STRING } from "./types.ts";

type Arguments = readonly (Value | undefined)[];

/** Through pointers, up to a value that has JSON of its own. */
function marshaler(argument: Value | undefined): Value | undefined {
  let value = unbox(argument);
  while (value?.kind === "ptr" && value.inner !== null && !hasJson(value.type)) value = unbox(value.inner);
  return value;
}

/** Text of a Stringer (errors do not count); undefined for other values. */
function stringOf(value: Value): string | undefined {
  const method = value.type.method("String");
  if (!method) return undefined;
  if (value.kind !== "ptr" || method.pointer) return method.call(value, [])?.text ?? "";
  if (value.inner === null) throw new Error(`value method ${value.type.elem!.name}.String called using nil pointer`);
  return method.call(value.inner, [])?.text ?? "";
}

/** An expression without side effects and free variables. */
export function jsValue(args: Arguments): string {
  let value: Value | undefined;
  if (args.length === 1) {
    value = marshaler(args[0]);
    if (value?.type === JS) return value.text;
    if (value?.type === JS_STRING) return `"${value.text}"`;
    const shown = value && !hasJson(value.type) ? stringOf(value) : undefined;
    if (shown !== undefined) value = string(shown);
  } else value = string(sprint(args.map(marshaler)));
  let json: string;
  try {
    json = marshal(value);
  } catch (error) {
    if (error instanceof LimitReached) throw error;
    // The space keeps a division before it from becoming a line comment.
    const message = (error as Error).message
      .replace(/<(\/?)script/gi, "\\x3C$1script")
      .replaceAll("*/", "* /")
      .replaceAll("<!--", "\\x3C!--");
    return ` /* ${message} */null `;
  }
  if (json === "") return " null ";
  // Names and numbers must not run into a keyword before or after.
  const pad = isIdentifierPart(json[0]) || isIdentifierPart(json[json.length - 1]) ? " " : "";
  return pad + json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029") + pad;
}

const SHORT: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "/": "\\/" };

function unicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const hex = (char: string): string => SHORT[char] ?? unicode(char);
const withBackslash = (char: string): string => (char === "\\" ? "\\\\" : hex(char));

/** For between quotes. Characters special in HTML are spelled in hexadecimal, so that any attribute may hold it. */
export function jsString(args: Arguments): string {
  const { text, type } = contentOf(args);
  if (type === JS_STRING) return text.replace(/[\0-\x1f"`&'+/<>\u2028\u2029]/g, hex);
  return text.replace(/[\0-\x1f"`&'+/<>\\\u2028\u2029]/g, withBackslash);
}

export function jsTemplateLiteral(args: Arguments): string {
  return textOf(args).replace(/[\0-\x1f"`&'+/<>\\${}\u2028\u2029]/g, withBackslash);
}

/** Matches itself in a regular expression; never empty, as `//` begins a comment. */
export function jsRegexp(args: Arguments): string {
  const escaped = textOf(args).replace(/[\0-\x1f"$&'()*+\-./<>?[\\\]^{|}\u2028\u2029]/g, (char) =>
    "$()*-.?[\\]^{|}".includes(char) ? `\\${char}` : hex(char),
  );
  return escaped === "" ? "(?:)" : escaped;
}
