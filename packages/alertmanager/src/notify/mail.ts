/** A mail as bytes: headers with encoded words, a text and an HTML alternative, quoted-printable. */
import { randomBytes } from "node:crypto";
import addressparser from "nodemailer/lib/addressparser";
import { encode, wrap } from "nodemailer/lib/qp";

export interface MailPart {
  type: "text/plain" | "text/html";
  text: string;
}

/** Content of an encoded word, so that the whole stays within 75 characters. */
const MAX_WORD = 63;

/** RFC 2047, Q encoding; plain printable ASCII stays as it is. */
export function encodeHeader(value: string): string {
  if (/^[\t\x20-\x7e]*$/.test(value)) return value;
  const words: string[] = [];
  let word = "";
  for (const rune of value) {
    let coded = "";
    for (const byte of Buffer.from(rune)) {
      const char = String.fromCharCode(byte);
      if (byte === 0x20) coded += "_";
      else if (byte > 0x20 && byte < 0x7f && !"=?_".includes(char)) coded += char;
      else coded += `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    }
    if (word.length + coded.length > MAX_WORD) {
      words.push(word);
      word = "";
    }
    word += coded;
  }
  return [...words, word].map((text) => `=?utf-8?q?${text}?=`).join("\r\n ");
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => String(value).padStart(2, "0");

/** RFC 1123 with a numeric zone, in local time. */
export function mailDate(ms: number): string {
  const date = new Date(ms);
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${DAYS[date.getDay()]}, ${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

/** A header's value cannot start another header. */
function oneLine(value: string): string {
  return value.replace(/[\r\n]+/g, " ");
}

export function composeMail(headers: readonly (readonly [string, string])[], parts: readonly MailPart[]): Buffer {
  const boundary = randomBytes(30).toString("hex");
  let out = headers.map(([name, value]) => `${name}: ${encodeHeader(oneLine(value))}\r\n`).join("");
  out += `Content-Type: multipart/alternative;  boundary=${boundary}\r\nMIME-Version: 1.0\r\n\r\n`;
  // The preferred alternative comes last (RFC 2046, 5.1.4).
  for (const { type, text } of parts) {
    out += `--${boundary}\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: ${type}; charset=UTF-8\r\n\r\n`;
    out += `${wrap(encode(text))}\r\n`;
  }
  return Buffer.from(`${out}--${boundary}--\r\n`);
}

/** Addresses of a list such as `a@b.c, Name <d@e.f>`; throws when one of them is none. */
export function parseAddresses(list: string): string[] {
  const addresses = addressparser(list, { flatten: true }).map(({ address = "" }) => address);
  const found = addresses.filter((address) => address !== "");
  if (found.length === 0) throw new Error("mail: no address");
  for (const address of found) {
    if (!/^[^@\s]+@[^@\s]+$/.test(address))
      throw new Error(`mail: missing '@' or angle-addr: ${JSON.stringify(address)}`);
  }
  return found;
}
