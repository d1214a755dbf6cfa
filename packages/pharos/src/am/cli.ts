/** `pharos am`: amtool's commands and flags, found anywhere in the line, with defaults from amtool's configuration files. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describeFlags, type FlagSpec, type FlagSpecs, parseFlags, parseYaml } from "@pharos/kit";
import { alertCommands } from "./alert.ts";
import { configCommands } from "./config.ts";
import { type FlagValues, failed, GLOBAL_FLAGS, readText, type Subcommand, textOf } from "./context.ts";
import { extraCommands } from "./history.ts";
import { recurringCommands } from "./recurring.ts";
import { silenceCommands } from "./silence.ts";
import { templateCommands } from "./template.ts";

const SUBCOMMANDS: readonly Subcommand[] = [
  ...alertCommands,
  ...silenceCommands,
  ...recurringCommands,
  ...configCommands,
  ...templateCommands,
  ...extraCommands,
];

/** What a group of commands does when nothing more is said. */
const DEFAULTS: Readonly<Record<string, string>> = {
  alert: "alert query",
  silence: "silence query",
  config: "config show",
  "config routes": "config routes show",
  cluster: "cluster show",
};

const LEGACY: Readonly<Record<string, string>> = { comment_required: "require-comment" };

export function amHelp(): string {
  const width = Math.max(...SUBCOMMANDS.map(({ path }) => path.length)) + 2;
  const list = SUBCOMMANDS.map(({ path, summary }) => `  ${path.padEnd(width)}${summary}`).join("\n");
  return `${list}\n\nFlags of all of them:\n${describeFlags(GLOBAL_FLAGS)}\n\nDefaults of flags are read from ~/.config/amtool/config.yml, else from /etc/amtool/config.yml.`;
}

/** Flags of any command: enough to tell a value from a word. */
const ANY_FLAG: ReadonlyMap<string, FlagSpec> = new Map(
  [GLOBAL_FLAGS, ...SUBCOMMANDS.map(({ flags }) => flags)].flatMap((flags: FlagSpecs) =>
    Object.entries(flags).flatMap(([name, spec]) => [
      [`--${name}`, spec] as const,
      ...(spec.short ? [[`-${spec.short}`, spec] as const] : []),
    ]),
  ),
);

/** Places of the words that are no flags and no values of flags. */
function wordPlaces(argv: readonly string[]): number[] {
  const places: number[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i];
    if (arg === "--") break;
    if (!arg.startsWith("-") || arg === "-") places.push(i);
    else if (!arg.includes("=") && (ANY_FLAG.get(arg)?.type ?? "boolean") !== "boolean") i++;
  }
  return places;
}

/** The command that the line names, and the line without its words. */
function findCommand(argv: readonly string[]): { command: Subcommand; rest: string[] } {
  const places = wordPlaces(argv);
  for (let count = Math.min(3, places.length); count > 0; count--) {
    const used = places.slice(0, count);
    const words = used.map((i) => argv[i]).join(" ");
    const path = DEFAULTS[words] ?? words;
    const command = SUBCOMMANDS.find((one) => one.path === path);
    if (command) return { command, rest: argv.filter((_, i) => !used.includes(i)) };
  }
  const given = places.map((i) => argv[i]).join(" ");
  throw failed(
    given === "" ? "no command is given" : `there is no command ${JSON.stringify(given)}`,
    "See pharos am --help",
  );
}

/** Defaults from amtool's configuration file, as flags that are not in the line. */
function configuredFlags(argv: readonly string[], flags: FlagSpecs): string[] {
  const file = [join(homedir(), ".config", "amtool", "config.yml"), "/etc/amtool/config.yml"].find((path) =>
    existsSync(path),
  );
  if (!file) return [];
  const isGiven = (name: string): boolean =>
    argv.some(
      (arg) =>
        arg === `--${name}` ||
        arg.startsWith(`--${name}=`) ||
        arg === `--no-${name}` ||
        (flags[name].short !== undefined && arg === `-${flags[name].short}`),
    );
  return parseYaml(readText(file), file)
    .entries()
    .map(([key, value]) => [LEGACY[key] ?? key, value.string()] as const)
    .filter(([name]) => Object.hasOwn(flags, name) && !isGiven(name))
    .map(([name, value]) => `--${name}=${value}`);
}

export interface AmStreams {
  write(text: string): void;
  warn(text: string): void;
}

/** Runs one line; answers the exit code, throws a UserError. */
export async function runAm(argv: readonly string[], streams: AmStreams): Promise<number> {
  const { command, rest } = findCommand(argv);
  const flags: FlagSpecs = { ...GLOBAL_FLAGS, ...command.flags };
  const { values, positionals } = parseFlags(flags, [...configuredFlags(rest, flags), ...rest]);
  const given = values as FlagValues;
  if (command.remote && textOf(given, "alertmanager.url") === "")
    throw failed("required flag --alertmanager.url not provided");
  const signal = AbortSignal.timeout(Number(given.timeout));
  return command.run({ values: given, args: positionals, ...streams, signal });
}

export function describeCommand(argv: readonly string[]): string {
  const { command } = findCommand(argv.filter((arg) => arg !== "--help" && arg !== "-h"));
  return `${command.summary}\n\nUsage: pharos am ${command.path} [FLAGS] [ARGUMENTS]\n\n${describeFlags({ ...command.flags, ...GLOBAL_FLAGS })}\n`;
}
