import fc from "fast-check";
import { expect, test } from "vitest";
import { matcherText, parseMatchers } from "./matchers.ts";

test("as people write them", () => {
  expect(parseMatchers('{alertname="A b", x=~"c|d", y!=z,"a.b"!~"e"}')).toEqual([
    { name: "alertname", value: "A b", isRegex: false, isEqual: true },
    { name: "x", value: "c|d", isRegex: true, isEqual: true },
    { name: "y", value: "z", isRegex: false, isEqual: false },
    { name: "a.b", value: "e", isRegex: true, isEqual: false },
  ]);
});

test.each(["", "{}", "alertname", 'a="b" c="d"', "=b", 'a="\\x"', "a==b"])("%s is refused with a reason", (text) => {
  expect(() => parseMatchers(text)).toThrow(/matcher|quoted/);
});

test("what is written out is read back", () => {
  const matcher = fc.record({
    name: fc.oneof(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]*$/), fc.string({ minLength: 1 })),
    value: fc.string(),
    isRegex: fc.boolean(),
    isEqual: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(matcher, { minLength: 1, maxLength: 4 }), (matchers) => {
      expect(parseMatchers(matchers.map(matcherText).join(", "))).toEqual(matchers);
    }),
    { numRuns: 300, seed: 11 },
  );
});
