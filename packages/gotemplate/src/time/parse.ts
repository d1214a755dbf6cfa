/** Reading a time by a Go layout (time.Parse), with Go's messages. */
import { quote } from "../text/quote.ts";
import { type Element, MONTHS, nextChunk, WEEKDAYS } from "./layout.ts";
import { daysIn, isLeap, Moment } from "./moment.ts";
import { fixedZone, UTC, type Zone } from "./zone.ts";

/** Does not match the element; the place of the message is where the element began. */
const NO_MATCH = Symbol("no match");

class Reader {
  value: string;
  /** Name of the field that is out of range, as the message says it. */
  outOfRange = "";
  year = 0;
  month = -1;
  day = -1;
  yearDay = -1;
  hour = 0;
  minute = 0;
  second = 0;
  nanos = 0;
  afternoon: boolean | undefined;
  zone: Zone | undefined;
  offset: number | undefined;
  zoneName = "";

  constructor(value: string) {
    this.value = value;
  }

  #number(digits: number, fixed: boolean): number {
    const match = new RegExp(`^[0-9]{${fixed ? digits : 1},${digits}}`).exec(this.value);
    if (!match) throw NO_MATCH;
    this.value = this.value.slice(match[0].length);
    return Number(match[0]);
  }

  #name(names: readonly string[], length: number | undefined): number {
    const lower = this.value.toLowerCase();
    const index = names.findIndex((name) => lower.startsWith(name.slice(0, length).toLowerCase()));
    if (index < 0) throw NO_MATCH;
    this.value = this.value.slice(names[index].slice(0, length).length);
    return index;
  }

  #ranged(name: string, number: number, min: number, max: number): number {
    if (number < min || number > max) this.outOfRange = name;
    return number;
  }

  #fraction(length: number): void {
    const text = this.value.slice(0, Math.min(length, 10));
    if (text[0] !== "." && text[0] !== ",") throw NO_MATCH;
    if (!/^[.,][+-]?[0-9]+$/.test(text)) throw NO_MATCH;
    const nanos = Number(text.slice(1)) * 10 ** (10 - text.length);
    if (nanos < 0) this.outOfRange = "fractional second";
    this.nanos = nanos;
    this.value = this.value.slice(length);
  }

  read(element: Element, spelling: string, restOfLayout: string): void {
    switch (element) {
      case "06": {
        const text = this.value.slice(0, 2);
        if (!/^[0-9+-][0-9]$/.test(text)) throw NO_MATCH;
        const number = Number(text);
        this.year = number + (number >= 69 ? 1900 : 2000);
        this.value = this.value.slice(2);
        return;
      }
      case "2006":
        this.year = this.#number(4, true);
        return;
      case "Jan":
        this.month = this.#name(MONTHS, 3) + 1;
        return;
      case "January":
        this.month = this.#name(MONTHS, undefined) + 1;
        return;
      case "1":
      case "01":
        this.month = this.#ranged("month", this.#number(2, element === "01"), 1, 12);
        return;
      case "Mon":
        this.#name(WEEKDAYS, 3);
        return;
      case "Monday":
        this.#name(WEEKDAYS, undefined);
        return;
      case "2":
      case "_2":
      case "02":
        if (element === "_2" && this.value[0] === " ") this.value = this.value.slice(1);
        this.day = this.#number(2, element === "02");
        return;
      case "__2":
      case "002":
        if (element === "__2") this.value = this.value.replace(/^ {1,2}/, "");
        this.yearDay = this.#number(3, element === "002");
        return;
      case "15":
        this.hour = this.#ranged("hour", this.#number(2, false), 0, 23);
        return;
      case "3":
      case "03":
        this.hour = this.#ranged("hour", this.#number(2, element === "03"), 0, 12);
        return;
      case "4":
      case "04":
        this.minute = this.#ranged("minute", this.#number(2, element === "04"), 0, 59);
        return;
      case "5":
      case "05":
        this.#seconds(element === "05", restOfLayout);
        return;
      case "PM":
      case "pm": {
        const [am, pm] = element === "PM" ? ["AM", "PM"] : ["am", "pm"];
        const text = this.value.slice(0, 2);
        if (text !== am && text !== pm) throw NO_MATCH;
        this.afternoon = text === pm;
        this.value = this.value.slice(2);
        return;
      }
      case "offset":
        this.#offset(spelling);
        return;
      case "MST":
        this.#abbreviation();
        return;
      case "fraction0":
        if (this.value.length < spelling.length) throw NO_MATCH;
        this.#fraction(spelling.length);
        return;
      case "fraction9": {
        const match = /^[.,][0-9]+/.exec(this.value);
        if (match) this.#fraction(match[0].length);
        return;
      }
    }
  }

  #seconds(fixed: boolean, restOfLayout: string): void {
    this.second = this.#ranged("second", this.#number(2, fixed), 0, 59);
    if (this.outOfRange) return;
    // A fraction is read even when the layout has none.
    const match = /^[.,][0-9]+/.exec(this.value);
    const next = nextChunk(restOfLayout)?.element;
    if (match && next !== "fraction0" && next !== "fraction9") this.#fraction(match[0].length);
  }

  #offset(spelling: string): void {
    if (spelling[0] === "Z" && this.value[0] === "Z") {
      this.value = this.value.slice(1);
      this.zone = UTC;
      return;
    }
    const separator = spelling.includes(":") ? ":" : "";
    const count = spelling.replace(/[^0-9]/g, "").length / 2;
    const pattern = new RegExp(`^([+-])${new Array(count).fill("([0-9]{2})").join(separator)}`);
    const match = pattern.exec(this.value);
    if (!match) throw NO_MATCH;
    const hours = this.#ranged("time zone offset hour", Number(match[2]), 0, 24);
    const minutes = this.#ranged("time zone offset minute", Number(match[3] ?? 0), 0, 60);
    const seconds = this.#ranged("time zone offset second", Number(match[4] ?? 0), 0, 60);
    this.offset = (match[1] === "-" ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds);
    this.value = this.value.slice(match[0].length);
  }

  #abbreviation(): void {
    if (this.value.startsWith("UTC")) {
      this.zone = UTC;
      this.value = this.value.slice(3);
      return;
    }
    const length = abbreviationLength(this.value);
    if (length === 0) throw NO_MATCH;
    this.zoneName = this.value.slice(0, length);
    this.value = this.value.slice(length);
  }
}

function signedOffsetLength(text: string): number {
  const match = /^[+-]([0-9]+)/.exec(text);
  return match && Number(match[1]) <= 23 ? match[0].length : 0;
}

/** Characters of a zone abbreviation at the start of a text; 0 when there is none. */
function abbreviationLength(text: string): number {
  if (text.length < 3) return 0;
  if (/^(ChST|MeST)/.test(text)) return 4;
  if (text.startsWith("GMT")) return 3 + signedOffsetLength(text.slice(3));
  if (/^[+-]/.test(text)) return signedOffsetLength(text);
  const upper = /^[A-Z]{0,6}/.exec(text)![0];
  if (upper.length === 5) return upper[4] === "T" ? 5 : 0;
  if (upper.length === 4) return upper[3] === "T" || upper === "WITA" ? 4 : 0;
  return upper.length === 3 ? 3 : 0;
}

/** The rest after literal text; a run of spaces in the layout stands for any number of spaces. */
function skipLiteral(value: string, prefix: string): { rest: string; ok: boolean } {
  let rest = value;
  let want = prefix;
  while (want !== "") {
    if (want[0] === " ") {
      if (rest !== "" && rest[0] !== " ") return { rest, ok: false };
      want = want.replace(/^ +/, "");
      rest = rest.replace(/^ +/, "");
      continue;
    }
    if (rest[0] !== want[0]) return { rest, ok: false };
    want = want.slice(1);
    rest = rest.slice(1);
  }
  return { rest, ok: true };
}

/** Throws an Error with Go's message. `local` is the zone whose abbreviations and offsets are recognised. */
export function parseTime(layout: string, value: string, local: Zone = UTC): Moment {
  const reader = new Reader(value);
  const fail = (element: string, at: string): never => {
    throw new Error(`parsing time ${quote(value)} as ${quote(layout)}: cannot parse ${quote(at)} as ${quote(element)}`);
  };
  const failWith = (message: string): never => {
    throw new Error(`parsing time ${quote(value)}: ${message}`);
  };
  let rest = layout;
  for (;;) {
    const chunk = nextChunk(rest);
    const prefix = chunk ? chunk.prefix : rest;
    const skipped = skipLiteral(reader.value, prefix);
    reader.value = skipped.rest;
    if (!skipped.ok) fail(prefix, reader.value);
    if (!chunk) {
      if (reader.value !== "") failWith(`extra text: ${quote(reader.value)}`);
      break;
    }
    rest = chunk.suffix;
    const hold = reader.value;
    try {
      reader.read(chunk.element, chunk.text, rest);
    } catch (error) {
      if (error !== NO_MATCH) throw error;
      fail(chunk.text, hold);
    }
    if (reader.outOfRange) failWith(`${reader.outOfRange} out of range`);
  }
  resolveDate(reader, failWith);
  return place(reader, local);
}

function resolveDate(reader: Reader, fail: (message: string) => never): void {
  if (reader.afternoon === true && reader.hour < 12) reader.hour += 12;
  else if (reader.afternoon === false && reader.hour === 12) reader.hour = 0;
  if (reader.yearDay >= 0) {
    if (reader.yearDay < 1 || reader.yearDay > (isLeap(reader.year) ? 366 : 365)) fail("day-of-year out of range");
    let month = 1;
    let day = reader.yearDay;
    while (day > daysIn(month, reader.year)) day -= daysIn(month++, reader.year);
    if (reader.month >= 0 && reader.month !== month) fail("day-of-year does not match month");
    if (reader.day >= 0 && reader.day !== day) fail("day-of-year does not match day");
    reader.month = month;
    reader.day = day;
  } else {
    if (reader.month < 0) reader.month = 1;
    if (reader.day < 0) reader.day = 1;
  }
  if (reader.day < 1 || reader.day > daysIn(reader.month, reader.year)) fail("day out of range");
}

function place(reader: Reader, local: Zone): Moment {
  const utc = Moment.fromCivil(reader, reader.nanos, UTC);
  if (reader.zone) return utc.in(reader.zone);
  if (reader.offset !== undefined) {
    const seconds = utc.seconds - reader.offset;
    const here = local.at(seconds);
    const isLocal = here.offset === reader.offset && (reader.zoneName === "" || reader.zoneName === here.abbreviation);
    return new Moment(seconds, utc.nanos, isLocal ? local : fixedZone(reader.zoneName, reader.offset));
  }
  if (reader.zoneName !== "") {
    const offset = localOffset(reader.zoneName, utc.seconds, local);
    if (offset !== undefined) return new Moment(utc.seconds - offset, utc.nanos, local);
    // Unknown abbreviations get an offset of zero, save GMT-8.
    const hours = /^GMT([+-]\d+)$/.exec(reader.zoneName);
    const fake = hours ? Number(hours[1]) * 3600 : 0;
    return new Moment(utc.seconds, utc.nanos, fixedZone(reader.zoneName, fake));
  }
  return Moment.fromCivil(reader, reader.nanos, UTC);
}

/** Offset of an abbreviation of the zone near a time: summer and winter names both count. */
function localOffset(abbreviation: string, seconds: number, local: Zone): number | undefined {
  for (const shift of [0, 182 * 86400]) {
    const { offset, abbreviation: name } = local.at(seconds - local.at(seconds).offset + shift);
    if (name === abbreviation) return offset;
  }
  return undefined;
}
