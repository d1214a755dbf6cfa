/** `check config`: a configuration with all files that it names. */
import { existsSync, globSync } from "node:fs";
import { offlineGroups, type SdConfig } from "@pharos/discovery";
import type { FlagSpecs, HttpClientConfig } from "@pharos/kit";
import { formatDuration, LabelsBuilder, type TargetGroup, type TargetLabels, UserError } from "@pharos/model";
import { type AlertmanagerSetConfig, loadConfigFile, type PrometheusConfig } from "@pharos/prometheus";
import { relabelBuilder } from "@pharos/relabel";
import { buildTarget } from "@pharos/scrape";
import { type Streams, type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { RULE_LINTS } from "./check-rules.ts";
import { requireFiles } from "./files.ts";
import { languageOf } from "./language.ts";
import { CheckOutcome, checkRuleFiles, lintOptions } from "./rules.ts";

const FLAGS = {
  "syntax-only": {
    type: "boolean",
    help: "Only check the config file syntax, ignoring file and content validation referenced in the config.",
  },
  lint: {
    type: "string",
    default: "duplicate-rules",
    help: "Linting checks to apply, comma separated: all, duplicate-rules, none, too-long-scrape-interval.",
  },
  "lint-fatal": { type: "boolean", help: "Make lint errors exit with exit code 3." },
  "ignore-unknown-fields": {
    type: "boolean",
    help: "Ignore unknown fields in the rule files. The server itself refuses them.",
  },
  agent: { type: "boolean", help: "Check config file for Prometheus in Agent mode." },
  "query.lookback-delta": {
    type: "duration",
    default: "5m",
    help: "The server's maximum query lookback duration.",
  },
} as const satisfies FlagSpecs;

const fault = (message: string): UserError => new UserError("pharos.check", message);

function requireFile(what: string, file: string | undefined): void {
  if (file === undefined || file === "" || existsSync(file)) return;
  throw fault(`error checking ${what} ${JSON.stringify(file)}: no such file or directory`);
}

function checkClientFiles({ authorization, tls }: HttpClientConfig): void {
  requireFile("authorization credentials or bearer token file", authorization?.credentials.file);
  requireFile("client cert file", tls.certFile);
  requireFile("client key file", tls.keyFile);
}

/** Rule files, each once; one that is named without a pattern has to be there. */
function ruleFilesOf(globs: readonly string[]): string[] {
  return globs.flatMap((glob) => {
    const found = globSync(glob).sort();
    if (found.length === 0 && !glob.includes("*"))
      throw fault(`${JSON.stringify(glob)} does not point to an existing file`);
    return found;
  });
}

/** Hands every target that is known without asking anybody to `check`. */
function checkTargets(
  sdConfigs: readonly SdConfig[],
  where: string,
  streams: Streams,
  check: (group: TargetGroup, target: TargetLabels) => void,
): void {
  for (const sd of sdConfigs) {
    const { groups, missing } = offlineGroups(sd);
    for (const file of missing)
      streams.write(`  WARNING: file ${JSON.stringify(file)} for file_sd in ${where} does not exist\n`);
    for (const [number, group] of groups.entries()) {
      group.targets.forEach((target, i) => {
        try {
          check(group, target);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          throw fault(`instance ${i} in group ${group.source || number}: ${error.message}`);
        }
      });
    }
  }
}

function checkAlertmanagerTarget(
  { relabelConfigs }: AlertmanagerSetConfig,
  group: TargetGroup,
  target: TargetLabels,
): void {
  const labels = new LabelsBuilder(Object.entries({ ...group.labels, ...target }));
  if (!relabelBuilder(labels, relabelConfigs)) return;
  const address = labels.get("__address__");
  if (address.includes("/")) throw fault(`${JSON.stringify(address)} is not a valid hostname`);
}

function checkContents(config: PrometheusConfig, streams: Streams): void {
  for (const job of config.scrapeConfigs) {
    checkClientFiles(job.http);
    checkTargets(job.sdConfigs, `scrape job ${JSON.stringify(job.jobName)}`, streams, (group, target) =>
      buildTarget(job, group, target),
    );
  }
  for (const set of config.alertmanagers) {
    checkTargets(set.sdConfigs, "alertmanager config", streams, (group, target) =>
      checkAlertmanagerTarget(set, group, target),
    );
  }
}

export const checkConfig: Subcommand = {
  path: "check config",
  summary: "Check if the config files are valid or not, with the files that they name.",
  usage: "FILE…",
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: FLAGS,
  run(invocation) {
    const { args, write, warn } = invocation;
    const values = valuesOf(FLAGS, invocation.values);
    requireFiles(args);
    const lint = lintOptions(values.lint, [...RULE_LINTS, "too-long-scrape-interval"], warn);
    const language = { ...languageOf(invocation), ignoreUnknownFields: values["ignore-unknown-fields"] };
    const syntaxOnly = values["syntax-only"];
    const outcome = new CheckOutcome();
    for (const file of args) {
      write(`Checking ${file}\n`);
      let config: PrometheusConfig | undefined;
      let ruleFiles: string[] = [];
      try {
        config = loadConfigFile(file, { agentMode: values.agent });
        if (!syntaxOnly) {
          ruleFiles = ruleFilesOf(config.ruleFiles);
          checkContents(config, invocation);
        }
        if (ruleFiles.length > 0) write(`  SUCCESS: ${ruleFiles.length} rule files found\n`);
        write(` SUCCESS: ${file} is valid prometheus config file syntax\n`);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        warn(`  FAILED: ${error.describe()}\n`);
        outcome.error();
        config = undefined;
      }
      write("\n");
      if (syntaxOnly || !config) continue;
      const long = lint.has("too-long-scrape-interval")
        ? config.scrapeConfigs.find((job) => job.scrapeInterval >= values["query.lookback-delta"])
        : undefined;
      if (long) {
        warn(
          `  FAILED: too long scrape interval found, data point will be marked as stale - job: ${long.jobName}, interval: ${formatDuration(long.scrapeInterval)}\n`,
        );
        outcome.lint();
      }
      checkRuleFiles(ruleFiles, lint, language, invocation, outcome);
    }
    return outcome.exitCode(values["lint-fatal"]);
  },
};
