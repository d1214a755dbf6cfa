import { Registry, silentLogger } from "@pharos/kit";
import { type Alert, Labels } from "@pharos/model";
import { expect, test } from "vitest";
import type { RuleContext } from "./context.ts";
import { ConcurrencyLimit } from "./dependencies.ts";
import { RuleGroup } from "./group.ts";
import { createRuleMetrics } from "./metrics.ts";
import { parseRuleFile } from "./rule-file.ts";
import { TestStorage } from "./unit-test/test-storage.ts";

interface Answer {
  values: Record<string, number>;
  read: number;
}

/** A group whose queries are answered by `answer`, each as a vector of series with the label `i`. */
function groupOf(rules: string, answer: (query: string) => Answer | Promise<Answer>, more: Partial<RuleContext> = {}) {
  const registry = new Registry();
  const storage = new TestStorage([], 1000, 0);
  const sent: Alert[] = [];
  const context: RuleContext = {
    query: async (expr) => {
      const { values, read } = await answer(typeof expr === "string" ? expr : JSON.stringify(expr));
      const samples = Object.entries(values).map(([i, value]) => ({ labels: Labels.from({ i }), value }));
      return { samples, warnings: [], samplesRead: read };
    },
    appendable: storage,
    queryable: storage,
    notify: (alerts) => void sent.push(...alerts),
    externalUrl: () => "http://x",
    log: silentLogger,
    registry,
    now: () => 0,
    resendDelay: 60_000,
    outageTolerance: 3_600_000,
    forGracePeriod: 600_000,
    ...more,
  };
  const { groups, errors } = parseRuleFile(`groups: [{name: g, limit: 2, rules: ${rules}}]`, "r.yml");
  expect(errors).toEqual([]);
  const settings = { interval: 1000, queryOffset: 0, externalLabels: Labels.empty };
  const group = new RuleGroup(
    groups[0],
    settings,
    context,
    createRuleMetrics(registry),
    false,
    new ConcurrencyLimit(1),
  );
  return { group, registry, sent };
}

test("a rule that finds nothing for some evaluations is known, one without selectors never is", async () => {
  let read = 0;
  const { group } = groupOf("[{record: a, expr: up}, {record: b, expr: vector(1)}]", () => ({ values: {}, read }));
  for (const time of [1000, 2000, 3000]) await group.evaluate(time);
  expect(group.entries.map(({ unmatched }) => unmatched)).toEqual([3, 0]);
  read = 1;
  await group.evaluate(4000);
  expect(group.entries.map(({ unmatched }) => unmatched)).toEqual([0, 0]);
});

test("more than the limit is an error of the rule, and its numbers are shown", async () => {
  const { group, registry } = groupOf("[{record: a, expr: up}]", () => ({ values: { a: 1, b: 2, c: 3 }, read: 3 }));
  await group.evaluate(1000);
  expect(group.entries[0]).toMatchObject({ health: "err", lastError: "exceeded limit of 2 with 3 series" });
  const value = (name: string) => registry.families().find((family) => family.name === name)?.metrics[0];
  expect(value("prometheus_rule_evaluation_failures_total")).toMatchObject({ value: 1 });
  expect(value("prometheus_rule_group_last_evaluation_samples")).toMatchObject({ value: 0 });
});

test("rules that do not read each other run at once, within the limit, and in their group's context", async () => {
  let running = 0;
  let most = 0;
  const contexts: string[] = [];
  const answer = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return { values: {}, read: 1 };
  };
  const rules = "[{record: a, expr: x}, {record: b, expr: y}, {record: c, expr: z}, {record: d, expr: a + b}]";
  const inGroup: RuleContext["inGroup"] = ({ file, name }, work) => {
    contexts.push(`${file};${name}`);
    return work();
  };
  await groupOf(rules, answer, { inGroup }).group.evaluate(1000);
  expect(most).toBe(1);
  expect(contexts).toEqual(Array(4).fill("r.yml;g"));
  // One place beside the rule whose turn it is.
  await groupOf(rules, answer, { maxConcurrentEvals: 2 }).group.evaluate(1000);
  expect(most).toBe(2);
});

test("an alert's template that fails says so, and is counted", async () => {
  const expanded: boolean[] = [];
  const { group, sent } = groupOf(
    "[{alert: a, expr: up, annotations: {good: '{{ $value }}', bad: '{{ printf 1 }}'}}]",
    () => ({ values: { x: 5 }, read: 1 }),
    { expanded: (good) => expanded.push(good) },
  );
  await group.evaluate(100_000);
  expect(expanded).toEqual([true, false]);
  expect(sent[0].annotations.get("good")).toBe("5");
  expect(sent[0].annotations.get("bad")).toContain("<error expanding template:");
});
