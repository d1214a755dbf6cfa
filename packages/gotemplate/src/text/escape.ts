/** The escapers behind html, js and urlquery. */
import { isPrintable, quote } from "./quote.ts";
import { fromBytes, sliceBytes, toBytes } from "./utf8.ts";

const HTML: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

export function htmlEscape(text: string): string {
  return text.replace(/[\0"'&<>]/g, (char) => HTML[char]);
}

const JS: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

export function jsEscape(text: string): string {
  return text.replace(/[\0-\x1f"&'<=>\\]|[^\0-\x7e]/gu, (char) => {
    if (JS[char]) return JS[char];
    if (char > "\x7e" && isPrintable(char)) return char;
    return `\\u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** url.QueryEscape: a space becomes +. */
export function queryEscape(text: string): string {
  return escapeUrl(text, /[^A-Za-z0-9\-_.~]+/g).replaceAll("%20", "+");
}

/** url.PathEscape: what may stand in one segment of a path. */
export function pathEscape(text: string): string {
  return escapeUrl(text, /[^A-Za-z0-9\-_.~$&+:=@]+/g);
}

function escapeUrl(text: string, special: RegExp): string {
  return text.replace(special, (run) => toBytes(run).toHex().toUpperCase().replace(/../g, "%$&"));
}

/** url.QueryUnescape: + is a space. Throws with Go's text for a % that two hexadecimal digits do not follow. */
export function queryUnescape(text: string): string {
  const bad = /%(?![0-9a-fA-F]{2})/.exec(text);
  if (bad) throw new Error(`invalid URL escape ${quote(sliceBytes(text.slice(bad.index, bad.index + 3), 0, 3))}`);
  const bytes = toBytes(text.replaceAll("+", " "));
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x25) {
      out.push(bytes[i]);
      continue;
    }
    out.push(Number.parseInt(String.fromCharCode(bytes[i + 1], bytes[i + 2]), 16));
    i += 2;
  }
  return fromBytes(Uint8Array.from(out));
}
