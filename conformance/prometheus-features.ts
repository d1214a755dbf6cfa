/** /features of a server without feature flags against Prometheus' own inventory, name by name. */
import { readFileSync } from "node:fs";
import { ask, Single } from "./prometheus/pair.ts";
import type { Suite, SuiteResult } from "./suite.ts";

type Table = Record<string, Record<string, boolean>>;

/** What is otherwise here, by intent: always on, of Go's build, or of upstream's own pages. */
const OTHERWISE = new Set(["tsdb.exemplar_storage", "promql.per_step_stats", "prometheus.stringlabels", "ui.ui_v3"]);

async function run(file: string): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const wanted = JSON.parse(readFileSync(file, "utf8")) as Table;
  await using single = await Single.start({ config: "" });
  const { body } = await ask(single.own.port, "/api/v1/features");
  const { data } = JSON.parse(body.toString()) as { data: Table };
  const names = new Set<string>();
  for (const table of [wanted, data]) {
    for (const [category, features] of Object.entries(table)) {
      for (const name of Object.keys(features)) names.add(JSON.stringify([category, name]));
    }
  }
  for (const key of names) {
    const [category, name] = JSON.parse(key) as [string, string];
    if (OTHERWISE.has(`${category}.${name}`)) continue;
    result.total++;
    const [there, here] = [wanted[category]?.[name], data[category]?.[name]];
    if (there === here) result.passed++;
    else result.failures.push(`${category}.${name}: ${there} there, ${here} here`);
  }
  return result;
}

export const suites: Suite[] = [
  { name: "prometheus-features", data: "prometheus/prometheus-cmd-testdata/features.json", run },
];
