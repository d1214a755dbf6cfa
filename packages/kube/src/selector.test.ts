import { expect, test } from "vitest";
import { matchesLabelSelector, parseFieldSelector, parseLabelSelector } from "./selector.ts";

test.each([
  ["", {}, true],
  ["a=b", { a: "b" }, true],
  ["a==b,c!=d", { a: "b" }, true],
  ["a=b", {}, false],
  ["a in (b, c)", { a: "c" }, true],
  ["a in (b,c),d", { a: "c" }, false],
  ["a notin (b)", {}, true],
  ["a notin (b)", { a: "b" }, false],
  ["!a", { a: "" }, false],
  ["example.com/a", { "example.com/a": "" }, true],
] as const)("label selector %j on %j is %s", (text, labels, result) => {
  expect(parseLabelSelector(text)(labels as Record<string, string>)).toBe(result);
});

test("selectors that are none are refused", () => {
  expect(() => parseLabelSelector("a b")).toThrow("unable to parse requirement");
  expect(() => parseFieldSelector("spec.foo=1", "ConfigMap")).toThrow("field label not supported: spec.foo");
});

test("an absent label is in no set and out of every set", () => {
  const selector = { matchExpressions: [{ key: "a", operator: "NotIn", values: ["x"] }] } as const;
  expect(matchesLabelSelector({ matchExpressions: [...selector.matchExpressions] as never }, {})).toBe(true);
  expect(matchesLabelSelector({ matchExpressions: [{ key: "a", operator: "In", values: ["x"] }] }, {})).toBe(false);
});

test("field selectors read nested fields", () => {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, status: { phase: "Running" } };
  expect(parseFieldSelector("metadata.name=p,status.phase!=Failed", "Pod")(pod)).toBe(true);
});
