/** Wall clocks of IANA time zones, over the zone data that comes with the runtime. All times are Unix seconds. */

export interface WallClock {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** 0 is Sunday. */
  weekday: number;
}

/** An object can name a zone; what it names is checked before anything is made of it. */
const NAME = /^[A-Za-z0-9/_+:-]{1,64}$/;
const MAX_KNOWN = 1000;
const known = new Map<string, TimeZone>();

export class TimeZone {
  readonly #format: Intl.DateTimeFormat;

  private constructor(name: string | undefined) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** The zone of this name, the process's own for `Local`; undefined when there is none. */
  static named(name: string): TimeZone | undefined {
    const found = known.get(name);
    if (found) return found;
    // Offsets such as +01:00 are zones for JavaScript, but not in the IANA database.
    if (!NAME.test(name) || /^[+-]/.test(name)) return undefined;
    try {
      const zone = new TimeZone(name === "Local" ? undefined : name);
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(name, zone);
      return zone;
    } catch {
      return undefined;
    }
  }

  #offset(time: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(time * 1000)) parts[type] = Number(value);
    const { year, month, day, hour, minute, second } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - time;
  }

  wallClock(time: number): WallClock {
    const date = new Date((time + this.#offset(time)) * 1000);
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      weekday: date.getUTCDay(),
    };
  }

  /**
   * The time of a wall clock; months and days beyond their range carry over. A time that a change of clocks leaves out or
   * repeats is taken by the offset of one side of it, as Go does.
   */
  timeOf(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
    const wall = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
    const guess = wall - this.#offset(wall);
    return wall - this.#offset(guess);
  }
}
