/**
 * Name and offset of the machine's time zone. What JavaScript has for it is made for people ("GMT+1" where everybody says
 * CET) and takes 6 MB of the world's names, so the zone's own file is read:
 *
 *   44 bytes head: "TZif" · version · 15 reserved · u32 isutcnt isstdcnt leapcnt timecnt typecnt charcnt
 *   then times (4 bytes each in the first block, 8 in the second) · u8 type of each · types: i32 offset, u8 dst, u8 name
 *   at · names with zero bytes between · leap seconds · … ; from version 2 on the whole again with 8 bytes, and a rule for
 *   the time after the last of the times, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
 */
import { readFileSync } from "./system.ts";

export interface Zone {
  name: string;
  /** Seconds east of Greenwich. */
  offset: number;
}

const UTC: Zone = { name: "UTC", offset: 0 };
const HEAD = 44;

interface Block {
  times: number[];
  typeOf: number[];
  types: (Zone & { dst: boolean })[];
  /** Where what comes behind begins. */
  end: number;
}

function parseBlock(file: Buffer, start: number, width: 4 | 8): Block {
  if (file.toString("latin1", start, start + 4) !== "TZif") throw new Error("not a time zone file");
  const count = (index: number): number => file.readUInt32BE(start + 20 + 4 * index);
  const [utc, standard, leap, times, types, chars] = [0, 1, 2, 3, 4, 5].map(count);
  let at = start + HEAD;
  const block: Block = { times: [], typeOf: [], types: [], end: 0 };
  if (at + times * (width + 1) + types * 6 + chars > file.length)
    throw new Error("a time zone file that ends too early");
  for (let i = 0; i < times; i++, at += width)
    block.times.push(width === 4 ? file.readInt32BE(at) : Number(file.readBigInt64BE(at)));
  for (let i = 0; i < times; i++) block.typeOf.push(file[at++]);
  const names = at + types * 6;
  for (let i = 0; i < types; i++, at += 6) {
    const from = names + file[at + 5];
    const name = file.toString("latin1", from, Math.max(from, file.indexOf(0, from)));
    block.types.push({ offset: file.readInt32BE(at), dst: file[at + 4] === 1, name });
  }
  block.end = names + chars + leap * (width + 4) + standard + utc;
  return block;
}

/** Names and offsets of a rule; the hours in it count west of Greenwich. */
function parseRule(rule: string): { standard: Zone; summer?: Zone; from?: string; to?: string } | undefined {
  const name = "(<[^>]+>|[A-Za-z]+)";
  const hours = "([-+]?\\d+(?::\\d+){0,2})";
  const match = new RegExp(`^${name}${hours}(?:${name}${hours}?(?:,([^,]+),([^,]+))?)?$`).exec(rule);
  if (!match) return undefined;
  const zone = (text: string, offset: number): Zone => ({ name: text.replace(/[<>]/g, ""), offset });
  const standard = zone(match[1], -parseHours(match[2]));
  if (match[3] === undefined) return { standard };
  const offset = match[4] === undefined ? standard.offset + 3600 : -parseHours(match[4]);
  return { standard, summer: zone(match[3], offset), from: match[5], to: match[6] };
}

function parseHours(text: string): number {
  const [hours, minutes = 0, seconds = 0] = text.replace(/^[-+]/, "").split(":").map(Number);
  return (text.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
}

/** Local seconds since the year's begin of `M3.5.0/2`, `J60` or `59`: a month's week and day, or a day. */
function changeAt(rule: string, year: number): number {
  const [day, time = "2"] = rule.split("/");
  const begin = Date.UTC(year, 0, 1) / 1000;
  const week = /^M(\d+)\.(\d+)\.(\d+)$/.exec(day)?.slice(1).map(Number);
  let days: number;
  if (week) {
    const [month, which, weekday] = week;
    const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
    let date = 1 + ((weekday - first + 7) % 7) + (which - 1) * 7;
    const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
    while (date > last) date -= 7;
    days = (Date.UTC(year, month - 1, date) / 1000 - begin) / 86_400;
  } else if (day.startsWith("J")) {
    // The 29th of February is not counted.
    const number = Number(day.slice(1));
    const leap = new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1;
    days = number - 1 + (leap && number > 59 ? 1 : 0);
  } else days = Number(day);
  return days * 86_400 + parseHours(time);
}

function applyRule(rule: string, seconds: number): Zone | undefined {
  const parsed = parseRule(rule);
  if (!parsed) return undefined;
  const { standard, summer, from, to } = parsed;
  if (!summer || from === undefined || to === undefined) return standard;
  const year = new Date((seconds + standard.offset) * 1000).getUTCFullYear();
  const local = seconds - Date.UTC(year, 0, 1) / 1000;
  const begin = changeAt(from, year) - standard.offset;
  const end = changeAt(to, year) - summer.offset;
  // South of the equator summer goes over the end of the year.
  const isSummer = begin < end ? local >= begin && local < end : local >= begin || local < end;
  return isSummer ? summer : standard;
}

/** The zone at a time (Unix seconds) by the bytes of its file; throws when they are none. */
export function zoneFrom(file: Buffer, seconds: number): Zone {
  let block = parseBlock(file, 0, 4);
  let rule = "";
  if (file[4] >= 0x32) {
    block = parseBlock(file, block.end, 8);
    rule = file.toString("latin1", block.end).trim();
  }
  const { times, typeOf, types } = block;
  const last = times.at(-1);
  if (rule !== "" && (last === undefined || seconds >= last)) {
    const zone = applyRule(rule, seconds);
    if (zone) return zone;
  }
  let index = -1;
  while (index + 1 < times.length && times[index + 1] <= seconds) index++;
  const type = index < 0 ? (types.find(({ dst }) => !dst) ?? types[0]) : types[typeOf[index]];
  return type ? { name: type.name, offset: type.offset } : UTC;
}

/** By what the file is called it is read once. */
let loaded: { path: string; file: Buffer | undefined } | undefined;

/** The zone of the machine: the one in TZ, else /etc/localtime; without either, UTC. */
export function zoneAt(seconds: number, variable = process.env.TZ): Zone {
  const name = variable?.replace(/^:/, "");
  if (name === "") return UTC;
  let path = "/etc/localtime";
  if (name !== undefined) path = name.startsWith("/") ? name : `/usr/share/zoneinfo/${name}`;
  if (loaded?.path !== path) {
    loaded = { path, file: undefined };
    try {
      loaded.file = readFileSync(path);
    } catch {
      // No such zone here: UTC, as Go has it.
    }
  }
  try {
    return loaded.file ? zoneFrom(loaded.file, seconds) : UTC;
  } catch {
    return UTC;
  }
}
