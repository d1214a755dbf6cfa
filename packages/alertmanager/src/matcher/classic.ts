/** The older matcher syntax: names as in Prometheus before UTF-8, values with or without quotes. */
import { type MatchType, UserError } from "@pharos/model";
import { AlertMatcher } from "./matcher.ts";

const PATTERN = /^[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)[\t\n\f\r ]*([\s\S]*?)[\t\n\f\r ]*$/;

function fail(message: string): never {
  throw new UserError("alertmanager.matcher", message);
}

export function parseClassicMatcher(input: string): AlertMatcher {
  const match = PATTERN.exec(input);
  if (!match) fail(`bad matcher format: ${input}`);
  const [, name, type, given] = match;
  const opens = given.startsWith('"');
  const raw = opens ? given.slice(1) : given;
  if (!raw.isWellFormed()) fail(`matcher value not valid UTF-8: ${given}`);
  let value = "";
  let closed = !opens;
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i];
    if (char === "\\" && i < raw.length - 1) {
      const escaped = raw[++i];
      value += escaped === "n" ? "\n" : escaped === '"' || escaped === "\\" ? escaped : `\\${escaped}`;
    } else if (char === '"') {
      if (closed || i < raw.length - 1) fail(`matcher value contains unescaped double quote: ${given}`);
      closed = true;
    } else value += char;
  }
  if (!closed) fail(`matcher value contains unescaped double quote: ${given}`);
  return new AlertMatcher(type as MatchType, name, value);
}

/** Commas inside quotes do not separate; braces around the list may be missing on either side. */
export function parseClassicMatchers(input: string): AlertMatcher[] {
  const body = input.replace(/^\{/, "").replace(/\}$/, "");
  const parts: string[] = [];
  let part = "";
  let quoted = false;
  let escaped = false;
  for (const char of body) {
    if (char === "," && !quoted) {
      parts.push(part);
      part = "";
      continue;
    }
    if (char === '"') {
      if (!escaped) quoted = !quoted;
      escaped = false;
    } else if (char === "\\") escaped = !escaped;
    else if (char !== ",") escaped = false;
    part += char;
  }
  if (part.trim() !== "") parts.push(part.trim());
  return parts.map(parseClassicMatcher);
}
