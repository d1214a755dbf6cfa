/** Values as people read them, by Grafana's unit ids. */

const DAY = 86_400;

function trim(value: number, decimals: number | undefined): string {
  if (decimals !== undefined) return value.toFixed(decimals);
  const magnitude = Math.abs(value);
  const digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  return String(Number(value.toFixed(magnitude > 0 && magnitude < 0.01 ? 4 : digits)));
}

function scaled(
  value: number,
  base: number,
  suffixes: readonly string[],
  decimals: number | undefined,
  unit = "",
): string {
  let scale = 0;
  let rest = value;
  while (Math.abs(rest) >= base && scale < suffixes.length - 1) {
    rest /= base;
    scale++;
  }
  const suffix = suffixes[scale] + unit;
  return `${trim(rest, decimals)}${suffix === "" ? "" : ` ${suffix}`}`;
}

const SHORT = ["", "K", "Mil", "Bil", "Tri"];
const SI = ["", "k", "M", "G", "T", "P"];
const IEC = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function seconds(value: number, decimals: number | undefined): string {
  const magnitude = Math.abs(value);
  if (magnitude === 0) return "0 s";
  if (magnitude < 1e-6) return `${trim(value * 1e9, decimals)} ns`;
  if (magnitude < 1e-3) return `${trim(value * 1e6, decimals)} µs`;
  if (magnitude < 1) return `${trim(value * 1e3, decimals)} ms`;
  if (magnitude < 60) return `${trim(value, decimals)} s`;
  if (magnitude < 3600) return `${trim(value / 60, decimals)} min`;
  if (magnitude < DAY) return `${trim(value / 3600, decimals)} hours`;
  return `${trim(value / DAY, decimals)} days`;
}

/** "12 s ago" of a time in Unix ms. */
export function fromNow(ms: number, now = Date.now()): string {
  if (ms === 0) return "never";
  const age = (now - ms) / 1000;
  return age < 1 ? "now" : `${seconds(age, age < 60 ? 0 : undefined)} ago`;
}

type Format = (value: number, decimals: number | undefined) => string;

const FORMATS: Record<string, Format> = {
  none: trim,
  short: (value, decimals) => scaled(value, 1000, SHORT, decimals),
  percent: (value, decimals) => `${trim(value, decimals)}%`,
  percentunit: (value, decimals) => `${trim(value * 100, decimals)}%`,
  bytes: (value, decimals) => scaled(value, 1024, IEC, decimals),
  decbytes: (value, decimals) => scaled(value, 1000, SI, decimals, "B"),
  bits: (value, decimals) => scaled(value, 1024, ["b", "Kib", "Mib", "Gib", "Tib"], decimals),
  kbytes: (value, decimals) => scaled(value * 1024, 1024, IEC, decimals),
  mbytes: (value, decimals) => scaled(value * 1024 ** 2, 1024, IEC, decimals),
  Bps: (value, decimals) => scaled(value, 1000, SI, decimals, "B/s"),
  binBps: (value, decimals) => `${scaled(value, 1024, IEC, decimals)}/s`,
  bps: (value, decimals) => scaled(value, 1000, SI, decimals, "b/s"),
  s: seconds,
  ms: (value, decimals) => seconds(value / 1e3, decimals),
  µs: (value, decimals) => seconds(value / 1e6, decimals),
  ns: (value, decimals) => seconds(value / 1e9, decimals),
  m: (value, decimals) => seconds(value * 60, decimals),
  h: (value, decimals) => seconds(value * 3600, decimals),
  d: (value, decimals) => seconds(value * DAY, decimals),
  dtdurations: seconds,
  hertz: (value, decimals) => scaled(value, 1000, SI, decimals, "Hz"),
  celsius: (value, decimals) => `${trim(value, decimals)} °C`,
  ops: (value, decimals) => `${scaled(value, 1000, SHORT, decimals)} ops/s`,
  reqps: (value, decimals) => `${scaled(value, 1000, SHORT, decimals)} req/s`,
  rps: (value, decimals) => `${scaled(value, 1000, SHORT, decimals)} rd/s`,
  wps: (value, decimals) => `${scaled(value, 1000, SHORT, decimals)} wr/s`,
  iops: (value, decimals) => `${scaled(value, 1000, SHORT, decimals)} io/s`,
  pps: (value, decimals) => `${scaled(value, 1000, SHORT, decimals)} p/s`,
  cps: (value, decimals) => `${scaled(value, 1000, SHORT, decimals)} c/s`,
  dateTimeFromNow: (value) => fromNow(value),
  dateTimeAsIso: (value) => new Date(value).toISOString().replace("T", " ").slice(0, 19),
  bool: (value) => (value === 0 ? "False" : "True"),
  bool_yes_no: (value) => (value === 0 ? "No" : "Yes"),
  bool_on_off: (value) => (value === 0 ? "Off" : "On"),
};

export function formatValue(value: number | null | undefined, unit = "short", decimals?: number): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  const format = FORMATS[unit];
  if (format) return format(value, decimals);
  // `suffix:x`, `prefix:x`, and units we do not know are written behind the number.
  if (unit.startsWith("prefix:")) return `${unit.slice(7)}${trim(value, decimals)}`;
  return `${scaled(value, 1000, SHORT, decimals)} ${unit.replace(/^(suffix|si|currency):?/, "")}`.trim();
}
