import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { UserError } from "./error.ts";
import { AnchoredRegexp, expandTemplate } from "./regexp.ts";

const VALUES = [
  "",
  "a",
  "ab",
  "abc",
  "prod",
  "prod-1",
  "prod\n1",
  "dev",
  "foo.bar",
  "fooxbar",
  "😀",
  "😀😀",
  "(a)",
  "a|b",
  "b",
];
const PATTERNS = [
  "",
  ".*",
  ".+",
  "prod",
  "prod.*",
  "prod.+",
  "prod|dev",
  "(prod|dev)",
  "(?:prod|dev)",
  "prod|",
  "pro?d.*",
  "foo\\.bar",
  "😀*",
  "😀{2}",
  "(a|b)|c",
  "a|b|ab+c?",
  "[ab]",
  "ab?c*",
  "a(b|c)?",
  "(?i)PROD",
  "^prod$",
];

describe("AnchoredRegexp", () => {
  // The fast paths must never change what matches: the engine itself is the oracle.
  test.each(PATTERNS)("%j matches exactly what RE2 matches", (pattern) => {
    const fast = new AnchoredRegexp(pattern);
    const oracle = RE2JS.compile(`^(?s:${pattern})$`);
    for (const value of VALUES) expect([value, fast.test(value)]).toEqual([value, oracle.matcher(value).find()]);
  });

  test("a dot matches a newline, as in Prometheus", () => {
    expect(new AnchoredRegexp("prod.1").test("prod\n1")).toBe(true);
  });

  test("knows the literals of a plain alternation and the prefix of others", () => {
    expect(new AnchoredRegexp("a|b").literals).toEqual(["a", "b"]);
    expect(new AnchoredRegexp("prod-.*").prefix).toBe("prod-");
    expect(new AnchoredRegexp("prod?x").prefix).toBe("pro");
  });

  test("refuses what is not RE2 with a UserError", () => {
    expect(() => new AnchoredRegexp("a(b")).toThrow(UserError);
    expect(() => new AnchoredRegexp("(?=a)")).toThrow(UserError);
  });

  test("a pattern that is exponential for backtracking engines is linear here", () => {
    expect(new AnchoredRegexp("(a+)+b").test("a".repeat(5000))).toBe(false);
  });

  test("expands groups on a full match only", () => {
    const regexp = new AnchoredRegexp("(?P<first>\\w+)-(\\d+)");
    expect(regexp.expand("node-17", "$2/${first}/$missing/$$")).toBe("17/node//$");
    expect(regexp.expand("node", "$1")).toBeUndefined();
  });
});

test("expandTemplate takes the longest name, as Go does", () => {
  expect(expandTemplate("$1x ${1}x $", (name) => `<${name}>`)).toBe("<1x> <1>x $");
});
