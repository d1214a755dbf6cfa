/**
 * Numbers with Grafana's unit ids. A unit is data: how it scales and which names its steps have; an id that is not
 * known is a suffix, as in Grafana.
 */
export interface Formatted {
  prefix?: string;
  text: string;
  suffix?: string;
}

type Unit =
  /** Steps of one factor, e.g. 1000 with "", "k", "M"; `start` is the step that the value comes in. */
  | { kind: "scaled"; factor: number; names: readonly string[]; suffix: string; start?: number }
  | { kind: "plain"; suffix: string; space?: boolean; scale?: number }
  | { kind: "duration"; seconds: number }
  | { kind: "custom"; format: (value: number, decimals: number | undefined) => Formatted }
  | { kind: "prefix"; prefix: string };

const SI = ["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint"];
const METRIC = ["", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const metric = (suffix: string, start = 0): Unit => ({ kind: "scaled", factor: 1000, names: METRIC, suffix, start });
const binary = (suffix: string, start = 0): Unit => ({ kind: "scaled", factor: 1024, names: BINARY, suffix, start });
const counted = (suffix: string): Unit => ({
  kind: "scaled",
  factor: 1000,
  names: ["", "K", "M", "B", "T"],
  suffix,
});
const plain = (suffix: string, space = true): Unit => ({ kind: "plain", suffix, space });
const either = (yes: string, no: string): Unit => ({
  kind: "custom",
  format: (value) => ({ text: value ? yes : no }),
});

/** A span as Grafana's `dtdurations`: up to two units in words. */
function spanInWords(seconds: number, parts = 2): string {
  const steps: [number, string][] = [
    [31_536_000, "year"],
    [2_592_000, "month"],
    [604_800, "week"],
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  let rest = Math.abs(seconds);
  const words: string[] = [];
  for (const [size, name] of steps) {
    const count = Math.floor(rest / size);
    if (count > 0) {
      words.push(`${count} ${name}${count === 1 ? "" : "s"}`);
      rest -= count * size;
    }
    if (words.length === parts) break;
  }
  return words.join(", ") || `${trim(rest * 1000, 0)} milliseconds`;
}

function clock(seconds: number): string {
  const whole = Math.floor(Math.abs(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** "12 s ago" of a time in Unix ms. */
export function fromNow(ms: number, now = Date.now()): string {
  if (ms === 0) return "never";
  const age = (now - ms) / 1000;
  if (Math.abs(age) < 1) return "now";
  const text = formatValue(Math.abs(age), "s", Math.abs(age) < 60 ? 0 : undefined);
  return age > 0 ? `${text} ago` : `in ${text}`;
}

const UNITS: Record<string, Unit> = {
  none: plain("", false),
  short: { kind: "scaled", factor: 1000, names: SI, suffix: "" },
  sishort: metric(""),
  string: plain("", false),
  percent: plain("%", false),
  percentunit: { kind: "plain", suffix: "%", space: false, scale: 100 },
  humidity: plain("%H"),
  dB: plain("dB"),
  celsius: plain("°C"),
  fahrenheit: plain("°F"),
  kelvin: plain("K"),
  locale: { kind: "custom", format: (value) => ({ text: value.toLocaleString("en-US") }) },
  sci: { kind: "custom", format: (value, decimals) => ({ text: value.toExponential(decimals) }) },
  hex: { kind: "custom", format: (value) => ({ text: Math.trunc(value).toString(16).toUpperCase() }) },
  hex0x: { kind: "custom", format: (value) => ({ text: `0x${Math.trunc(value).toString(16).toUpperCase()}` }) },
  bool: either("True", "False"),
  bool_yes_no: either("Yes", "No"),
  bool_on_off: either("On", "Off"),
  bytes: binary("B"),
  kbytes: binary("B", 1),
  mbytes: binary("B", 2),
  gbytes: binary("B", 3),
  tbytes: binary("B", 4),
  bits: binary("b"),
  decbytes: metric("B"),
  deckbytes: metric("B", 1),
  decmbytes: metric("B", 2),
  decgbytes: metric("B", 3),
  decbits: metric("b"),
  Bps: metric("B/s"),
  KBs: metric("B/s", 1),
  MBs: metric("B/s", 2),
  GBs: metric("B/s", 3),
  bps: metric("b/s"),
  Kbits: metric("b/s", 1),
  Mbits: metric("b/s", 2),
  binBps: binary("B/s"),
  KiBs: binary("B/s", 1),
  MiBs: binary("B/s", 2),
  binbps: binary("b/s"),
  pps: metric("p/s"),
  ops: counted(" ops/s"),
  reqps: counted(" req/s"),
  rps: counted(" rd/s"),
  wps: counted(" wr/s"),
  iops: counted(" io/s"),
  cps: counted(" c/s"),
  eps: counted(" evt/s"),
  mps: counted(" msg/s"),
  recps: counted(" rec/s"),
  rowsps: counted(" rows/s"),
  opm: counted(" ops/m"),
  rpm: counted(" rd/m"),
  reqpm: counted(" req/m"),
  cpm: counted(" c/m"),
  wpm: counted(" wr/m"),
  hertz: metric("Hz"),
  rothz: metric("Hz"),
  rotrpm: plain("rpm"),
  watt: metric("W"),
  kwatt: metric("W", 1),
  joule: metric("J"),
  volt: metric("V"),
  amp: metric("A"),
  flops: metric("FLOPS"),
  currencyUSD: { kind: "prefix", prefix: "$" },
  currencyEUR: { kind: "prefix", prefix: "€" },
  currencyGBP: { kind: "prefix", prefix: "£" },
  ns: { kind: "duration", seconds: 1e-9 },
  µs: { kind: "duration", seconds: 1e-6 },
  us: { kind: "duration", seconds: 1e-6 },
  ms: { kind: "duration", seconds: 1e-3 },
  s: { kind: "duration", seconds: 1 },
  m: { kind: "duration", seconds: 60 },
  h: { kind: "duration", seconds: 3600 },
  d: { kind: "duration", seconds: 86_400 },
  dtdurations: { kind: "custom", format: (value) => ({ text: spanInWords(value) }) },
  dtdurationms: { kind: "custom", format: (value) => ({ text: spanInWords(value / 1000) }) },
  clocks: { kind: "custom", format: (value) => ({ text: clock(value) }) },
  clockms: { kind: "custom", format: (value) => ({ text: clock(value / 1000) }) },
  dthms: { kind: "custom", format: (value) => ({ text: clock(value) }) },
  dateTimeAsIso: { kind: "custom", format: (value) => ({ text: localDateTime(value) }) },
  dateTimeAsIsoNoDateIfToday: { kind: "custom", format: (value) => ({ text: localDateTime(value) }) },
  dateTimeAsSystem: { kind: "custom", format: (value) => ({ text: localDateTime(value) }) },
  dateTimeAsUS: { kind: "custom", format: (value) => ({ text: new Date(value).toLocaleString("en-US") }) },
  dateTimeAsLocal: { kind: "custom", format: (value) => ({ text: new Date(value).toLocaleString() }) },
  dateTimeFromNow: { kind: "custom", format: (value) => ({ text: fromNow(value) }) },
};

function localDateTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "Invalid date";
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Decimals that show about three significant digits. */
function autoDecimals(value: number): number {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return 0;
  if (size >= 10) return 1;
  if (size >= 1) return 2;
  return Math.min(8, Math.ceil(-Math.log10(size)) + 1);
}

function trim(value: number, decimals: number | undefined): string {
  if (decimals !== undefined) return value.toFixed(Math.min(20, Math.max(0, decimals)));
  const text = value.toFixed(autoDecimals(value));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const DURATION_STEPS: readonly [number, string][] = [
  [1e-9, " ns"],
  [1e-6, " µs"],
  [1e-3, " ms"],
  [1, " s"],
  [60, " min"],
  [3600, " hour"],
  [86_400, " day"],
  [604_800, " week"],
  [31_536_000, " year"],
];

/** `value` in `unit`; `decimals` as the panel sets them, else about three significant digits. */
export function formatParts(value: number | null | undefined, unit = "short", decimals?: number): Formatted {
  if (value === null || value === undefined || Number.isNaN(value)) return { text: "–" };
  if (!Number.isFinite(value)) return { text: value > 0 ? "∞" : "-∞" };
  const known = UNITS[unit];
  if (!known) {
    for (const [mark, side] of [
      ["suffix:", "suffix"],
      ["prefix:", "prefix"],
      ["currency:", "prefix"],
      ["si:", "si"],
      ["time:", "time"],
    ] as const) {
      if (!unit.startsWith(mark)) continue;
      const rest = unit.slice(mark.length);
      if (side === "si") return scaled(value, 1000, METRIC, rest, 0, decimals);
      if (side === "time") return { text: localDateTime(value) };
      return { text: trim(value, decimals), [side]: side === "suffix" ? ` ${rest}` : rest };
    }
    return { text: trim(value, decimals), suffix: unit ? ` ${unit}` : "" };
  }
  switch (known.kind) {
    case "plain":
      return {
        text: trim(value * (known.scale ?? 1), decimals),
        suffix: known.suffix && (known.space === false ? known.suffix : ` ${known.suffix}`),
      };
    case "prefix":
      return { ...scaled(value, 1000, ["", "K", "M", "B", "T"], "", 0, decimals), prefix: known.prefix };
    case "custom":
      return known.format(value, decimals);
    case "duration": {
      const seconds = value * known.seconds;
      if (seconds === 0) {
        const own = DURATION_STEPS.find(([size]) => size === known.seconds);
        return { text: trim(0, decimals), suffix: own?.[1] ?? " s" };
      }
      let step = DURATION_STEPS[0]!;
      for (const candidate of DURATION_STEPS) if (Math.abs(seconds) >= candidate[0]) step = candidate;
      const count = seconds / step[0];
      const plural = step[0] >= 3600 && Math.abs(count) !== 1 ? "s" : "";
      return { text: trim(count, decimals), suffix: step[1] + plural };
    }
    case "scaled":
      return scaled(value, known.factor, known.names, known.suffix, known.start ?? 0, decimals);
  }
}

function scaled(
  value: number,
  factor: number,
  names: readonly string[],
  suffix: string,
  start: number,
  decimals: number | undefined,
): Formatted {
  let step = start;
  let rest = value;
  while (Math.abs(rest) >= factor && step < names.length - 1) {
    rest /= factor;
    step++;
  }
  const name = names[step]! + suffix;
  const space = name !== "" && !name.startsWith(" ") && /[bBWHJVAF]/.test(name) ? " " : "";
  return { text: trim(rest, decimals), suffix: space + name };
}

export function formatValue(value: number | null | undefined, unit?: string, decimals?: number): string {
  const { prefix = "", text, suffix = "" } = formatParts(value, unit, decimals);
  return prefix + text + suffix;
}

/** Axis labels: one decimal count and one step for all ticks of an axis, so that they can be compared at a glance. */
export function formatTicks(ticks: readonly number[], unit?: string, decimals?: number): string[] {
  if (decimals !== undefined) return ticks.map((tick) => formatValue(tick, unit, decimals));
  const plainTexts = ticks.map((tick) => formatParts(tick, unit));
  const most = Math.min(
    4,
    Math.max(0, ...plainTexts.map(({ text }) => (/^-?\d+\.\d+$/.test(text) ? text.length - text.indexOf(".") - 1 : 0))),
  );
  return ticks.map((tick) => (tick === 0 ? formatValue(tick, unit) : formatValue(tick, unit, most)));
}
