import { Labels, UserError } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MatcherSyntax } from "./compat.ts";
import { AlertMatcher, matchAll } from "./matcher.ts";

const fallback = new MatcherSyntax();
const strict = new MatcherSyntax("utf8-strict");
const classic = new MatcherSyntax("classic");

describe("matcher syntaxes", () => {
  test.each([
    ['{foo=bar, baz!~"a|b",}', 'foo="bar",baz!~"a|b"'],
    ['"a name"="\\u00e9"', '"a name"="é"'],
    ["foo=", 'foo=""'],
    ["foo=a{1}", 'foo="a{1"'],
  ])("fallback reads %s", (input, want) => {
    expect(fallback.matchers(input, "test").map(String).join(",")).toBe(want);
  });

  test("each mode refuses in its own words", () => {
    expect(() => strict.matchers("foo=", "test")).toThrow("end of input: expected label value");
    expect(() => strict.matchers("{foo=bar", "test")).toThrow("0:8: end of input: expected close brace");
    expect(() => classic.matchers("fôo=bar", "test")).toThrow("bad matcher format: fôo=bar");
    expect(() => fallback.matcher("{foo=bar}", "test")).toThrow("unexpected open or close brace: {foo=bar}");
  });

  test("what is printed reads back the same", () => {
    const matcher = fc.record({ name: fc.string({ minLength: 1 }), value: fc.string() });
    fc.assert(
      fc.property(matcher, ({ name, value }) => {
        const again = strict.matcher(String(new AlertMatcher("=", name, value)), "test");
        expect([again.name, again.value]).toEqual([name, value]);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  test("any text is read or refused with a UserError", () => {
    const piece = fc.constantFrom("{", "}", ",", "=", "!=", "=~", '"', "\\", " ", "a", "é", "(");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        for (const syntax of [fallback, strict, classic]) {
          try {
            syntax.matchers(pieces.join(""), "test");
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
          }
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

test("a missing label is an empty one, and a dot does not match a newline", () => {
  const labels = Labels.from({ a: "x\ny" });
  expect(matchAll([new AlertMatcher("=", "b", ""), new AlertMatcher("!~", "a", "x.y")], labels)).toBe(true);
  expect(matchAll([new AlertMatcher("=~", "a", "x[^z]y")], labels)).toBe(true);
});
