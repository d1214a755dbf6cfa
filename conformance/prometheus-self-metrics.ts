/** The server's own metrics: every name that Prometheus' mixin asks for, and how many of all that Prometheus declares. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, Single } from "./prometheus/pair.ts";
import type { Suite, SuiteResult } from "./suite.ts";

/** Every part of a server at work, so that each shows its metrics. */
const CONFIG = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9']}]}]}
remote_write: [{url: 'http://127.0.0.1:9/write'}]
remote_read: [{url: 'http://127.0.0.1:9/read'}]
scrape_configs:
- {job_name: a, static_configs: [{targets: ['127.0.0.1:9']}]}
- {job_name: b, file_sd_configs: [{files: [nothing.json]}]}
- {job_name: c, http_sd_configs: [{url: 'http://127.0.0.1:9/sd'}]}
- {job_name: d, kubernetes_sd_configs: [{role: pod, api_server: 'http://127.0.0.1:9'}]}
`;
const RULES = "groups: [{name: g, rules: [{record: a, expr: up}, {alert: b, expr: 'up == 0'}]}]\n";

/** Names of families and of the series of summaries and histograms. */
function namesOf(text: string): Set<string> {
  const names = new Set<string>();
  for (const line of text.split("\n")) {
    const family = /^# TYPE (\S+)/.exec(line)?.[1] ?? /^([a-zA-Z_:][\w:]*)/.exec(line)?.[1];
    if (family) names.add(family);
  }
  return names;
}

async function shown(): Promise<Set<string>> {
  await using single = await Single.start({
    config: CONFIG,
    files: { "rules.yml": RULES },
    flags: ["--web.enable-remote-write-receiver"],
  });
  const { port } = single.own;
  await ask(port, "/api/v1/query?query=up");
  await sleep(5000);
  const { body } = await ask(port, "/metrics");
  return namesOf(body.toString());
}

/** As lines of a file, without comments. */
const linesOf = (file: string): string[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

/** What the mixin asks for beside its present name: Prometheus has not had it for years. */
const FORMER = /^prometheus_remote_storage_(dropped|failed|pending|retried|succeeded)_samples(_total)?$/;

async function run(folder: string): Promise<SuiteResult> {
  const names = await shown();
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const name of linesOf(join(folder, "used-by-mixin.txt"))) {
    if (FORMER.test(name)) continue;
    result.total++;
    if (names.has(name)) result.passed++;
    else result.failures.push(`${name}, which the mixin uses, is not there`);
  }
  const declared = linesOf(join(folder, "declared.txt"));
  result.total += declared.length;
  for (const name of declared) {
    // Some are listed without the prefix that their package puts before them.
    const found = names.has(name) || [...names].some((known) => known.endsWith(`_${name}`));
    if (found) result.passed++;
    else result.failures.push(`${name} is not there`);
  }
  return result;
}

export const suites: Suite[] = [{ name: "prometheus-self-metrics", data: "prometheus/self-metrics", run }];
