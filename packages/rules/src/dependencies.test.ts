import { expect, test } from "vitest";
import { batchesOf, ConcurrencyLimit } from "./dependencies.ts";
import { parseRuleFile } from "./rule-file.ts";

function batches(...rules: string[]): number[][] {
  const text = `groups:\n- name: g\n  rules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
  const { groups, errors } = parseRuleFile(text, "r.yml");
  expect(errors).toEqual([]);
  return batchesOf(groups[0].rules);
}

test("rules that read nothing of the others run at once, and what reads them after", () => {
  expect(batches("{record: a, expr: up}", "{record: b, expr: down}")).toEqual([[0, 1]]);
  expect(
    batches("{record: a, expr: up}", "{record: b, expr: a * 2}", "{record: c, expr: sum(b)}", "{record: d, expr: a}"),
  ).toEqual([[0], [1], [2, 3]]);
});

test("one by one where an expression may read anything", () => {
  expect(batches("{record: a, expr: up}", "{record: b, expr: 'count({job=\"x\"})'}")).toEqual([]);
  expect(batches("{record: a, expr: up}", "{record: b, expr: ALERTS}")).toEqual([]);
  expect(batches("{record: a, expr: up}", "{record: b, expr: '{__name__=~\".+\"}'}")).toEqual([]);
});

test("places are given back", () => {
  const limit = new ConcurrencyLimit(1);
  const place = limit.take();
  expect(place).toBeDefined();
  expect(limit.take()).toBeUndefined();
  place?.[Symbol.dispose]();
  expect(limit.take()).toBeDefined();
});
