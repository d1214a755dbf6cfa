/** `test rules`: runs unit tests of rules and says what passed. */
import type { FlagSpecs } from "@pharos/kit";
import { compileRe2 } from "@pharos/model";
import { failuresOf, type RuleTestReport, runRuleTestFile } from "@pharos/rules";
import { type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { FAILURE, SUCCESS } from "./exit.ts";
import { requireFiles, writeTextFile } from "./files.ts";
import { junitXml } from "./junit.ts";
import { languageOf } from "./language.ts";

const FLAGS = {
  junit: { type: "string", help: "File path to store JUnit XML test results." },
  run: {
    type: "string",
    multiple: true,
    help: "Only run test groups whose names match the regular expression; may be given several times.",
  },
  debug: { type: "boolean", help: "Enable unit test debugging." },
  diff: { type: "boolean", help: "Print what differs line by line." },
  "ignore-unknown-fields": {
    type: "boolean",
    help: "Ignore unknown fields in the rule files. The server itself refuses them.",
  },
} as const satisfies FlagSpecs;

export const testRules: Subcommand = {
  path: "test rules",
  summary: "Unit tests for rules.",
  usage: "FILE…",
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: FLAGS,
  async run(invocation) {
    const { args, write, warn } = invocation;
    const values = valuesOf(FLAGS, invocation.values);
    requireFiles(args);
    const patterns = values.run.map((pattern) => compileRe2(pattern));
    const reports: RuleTestReport[] = [];
    for (const file of args) {
      const report = await runRuleTestFile(file, {
        ...languageOf(invocation),
        ...(patterns.length > 0 && { run: (name: string) => patterns.some((pattern) => pattern.test(name)) }),
        diff: values.diff,
        ignoreUnknownFields: values["ignore-unknown-fields"],
        ...(values.debug && { debug: (line: string) => warn(`DEBUG: ${line}\n`) }),
      });
      reports.push(report);
      for (const warning of report.warnings) warn(`  WARNING: ${warning}\n`);
      const failures = failuresOf(report);
      if (failures.length > 0) {
        warn("  FAILED:\n");
        for (const failure of failures) {
          warn(`${failure}\n`);
          write("\n");
        }
      } else write("  SUCCESS\n");
      write("\n");
    }
    if (values.junit !== undefined) writeTextFile(values.junit, junitXml(reports));
    return reports.some((report) => failuresOf(report).length > 0) ? FAILURE : SUCCESS;
  },
};
