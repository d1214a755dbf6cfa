import { parseExpr, selectorsOf } from "@pharos/promql";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { prometheusRule } from "../testing/objects.ts";
import { restrictExpression, ruleFileName, ruleFileText } from "./rules.ts";

const rule = (expr: string, extra: object = {}) =>
  prometheusRule({
    groups: [
      {
        name: "g",
        limit: 5,
        query_offset: "1m",
        labels: { team: "a" },
        partial_response_strategy: "warn",
        rules: [{ alert: "A", expr, for: "1m", keep_firing_for: "5m", ...extra }],
      },
    ],
  });

const group = (...arguments_: Parameters<typeof ruleFileText>) => parse(ruleFileText(...arguments_)).groups[0];

describe("rule files", () => {
  test("fields by version", () => {
    expect(Object.keys(group(rule("up"), { version: "v2.30.0" }))).toEqual(["name", "rules"]);
    expect(group(rule("up"), { version: "v2.30.0" }).rules[0]).not.toHaveProperty("keep_firing_for");
    expect(group(rule("up"), { version: "v3.0.0" })).toMatchObject({
      limit: 5,
      query_offset: "1m",
      labels: { team: "a" },
    });
    expect(group(rule("up"), { version: "v3.0.0" })).not.toHaveProperty("partial_response_strategy");
    expect(group(rule("up"), { version: "v0.42.0", thanos: true })).toMatchObject({
      partial_response_strategy: "warn",
    });
    expect(group(rule("up"), { version: "v0.33.0", thanos: true })).not.toHaveProperty("query_offset");
  });

  test("empty durations are as if they were not there", () => {
    const made = group(rule("up", { for: "", keep_firing_for: "" }), { version: "v3.0.0" });
    expect(made.rules[0]).not.toHaveProperty("for");
    expect(made.rules[0]).not.toHaveProperty("keep_firing_for");
  });

  test("names are unique whatever namespaces and names hold", () => {
    const a = { ...prometheusRule({}), metadata: { namespace: "a-b", name: "c", uid: "1" } };
    const b = { ...prometheusRule({}), metadata: { namespace: "a", name: "b-c", uid: "2" } };
    expect(ruleFileName(a)).not.toBe(ruleFileName(b));
  });
});

describe("the enforced namespace", () => {
  test.each([
    ["up", 'up{ns="a"}'],
    ['sum by (x) (rate(http_total{job="j"}[5m]))', 'sum by (x) (rate(http_total{job="j",ns="a"}[5m]))'],
    ['up{ns="other"} or on () vector(1)', 'up{ns="a"} or on () vector(1)'],
    ["max_over_time((up == 0)[1h:5m])", 'max_over_time((up{ns="a"} == 0)[1h:5m])'],
    ['{__name__=~"x.*"}', '{__name__=~"x.*",ns="a"}'],
  ])("%s", (expr, expected) => {
    expect(restrictExpression(expr, "ns", "a")).toBe(expected);
  });

  test("stands on every rule, unless its object is excepted", () => {
    const enforcement = { label: "ns", excluded: [] };
    expect(group(rule("up"), { version: "v3.0.0", enforcement }).rules[0]).toMatchObject({
      expr: 'up{ns="default"}',
      labels: { ns: "default" },
    });
    const excluded = [{ resource: "prometheusrules", namespace: "default" }];
    expect(group(rule("up"), { version: "v3.0.0", enforcement: { label: "ns", excluded } }).rules[0].expr).toBe("up");
  });

  test("an expression that cannot be read is refused with its place", () => {
    const enforcement = { label: "ns", excluded: [] };
    expect(() => ruleFileText(rule("up +"), { version: "v3.0.0", enforcement })).toThrow(
      expect.objectContaining({ where: { field: "spec.groups[0].rules[0].expr" } }),
    );
  });

  test("no selector escapes it", () => {
    const selector = fc.constantFrom("up", 'a{b="c"}', 'a{ns="x"}', 'a{ns=~".*",d!="e"}', '{__name__="f",ns!="y"}');
    const expression = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        selector,
        selector.map((text) => `rate(${text}[5m])`),
        fc
          .tuple(tie("node"), fc.constantFrom("+", "and", "or", "unless"), tie("node"))
          .map(([a, op, b]) => `(${a} ${op} ${b})`),
        tie("node").map((inner) => `sum by (ns) (${inner})`),
        tie("node").map((inner) => `max_over_time((${inner})[1h:1m])`),
      ),
    })).node;
    fc.assert(
      fc.property(expression, (text) => {
        const restricted = parseExpr(restrictExpression(text, "ns", "mine"));
        for (const matchers of selectorsOf(restricted)) {
          expect(matchers.filter(({ name }) => name === "ns").map(String)).toEqual(['ns="mine"']);
        }
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
