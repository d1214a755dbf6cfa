import fc from "fast-check";
import { expect, test } from "vitest";
import { jaroWinkler, searchScorer, subsequenceScore } from "./score.ts";

test("characters in order: runs are worth their square, gaps cost", () => {
  expect(subsequenceScore("up", "up")).toBe(1);
  expect(subsequenceScore("pu", "up")).toBe(0);
  expect(subsequenceScore("abc", "ab")).toBe(0);
  // One run of two, one character before, none after.
  expect(subsequenceScore("up", "xup")).toBeCloseTo(((4 - 1 / 3) / 4) * 0.999, 12);
  // Two runs of one, a character between, one after.
  expect(subsequenceScore("up", "uxpx")).toBeCloseTo(((2 - 1 / 4 - 1 / 8) / 4) * 0.999, 12);
  // The later start is the better one.
  expect(subsequenceScore("ab", "a_ab")).toBeCloseTo(((4 - 2 / 4) / 4) * 0.999, 12);
});

test("similarity, by the examples of its authors", () => {
  expect(jaroWinkler("MARTHA", "MARHTA")).toBeCloseTo(0.9611, 4);
  expect(jaroWinkler("DWAYNE", "DUANE")).toBeCloseTo(0.84, 4);
  expect(jaroWinkler("DIXON", "DICKSONX")).toBeCloseTo(0.8133, 4);
  expect(jaroWinkler("a", "b")).toBe(0);
});

test("terms are alternatives; parts count by their place; case may be ignored", () => {
  const scorer = (terms: string[], more = {}) =>
    searchScorer({ terms, algorithm: "jarowinkler", threshold: 0, caseSensitive: true, ...more });
  expect(scorer([""])).toBeUndefined();
  expect(scorer(["go"])!("go_gc")).toBe(1);
  expect(scorer(["gc"])!("go_gc")).toBeCloseTo(0.1, 12);
  expect(scorer(["nope", "go"])!("go_gc")).toBe(1);
  expect(scorer(["GO"])!("go_gc")).toBeUndefined();
  expect(scorer(["GO"], { caseSensitive: false })!("go_gc")).toBe(1);
  expect(scorer(["og"], { threshold: 0.99 })!("go_gc")).toBeUndefined();
});

test("scores lie between 0 and 1, and only the same text has 1", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "_", "é", "😀"), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      for (const score of [subsequenceScore(a, b), jaroWinkler(a, b)]) {
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        if (a === b) expect(score).toBe(1);
      }
      if (a !== b) expect(subsequenceScore(a, b)).toBeLessThan(1);
    }),
    { seed: 3, numRuns: 300 },
  );
});
