/** Base64 in the alphabet of URLs, with padding, as Go's base64.URLEncoding. */
import { fromBytes, toBytes } from "./utf8.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export function encodeBase64Url(text: string): string {
  const bytes = toBytes(text);
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const count = Math.min(bytes.length - i, 3) + 1;
    for (let j = 0; j < 4; j++) out += j < count ? ALPHABET[(group >> (18 - 6 * j)) & 63] : "=";
  }
  return out;
}

function corrupt(at: number): never {
  throw new Error(`illegal base64 data at input byte ${at}`);
}

/** Throws with Go's text, which names the byte. Line ends are skipped. */
export function decodeBase64Url(text: string): string {
  const input = toBytes(text);
  const out: number[] = [];
  let group: number[] = [];
  let i = 0;
  const next = (): number | undefined => {
    while (input[i] === 0x0a || input[i] === 0x0d) i++;
    return i < input.length ? input[i++] : undefined;
  };
  for (let byte = next(); byte !== undefined; byte = next()) {
    const digit = ALPHABET.indexOf(String.fromCharCode(byte));
    if (digit >= 0) {
      group.push(digit);
      if (group.length < 4) continue;
    } else {
      // Padding may only fill the last group, and only its second half.
      if (byte !== 0x3d || group.length < 2) corrupt(i - 1);
      if (group.length === 2) {
        const second = next();
        if (second === undefined) corrupt(input.length);
        if (second !== 0x3d) corrupt(i - 2);
      }
      if (next() !== undefined) corrupt(i - 1);
    }
    const value = group.reduce((sum, part, at) => sum | (part << (18 - 6 * at)), 0);
    out.push(...[value >> 16, (value >> 8) & 255, value & 255].slice(0, group.length - 1));
    group = [];
  }
  if (group.length > 0) corrupt(input.length - group.length);
  return fromBytes(Uint8Array.from(out));
}
