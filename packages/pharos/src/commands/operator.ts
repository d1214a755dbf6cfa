import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { createOperatorProgram, operatorFlags } from "@pharos/operator";
import { VERSION } from "../version.ts";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

const FLAGS = {
  ...operatorFlags,
  // The names that installations of the upstream operator have.
  "log-level": { ...LOG_FLAGS["log.level"], choices: [...LOG_FLAGS["log.level"].choices, "all", "none"] },
  "log-format": LOG_FLAGS["log.format"],
} as const satisfies FlagSpecs;

const LEVELS: Readonly<Record<string, string>> = { all: "debug", none: "error" };

export const operator: Command = {
  name: "operator",
  summary: "Run the operator in a Kubernetes cluster.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    const level = values["log-level"];
    const log = loggerFrom({ "log.level": LEVELS[level] ?? level, "log.format": values["log-format"] });
    const stopRequested = interrupted();
    await using program = await createOperatorProgram({ flags: values, log, version: VERSION });
    log.info("Listening on", { address: program.url });
    await stopRequested;
    return 0;
  },
};
