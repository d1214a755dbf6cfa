/** time.Time, time.Duration, time.Month and time.Weekday as templates see them, with their methods. */
import { toBytes } from "../text/utf8.ts";
import { method } from "../value/function.ts";
import { BOOL, FLOAT64, INT, INT64, type Method, STRING, Type, UINT8, UINT64 } from "../value/type.ts";
import { bool, float, int, sliceOf, string, Value, zero } from "../value/value.ts";
import { formatGoDuration, SECOND } from "./duration.ts";
import { formatTime, MONTHS, WEEKDAYS } from "./layout.ts";
import { Moment } from "./moment.ts";
import { loadZone, UTC } from "./zone.ts";

const INT64_MAX = (1n << 63n) - 1n;
const INT64_MIN = -(1n << 63n);

function clamp(nanoseconds: bigint): bigint {
  return nanoseconds > INT64_MAX ? INT64_MAX : nanoseconds < INT64_MIN ? INT64_MIN : nanoseconds;
}

/** To the multiple of `unit` towards zero, or to the nearest one, halves away from zero. */
function toMultiple(value: bigint, unit: bigint, nearest: boolean): bigint {
  if (unit <= 0n) return value;
  const rest = value % unit;
  if (!nearest) return value - rest;
  const size = rest < 0n ? -rest : rest;
  if (size + size < unit) return value - rest;
  return clamp(value < 0n ? value - unit - rest : value + unit - rest);
}

export function duration(nanoseconds: bigint): Value {
  return new Value(DURATION, clamp(nanoseconds));
}

export function time(moment: Moment): Value {
  return new Value(TIME, moment);
}

export function momentOf(value: Value): Moment {
  return value.v as Moment;
}

const toFloat = (unit: bigint): Method =>
  method([], FLOAT64, (self) => float(Number(self.int / unit) + Number(self.int % unit) / Number(unit)));
const toWhole = (unit: bigint): Method => method([], INT64, (self) => new Value(INT64, self.int / unit));

export const DURATION = new Type("int64", "time.Duration");
DURATION.define({
  String: method([], STRING, (self) => string(formatGoDuration(self.int))),
  Hours: toFloat(3600n * SECOND),
  Minutes: toFloat(60n * SECOND),
  Seconds: toFloat(SECOND),
  Milliseconds: toWhole(1_000_000n),
  Microseconds: toWhole(1_000n),
  Nanoseconds: toWhole(1n),
  Abs: method([], DURATION, (self) => duration(self.int < 0n ? -self.int : self.int)),
  Truncate: method([DURATION], DURATION, (self, unit) => duration(toMultiple(self.int, unit.int, false))),
  Round: method([DURATION], DURATION, (self, unit) => duration(toMultiple(self.int, unit.int, true))),
});

const MONTH = new Type("int", "time.Month", {
  methods: { String: method([], STRING, (self) => string(MONTHS[Number(self.int) - 1])) },
});
const WEEKDAY = new Type("int", "time.Weekday", {
  methods: { String: method([], STRING, (self) => string(WEEKDAYS[Number(self.int)])) },
});

/** How Go prints a time. */
export const DEFAULT_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST";
export const RFC3339_NANO = "2006-01-02T15:04:05.999999999Z07:00";

type Read = (moment: Moment) => Value;
const get = (result: Type, read: Read): Method => method([], result, (self) => read(momentOf(self)));
const part = (read: (civil: ReturnType<Moment["civil"]>) => number): Method => get(INT, (m) => int(read(m.civil())));

const LOCATION = new Type("struct", "time.Location");
export const TIME = new Type("struct", "time.Time", {
  // As verbs show them that ignore String: nanoseconds, seconds since year 1, and the zone, nil for UTC.
  hidden: ({ v }) => {
    const { seconds, nanos, zone } = v as Moment;
    return [
      new Value(UINT64, BigInt(nanos)),
      new Value(INT64, BigInt(seconds - Moment.zero.seconds)),
      zone === UTC ? zero(LOCATION.pointer) : new Value(LOCATION.pointer, new Value(LOCATION, zone)),
    ];
  },
});
LOCATION.define({ String: method([], STRING, (self) => string((self.v as { name: string }).name)) });
const against = (test: (a: bigint, b: bigint) => boolean): Method =>
  method([TIME], BOOL, (self, other) => bool(test(momentOf(self).unixNanos, momentOf(other).unixNanos)));
const rounded = (nearest: boolean): Method =>
  method([DURATION], TIME, (self, unit) => {
    const moment = momentOf(self);
    // Multiples are counted from the zero time, not from 1970.
    const since = moment.unixNanos - Moment.zero.unixNanos;
    return time(moment.add(toMultiple(since, unit.int, nearest) - since));
  });

TIME.define({
  String: get(STRING, (m) => string(formatTime(m, DEFAULT_LAYOUT))),
  GoString: get(STRING, (m) => string(goString(m))),
  MarshalJSON: get(UINT8.slice, (m) => bytes(`"${jsonTime(m, "MarshalJSON")}"`)),
  MarshalText: get(UINT8.slice, (m) => bytes(jsonTime(m, "MarshalText"))),
  Format: method([STRING], STRING, (self, layout) => string(formatTime(momentOf(self), layout.text))),
  IsZero: get(BOOL, (m) => bool(m.isZero)),
  Unix: get(INT64, (m) => new Value(INT64, BigInt(m.seconds))),
  UnixMilli: get(INT64, (m) => new Value(INT64, BigInt(m.seconds) * 1000n + BigInt(Math.floor(m.nanos / 1e6)))),
  UnixMicro: get(INT64, (m) => new Value(INT64, BigInt(m.seconds) * 1000000n + BigInt(Math.floor(m.nanos / 1e3)))),
  UnixNano: get(INT64, (m) => new Value(INT64, BigInt.asIntN(64, m.unixNanos))),
  UTC: get(TIME, (m) => time(m.in(UTC))),
  Local: get(TIME, (m) => time(m.in(loadZone("Local")))),
  Location: get(LOCATION.pointer, (m) => new Value(LOCATION.pointer, new Value(LOCATION, m.zone))),
  Year: part((civil) => civil.year),
  Month: get(MONTH, (m) => new Value(MONTH, BigInt(m.civil().month))),
  Day: part((civil) => civil.day),
  Hour: part((civil) => civil.hour),
  Minute: part((civil) => civil.minute),
  Second: part((civil) => civil.second),
  Nanosecond: get(INT, (m) => int(m.nanos)),
  Weekday: get(WEEKDAY, (m) => new Value(WEEKDAY, BigInt(m.civil().weekday))),
  YearDay: part((civil) => civil.yearDay),
  Add: method([DURATION], TIME, (self, by) => time(momentOf(self).add(by.int))),
  AddDate: method([INT, INT, INT], TIME, (self, years, months, days) => {
    const moment = momentOf(self);
    const civil = moment.civil();
    const moved = {
      ...civil,
      year: civil.year + Number(years.int),
      month: civil.month + Number(months.int),
      day: civil.day + Number(days.int),
    };
    return time(Moment.fromCivil(moved, moment.nanos, moment.zone));
  }),
  Sub: method([TIME], DURATION, (self, other) => duration(momentOf(self).unixNanos - momentOf(other).unixNanos)),
  Before: against((a, b) => a < b),
  After: against((a, b) => a > b),
  Equal: against((a, b) => a === b),
  Compare: method([TIME], INT, (self, other) => {
    const [a, b] = [momentOf(self).unixNanos, momentOf(other).unixNanos];
    return int(a < b ? -1 : a > b ? 1 : 0);
  }),
  Truncate: rounded(false),
  Round: rounded(true),
});

function bytes(text: string): Value {
  return sliceOf(
    UINT8,
    Array.from(toBytes(text), (byte) => new Value(UINT8, BigInt(byte))),
  );
}

/** RFC 3339, which knows four digits for the year and no offset above a day. */
export function jsonTime(moment: Moment, method: string): string {
  const { year } = moment.civil();
  if (year < 0 || year > 9999) throw new Error(`Time.${method}: year outside of range [0,9999]`);
  const { offset } = moment.zone.at(moment.seconds);
  if (Math.abs(offset) >= 86_400) throw new Error(`Time.${method}: timezone hour outside of range [0,23]`);
  return formatTime(moment, RFC3339_NANO);
}

function goString(moment: Moment): string {
  const civil = moment.civil();
  const zone = moment.zone.name === "UTC" ? "time.UTC" : `time.Location(${JSON.stringify(moment.zone.name)})`;
  const clock = `${civil.hour}, ${civil.minute}, ${civil.second}, ${moment.nanos}`;
  return `time.Date(${civil.year}, time.${MONTHS[civil.month - 1]}, ${civil.day}, ${clock}, ${zone})`;
}
