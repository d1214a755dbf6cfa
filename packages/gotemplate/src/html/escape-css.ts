/** Escapers for CSS. */
import type { Value } from "../value/value.ts";
import { contentOf, FAILSAFE, textOf } from "./content.ts";
import { CSS } from "./types.ts";

type Arguments = readonly (Value | undefined)[];

/** Replaces CSS escapes by what they mean: `\61`, `\"`. */
export function decodeCss(css: string): string {
  if (!css.includes("\\")) return css;
  return css.replace(
    /\\(?:([0-9a-fA-F]{1,6})(\r\n|[\t\n\f\r ])?|(.)|$)/gsu,
    (_all, digits?: string, space = "", char = "") => {
      if (digits === undefined) return char;
      const code = Number.parseInt(digits, 16);
      // Too large with six digits: the last is no part of it, and so neither is the space.
      if (code > 0x10ffff) return String.fromCodePoint(code >> 4) + digits.at(-1) + space;
      return code >= 0xd800 && code <= 0xdfff ? "\ufffd" : String.fromCodePoint(code);
    },
  );
}

/** For strings: every special character as its number, followed by a space where a digit or space would join it. */
export function cssString(args: Arguments): string {
  return textOf(args).replace(/[\0\t\n\f\r"&'()+/:;<>\\{}]/g, (char, offset: number, text: string) => {
    if (char === "\\") return "\\\\";
    const code = `\\${char.charCodeAt(0).toString(16)}`;
    const next = text[offset + 1];
    return next === undefined || /[0-9a-fA-F\t\n\f\r ]/.test(next) ? `${code} ` : code;
  });
}

/** Keywords, numbers, colours, lists of them; nothing that could open a string, function, block or comment. */
export function cssValue(args: Arguments): string {
  const { text, type } = contentOf(args);
  if (type === CSS) return text;
  const decoded = decodeCss(text);
  if (/[\0"'()/;@[\\\]`{}<>]|--/.test(decoded)) return FAILSAFE;
  // Both can run scripts in old browsers, with anything between the letters.
  const letters = decoded.replace(/[^a-zA-Z0-9_]/g, "").toLowerCase();
  return letters.includes("expression") || letters.includes("mozbinding") ? FAILSAFE : decoded;
}
