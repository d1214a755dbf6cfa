/** Names of metrics, labels and units of OpenTelemetry in Prometheus' world; rules of github.com/prometheus/otlptranslator. */
import { UserError } from "@pharos/model";

export type NamedType = "gauge" | "counter" | "other";

const UNITS: Readonly<Record<string, string>> = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  KiBy: "kibibytes",
  MiBy: "mebibytes",
  GiBy: "gibibytes",
  TiBy: "tibibytes",
  KBy: "kilobytes",
  MBy: "megabytes",
  GBy: "gigabytes",
  TBy: "terabytes",
  m: "meters",
  V: "volts",
  A: "amperes",
  J: "joules",
  W: "watts",
  g: "grams",
  Cel: "celsius",
  Hz: "hertz",
  "1": "",
  "%": "percent",
};

const PER_UNITS: Readonly<Record<string, string>> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  w: "week",
  mo: "month",
  y: "year",
};

/** The unit's own word and, with `per_` before it, what it is counted by. */
function unitSuffixes(unit: string): [main: string, per: string] {
  const slash = unit.indexOf("/");
  const words = slash < 0 ? [unit, ""] : [unit.slice(0, slash), unit.slice(slash + 1)];
  const [main, per] = words.map((word) => word.trim()).map((word) => (/[{}]/.test(word) ? "" : word));
  const perWord = per === "" ? "" : (PER_UNITS[per] ?? per);
  return [main === "" ? "" : (UNITS[main] ?? main), perWord === "" ? "" : `per_${perWord}`];
}

/** Without what a legacy name cannot have; underscores in a row become one, none at the start. */
function clean(unit: string): string {
  return unit
    .replace(/[^a-zA-Z0-9:]/gu, "_")
    .replace(/_{2,}/g, "_")
    .replace(/^_/, "");
}

/** As metadata tells it. */
export function unitName(unit: string, utf8 = false): string {
  const [main, per] = unitSuffixes(unit).map((word) => (utf8 ? word : clean(word)));
  return [main, per]
    .filter((word) => word !== "")
    .join("_")
    .replace(/^_|_$/g, "");
}

function unusable(message: string): UserError {
  return new UserError("remote.otlp", message);
}

const LEADING_DIGIT = /^\p{Nd}/u;

/** Tokens joined by single underscores, with unit and type behind. */
function normalized(name: string, unit: string, type: NamedType): string {
  let tokens = name.split(/[^a-zA-Z0-9:]+/u).filter((token) => token !== "");
  let [main, per] = unitSuffixes(unit).map(clean);
  if (tokens.includes(main)) main = "";
  per = per === "per_" ? "" : per.replace(/_$/, "");
  if (tokens.includes(per)) per = "";
  if (per !== "") main = main.replace(/_$/, "");
  tokens.push(...[main, per].filter((word) => word !== ""));
  const last = type === "counter" ? "total" : type === "gauge" && unit === "1" ? "ratio" : "";
  if (last !== "") tokens = [...tokens.filter((token) => token !== last), last];
  return tokens.join("_");
}

/** Takes a suffix and what stands before it off, unless little would be left. */
function trimSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) && name.length > suffix.length + 1 ? name.slice(0, -suffix.length - 1) : name;
}

function withSuffixes(original: string, unit: string, type: NamedType): string {
  let name = original;
  const ends: string[] = [];
  const end = (suffix: string): void => {
    name = trimSuffix(name, suffix);
    ends.unshift(suffix);
  };
  if (unit === "1" && type === "gauge") end("ratio");
  if (type === "counter") end("total");
  const [main, per] = unitSuffixes(unit);
  if (per !== "") end(per);
  if (main !== "" && !name.endsWith(main)) name += `_${main}`;
  return [name, ...ends].join("_");
}

/** Throws a UserError when nothing usable is left of the name. */
export function metricName(
  { name, unit, type }: { name: string; unit: string; type: NamedType },
  { utf8, suffixes }: { utf8: boolean; suffixes: boolean },
): string {
  if (utf8) return suffixes ? withSuffixes(name, unit, type) : name;
  let made = suffixes
    ? normalized(name, unit, type)
    : name
        .split(/[^a-zA-Z0-9:_]+/u)
        .filter((token) => token !== "")
        .join("_");
  if (LEADING_DIGIT.test(made)) made = `_${made}`;
  if (made === "") throw unusable(`normalization for metric ${JSON.stringify(name)} resulted in empty name`);
  if (made !== name && /^_+$/.test(made)) {
    throw unusable(`normalization for metric ${JSON.stringify(name)} resulted in invalid name ${JSON.stringify(made)}`);
  }
  return made;
}

export interface LabelNaming {
  utf8: boolean;
  /** `_x` becomes `key_x`. */
  underscoreSanitization: boolean;
  preserveMultipleUnderscores: boolean;
}

/** Throws a UserError for a name that has nothing but underscores. */
export function labelName(label: string, naming: LabelNaming): string {
  if (label === "") throw unusable("label name is empty");
  if (naming.utf8) {
    if (/^_+$/.test(label)) throw unusable(`label name ${JSON.stringify(label)} contains only underscores`);
    return label;
  }
  let name: string;
  if (naming.preserveMultipleUnderscores) name = label.replace(/[^a-zA-Z0-9]/gu, "_");
  else {
    const reserved = label.length >= 4 && label.startsWith("__") && label.endsWith("__");
    name = (reserved ? label.slice(2, -2) : label).replace(/[^a-zA-Z0-9]+/gu, "_");
    if (reserved) name = `__${name}__`;
  }
  if (/^[0-9]/.test(name)) name = `key_${name}`;
  else if (naming.underscoreSanitization && /^_(?!_)/.test(name)) name = `key${name}`;
  if (/^_+$/.test(name)) {
    throw unusable(
      `normalization for label name ${JSON.stringify(label)} resulted in invalid name ${JSON.stringify(name)}`,
    );
  }
  return name;
}
