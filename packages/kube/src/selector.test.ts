import { UserError } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { labelSelectorProblem, matchesLabelSelector, parseFieldSelector, parseLabelSelector } from "./selector.ts";

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
  ["a>1,b<-2", { a: "2", b: "-3" }, true],
  ["a>1", { a: "one" }, false],
  ["toString", {}, false],
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

test("a requirement that is none matches nothing and says why", () => {
  const selector = (operator: string, values?: string[]) => ({
    matchExpressions: [{ key: "a", operator: operator as "In", values }],
  });
  expect(matchesLabelSelector(selector("Is", ["x"]), { a: "x" })).toBe(false);
  expect(labelSelectorProblem(selector("Is"))?.message).toBe('"Is" is not a valid label selector operator');
  expect(labelSelectorProblem(selector("In"))?.describe()).toBe(
    "matchExpressions[0].values: must be specified when operator is In",
  );
  expect(labelSelectorProblem(selector("Exists", ["x"]))?.message).toContain("may not be specified");
  expect(labelSelectorProblem(selector("NotIn", ["x"]))).toBeUndefined();
});

test("property: a set requirement in text means what it means as an object", () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/);
  fc.assert(
    fc.property(
      word,
      fc.array(word, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.dictionary(word, word),
      (key, values, inside, labels) => {
        const operator = inside ? "In" : "NotIn";
        const text = `${key} ${operator.toLowerCase()} (${values.join(", ")})`;
        expect(parseLabelSelector(text)(labels)).toBe(
          matchesLabelSelector({ matchExpressions: [{ key, operator, values }] }, labels),
        );
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test("fuzz: any text is a selector or a clean refusal", () => {
  const piece = fc.constantFrom("a", "in", "notin", "(", ")", ",", "=", "!=", "!", " ", ">", "1", "é");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        parseLabelSelector(pieces.join(""))({ a: "1" });
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
