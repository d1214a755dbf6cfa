/**
 * Logging with upstream's two formats: logfmt as Go's slog writes it, or JSON. Fields are flat; an Error becomes its
 * text. One line per entry to stderr. (pino has no logfmt, and the format is part of being drop-in.)
 */
import { describeError } from "@pharos/model/error";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each entry. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  level?: LogLevel;
  format?: "logfmt" | "json";
  write?: (line: string) => void;
}

function plain(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof Error) return describeError(value);
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value) ?? String(value);
}

/** A field of a JSON line: plain objects and lists stay what they are. */
function jsonValue(value: unknown): unknown {
  const nested = typeof value === "object" && value !== null && !(value instanceof Error) && !(value instanceof Date);
  return nested ? value : plain(value);
}

function logfmtValue(value: string | number | boolean | null): string {
  const text = value === null ? "null" : String(value);
  return text === "" || /[\s="\u0000-\u001f]/.test(text) ? JSON.stringify(text) : text;
}

class LineLogger implements Logger {
  readonly #threshold: number;
  readonly #format: "logfmt" | "json";
  readonly #write: (line: string) => void;
  readonly #fields: LogFields;
  readonly #level: LogLevel;

  constructor(options: LoggerOptions, fields: LogFields) {
    this.#level = options.level ?? "info";
    this.#threshold = LOG_LEVELS.indexOf(this.#level);
    this.#format = options.format ?? "logfmt";
    this.#write = options.write ?? ((line) => process.stderr.write(line));
    this.#fields = fields;
  }

  with(fields: LogFields): Logger {
    return new LineLogger(
      { level: this.#level, format: this.#format, write: this.#write },
      { ...this.#fields, ...fields },
    );
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (LOG_LEVELS.indexOf(level) < this.#threshold) return;
    const time = new Date().toISOString();
    const all = { ...this.#fields, ...fields };
    if (this.#format === "json") {
      const entry: Record<string, unknown> = { time, level: level.toUpperCase(), msg: message };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) entry[name] = jsonValue(value);
      this.#write(`${JSON.stringify(entry)}\n`);
      return;
    }
    let line = `time=${time} level=${level.toUpperCase()} msg=${logfmtValue(message)}`;
    for (const [name, value] of Object.entries(all)) {
      if (value !== undefined) line += ` ${name}=${logfmtValue(plain(value))}`;
    }
    this.#write(`${line}\n`);
  }
}

export function createLogger(options: LoggerOptions = {}): Logger {
  return new LineLogger(options, {});
}

/** For tests and libraries that were given no logger. */
export const silentLogger: Logger = createLogger({ write: () => {} });
