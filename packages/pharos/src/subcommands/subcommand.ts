/** A program of many commands: each is declared as data, found by its words anywhere in the line, and run. */
import { describeFlags, type FlagSpec, type FlagSpecs, type ParsedFlags, parseFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";

export interface Streams {
  /** Writes to standard output. */
  write(text: string): void;
  /** Writes to standard error. */
  warn(text: string): void;
  /** All of standard input. */
  readInput(): Buffer;
}

export type FlagValues = Readonly<Record<string, string | number | boolean | undefined | readonly string[]>>;

export interface Invocation extends Streams {
  values: FlagValues;
  args: string[];
}

export interface Subcommand {
  /** Words, as `check rules`. */
  path: string;
  summary: string;
  /** The arguments as a usage line shows them. */
  usage: string;
  /** How many arguments there may be. */
  args: { min: number; max: number };
  flags: FlagSpecs;
  /** Answers the exit code. */
  run(invocation: Invocation): number | Promise<number>;
}

/** The values with the types that the flags give them; `flags` are those the command was declared with. */
export function valuesOf<const S extends FlagSpecs>(_flags: S, values: FlagValues): ParsedFlags<S>["values"] {
  return values as unknown as ParsedFlags<S>["values"];
}

export class Program {
  readonly #name: string;
  readonly #commands: readonly Subcommand[];
  readonly #flags: FlagSpecs;
  readonly #anyFlag: ReadonlyMap<string, FlagSpec>;

  /** `flags`: those of every command. */
  constructor(name: string, commands: readonly Subcommand[], flags: FlagSpecs) {
    this.#name = name;
    this.#commands = commands;
    this.#flags = flags;
    // Enough to tell a flag's value from a word.
    this.#anyFlag = new Map(
      [flags, ...commands.map((command) => command.flags)].flatMap((specs) =>
        Object.entries(specs).flatMap(([flag, spec]) => [
          [`--${flag}`, spec] as const,
          ...(spec.short ? [[`-${spec.short}`, spec] as const] : []),
        ]),
      ),
    );
  }

  /** The commands that begin with these words, and the flags of all. */
  help(words = ""): string {
    const some = this.#commands.filter(({ path }) => words === "" || path === words || path.startsWith(`${words} `));
    const width = Math.max(...some.map(({ path, usage }) => path.length + usage.length)) + 3;
    const list = some.map(({ path, usage, summary }) => `  ${`${path} ${usage}`.padEnd(width)}${summary}`);
    return `${list.join("\n")}\n\nFlags of all of them:\n${describeFlags(this.#flags)}`;
  }

  describe(argv: readonly string[]): string {
    const rest = argv.filter((arg) => arg !== "--help" && arg !== "-h");
    const command = this.#find(rest)?.command;
    if (!command) return this.help(this.#words(rest).join(" "));
    const flags = describeFlags({ ...command.flags, ...this.#flags });
    return `${command.summary}\n\nUsage: ${this.#name} ${command.path} [FLAGS] ${command.usage}\n\n${flags}`;
  }

  /** Runs one line; answers the exit code, throws a UserError. */
  async run(argv: readonly string[], streams: Streams): Promise<number> {
    const found = this.#find(argv);
    if (!found) {
      const given = this.#words(argv).join(" ");
      throw new UserError(
        "pharos.command",
        given === "" ? "no command is given" : `there is no command ${JSON.stringify(given)}`,
        { fix: `See ${this.#name} --help` },
      );
    }
    const { command, rest } = found;
    const { values, positionals } = parseFlags({ ...this.#flags, ...command.flags }, rest);
    const { min, max } = command.args;
    if (positionals.length < min || positionals.length > max) {
      const what = positionals.length < min ? "an argument is missing" : `unexpected ${positionals[max]}`;
      throw new UserError("pharos.command", `${command.path}: ${what}`, {
        fix: `Usage: ${this.#name} ${command.path} [FLAGS] ${command.usage}`,
      });
    }
    return command.run({ values: values as FlagValues, args: positionals, ...streams });
  }

  #find(argv: readonly string[]): { command: Subcommand; rest: string[] } | undefined {
    const places = this.#wordPlaces(argv);
    for (let count = Math.min(3, places.length); count > 0; count--) {
      const used = places.slice(0, count);
      const words = used.map((i) => argv[i]).join(" ");
      const command = this.#commands.find(({ path }) => path === words);
      if (command) return { command, rest: argv.filter((_, i) => !used.includes(i)) };
    }
    return undefined;
  }

  #words(argv: readonly string[]): string[] {
    return this.#wordPlaces(argv).map((i) => argv[i]);
  }

  /** Places of what is neither a flag nor the value of one. */
  #wordPlaces(argv: readonly string[]): number[] {
    const places: number[] = [];
    for (let i = 0; i < argv.length; i++) {
      const arg = argv[i];
      if (arg === "--") break;
      if (!arg.startsWith("-") || arg === "-") places.push(i);
      else if (!arg.includes("=") && (this.#anyFlag.get(arg)?.type ?? "boolean") !== "boolean") i++;
    }
    return places;
  }
}
