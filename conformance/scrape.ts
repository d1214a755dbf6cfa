/** scrape_configs in Prometheus' configuration test files: the bad ones are refused in its words, all others are read. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseYaml, type YamlMap } from "@pharos/kit";
import { parseGlobalScrapeConfig, parseScrapeConfig } from "@pharos/scrape";
import type { Suite, SuiteResult } from "./suite.ts";

/** What the message must contain, by the start of the file's name (upstream's config_test.go). */
const MESSAGES: readonly (readonly [prefix: string, message: string])[] = [
  ["bearertoken.bad", "at most one of bearer_token & bearer_token_file must be configured"],
  ["bearertoken_basicauth", "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"],
  ["dropequal.", "relabel configuration for dropequal action requires 'target_label' value"],
  ["dropequal1", "dropequal action requires only 'source_labels' and `target_label`, and no other fields"],
  ["empty_metric_relabel_config", "empty or null metric relabeling rule"],
  ["empty_scrape_config.", "empty or null scrape config section"],
  ["empty_target_relabel_config", "empty or null target relabeling rule"],
  ["global_timeout.bad", "global scrape timeout greater than scrape interval"],
  ["jobname.bad", "job_name is empty"],
  ["keepequal.", "relabel configuration for keepequal action requires 'target_label' value"],
  ["keepequal1", "keepequal action requires only 'source_labels' and `target_label`, and no other fields"],
  ["labeldrop", "labeldrop action requires only 'regex', and no other fields"],
  ["labelkeep", "labelkeep action requires only 'regex', and no other fields"],
  ["labelmap", "!!binary value contains invalid base64 data"],
  ["lowercase.", "relabel configuration for lowercase action requires 'target_label' value"],
  ["lowercase3", "'replacement' can not be set for lowercase action"],
  ["modulus_missing", "relabel configuration for hashmod requires non-zero modulus"],
  ["regex.bad", "error parsing regexp"],
  ["scrape_body_size_limit", "units: unknown unit  in 100"],
  ["scrape_config_utf8_conflicting", "utf8 metric names requested but validation scheme is not set to UTF8"],
  ["scrape_interval.bad", "scrape timeout greater than scrape interval"],
  ["target_label_hashmod_missing", "relabel configuration for hashmod action requires 'target_label' value"],
  ["target_label_missing", "relabel configuration for replace action requires 'target_label' value"],
  ["unknown_attr", "field consult_sd_configs not found in type"],
  ["uppercase.", "relabel configuration for uppercase action requires 'target_label' value"],
  ["uppercase3", "'replacement' can not be set for uppercase action"],
];

/** Discovery has its own suite: here its keys are only known. */
function skipDiscovery(map: YamlMap): void {
  for (const key of map.keys()) if (/^(static|\w+_sd)_configs$/.test(key) && key !== "consult_sd_configs") map.get(key);
}

function read(text: string, file: string): void {
  const root = parseYaml(text, file).map();
  const global = parseGlobalScrapeConfig((root.get("global") ?? parseYaml("{}")).map());
  for (const job of root.get("scrape_configs")?.items() ?? []) parseScrapeConfig(job, global, skipDiscovery);
}

function run(folder: string): SuiteResult {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const file of readdirSync(folder).sort()) {
    const wanted = MESSAGES.find(([prefix]) => file.startsWith(prefix) && file.includes(".bad."))?.[1];
    if (wanted === undefined && !file.endsWith(".good.yml")) continue;
    result.total++;
    let message = "";
    try {
      read(readFileSync(join(folder, file), "utf8"), join(folder, file));
    } catch (error) {
      message = error instanceof Error ? error.message : String(error);
    }
    if (wanted === undefined ? message === "" : message.includes(wanted)) result.passed++;
    else result.failures.push(`${file}: wanted ${wanted ?? "no complaint"}, got ${message || "none"}`);
  }
  return result;
}

export const suites: Suite[] = [{ name: "scrape-config", data: "prometheus/config-testdata", run }];
