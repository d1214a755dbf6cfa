/**
 * prometheus.yml: strict reading of every section, with file and line in each complaint. Sections this server does not
 * act on are refused by name rather than ignored: a configuration that loads is a configuration that works.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { parseSdConfigs, type SdConfig } from "@pharos/discovery";
import { parseBytes, parseYaml, type YamlMap, type YamlNode } from "@pharos/kit";
import { describeError, Labels, UserError } from "@pharos/model";
import { parseRelabelConfigs, type RelabelConfig } from "@pharos/relabel";
import { type GlobalScrapeConfig, parseGlobalScrapeConfig, parseScrapeConfig, type ScrapeConfig } from "@pharos/scrape";
import { type AlertmanagerSetConfig, parseAlertmanagerSet } from "./alertmanagers.ts";

export interface GlobalConfig extends GlobalScrapeConfig {
  /** ms */
  evaluationInterval: number;
  /** ms */
  ruleQueryOffset: number;
  externalLabels: Labels;
  queryLogFile: string;
}

export interface StorageConfig {
  maxExemplars: number;
  /** undefined leaves the command line's value. */
  retention: { timeMs?: number; bytes?: number; percentage?: number };
  /** How far behind the newest sample late ones are taken, ms. */
  outOfOrderTimeWindowMs: number;
}

export interface PrometheusConfig {
  global: GlobalConfig;
  /** Globs, relative ones resolved against the file's folder. */
  ruleFiles: string[];
  scrapeConfigs: (ScrapeConfig & { sdConfigs: SdConfig[] })[];
  alertRelabelConfigs: RelabelConfig[];
  alertmanagers: AlertmanagerSetConfig[];
  storage: StorageConfig;
  /** The text it was read from. */
  text: string;
}

/** What Prometheus can and this server cannot do (yet); naming one is an error that says so. */
const UNSUPPORTED = ["remote_write", "remote_read", "otlp", "tracing"];

export interface LoadOptions {
  /** Path of the file, for messages and relative paths; "" when there is none. */
  file: string;
  env?: Readonly<Record<string, string | undefined>>;
}

function expandEnv(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\$|\$\{([^}]*)\}|\$([a-zA-Z_][a-zA-Z0-9_]*)/g, (all, braced?: string, bare?: string) =>
    all === "$$" ? "$" : (env[braced ?? bare!] ?? ""),
  );
}

function readExternalLabels(node: YamlNode | undefined, env: Readonly<Record<string, string | undefined>>): Labels {
  const entries: [string, string][] = [];
  for (const [name, value] of node?.entries() ?? []) {
    if (name === "" || !name.isWellFormed() || name === "__name__") {
      throw value.error(`${JSON.stringify(name)} is not a valid label name`, { code: "prometheus.config" });
    }
    entries.push([name, expandEnv(value.string(), env)]);
  }
  return Labels.fromEntries(entries);
}

function readGlobal(node: YamlNode | undefined, options: LoadOptions): GlobalConfig {
  const map = (node ?? parseYaml("", options.file)).map();
  const scrape = parseGlobalScrapeConfig(map);
  const global: GlobalConfig = {
    ...scrape,
    evaluationInterval: map.get("evaluation_interval")?.duration() || 60_000,
    ruleQueryOffset: map.get("rule_query_offset")?.duration() ?? 0,
    externalLabels: readExternalLabels(map.get("external_labels"), options.env ?? process.env),
    queryLogFile: map.get("query_log_file")?.string() ?? "",
  };
  map.done("config.plain");
  return global;
}

function readStorage(node: YamlNode | undefined): StorageConfig {
  const storage: StorageConfig = { maxExemplars: 100_000, retention: {}, outOfOrderTimeWindowMs: 0 };
  if (!node || node.isNull) return storage;
  const map = node.map();
  const tsdb = map.get("tsdb")?.map();
  if (tsdb) {
    const window = tsdb.get("out_of_order_time_window");
    if (window) storage.outOfOrderTimeWindowMs = window.duration();
    // Hints about encoding and memory: ignoring them changes no answer.
    tsdb.get("stale_series_compaction_threshold");
    tsdb.get("chunk_encoding");
    const retention = tsdb.get("retention")?.map();
    const time = retention?.get("time");
    const size = retention?.get("size");
    if (time) storage.retention.timeMs = time.duration();
    if (size) storage.retention.bytes = parseBytes(size.string());
    const percentage = retention?.get("percentage");
    if (percentage) {
      const share = percentage.number();
      if (share < 0 || share > 100) {
        throw percentage.error(`'storage.tsdb.retention.percentage' must be in the range [0, 100], not ${share}`, {
          code: "prometheus.config",
        });
      }
      storage.retention.percentage = share;
    }
    retention?.done("config.RetentionConfig");
    tsdb.done("config.TSDBConfig");
  }
  const exemplars = map.get("exemplars")?.map();
  const max = exemplars?.get("max_exemplars");
  if (max) storage.maxExemplars = max.integer();
  exemplars?.done("config.ExemplarsConfig");
  map.done("config.plain");
  return storage;
}

function resolvePath(file: string, path: string): string {
  return isAbsolute(path) || file === "" ? path : join(dirname(file), path);
}

/** Jobs of the files `scrape_config_files` names. */
function readScrapeConfigFiles(
  globs: readonly string[],
  global: GlobalScrapeConfig,
): PrometheusConfig["scrapeConfigs"] {
  const configs: PrometheusConfig["scrapeConfigs"] = [];
  for (const file of globs.flatMap((glob) => globSync(glob).sort())) {
    const map = parseYaml(readFileSync(file, "utf8"), file).map();
    for (const node of map.get("scrape_configs")?.items() ?? [])
      configs.push(parseScrapeConfig(node, global, parseSdConfigs));
    map.done("config.ScrapeConfigs");
  }
  return configs;
}

function readAlerting(node: YamlNode | undefined): Pick<PrometheusConfig, "alertRelabelConfigs" | "alertmanagers"> {
  if (!node || node.isNull) return { alertRelabelConfigs: [], alertmanagers: [] };
  const map = node.map();
  const alertRelabelConfigs = parseRelabelConfigs(map.get("alert_relabel_configs"));
  const alertmanagers = (map.get("alertmanagers")?.items() ?? []).map(parseAlertmanagerSet);
  map.done("config.plain");
  return { alertRelabelConfigs, alertmanagers };
}

function refuseUnsupported(map: YamlMap): void {
  for (const key of UNSUPPORTED) {
    const node = map.get(key);
    if (!node || node.isNull || (node.kind === "seq" && node.items().length === 0)) continue;
    throw node.error(`${key} is not supported by this version of Pharos`, {
      code: "prometheus.unsupported",
      fix: `Remove ${key}`,
    });
  }
  map.get("runtime");
}

/** Reads a configuration; a UserError says what is wrong where. Rule files are not read here. */
export function loadConfig(text: string, options: LoadOptions): PrometheusConfig {
  const root = parseYaml(text, options.file || undefined).map();
  const global = readGlobal(root.get("global"), options);
  const scrapeConfigs = (root.get("scrape_configs")?.items() ?? []).map((node) =>
    parseScrapeConfig(node, global, parseSdConfigs),
  );
  const files = root.get("scrape_config_files")?.strings() ?? [];
  const extra = files.map((path) => resolvePath(options.file, path));
  scrapeConfigs.push(...readScrapeConfigFiles(extra, global));
  const seen = new Set<string>();
  for (const { jobName } of scrapeConfigs) {
    if (seen.has(jobName)) {
      throw root.node.error(`found multiple scrape configs with job name ${JSON.stringify(jobName)}`, {
        code: "prometheus.config",
      });
    }
    seen.add(jobName);
  }
  const config: PrometheusConfig = {
    global,
    ruleFiles: (root.get("rule_files")?.strings() ?? []).map((path) => resolvePath(options.file, path)),
    scrapeConfigs,
    ...readAlerting(root.get("alerting")),
    storage: readStorage(root.get("storage")),
    text,
  };
  refuseUnsupported(root);
  root.done("config.plain");
  return config;
}

export function loadConfigFile(file: string): PrometheusConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError("prometheus.config", `cannot read the configuration: ${describeError(error)}`, {
      where: { file },
      cause: error,
    });
  }
  return loadConfig(text, { file });
}

/** Files the globs match now, sorted, each once. */
export function expandRuleFiles(globs: readonly string[]): string[] {
  return [...new Set(globs.flatMap((glob) => globSync(glob)))].sort();
}
