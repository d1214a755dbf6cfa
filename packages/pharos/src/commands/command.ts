import type { FlagSpecs } from "@pharos/kit";
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "@pharos/kit/log";

export interface Command {
  name: string;
  /** One line. */
  summary: string;
  help(): string;
  /** All of the help for a line that names a command of this one; without it, `help` is for every line. */
  describe?(argv: readonly string[]): string;
  /** Runs until done or interrupted; answers the exit code. */
  run(argv: readonly string[]): Promise<number>;
}

/** Flags every long-running command has. */
export const LOG_FLAGS = {
  "log.level": {
    type: "string",
    default: "info",
    choices: LOG_LEVELS,
    help: "Only log messages with this severity or above.",
  },
  "log.format": {
    type: "string",
    default: "logfmt",
    choices: ["logfmt", "json"],
    help: "Output format of log messages.",
  },
} as const satisfies FlagSpecs;

export function loggerFrom(values: { "log.level": string; "log.format": string }): Logger {
  return createLogger({ level: values["log.level"] as LogLevel, format: values["log.format"] as "logfmt" | "json" });
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function interrupted(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(130));
      });
    }
  });
}

/** Host and port of upstream's `[host]:port` addresses; an empty host is every interface. */
export function splitAddress(address: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (!match || Number(match[3]) > 65_535) return undefined;
  return { host: match[1] || match[2] || "0.0.0.0", port: Number(match[3]) };
}
