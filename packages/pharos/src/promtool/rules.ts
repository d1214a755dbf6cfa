/** Checking rule files: `check rules`, and the rule files of a configuration. */
import { describeError, Labels, UserError } from "@pharos/model";
import { parseRuleFile, type RuleGroupSpec, type RuleLanguage } from "@pharos/rules";
import type { Streams } from "../subcommands/subcommand.ts";
import { FAILURE, LINT, SUCCESS } from "./exit.ts";
import { readTextFile } from "./files.ts";

/** What became of the files so far: complaints of lint alone are told apart. */
export class CheckOutcome {
  failed = false;
  hasErrors = false;

  error(): void {
    this.failed = true;
    this.hasErrors = true;
  }

  lint(): void {
    this.failed = true;
  }

  exitCode(lintIsFatal: boolean): number {
    if (!this.failed) return SUCCESS;
    if (this.hasErrors) return FAILURE;
    return lintIsFatal ? LINT : SUCCESS;
  }
}

/** Options of `--lint`; unknown ones are only warned of. */
export function lintOptions(text: string, known: readonly string[], warn: (text: string) => void): Set<string> {
  const options = new Set(text.split(",").filter((option) => option !== ""));
  if (options.has("none")) return new Set();
  for (const option of options) {
    if (option === "all") for (const one of known) options.add(one);
    else if (!known.includes(option)) warn(`WARNING: unknown lint option: ${JSON.stringify(option)}\n`);
  }
  return options;
}

interface RuleIdentity {
  metric: string;
  labels: Labels;
}

function compareIdentity(a: RuleIdentity, b: RuleIdentity): number {
  if (a.metric !== b.metric) return a.metric < b.metric ? -1 : 1;
  return a.labels.compare(b.labels);
}

/** Rules that write the same series or raise the same alert, each once. */
function duplicatesOf(groups: readonly RuleGroupSpec[]): RuleIdentity[] {
  const rules = groups
    .flatMap((group) => group.rules)
    .map((rule) => ({
      metric: rule.kind === "alerting" ? rule.alert : rule.record,
      labels: Labels.from(rule.labels),
    }))
    .sort(compareIdentity);
  const same = rules.filter((rule, i) => i > 0 && compareIdentity(rules[i - 1], rule) === 0);
  return same.filter((rule, i) => i === 0 || compareIdentity(same[i - 1], rule) !== 0);
}

function describeDuplicates(duplicates: readonly RuleIdentity[]): string {
  const entries = duplicates.map(({ metric, labels }) => {
    const lines = [...labels].map(([name, value]) => `\t${name}: ${value}\n`).join("");
    return `Metric: ${metric}\nLabel(s):\n${lines}`;
  });
  return `lint error ${duplicates.length} duplicate rule(s) found.\n${entries.join("")}Might cause inconsistency while recording expressions`;
}

function checkText(
  text: string,
  file: string,
  lint: ReadonlySet<string>,
  language: RuleLanguage,
  { write, warn }: Streams,
  outcome: CheckOutcome,
): void {
  const { groups, errors } = parseRuleFile(text, file, language);
  if (errors.length > 0) {
    warn(`  FAILED:\n${errors.map((error) => `${error.describe()}\n`).join("")}`);
    outcome.error();
    return;
  }
  const duplicates = lint.has("duplicate-rules") ? duplicatesOf(groups) : [];
  if (duplicates.length > 0) {
    warn(`  FAILED:\n${describeDuplicates(duplicates)}\n`);
    outcome.lint();
  } else write(`  SUCCESS: ${groups.reduce((sum, { rules }) => sum + rules.length, 0)} rules found\n`);
  write("\n");
}

export function checkRuleFiles(
  files: readonly string[],
  lint: ReadonlySet<string>,
  language: RuleLanguage,
  streams: Streams,
  outcome: CheckOutcome,
): void {
  for (const file of files) {
    streams.write(`Checking ${file}\n`);
    try {
      checkText(readTextFile(file), file, lint, language, streams, outcome);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      streams.warn(`  FAILED:\n${describeError(error)}\n`);
      outcome.error();
    }
  }
}

export function checkRulesOfInput(
  lint: ReadonlySet<string>,
  language: RuleLanguage,
  streams: Streams,
  outcome: CheckOutcome,
): void {
  streams.write("Checking standard input\n");
  checkText(streams.readInput().toString("utf8"), "(standard input)", lint, language, streams, outcome);
}
