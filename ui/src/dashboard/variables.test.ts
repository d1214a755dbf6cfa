import { expect, test } from "vitest";
import type { Variable } from "./model.ts";
import { ALL, chosenValues, interpolate, type Scope } from "./variables.ts";

const scope: Scope = {
  values: { job: ["a.b"], node: ["x", "y"], all: [ALL], any: [ALL] },
  options: { all: ["p", "q"], any: [] },
  allValues: { any: ".+" },
  builtIn: { __rate_interval: "1m" },
};

test.each([
  ['{job="$job"}', '{job="a.b"}'],
  ['{node=~"$node"}', '{node=~"(x|y)"}'],
  ['{a=~"${all}",b=~"$any"}', '{a=~"(p|q)",b=~".+"}'],
  ["rate(x[$__rate_interval])", "rate(x[1m])"],
  ["[[job]] ${node:csv} ${node:pipe} ${job:regex} $unknown", "a.b x,y x|y a\\.b $unknown"],
])("%s", (text, wanted) => {
  expect(interpolate(text, scope)).toBe(wanted);
});

test("what is chosen", () => {
  const variable = { includeAll: true, current: ["old"], type: "query" } as unknown as Variable;
  expect(chosenValues(variable, ["a", "b"], ["b", "gone"])).toEqual(["b"]);
  expect(chosenValues(variable, ["a"], ["All"])).toEqual([ALL]);
  expect(chosenValues(variable, ["old"], [])).toEqual(["old"]);
  expect(chosenValues({ ...variable, includeAll: false }, ["a"], [])).toEqual(["a"]);
});
