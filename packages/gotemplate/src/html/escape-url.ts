/** Escapers for URLs and lists of them. */
import { toBytes } from "../text/utf8.ts";
import type { Value } from "../value/value.ts";
import { contentOf, FAILSAFE } from "./content.ts";
import { SRCSET, URL } from "./types.ts";

type Arguments = readonly (Value | undefined)[];

/** Without scheme, or with one that runs nothing. */
function isSafe(url: string): boolean {
  const colon = url.indexOf(":");
  if (colon < 0) return true;
  const scheme = url.slice(0, colon);
  return scheme.includes("/") || /^(?:http|https|mailto)$/i.test(scheme.replaceAll("ſ", "s"));
}

const UNRESERVED = /[^A-Za-z0-9\-._~]+/g;
const NORMAL = /%(?![0-9a-fA-F]{2})|[^A-Za-z0-9\-._~!#$&*+,/:;=?@[\]%]+/g;

/** Percent-encodes; a normalized URL keeps what has a meaning in URLs and what is encoded already. */
function encode(text: string, keepsMeaning: boolean): string {
  return text.replace(keepsMeaning ? NORMAL : UNRESERVED, (run) => toBytes(run).toHex().replace(/../g, "%$&"));
}

/** At the start of a URL: lets no scheme through that could run a script. */
export function urlFilter(args: Arguments): string {
  const { text, type } = contentOf(args);
  return type === URL || isSafe(text) ? text : `#${FAILSAFE}`;
}

/** In the query or fragment. */
export function urlPart(args: Arguments): string {
  const { text, type } = contentOf(args);
  return encode(text, type === URL);
}

export function urlNormalized(args: Arguments): string {
  return encode(contentOf(args).text, true);
}

/** A list of `URL size` separated by commas. */
export function srcset(args: Arguments): string {
  const { text, type } = contentOf(args);
  if (type === SRCSET) return text;
  if (type === URL) return encode(text, true).replaceAll(",", "%2c");
  return text.split(",").map(srcsetElement).join(",");
}

function srcsetElement(element: string): string {
  const [, before, url, after] = /^([\t\n\f\r ]*)([^\t\n\f\r ]*)(.*)$/s.exec(element)!;
  return isSafe(url) && /^[\t\n\f\r 0-9A-Za-z]*$/.test(after) ? before + encode(url, true) + after : `#${FAILSAFE}`;
}
