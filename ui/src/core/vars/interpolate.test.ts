import fc from "fast-check";
import { expect, test } from "vitest";
import { interpolate, usedNames, type Values } from "./interpolate.ts";

const values: Values = new Map([
  ["ns", { values: ["kube-system"] }],
  ["pods", { values: ["a.b", "c"] }],
  ["all", { values: [".*"], raw: true }],
  ["__rate_interval", { values: ["1m0s"] }],
  ["one", { values: ["10.0.0.1:9100"], multi: true }],
  ["quoted", { values: ['a"b'] }],
  ["text", { values: ["x"], text: "Shown" }],
]);

test.each([
  ['up{ns="$ns"}', 'up{ns="kube-system"}'],
  ['up{pod=~"$pods"}', 'up{pod=~"(a\\\\.b|c)"}'],
  ['up{pod=~"[[pods:pipe]]"}', 'up{pod=~"a.b|c"}'],
  ['up{pod=~"$' + '{pods:regex}"}', 'up{pod=~"(a\\.b|c)"}'],
  ['up{instance=~"$one"}', 'up{instance=~"10\\\\.0\\\\.0\\\\.1:9100"}'],
  ['up{a="$quoted"}', 'up{a="a\\"b"}'],
  ['up{a=~"$all"}', 'up{a=~".*"}'],
  ["rate(x[$__rate_interval])", "rate(x[1m0s])"],
  ["$unknown stays", "$unknown stays"],
])("%s", (template, expected) => {
  expect(interpolate(template, values, "promql")).toBe(expected);
});

test("text shows the chosen text", () => {
  expect(interpolate("CPU of $text, $pods", values)).toBe("CPU of Shown, a.b + c");
});

test("names that are used", () => {
  expect([...usedNames("$a [[b]] $" + "{c:csv}")]).toEqual(["a", "b", "c"]);
});

test("text without a mark is never changed", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/[$[]/.test(text));
      expect(interpolate(text, values, "promql")).toBe(text);
    }),
    { numRuns: 200, seed: 3 },
  );
});
