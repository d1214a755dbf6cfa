import { expect, test } from "vitest";
import { matches, replaceAll } from "./regexp.ts";

test.each([
  ["a*", "x", "baac", "xbxcx"],
  ["(a)(b)?", "[$1|$2|$3]", "aab", "[a||][a|b|]"],
  ["(?P<x>hi)|(?P<x>bye)", "<$x>", "hi bye", "<hi> <bye>"],
  ["(?<y>a)[(?P<y>](b)", "$y$2", "a(b", "ab"],
  ["\\(?P<x>|(?P<x>a)", "<$x>", "a", "<a>"],
  ["a", "$$ $x ${1}x $1x $", "a", "$  x  $"],
  ["(?i)É", "e", "éÉ", "ee"],
  ["\\Q(?P<a>\\E", "x", "(?P<a>", "x"],
  ["^", "x", "ab\nc", "xab\nc"],
])("%s → %s in %s", (pattern, replacement, text, want) => {
  expect(replaceAll(pattern, replacement, text)).toBe(want);
});

test("takes linear time", () => {
  const start = performance.now();
  expect(matches("((a*)*)*b", "a".repeat(20_000))).toBe(false);
  expect(performance.now() - start).toBeLessThan(5_000);
});

test("refuses work that would take minutes", () => {
  expect(() => matches("((a{1,30}){1,30})b", "a".repeat(1_000_000))).toThrow("too long for this pattern");
});

test("says what Go says of a pattern that is none", () => {
  expect(() => matches("a**", "")).toThrow("error parsing regexp: invalid nested repetition operator: `**`");
  expect(() => replaceAll("a`(", "", "")).toThrow(
    'regexp: Compile("a`("): error parsing regexp: missing closing ): `a`(`',
  );
});
