import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseRuleFile, parseRuleTestFile, type RuleTestFile, runRuleTests } from "@pharos/rules";
import { describe, expect, test } from "vitest";
import { type Components, LOCAL, MANAGED_CLUSTER, type MixinParams } from "../params.ts";
import type { RuleSet } from "../types.ts";
import { makeRuleSets, ruleSets } from "./index.ts";

const EVERYTHING = Object.fromEntries(
  Object.keys(MANAGED_CLUSTER).map((name) => [name, true]),
) as unknown as Components;
const all = makeRuleSets({ components: EVERYTHING });

const FOLDER = join(import.meta.dirname, "../../tests");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
const read = (file: string): RuleTestFile => parseRuleTestFile(readFileSync(join(FOLDER, file), "utf8"), file);

const rulesOf = (sets: readonly RuleSet[]) => sets.flatMap(({ groups }) => groups).flatMap(({ rules }) => rules);
const alertNames = (params: MixinParams): Set<string> =>
  new Set(rulesOf(makeRuleSets(params)).flatMap(({ alert }) => alert ?? []));

/** As Prometheus reads them; JSON is YAML. */
function parsed(set: RuleSet) {
  const { groups, errors } = parseRuleFile(JSON.stringify({ groups: set.groups }), `${set.name}.yaml`);
  expect(errors.map(({ message }) => message)).toEqual([]);
  return groups;
}

describe.each(files)("unit tests of %s", (file) => {
  test("pass", { timeout: 120_000 }, async () => {
    const tests = read(file);
    const sets = tests.ruleFiles.map((name) => {
      const found = all.find((set) => `${set.name}.yaml` === name);
      if (!found) throw new Error(`${file} names ${name}, which is no set of rules`);
      return found;
    });
    const cases = await runRuleTests(tests, () => sets.flatMap(parsed));
    expect(cases.flatMap(({ failures }) => failures)).toEqual([]);
    expect(cases).toHaveLength(tests.tests.length);
  });
});

test("every alert has a test in which it fires, by each of its severities, and one in which it does not", () => {
  const fires = new Set<string>();
  const quiet = new Set(["Watchdog"]);
  for (const { alertname, alerts } of files.flatMap((file) =>
    read(file).tests.flatMap(({ alertTests }) => alertTests),
  )) {
    if (alerts.length === 0) quiet.add(alertname);
    for (const { labels } of alerts) fires.add(`${alertname} ${labels.get("severity")}`);
  }
  for (const { alert, labels } of rulesOf(all)) {
    if (alert === undefined) continue;
    // Which integrations are critical is a parameter; by default all are.
    if (alert === "AlertmanagerClusterFailedToSendAlerts" && labels?.severity === "warning") continue;
    expect(fires, "fires").toContain(`${alert} ${labels?.severity}`);
    expect(quiet, "quiet").toContain(alert);
  }
});

test("every rule is valid, and names of groups and sets are their own", () => {
  for (const set of all) expect(parsed(set).length).toBe(set.groups.length);
  const names = all.flatMap(({ groups }) => groups.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

test("a severity is one of four, and every alert says what is the matter", () => {
  for (const { alert, labels, annotations } of rulesOf(all)) {
    if (alert === undefined) continue;
    expect(["critical", "warning", "info", "none"]).toContain(labels?.severity);
    expect(annotations?.summary, alert).toMatch(/^[A-Z].*\.$|^etcd.*\.$|^kube-.*\.$/);
    expect(annotations?.description, alert).toMatch(/[.?]$/);
  }
});

describe("components", () => {
  const absent = (sets: readonly RuleSet[]) => rulesOf(sets).filter(({ expr }) => expr.startsWith("absent("));

  test("what is out of reach has no rules that would fire for ever", () => {
    expect(absent(ruleSets)).toEqual([]);
    expect(absent(makeRuleSets()).map(({ alert }) => alert)).toEqual(["KubeAPIDown"]);
  });

  test("each brings rules of its own", () => {
    for (const name of Object.keys(MANAGED_CLUSTER) as (keyof Components)[]) {
      const without = alertNames({ components: { ...EVERYTHING, [name]: false } });
      expect(without.size, name).toBeLessThan(alertNames({ components: EVERYTHING }).size);
    }
  });

  test("without kubelets no rule reads what only kubelets tell", () => {
    for (const { expr } of rulesOf(makeRuleSets({ components: LOCAL })))
      expect(expr).not.toMatch(/kubelet_|container_cpu/);
  });
});

describe("parameters", () => {
  test("without a label of clusters none is named", () => {
    const made = makeRuleSets({ components: EVERYTHING, clusterLabel: "" });
    for (const set of made) parsed(set);
    for (const { expr } of rulesOf(made)) {
      // The API server's metrics have a scope of that name, and so do recorded series.
      expect(expr.replaceAll('scope="cluster"', "")).not.toMatch(/\bcluster\b(?!:)/);
    }
    const renamed = rulesOf(makeRuleSets({ components: EVERYTHING, clusterLabel: "site" }));
    expect(renamed.some(({ expr }) => expr.includes("by (site, namespace, pod)"))).toBe(true);
  });

  test("selectors and thresholds go where they belong", () => {
    const made = makeRuleSets({ jobs: { nodeExporter: 'job="nodes"' }, thresholds: { nodeCpuPercent: 71 } });
    const busy = rulesOf(made).find(({ alert }) => alert === "NodeCPUHighUsage");
    expect(busy?.expr).toContain('{job="nodes",mode!~"idle|iowait"}');
    expect(busy?.expr).toMatch(/> 71$/);
  });

  test("the objective of the API server sets the thresholds of its budget", () => {
    const burn = rulesOf(makeRuleSets({ thresholds: { apiserverObjective: 0.999 } })).filter(
      ({ alert }) => alert === "KubeAPIErrorBudgetBurn",
    );
    expect(burn.map(({ expr }) => /> ([0-9.]+)/.exec(expr)?.[1])).toEqual(["0.0144", "0.006", "0.003", "0.001"]);
  });

  test("alerts link to runbooks where there are some, and take labels", () => {
    const alerts = rulesOf(
      makeRuleSets({ runbookUrl: "https://runbooks.example/", alertLabels: { team: "infra" } }),
    ).filter(({ alert }) => alert);
    for (const { alert, annotations, labels } of alerts) {
      expect(annotations?.runbook_url).toBe(`https://runbooks.example/${alert}.md`);
      expect(labels?.team).toBe("infra");
    }
    expect(rulesOf(makeRuleSets()).some(({ annotations }) => annotations?.runbook_url)).toBe(false);
  });

  test("the same parameters give the same rules", () => {
    expect(JSON.stringify(makeRuleSets())).toBe(JSON.stringify(makeRuleSets({})));
  });
});
