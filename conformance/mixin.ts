/**
 * The mixin beside the mixins that people know: every alert and every recorded series of kube-prometheus is there under its
 * name, so that routes, silences and dashboards go on working; and promtool accepts the rules and passes their unit tests.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type Components, MANAGED_CLUSTER, makeRuleSets, type Rule } from "@pharos/mixin";
import type { Suite, SuiteResult } from "./suite.ts";

const root = dirname(import.meta.dirname);
const promtool = join(process.env.PHAROS_PEERS ?? join(root, "..", "peers", "bin"), "promtool");

const everything = Object.fromEntries(
  Object.keys(MANAGED_CLUSTER).map((name) => [name, true]),
) as unknown as Components;
const sets = makeRuleSets({ components: everything });
const rules = sets.flatMap(({ groups }) => groups.flatMap((group) => group.rules));

/** Of exporters that are not a part of the stack. */
const FOREIGN = /windows|^Grafana|grafana_http/;

function names(path: string): SuiteResult {
  const has = (kind: string, name: string, severity: string): boolean =>
    rules.some((rule: Rule) =>
      kind === "alert" ? rule.alert === name && rule.labels?.severity === severity : rule.record === name,
    );
  const wanted = new Set<string>();
  for (const line of readFileSync(path, "utf8").trim().split("\n").slice(1)) {
    const [, group, kind, name, severity] = line.split("\t");
    if (!FOREIGN.test(group) && !FOREIGN.test(name))
      wanted.add([kind, name, kind === "alert" ? severity : ""].join(" "));
  }
  const failures = [...wanted].filter((line) => {
    const [kind, name, severity] = line.split(" ");
    return !has(kind, name, severity);
  });
  return { passed: wanted.size - failures.length, total: wanted.size, failures };
}

function byPromtool(): SuiteResult {
  if (!existsSync(promtool)) {
    const notRun = "no promtool; set PHAROS_PEERS to the folder of Prometheus' programs";
    return { passed: 0, total: 0, failures: [], notRun };
  }
  const dir = mkdtempSync(join(tmpdir(), "pharos-mixin-"));
  try {
    const result: SuiteResult = { passed: 0, total: 0, failures: [] };
    const run = (what: string, ...args: string[]): void => {
      result.total++;
      const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: dir, encoding: "utf8" });
      if (status === 0) result.passed++;
      else result.failures.push(`${what}: ${stdout}${stderr}`);
    };
    for (const { name, groups } of sets) {
      writeFileSync(join(dir, `${name}.yaml`), JSON.stringify({ groups }));
      run(`check of ${name}`, "check", "rules", "--lint=all", "--lint-fatal", `${name}.yaml`);
    }
    for (const file of globSync(join(root, "packages/mixin/tests/*.yaml")).sort()) {
      const name = `test-${basename(file)}`;
      copyFileSync(file, join(dir, name));
      run(`unit tests of ${basename(file)}`, "test", "rules", name);
    }
    return result;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export const suites: Suite[] = [
  { name: "mixin-names", data: "exporters/mixin-rules-needs.tsv", run: names },
  { name: "mixin-promtool", data: "exporters/mixin-rules-needs.tsv", run: byPromtool },
];
