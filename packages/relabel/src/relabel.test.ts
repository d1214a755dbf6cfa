import { parseYaml } from "@pharos/kit";
import { Labels, UserError } from "@pharos/model";
import { expect, test } from "vitest";
import { parseRelabelConfigs, relabel } from "./index.ts";

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
])("%s", (_name, labels, yaml, wanted) => {
  expect(run(labels as Record<string, string>, yaml)).toEqual(wanted);
});

test.each([
  ["[{action: nonsense}]", "unknown relabel action"],
  ["[{source_labels: [a]}]", "requires 'target_label'"],
  ["[{source_labels: [a], target_label: b, action: hashmod}]", "non-zero modulus"],
  ["[{regex: a, target_label: b, action: labeldrop}]", "requires only 'regex'"],
  ["[{regex: 'a(', target_label: b}]", "missing closing )"],
  ["[{regexp: a}]", "field regexp not found in type relabel.plain"],
])("refuses %s", (yaml, message) => {
  expect(() => parseRelabelConfigs(parseYaml(yaml, "f.yml"))).toThrow(UserError);
  expect(() => parseRelabelConfigs(parseYaml(yaml, "f.yml"))).toThrow(message);
});
