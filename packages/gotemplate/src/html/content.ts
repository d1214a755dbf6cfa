/** The arguments of an escaper as one text, and whether its type says that it is safe in some context. */
import { sprint } from "../fmt/print.ts";
import { hasText } from "../fmt/verbs.ts";
import { STRING, type Type } from "../value/type.ts";
import { unbox, type Value } from "../value/value.ts";
import { CSS, HTML, HTML_ATTR, JS, JS_STRING, SRCSET, URL } from "./types.ts";

/** In place of what cannot be made safe. Go's word, which people search for. */
export const FAILSAFE = "ZgotmplZ";

const TYPES: ReadonlySet<Type> = new Set([CSS, HTML, HTML_ATTR, JS, JS_STRING, SRCSET, URL]);

type Arguments = readonly (Value | undefined)[];

/** Through pointers, up to one that is nil. */
export function dereference(argument: Value | undefined): Value | undefined {
  let value = unbox(argument);
  while (value?.kind === "ptr" && value.inner !== null) value = unbox(value.inner);
  return value;
}

/** Through pointers, up to a value that prints itself. */
function printable(argument: Value | undefined): Value | undefined {
  let value = unbox(argument);
  while (value?.kind === "ptr" && value.inner !== null && !hasText(value.type)) value = unbox(value.inner);
  return value;
}

/** `type` is one of the content types, or undefined for plain text. Nil arguments print nothing. */
export function contentOf(args: Arguments): { text: string; type: Type | undefined } {
  if (args.length === 1) {
    const value = dereference(args[0]);
    if (value?.type === STRING) return { text: value.text, type: undefined };
    if (value && TYPES.has(value.type)) return { text: value.text, type: value.type };
  }
  const present = args.filter((arg) => unbox(arg) !== undefined);
  return { text: sprint(present.map(printable)), type: undefined };
}

export function textOf(args: Arguments): string {
  return contentOf(args).text;
}

/** The arguments as text, nil ones as `<nil>`: what `html` and `urlquery` are given when they end a pipeline. */
export function joinArguments(args: Arguments): string {
  const only = unbox(args[0]);
  if (args.length === 1 && only?.type === STRING) return only.text;
  return sprint(args.map(printable));
}
