import type { FlagSpecs } from "@pharos/kit";
import { type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { requireFiles } from "./files.ts";
import { languageOf } from "./language.ts";
import { CheckOutcome, checkRuleFiles, checkRulesOfInput, lintOptions } from "./rules.ts";

export const RULE_LINTS = ["duplicate-rules"];

const FLAGS = {
  lint: {
    type: "string",
    default: "duplicate-rules",
    help: "Linting checks to apply, comma separated: all, duplicate-rules, none.",
  },
  "lint-fatal": { type: "boolean", help: "Make lint errors exit with exit code 3." },
  "ignore-unknown-fields": {
    type: "boolean",
    help: "Ignore unknown fields in the rule files. The server itself refuses them.",
  },
} as const satisfies FlagSpecs;

export const checkRules: Subcommand = {
  path: "check rules",
  summary: "Check if the rule files are valid or not; standard input without a file.",
  usage: "[FILE…]",
  args: { min: 0, max: Number.POSITIVE_INFINITY },
  flags: FLAGS,
  run(invocation) {
    const { args, warn } = invocation;
    const values = valuesOf(FLAGS, invocation.values);
    requireFiles(args);
    const lint = lintOptions(values.lint, RULE_LINTS, warn);
    const language = { ...languageOf(invocation), ignoreUnknownFields: values["ignore-unknown-fields"] };
    const outcome = new CheckOutcome();
    if (args.length === 0) checkRulesOfInput(lint, language, invocation, outcome);
    else checkRuleFiles(args, lint, language, invocation, outcome);
    return outcome.exitCode(values["lint-fatal"]);
  },
};
