/** Prometheus' configuration test files: every good one loads, every bad one is refused in its words. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { loadConfigFile } from "@pharos/prometheus";
import { CONFIG_MESSAGES } from "./prometheus/config-messages.ts";
import type { Suite, SuiteResult } from "./suite.ts";

/** Read by other files, or meant for another mode. */
const NOT_A_CONFIGURATION = /^(first\.rules|agent_mode\.with)/;
/** Bad, though their names do not say so. */
const UNNAMED: Readonly<Record<string, string>> = {
  "config_with_deprecated_am_api_config.yml": "expected Alertmanager api version to be one of [v2] but got v1",
  "otlp_allow_utf8.incompatible.yml":
    'OTLP translation strategy "NoUTF8EscapingWithSuffixes" is not allowed when UTF8 is disabled',
  "otlp_no_translation.incompatible.yml":
    'OTLP translation strategy "NoTranslation" is not allowed when UTF8 is disabled',
  "global_timeout.bad.yml": "global scrape timeout greater than scrape interval",
};

function wantedOf(file: string): string | undefined {
  const message = UNNAMED[file] ?? CONFIG_MESSAGES.find(([name]) => name === file)?.[1];
  return message ?? (file.includes(".bad.") ? "" : undefined);
}

function run(folder: string): SuiteResult {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".yml") || NOT_A_CONFIGURATION.test(file)) continue;
    result.total++;
    const wanted = wantedOf(file);
    let message: string | undefined;
    try {
      loadConfigFile(join(folder, file));
    } catch (error) {
      message = error instanceof Error ? error.message : String(error);
    }
    const good = wanted === undefined ? message === undefined : message?.includes(wanted) === true;
    if (good) result.passed++;
    else result.failures.push(`${file}: wanted ${wanted ?? "no complaint"}, got ${message ?? "none"}`);
  }
  return result;
}

export const suites: Suite[] = [{ name: "prometheus-config", data: "prometheus/config-testdata", run }];
