import fc from "fast-check";
import { expect, test } from "vitest";
import { duplicateKeys } from "./json-duplicates.ts";

test("repeated keys are named by their paths", () => {
  expect(duplicateKeys('{"a":1,"b":{"c":[{"d":1,"d":2}, {"d":3}],"c":0},"a":{}}')).toEqual(["b.c[0].d", "b.c", "a"]);
  expect(duplicateKeys('{"a\\"b":"}{","x":"\\\\","x":null}')).toEqual(["x"]);
  expect(duplicateKeys(" [ ] ")).toEqual([]);
});

test("property: what JSON.stringify writes repeats nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(2), (value, indent) => {
      expect(duplicateKeys(JSON.stringify(value, null, indent))).toEqual([]);
    }),
    { seed: 1, numRuns: 300 },
  );
});
