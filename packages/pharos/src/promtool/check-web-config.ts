import { readWebConfig } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { Subcommand } from "../subcommands/subcommand.ts";
import { FAILURE, SUCCESS } from "./exit.ts";
import { requireFiles } from "./files.ts";

export const checkWebConfig: Subcommand = {
  path: "check web-config",
  summary: "Check if the web config files are valid or not.",
  usage: "FILE…",
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {},
  run({ args, warn }) {
    requireFiles(args);
    let failed = false;
    for (const file of args) {
      try {
        readWebConfig(file);
        warn(`${file} SUCCESS\n`);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        warn(`${file} FAILED: ${error.describe()}\n`);
        failed = true;
      }
    }
    return failed ? FAILURE : SUCCESS;
  },
};
