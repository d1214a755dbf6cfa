import { amHelp, runAm } from "../am/cli.ts";
import type { Command } from "./command.ts";

export const am: Command = {
  name: "am",
  summary: "View and change the state of an Alertmanager, as amtool does.",
  help: amHelp,
  run: (argv) =>
    runAm(argv, {
      write: (text) => void process.stdout.write(text),
      warn: (text) => void process.stderr.write(text),
    }),
};
