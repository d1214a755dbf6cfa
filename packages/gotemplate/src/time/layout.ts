/** Go's time layouts: the reference time Mon Jan 2 15:04:05 MST 2006 written as the output shall look. */
import type { Moment } from "./moment.ts";

export const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
export const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

export type Element =
  | "January"
  | "Jan"
  | "1"
  | "01"
  | "Monday"
  | "Mon"
  | "2"
  | "_2"
  | "02"
  | "__2"
  | "002"
  | "15"
  | "3"
  | "03"
  | "4"
  | "04"
  | "5"
  | "05"
  | "2006"
  | "06"
  | "PM"
  | "pm"
  | "MST"
  | "fraction0"
  | "fraction9"
  /** Z… and -… offsets. */
  | "offset";

export interface Chunk {
  /** Literal text before the element. */
  prefix: string;
  element: Element;
  /** The element as the layout spells it. */
  text: string;
  suffix: string;
}

/** In the order they must be tried: longer spellings first. */
const FIXED: readonly (readonly [string, Element])[] = [
  ["January", "January"],
  ["Jan", "Jan"],
  ["Monday", "Monday"],
  ["Mon", "Mon"],
  ["MST", "MST"],
  ["002", "002"],
  ["01", "01"],
  ["02", "02"],
  ["03", "03"],
  ["04", "04"],
  ["05", "05"],
  ["06", "06"],
  ["15", "15"],
  ["1", "1"],
  ["2006", "2006"],
  ["2", "2"],
  ["__2", "__2"],
  ["_2", "_2"],
  ["3", "3"],
  ["4", "4"],
  ["5", "5"],
  ["PM", "PM"],
  ["pm", "pm"],
  ["-070000", "offset"],
  ["-07:00:00", "offset"],
  ["-0700", "offset"],
  ["-07:00", "offset"],
  ["-07", "offset"],
  ["Z070000", "offset"],
  ["Z07:00:00", "offset"],
  ["Z0700", "offset"],
  ["Z07:00", "offset"],
  ["Z07", "offset"],
];

/** The first element of a layout; undefined when all of it is literal. */
export function nextChunk(layout: string): Chunk | undefined {
  for (let i = 0; i < layout.length; i++) {
    const fraction = /^[.,](0+|9+)(?![0-9])/.exec(layout.slice(i));
    if (fraction) {
      const element = fraction[1][0] === "0" ? "fraction0" : "fraction9";
      return { prefix: layout.slice(0, i), element, text: fraction[0], suffix: layout.slice(i + fraction[0].length) };
    }
    for (const [text, element] of FIXED) {
      if (!layout.startsWith(text, i)) continue;
      const after = layout[i + text.length] ?? "";
      // "Janet" and "Money" are words.
      if ((text === "Jan" || text === "Mon") && after >= "a" && after <= "z") continue;
      // In "_2006" the underscore is literal.
      if (text === "_2" && layout.startsWith("_2006", i)) continue;
      return { prefix: layout.slice(0, i), element, text, suffix: layout.slice(i + text.length) };
    }
  }
  return undefined;
}

function pad(value: number, width: number, fill = "0"): string {
  return value < 0 ? `-${String(-value).padStart(width, fill)}` : String(value).padStart(width, fill);
}

export function formatTime(moment: Moment, layout: string): string {
  const civil = moment.civil();
  const { offset, abbreviation } = moment.zone.at(moment.seconds);
  const hour12 = civil.hour % 12 === 0 ? 12 : civil.hour % 12;
  let out = "";
  let rest = layout;
  for (let chunk = nextChunk(rest); chunk; chunk = nextChunk(rest)) {
    out += chunk.prefix;
    rest = chunk.suffix;
    switch (chunk.element) {
      case "January":
        out += MONTHS[civil.month - 1];
        break;
      case "Jan":
        out += MONTHS[civil.month - 1].slice(0, 3);
        break;
      case "1":
        out += civil.month;
        break;
      case "01":
        out += pad(civil.month, 2);
        break;
      case "Monday":
        out += WEEKDAYS[civil.weekday];
        break;
      case "Mon":
        out += WEEKDAYS[civil.weekday].slice(0, 3);
        break;
      case "2":
        out += civil.day;
        break;
      case "_2":
        out += pad(civil.day, 2, " ");
        break;
      case "02":
        out += pad(civil.day, 2);
        break;
      case "__2":
        out += pad(civil.yearDay, 3, " ");
        break;
      case "002":
        out += pad(civil.yearDay, 3);
        break;
      case "15":
        out += pad(civil.hour, 2);
        break;
      case "3":
        out += hour12;
        break;
      case "03":
        out += pad(hour12, 2);
        break;
      case "4":
        out += civil.minute;
        break;
      case "04":
        out += pad(civil.minute, 2);
        break;
      case "5":
        out += civil.second;
        break;
      case "05":
        out += pad(civil.second, 2);
        break;
      case "2006":
        out += pad(civil.year, 4);
        break;
      case "06":
        out += pad(Math.max(civil.year, 0) % 100, 2);
        break;
      case "PM":
        out += civil.hour >= 12 ? "PM" : "AM";
        break;
      case "pm":
        out += civil.hour >= 12 ? "pm" : "am";
        break;
      case "MST":
        out += abbreviation === "" ? formatOffset(offset, "-0700") : abbreviation;
        break;
      case "offset":
        out += formatOffset(offset, chunk.text);
        break;
      default: {
        const digits = pad(moment.nanos, 9).slice(0, chunk.text.length - 1);
        const shown =
          chunk.element === "fraction9" ? digits.replace(/0+$/, "") : digits.padEnd(chunk.text.length - 1, "0");
        out += shown === "" ? "" : chunk.text[0] + shown;
      }
    }
  }
  return out + rest;
}

function formatOffset(offset: number, spelling: string): string {
  if (spelling[0] === "Z" && offset === 0) return "Z";
  const size = Math.abs(offset);
  const separator = spelling.includes(":") ? ":" : "";
  const parts = [Math.floor(size / 3600)];
  const digits = spelling.replace(/[^0-9]/g, "").length;
  if (digits >= 4) parts.push(Math.floor((size % 3600) / 60));
  if (digits >= 6) parts.push(size % 60);
  return (offset < 0 ? "-" : "+") + parts.map((part) => pad(part, 2)).join(separator);
}
