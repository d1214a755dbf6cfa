/** The global section. */
import { dirname, isAbsolute, join } from "node:path";
import { parseYaml, quoteText, type YamlNode } from "@pharos/kit";
import { Labels } from "@pharos/model";
import { isLabelName } from "@pharos/relabel";
import { type GlobalScrapeConfig, parseGlobalScrapeConfig, type ScrapeDefaults } from "@pharos/scrape";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GlobalConfig extends GlobalScrapeConfig {
  /** ms */
  evaluationInterval: number;
  /** ms */
  ruleQueryOffset: number;
  externalLabels: Labels;
  /** Path of the file queries are logged to; "" for none. */
  queryLogFile: string;
}

/** A path that is relative to the folder of the file it stands in. */
export function resolvePath(file: string | undefined, path: string): string {
  return path === "" || isAbsolute(path) || !file ? path : join(dirname(file), path);
}

/** Go's os.Expand: `$name`, `${name}` and shell's special parameters, of which `$$` is a dollar sign. */
function expandEnvironment(text: string, env: Environment): string {
  return text.replace(/\$(?:\{([^}]*)\}|([A-Za-z0-9_]+|[*#$@!?-]))/g, (_all, braced?: string, bare?: string) => {
    const name = braced ?? bare!;
    // A digit stands alone, as in a shell.
    const single = bare !== undefined && /^\d/.test(bare) ? bare[0] : name;
    const rest = name.slice(single.length);
    return (single === "$" ? "$" : (env[single] ?? "")) + rest;
  });
}

function readExternalLabels(node: YamlNode | undefined, global: GlobalScrapeConfig, env: Environment): Labels {
  const entries: [string, string][] = [];
  for (const [name, value] of node?.entries() ?? []) {
    const fail = (message: string) => value.error(message, { code: "prometheus.config" });
    if (!isLabelName(name, global.metricNameValidationScheme))
      throw fail(`${quoteText(name)} is not a valid label name`);
    const text = value.string();
    if (!text.isWellFormed()) throw fail(`${quoteText(text)} is not a valid label value`);
    entries.push([name, expandEnvironment(text, env)]);
  }
  return Labels.fromEntries(entries);
}

export function parseGlobal(
  node: YamlNode | undefined,
  file: string,
  env: Environment,
  defaults: ScrapeDefaults,
): GlobalConfig {
  const map = (node ?? parseYaml("", file)).map();
  const labels = map.get("external_labels");
  const scrape = parseGlobalScrapeConfig(map, defaults);
  const global: GlobalConfig = {
    ...scrape,
    evaluationInterval: map.get("evaluation_interval")?.duration() || 60_000,
    ruleQueryOffset: map.get("rule_query_offset")?.duration() ?? 0,
    externalLabels: readExternalLabels(labels, scrape, env),
    queryLogFile: resolvePath(file, map.get("query_log_file")?.string() ?? ""),
  };
  map.done("config.plain");
  return global;
}
