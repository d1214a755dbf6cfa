/** Character references: `&lt;`, `&#60;`, `&#x3c;`, and the forms without semicolon that browsers accept. */
import { ENTITIES } from "./entity-data.ts";

interface Entity {
  text: string;
  /** Also without semicolon, and then also before more letters. */
  loose: boolean;
}

const LONGEST_LOOSE = 6;
let table: Map<string, Entity> | undefined;

function entity(name: string): Entity | undefined {
  if (!table) {
    table = new Map([["NewLine", { text: "\n", loose: false }]]);
    for (const item of ENTITIES.trim().split(/[ \n]+/)) {
      const [, known, mark, text] = /^([A-Za-z0-9]+)([=?])(.+)$/s.exec(item)!;
      table.set(known, { text, loose: mark === "?" });
    }
  }
  return table.get(name);
}

/** Numbers 0x80…0x9f are taken for Windows-1252, which is what their authors meant. */
const WINDOWS_1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

function character(digits: string, base: number): string {
  let code = 0;
  // In 32 bits, as Go counts.
  for (const digit of digits) code = (Math.imul(code, base) + Number.parseInt(digit, base)) | 0;
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252[code - 0x80];
  return code <= 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? "\ufffd" : String.fromCodePoint(code);
}

function named(name: string, closed: boolean, all: string): string {
  const found = entity(name);
  if (found && (closed || found.loose)) return found.text;
  for (let length = Math.min(closed ? name.length : name.length - 1, LONGEST_LOOSE); length > 1; length--) {
    const shorter = entity(name.slice(0, length));
    if (shorter?.loose) return shorter.text + all.slice(1 + length);
  }
  return all;
}

export function decodeEntities(html: string): string {
  if (!html.includes("&")) return html;
  return html.replace(
    // One decimal digit needs its semicolon, no hexadecimal one is zero: both as Go has it.
    /&(?:#[xX]([0-9a-fA-F]+);?|#[xX](;)|#([0-9]{2,});?|#([0-9]);|([A-Za-z0-9]+)(;?))/g,
    (
      all: string,
      hex?: string,
      empty?: string,
      decimal?: string,
      digit?: string,
      name?: string,
      semicolon?: string,
    ) => {
      if (name !== undefined) return named(name, semicolon === ";", all);
      return hex !== undefined || empty ? character(hex ?? "0", 16) : character(decimal ?? digit!, 10);
    },
  );
}
