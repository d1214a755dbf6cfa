/** Time zones: UTC, fixed offsets, and the IANA zones that the JavaScript engine knows. */
export interface Zone {
  /** As Go's Location.String(). */
  readonly name: string;
  /** Seconds east of UTC, and the abbreviation ("" when there is none), at a Unix time. */
  at(seconds: number): { offset: number; abbreviation: string };
}

export const UTC: Zone = { name: "UTC", at: () => ({ offset: 0, abbreviation: "UTC" }) };

export function fixedZone(name: string, offset: number): Zone {
  return { name, at: () => ({ offset, abbreviation: name }) };
}

/** English-speaking regions name different zones by abbreviation; the first that has one for a zone wins. */
const REGIONS = ["en-US", "en-GB", "en-AU", "en-NZ", "en-IN", "en-ZA"];
/** Beyond these the engine's calendar ends (±8.64e15 ms). */
const MAX_SECONDS = 8.64e12;

class IanaZone implements Zone {
  readonly name: string;
  readonly #timeZone: string | undefined;
  readonly #offsets: Intl.DateTimeFormat;
  #names: Intl.DateTimeFormat[] | undefined;

  constructor(name: string, timeZone: string | undefined) {
    this.name = name;
    this.#timeZone = timeZone;
    this.#offsets = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  }

  at(seconds: number): { offset: number; abbreviation: string } {
    const date = new Date(Math.min(Math.max(seconds, -MAX_SECONDS), MAX_SECONDS) * 1000);
    const text = zonePart(this.#offsets, date);
    const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
    const size = match?.[1] ? Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0) : 0;
    const offset = match?.[1] === "-" ? -size : size;
    return { offset, abbreviation: this.#abbreviation(date, offset) };
  }

  #abbreviation(date: Date, offset: number): string {
    this.#names ??= REGIONS.map(
      (region) => new Intl.DateTimeFormat(region, { timeZone: this.#timeZone, timeZoneName: "short" }),
    );
    for (const format of this.#names) {
      const text = zonePart(format, date);
      if (/^[A-Z]{2,5}$/.test(text)) return text;
    }
    // The zone database names such zones by their offset.
    const minutes = Math.abs(Math.trunc(offset / 60));
    const rest = minutes % 60 === 0 ? "" : String(minutes % 60).padStart(2, "0");
    return `${offset < 0 ? "-" : "+"}${String(Math.trunc(minutes / 60)).padStart(2, "0")}${rest}`;
  }
}

function zonePart(format: Intl.DateTimeFormat, date: Date): string {
  return format.formatToParts(date).find((part) => part.type === "timeZoneName")?.value ?? "";
}

const zones = new Map<string, Zone>();

/** Go's time.LoadLocation: "" and UTC are UTC, Local is the machine's zone. Throws for an unknown name. */
export function loadZone(name: string): Zone {
  if (name === "" || name === "UTC") return UTC;
  let zone = zones.get(name);
  if (!zone) {
    if (/^[/\\]|\.\.|\\/.test(name)) throw new Error("time: invalid location name");
    // The engine also takes offsets, and names in any case.
    if (!/^[A-Z]/.test(name)) throw new Error(`unknown time zone ${name}`);
    try {
      zone = new IanaZone(name, name === "Local" ? undefined : name);
    } catch {
      throw new Error(`unknown time zone ${name}`);
    }
    zones.set(name, zone);
  }
  return zone;
}
