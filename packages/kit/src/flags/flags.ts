/**
 * Command line flags in the manner of upstream's programs (`--web.listen-address=:9090`, `--no-x`, repeatable flags),
 * described as data so that help, documentation and `/api/v1/status/flags` come from one table.
 */
import { parseArgs } from "node:util";
import { formatDuration, parseDuration } from "@pharos/model/duration";
import { UserError } from "@pharos/model/error";

export interface FlagSpec {
  type: "string" | "boolean" | "number" | "duration" | "bytes";
  /** May be given several times; the value is then an array. */
  multiple?: boolean;
  /** Text of the default, in the flag's own syntax; absent: the flag has no value unless given. */
  default?: string;
  help: string;
  /** Accepted values of a string flag. */
  choices?: readonly string[];
  short?: string;
  hidden?: boolean;
  /** A boolean that is undefined, not false, unless it is given. */
  optional?: true;
}
export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

type Scalar<S extends FlagSpec> = S["type"] extends "boolean" ? boolean : S["type"] extends "string" ? string : number;
type Value<S extends FlagSpec> = S extends { multiple: true }
  ? Scalar<S>[]
  : S extends { default: string }
    ? Scalar<S>
    : S extends { type: "boolean" }
      ? S extends { optional: true }
        ? boolean | undefined
        : boolean
      : Scalar<S> | undefined;

export interface ParsedFlags<S extends FlagSpecs> {
  values: { [K in keyof S]: Value<S[K]> };
  positionals: string[];
}

const BYTE_UNITS: Record<string, number> = {
  B: 1,
  KB: 2 ** 10,
  MB: 2 ** 20,
  GB: 2 ** 30,
  TB: 2 ** 40,
  PB: 2 ** 50,
  EB: 2 ** 60,
};

/** Bytes of a size such as `512MB`; units are powers of 1024, as in Prometheus' flags (units.Base2Bytes). */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGTPE]?)(i?B)?$/i.exec(text);
  if (!match)
    throw new UserError("kit.bytes", `not a valid size: ${JSON.stringify(text)}`, { fix: "Write it like 512MB" });
  return Number(match[1]) * BYTE_UNITS[`${match[2].toUpperCase()}B`];
}

function convert(flag: string, spec: FlagSpec, text: string): string | number | boolean {
  try {
    switch (spec.type) {
      case "string":
        if (spec.choices && !spec.choices.includes(text)) {
          throw new UserError("kit.flag", `enum value must be one of ${spec.choices.join(",")}, got '${text}'`);
        }
        return text;
      case "boolean":
        if (text !== "true" && text !== "false") throw new UserError("kit.flag", `must be true or false, got ${text}`);
        return text === "true";
      case "number":
        if (text.trim() === "" || Number.isNaN(Number(text)))
          throw new UserError("kit.flag", `strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
        return Number(text);
      case "duration":
        return parseDuration(text);
      case "bytes":
        return parseBytes(text);
    }
  } catch (error) {
    if (error instanceof UserError)
      throw new UserError(error.code, error.message, { where: { flag: `--${flag}` }, fix: error.fix });
    throw error;
  }
}

/** What parseArgs complains about, in kingpin's words where it has them. */
function parseProblem(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  const flag = /'(?:-\w, )?(--?[^' =]+)/.exec(message)?.[1];
  if (flag && code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    return `unknown ${flag.startsWith("--") ? "long" : "short"} flag '${flag}'`;
  }
  if (flag && code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE" && message.includes("argument missing")) {
    return `expected argument for flag '${flag}'`;
  }
  return message.replace(/\. To specify a positional.*$/s, "");
}

/** Parses `argv` (without program and command names); a UserError names the flag and what is wrong with it. */
export function parseFlags<const S extends FlagSpecs>(specs: S, argv: readonly string[]): ParsedFlags<S> {
  const options: Record<string, { type: "string" | "boolean"; multiple: boolean; short?: string }> = {};
  for (const [name, spec] of Object.entries(specs)) {
    options[name] = { type: spec.type === "boolean" ? "boolean" : "string", multiple: spec.multiple ?? false };
    if (spec.short) options[name].short = spec.short;
  }
  // parseArgs refuses `--flag=true` for booleans, which kingpin-style scripts do use.
  const args = argv.map((arg) => {
    const match = /^--([^=]+)=(true|false)$/.exec(arg);
    return match && specs[match[1]]?.type === "boolean" ? `--${match[2] === "true" ? "" : "no-"}${match[1]}` : arg;
  });
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, allowNegative: true, strict: true });
  } catch (error) {
    throw new UserError("kit.flag", parseProblem(error), { fix: "See --help", cause: error });
  }
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const given = parsed.values[name];
    const texts = given === undefined ? (spec.default === undefined ? [] : [spec.default]) : [given].flat().map(String);
    const converted = texts.map((text) => convert(name, spec, text));
    values[name] = spec.multiple
      ? converted
      : (converted[0] ?? (spec.type === "boolean" && !spec.optional ? false : undefined));
  }
  return { values: values as ParsedFlags<S>["values"], positionals: parsed.positionals };
}

/** `512MiB`: the largest unit that leaves a whole number, as Go's units.Base2Bytes writes it. */
export function formatBytes(bytes: number): string {
  const units = Object.keys(BYTE_UNITS);
  const unit = units.findLast((name) => bytes > 0 && bytes % BYTE_UNITS[name] === 0) ?? "B";
  return `${bytes / BYTE_UNITS[unit]}${unit === "B" ? unit : `${unit[0]}iB`}`;
}

const ZERO: Readonly<Record<FlagSpec["type"], string>> = {
  string: "",
  boolean: "false",
  number: "0",
  duration: "0s",
  bytes: "0B",
};

/** The values as `/api/v1/status/flags` shows them: each in its flag's own syntax, those not given as Go's zero values. */
export function flagTexts<S extends FlagSpecs>(specs: S, values: ParsedFlags<S>["values"]): Record<string, string> {
  const text = (type: FlagSpec["type"], value: unknown): string => {
    if (value === undefined) return ZERO[type];
    if (type === "duration") return formatDuration(value as number);
    return type === "bytes" ? formatBytes(value as number) : String(value);
  };
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const value: unknown = values[name as keyof S];
      return [
        name,
        Array.isArray(value) ? value.map((item) => text(spec.type, item)).join(",") : text(spec.type, value),
      ];
    }),
  );
}

/** The flags part of a help page, one or two lines a flag. */
export function describeFlags(specs: FlagSpecs, width = 100): string {
  const shown = Object.entries(specs).filter(([, spec]) => !spec.hidden);
  const left = shown.map(([name, spec]) => {
    const value =
      spec.type === "boolean"
        ? ""
        : `=${(spec.default ?? spec.type).toUpperCase() === spec.default ? spec.default : (spec.default ?? `<${spec.type}>`)}`;
    return `  ${spec.short ? `-${spec.short}, ` : ""}--${name}${value}${spec.multiple ? " …" : ""}`;
  });
  const column = Math.min(44, Math.max(...left.map((text) => text.length)) + 2);
  return shown
    .map(([, spec], i) => {
      const words = `${spec.help}${spec.choices ? ` One of ${spec.choices.join(", ")}.` : ""}`.split(" ");
      const lines: string[] = [];
      let line = left[i].length < column ? left[i].padEnd(column) : `${left[i]}\n${" ".repeat(column)}`;
      let length = column;
      for (const word of words) {
        if (length + word.length > width) {
          lines.push(line.trimEnd());
          line = " ".repeat(column);
          length = column;
        }
        line += `${word} `;
        length += word.length + 1;
      }
      lines.push(line.trimEnd());
      return lines.join("\n");
    })
    .join("\n");
}
