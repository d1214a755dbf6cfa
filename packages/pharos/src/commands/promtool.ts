/** promtool's commands, each group a command of its own and all of them below `promtool`. */
import { readFileSync } from "node:fs";
import { promtool as program, runPromtool } from "../promtool/cli.ts";
import type { Command } from "./command.ts";

const streams = {
  write: (text: string) => void process.stdout.write(text),
  warn: (text: string) => void process.stderr.write(text),
  readInput: () => readFileSync(0),
};

/** `pharos NAME …`: the commands that begin with this word. */
function promtoolGroup(name: string, summary: string): Command {
  return {
    name,
    summary,
    help: () => program.help(name),
    run: (argv) => runPromtool([name, ...argv], streams),
    describe: (argv) => program.describe([name, ...argv]),
  };
}

export const promtool: Command = {
  name: "promtool",
  summary: "Everything of the commands above under promtool's name.",
  help: () => program.help(),
  run: (argv) => runPromtool(argv, streams),
  describe: (argv) => program.describe(argv),
};

export const check = promtoolGroup("check", "Check configurations, rules, web configurations, metrics, servers.");
export const test = promtoolGroup("test", "Run unit tests of rules.");
export const query = promtoolGroup("query", "Ask a server of Prometheus' API.");
export const promql = promtoolGroup("promql", "Format and edit queries.");
export const tsdb = promtoolGroup("tsdb", "Look into a database's directory, dump it, make blocks.");
