import { parseYaml } from "@pharos/kit";
import { AnchoredRegexp, Labels, UserError } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ACTIONS, parseRelabelConfigs, relabel } from "./index.ts";

function run(labels: Record<string, string>, yaml: string) {
  return relabel(Labels.from(labels), parseRelabelConfigs(parseYaml(yaml)))?.toObject();
}

test.each([
  [
    "replace",
    { a: "foo" },
    "[{source_labels: [a], regex: 'f(.*)', target_label: d, replacement: 'ch${1}-ch${1}'}]",
    { a: "foo", d: "choo-choo" },
  ],
  ["replace without a match", { a: "x" }, "[{source_labels: [a], regex: f.*, target_label: d}]", { a: "x" }],
  [
    "replace with an empty value removes",
    { a: "f", d: "1" },
    "[{source_labels: [a], regex: f, target_label: d, replacement: ''}]",
    { a: "f" },
  ],
  [
    "target from a group",
    { a: "x_y" },
    "[{source_labels: [a], regex: '(x)_(y)', target_label: '${1}', replacement: $2}]",
    { a: "x_y", x: "y" },
  ],
  ["joins sources", { a: "1", b: "2" }, "[{source_labels: [a, b], target_label: c}]", { a: "1", b: "2", c: "1;2" }],
  ["keep", { a: "x" }, "[{source_labels: [a], regex: y, action: keep}]", undefined],
  ["drop", { a: "x" }, "[{source_labels: [a], regex: x, action: drop}]", undefined],
  ["keepequal", { a: "x", b: "x" }, "[{source_labels: [a], target_label: b, action: keepequal}]", { a: "x", b: "x" }],
  ["dropequal", { a: "x", b: "x" }, "[{source_labels: [a], target_label: b, action: dropequal}]", undefined],
  [
    "hashmod as upstream",
    { c: "baz" },
    "[{source_labels: [c], target_label: d, modulus: 1000, action: hashmod}]",
    { c: "baz", d: "976" },
  ],
  [
    "labelmap",
    { __meta_a: "1", b: "2" },
    "[{regex: '__meta_(.+)', action: labelmap}]",
    { __meta_a: "1", a: "1", b: "2" },
  ],
  ["labeldrop", { a: "1", b: "2" }, "[{regex: a, action: labeldrop}]", { b: "2" }],
  ["labelkeep", { a: "1", b: "2" }, "[{regex: a, action: LabelKeep}]", { a: "1" }],
  [
    "case",
    { a: "Xy" },
    "[{source_labels: [a], target_label: l, action: lowercase}, {source_labels: [a], target_label: u, action: uppercase}]",
    { a: "Xy", l: "xy", u: "XY" },
  ],
  [
    "case, rune by rune as Go has it",
    { a: "Straße ΑΣ İ" },
    "[{source_labels: [a], target_label: l, action: lowercase}, {source_labels: [a], target_label: u, action: uppercase}]",
    { a: "Straße ΑΣ İ", l: "straße ας i".replace("ς", "σ"), u: "STRAßE ΑΣ İ" },
  ],
  [
    "hashmod joins its sources",
    { a: "foo", b: "bar" },
    "[{source_labels: [a, b], target_label: d, separator: ';', modulus: 1000, action: hashmod}]",
    { a: "foo", b: "bar", d: "750" },
  ],
  [
    "labeldrop with a separator that is the default's",
    { a: "1", b: "2" },
    "[{regex: a, action: labeldrop, separator: ;}]",
    { b: "2" },
  ],
  [
    "a target that is no name changes nothing",
    { a: "" },
    "[{source_labels: [a], target_label: '${1}', replacement: x}]",
    {},
  ],
  [
    "an empty regex matches only what is empty",
    { a: "1" },
    "[{source_labels: [a], regex: '', action: drop}, {source_labels: [b], regex: '', target_label: c, replacement: x}]",
    { a: "1", c: "x" },
  ],
])("%s", (_name, labels, yaml, wanted) => {
  expect(run(labels as Record<string, string>, yaml)).toEqual(wanted);
});

test.each([
  ["[{action: nonsense}]", "unknown relabel action"],
  ["[{source_labels: [a]}]", "requires 'target_label'"],
  ["[{source_labels: [a], target_label: b, action: hashmod}]", "non-zero modulus"],
  ["[{regex: a, target_label: b, action: labeldrop}]", "requires only 'regex'"],
  ["[{regex: 'a(', target_label: b}]", "missing closing )"],
  ["[{action: keepequal, source_labels: [a], target_label: b, regex: '(.*)'}]", "and no other fields"],
  ["[{action: labelkeep, source_labels: [a]}]", "requires only 'regex'"],
  ["[{action: lowercase, source_labels: [a], target_label: b, replacement: x}]", "'replacement' can not be set"],
  ["[{action: labelmap, replacement: ''}]", "invalid 'replacement'"],
  ["[{source_labels: [''], target_label: b}]", "is not a valid label name"],
  ["[null]", "empty or null relabeling rule"],
  ["[{regexp: a}]", "field regexp not found in type relabel.plain"],
])("refuses %s", (yaml, message) => {
  expect(() => parseRelabelConfigs(parseYaml(yaml, "f.yml"))).toThrow(UserError);
  expect(() => parseRelabelConfigs(parseYaml(yaml, "f.yml"))).toThrow(message);
});

test("legacy names: only plain ones, and templates that make such", () => {
  const parse = (yaml: string) => parseRelabelConfigs(parseYaml(yaml), "legacy");
  expect(() => parse("[{target_label: a.b}]")).toThrow("\"a.b\" is invalid 'target_label' for replace action");
  expect(() => parse("[{target_label: 'a-$1'}]")).toThrow("invalid 'target_label'");
  const rules = parse("[{source_labels: [a], target_label: 'x_${1}'}]");
  expect(relabel(Labels.from({ a: "b.c" }), rules)?.toObject()).toEqual({ a: "b.c" });
  expect(relabel(Labels.from({ a: "b" }), rules)?.toObject()).toEqual({ a: "b", x_b: "b" });
});

test("any rules on any labels: a sorted set without empty values, or nothing", () => {
  const name = fc.constantFrom("a", "b", "__name__", "c.d");
  const rule = fc.record({
    action: fc.constantFrom(...ACTIONS),
    sourceLabels: fc.array(name, { maxLength: 3 }),
    separator: fc.string({ maxLength: 2 }),
    targetLabel: fc.constantFrom("a", "x", "$1", "${1}y"),
    regex: fc.constantFrom("(.*)", "a|b", "(a)(.*)", "").map((text) => new AnchoredRegexp(text)),
    modulus: fc.integer({ min: 1, max: 10 }),
    replacement: fc.constantFrom("$1", "", "z$2", "${3}"),
    nameScheme: fc.constant("utf8" as const),
  });
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ maxLength: 5 })), fc.array(rule, { maxLength: 4 }), (labels, rules) => {
      const out = relabel(Labels.from(labels), rules);
      if (!out) return;
      expect(Labels.fromEntries(out).equals(out)).toBe(true);
      for (const [key, value] of out) expect(key !== "" && value !== "").toBe(true);
    }),
    { seed: 1, numRuns: 200 },
  );
});
