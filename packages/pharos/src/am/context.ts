/** What the subcommands of `pharos am` share: their flags, where they write, and how they are declared. */
import { readFileSync } from "node:fs";
import type { FlagSpecs } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";

/** Flags that every subcommand takes, as amtool's. */
export const GLOBAL_FLAGS = {
  "alertmanager.url": { type: "string", help: "Alertmanager to talk to." },
  output: {
    type: "string",
    default: "simple",
    short: "o",
    choices: ["simple", "extended", "json"],
    help: "Output formatter.",
  },
  timeout: { type: "duration", default: "30s", help: "Timeout for the executed command." },
  "http.config.file": { type: "string", help: "HTTP client configuration file to connect to Alertmanager." },
  "version-check": {
    type: "boolean",
    optional: true,
    help: "Check alertmanager version. Use --no-version-check to disable.",
  },
  "date.format": { type: "string", default: "2006-01-02 15:04:05 MST", help: "Format of date output, in Go's way." },
  verbose: { type: "boolean", short: "v", help: "Verbose running information." },
  "enable-feature": {
    type: "string",
    default: "",
    help: "Experimental features, comma separated: classic-mode, utf8-strict-mode.",
  },
} as const satisfies FlagSpecs;

export type FlagValues = Readonly<Record<string, string | number | boolean | undefined | string[]>>;

export interface Invocation {
  values: FlagValues;
  args: string[];
  /** Writes to standard output. */
  write(text: string): void;
  warn(text: string): void;
  signal: AbortSignal;
}

export interface Subcommand {
  /** Words, as `silence add`. */
  path: string;
  summary: string;
  flags: FlagSpecs;
  /** Needs --alertmanager.url. */
  remote: boolean;
  /** Answers the exit code. */
  run(invocation: Invocation): Promise<number>;
}

export function failed(message: string, fix?: string): UserError {
  return new UserError("pharos.am", message, fix === undefined ? {} : { fix });
}

export function textOf(values: FlagValues, name: string): string {
  const value = values[name];
  return typeof value === "string" ? value : "";
}

export function listOf(values: FlagValues, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}

/** A file's text, standard input's without a file, or a UserError. */
export function readText(file: string | undefined): string {
  try {
    return readFileSync(file ?? 0, "utf8");
  } catch (error) {
    throw failed(`cannot read ${file ?? "standard input"}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

export function parseJson<T>(text: string, source: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw failed(`${source} is no JSON: ${describeError(error)}`);
  }
}
