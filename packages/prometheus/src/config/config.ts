/**
 * prometheus.yml: strict reading of every section, with file and line in each complaint.
 */
import { globSync, readFileSync } from "node:fs";
import { parseYaml } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import type { RelabelConfig } from "@pharos/relabel";
import type { ScrapeDefaults } from "@pharos/scrape";
import { type AlertmanagerSetConfig, parseAlerting } from "./alertmanagers.ts";
import { type Environment, type GlobalConfig, parseGlobal, resolvePath } from "./global.ts";
import { type RemoteSections, readRemoteSections, refuseInAgentMode } from "./remote-sections.ts";
import { checkRuntime } from "./runtime.ts";
import { type JobConfig, readGlobs, readJobs } from "./scrape-files.ts";
import { parseStorage, type StorageConfig } from "./storage.ts";
import { parseTracing, type TracingConfig } from "./tracing.ts";

export interface PrometheusConfig {
  global: GlobalConfig;
  /** Globs, relative ones resolved against the file's folder. */
  ruleFiles: string[];
  scrapeConfigFiles: string[];
  scrapeConfigs: JobConfig[];
  alertRelabelConfigs: RelabelConfig[];
  alertmanagers: AlertmanagerSetConfig[];
  storage: StorageConfig;
  tracing: TracingConfig | undefined;
  remote: RemoteSections;
  /** The text it was read from. */
  text: string;
}

export interface LoadOptions {
  /** Path of the file, for messages and relative paths; "" when there is none. */
  file: string;
  env?: Environment;
  /** What feature flags make of the defaults. */
  defaults?: ScrapeDefaults;
  /** Sections that only a server has are refused. */
  agentMode?: boolean;
}

/** Reads a configuration; a UserError says what is wrong where. Rule files are not read here. */
export function loadConfig(
  text: string,
  { file, env = process.env, defaults = {}, agentMode = false }: LoadOptions,
): PrometheusConfig {
  const root = parseYaml(text, file || undefined).map();
  if (agentMode) refuseInAgentMode(root);
  const global = parseGlobal(root.get("global"), file, env, defaults);
  checkRuntime(root.get("runtime"));
  const absolute = (path: string): string => resolvePath(file, path);
  const ruleFiles = readGlobs(root.get("rule_files"), "rule file").map(absolute);
  const scrapeConfigFiles = readGlobs(root.get("scrape_config_files"), "scrape config file").map(absolute);
  const config: PrometheusConfig = {
    global,
    ruleFiles,
    scrapeConfigFiles,
    scrapeConfigs: readJobs(root.get("scrape_configs"), scrapeConfigFiles, global),
    ...parseAlerting(root.get("alerting"), global.metricNameValidationScheme),
    storage: parseStorage(root.get("storage")),
    tracing: parseTracing(root.get("tracing")),
    remote: readRemoteSections(root, global.metricNameValidationScheme),
    text,
  };
  root.done("config.plain");
  return config;
}

export function loadConfigFile(file: string, options: Omit<LoadOptions, "file"> = {}): PrometheusConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError("prometheus.config", `cannot read the configuration: ${describeError(error)}`, {
      where: { file },
      cause: error,
    });
  }
  return loadConfig(text, { ...options, file });
}

/** Files the globs match now, sorted, each once. */
export function expandRuleFiles(globs: readonly string[]): string[] {
  return [...new Set(globs.flatMap((glob) => globSync(glob)))].sort();
}
