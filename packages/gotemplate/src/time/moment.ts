/** A point in time with a zone, as Go's time.Time: proleptic Gregorian calendar, nanoseconds, any year. */
import { UTC, type Zone } from "./zone.ts";

/** Unix seconds of Go's zero time, 1 January of year 1. */
const ZERO_SECONDS = -62135596800;
const NANOS = 1_000_000_000n;

export interface Civil {
  year: number;
  /** 1…12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** 0: Sunday. */
  weekday: number;
  /** 1…366. */
  yearDay: number;
}

export function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysIn(month: number, year: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01; the month may be out of range and carries into the year. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const carried = year + Math.floor((month - 1) / 12);
  const wrapped = ((((month - 1) % 12) + 12) % 12) + 1;
  // Years begin in March here, so that the leap day is the last.
  const y = wrapped <= 2 ? carried - 1 : carried;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (wrapped + (wrapped > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

export class Moment {
  /** Unix seconds, whole. */
  readonly seconds: number;
  /** 0…999999999. */
  readonly nanos: number;
  readonly zone: Zone;

  constructor(seconds: number, nanos = 0, zone: Zone = UTC) {
    this.seconds = seconds;
    this.nanos = nanos;
    this.zone = zone;
  }

  static readonly zero = new Moment(ZERO_SECONDS);

  static fromMillis(millis: number, zone: Zone = UTC): Moment {
    const seconds = Math.floor(millis / 1000);
    return new Moment(seconds, Math.round((millis - seconds * 1000) * 1e6), zone);
  }

  /** The moment that clocks of the zone show so; fields out of range carry over. */
  static fromCivil(
    civil: { year: number; month: number; day: number; hour: number; minute: number; second: number },
    nanos: number,
    zone: Zone,
  ): Moment {
    const local =
      daysFromCivil(civil.year, civil.month, civil.day) * 86400 + civil.hour * 3600 + civil.minute * 60 + civil.second;
    let seconds = local - zone.at(local).offset;
    // Across a change of offset the first guess may use the wrong one.
    const { offset } = zone.at(seconds);
    if (seconds !== local - offset && zone.at(local - offset).offset === offset) seconds = local - offset;
    return new Moment(seconds, nanos, zone);
  }

  get isZero(): boolean {
    return this.seconds === ZERO_SECONDS && this.nanos === 0;
  }

  equals(other: unknown): boolean {
    return other instanceof Moment && other.seconds === this.seconds && other.nanos === this.nanos;
  }

  in(zone: Zone): Moment {
    return new Moment(this.seconds, this.nanos, zone);
  }

  /** Nanoseconds since 1970 as one number. */
  get unixNanos(): bigint {
    return BigInt(this.seconds) * NANOS + BigInt(this.nanos);
  }

  add(nanoseconds: bigint): Moment {
    const total = this.unixNanos + nanoseconds;
    let seconds = total / NANOS;
    let nanos = total % NANOS;
    if (nanos < 0n) {
      nanos += NANOS;
      seconds--;
    }
    return new Moment(Number(seconds), Number(nanos), this.zone);
  }

  civil(): Civil {
    const local = this.seconds + this.zone.at(this.seconds).offset;
    const days = Math.floor(local / 86400);
    const rest = local - days * 86400;
    const date = civilFromDays(days);
    return {
      ...date,
      hour: Math.floor(rest / 3600),
      minute: Math.floor((rest % 3600) / 60),
      second: rest % 60,
      weekday: (((days + 4) % 7) + 7) % 7,
      yearDay: days - daysFromCivil(date.year, 1, 1) + 1,
    };
  }
}
