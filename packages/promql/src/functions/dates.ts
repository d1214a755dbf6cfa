/** Parts of Unix times in UTC, over the whole range of Go's time.Unix, which wraps around at its ends. */

/** Days of the 400 years after which the calendar repeats itself, weekdays included. */
const ERA_DAYS = 146_097;
const DAY = 86_400;
/** Seconds from the beginning of Go's absolute calendar (1 March of the year -292277022400) to 1970. */
const ABSOLUTE = 292_277_022_400n * 146_097n * 216n + 306n * 86_400n + 62_135_596_800n;
const MIN_INT64 = -(2n ** 63n);

export interface CivilTime {
  year: number;
  /** 1…12. */
  month: number;
  /** 1…31. */
  day: number;
  /** 1…366. */
  dayOfYear: number;
  /** 0 is Sunday. */
  weekday: number;
  hour: number;
  minute: number;
}

/** `seconds` as Go converts a float to int64: towards zero, and the least number for what does not fit. */
function wrapped(seconds: number): { days: number; eras: number; second: number } {
  const whole = Math.trunc(seconds);
  if (Math.abs(whole) < 2 ** 52) {
    const day = Math.floor(whole / DAY);
    const eras = Math.floor(day / ERA_DAYS);
    return { days: day - eras * ERA_DAYS, eras, second: whole - day * DAY };
  }
  const integer = Number.isFinite(whole) && whole >= -(2 ** 63) && whole < 2 ** 63 ? BigInt(whole) : MIN_INT64;
  const absolute = BigInt.asUintN(64, integer + ABSOLUTE);
  const second = Number(absolute % 86_400n);
  // 1970 begins within a day of the absolute calendar, not within a second of it: both count whole days.
  const day = absolute / 86_400n - ABSOLUTE / 86_400n;
  const inEra = ((day % 146_097n) + 146_097n) % 146_097n;
  return { days: Number(inEra), eras: Number((day - inEra) / 146_097n), second };
}

export function civilTime(seconds: number): CivilTime {
  const { days, eras, second } = wrapped(seconds);
  const date = new Date(days * DAY * 1000);
  const year = date.getUTCFullYear();
  return {
    year: year + 400 * eras,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    dayOfYear: Math.round((date.getTime() - Date.UTC(year, 0, 1)) / (DAY * 1000)) + 1,
    weekday: date.getUTCDay(),
    hour: Math.floor(second / 3600),
    minute: Math.floor((second % 3600) / 60),
  };
}

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysInMonth({ year, month }: CivilTime): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : LENGTHS[month - 1];
}

/** The date functions of PromQL by name. */
export const DATE_FUNCTIONS: ReadonlyMap<string, (time: CivilTime) => number> = new Map([
  ["day_of_month", (time: CivilTime) => time.day],
  ["day_of_week", (time: CivilTime) => time.weekday],
  ["day_of_year", (time: CivilTime) => time.dayOfYear],
  ["days_in_month", daysInMonth],
  ["hour", (time: CivilTime) => time.hour],
  ["minute", (time: CivilTime) => time.minute],
  ["month", (time: CivilTime) => time.month],
  ["year", (time: CivilTime) => time.year],
]);
