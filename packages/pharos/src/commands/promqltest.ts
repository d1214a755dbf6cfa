/** `pharos promqltest FILE|DIR…`: runs upstream-format tests of the query language and says per file what passed. */
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import { type PromqltestFailure, runPromqltest } from "@pharos/promql";
import type { Command } from "./command.ts";

const FLAGS = {
  failures: { type: "number", default: "10", help: "How many failed evaluations of a file are shown." },
  output: {
    type: "string",
    short: "o",
    default: "text",
    choices: ["text", "json"],
    help: "How the report is written.",
  },
} as const satisfies FlagSpecs;

interface FileReport {
  file: string;
  passed: number;
  total: number;
  failures: PromqltestFailure[];
  /** Why the file could not be run to its end. */
  error?: string;
}

/** A file stands for itself, a folder for all `*.test` below it. */
function filesOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) {
      throw new UserError("pharos.promqltest", `there is no ${path}`, { fix: "Name test files, or folders of them" });
    }
    if (!statSync(path).isDirectory()) return [path];
    const found = globSync("**/*.test", { cwd: path }).sort();
    if (found.length === 0) {
      throw new UserError("pharos.promqltest", `there is no *.test in ${path}`, { fix: "Name the files themselves" });
    }
    return found.map((name) => join(path, name));
  });
}

async function runFile(file: string): Promise<FileReport> {
  try {
    const report = await runPromqltest([{ name: file, text: readFileSync(file, "utf8") }]);
    return { file, ...report };
  } catch (error) {
    if (!(error instanceof UserError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    const text = error instanceof UserError ? error.describe() : describeError(error);
    return { file, passed: 0, total: 0, failures: [], error: text };
  }
}

function isGood({ passed, total, error }: FileReport): boolean {
  return error === undefined && passed === total;
}

function describe(report: FileReport, width: number, shown: number): string {
  const { file, passed, total, failures, error } = report;
  const lines = [`${isGood(report) ? "ok    " : "FAILED"} ${file.padEnd(width)} ${passed} of ${total} passed`];
  if (error !== undefined) lines.push(`       ${error}`);
  for (const { line, query, message } of failures.slice(0, shown)) {
    lines.push(`       line ${line}: ${query}`, `         ${message.replaceAll("\n", "\n         ")}`);
  }
  if (failures.length > shown) lines.push(`       and ${failures.length - shown} more`);
  return lines.join("\n");
}

export const promqltest: Command = {
  name: "promqltest",
  summary: "Run tests of PromQL in Prometheus' own format.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values, positionals } = parseFlags(FLAGS, argv);
    if (positionals.length === 0) {
      throw new UserError("pharos.promqltest", "no test file is named", { fix: "pharos promqltest FILE|DIR…" });
    }
    const files = filesOf(positionals);
    const width = Math.max(...files.map((file) => file.length));
    const reports: FileReport[] = [];
    for (const file of files) {
      const report = await runFile(file);
      reports.push(report);
      if (values.output === "text") process.stdout.write(`${describe(report, width, values.failures)}\n`);
    }
    const passed = reports.reduce((sum, report) => sum + report.passed, 0);
    const total = reports.reduce((sum, report) => sum + report.total, 0);
    if (values.output === "json")
      process.stdout.write(`${JSON.stringify({ passed, total, files: reports }, null, 2)}\n`);
    else process.stdout.write(`${passed} of ${total} evaluations passed in ${files.length} files\n`);
    return reports.every(isGood) ? 0 : 1;
  },
};
