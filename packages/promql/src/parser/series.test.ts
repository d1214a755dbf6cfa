import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PromqlParseError } from "./error.ts";
import { parseSeriesDescription } from "./series.ts";

const numbers = (text: string) =>
  parseSeriesDescription(text).values.map(({ omitted, stale, value }) => (omitted ? "_" : stale ? "stale" : value));

describe("parseSeriesDescription", () => {
  it("reads labels and values", () => {
    const { labels, values } = parseSeriesDescription(`x:y{a="1", "b.c"='2'} 1 2.5`);
    expect(labels.toObject()).toEqual({ __name__: "x:y", a: "1", "b.c": "2" });
    expect(values).toHaveLength(2);
  });

  it.each([
    ["m 1+2x3", [1, 3, 5, 7]],
    ["m 10-5x2", [10, 5, 0]],
    ["m -1x2", [-1, -1, -1]],
    ["m _x3 4 _", ["_", "_", "_", 4, "_"]],
    ["m stale NaN Inf -Inf 1e3", ["stale", Number.NaN, Infinity, -Infinity, 1000]],
    ["m", []],
    ["{} .5", [0.5]],
  ])("%s", (text, expected) => {
    expect(numbers(text)).toEqual(expected);
  });

  it("reads histograms and sequences of them", () => {
    const { values } = parseSeriesDescription(
      "h {{schema:1 sum:3 count:4 z_bucket:1 z_bucket_w:0.1 offset:-1 buckets:[1 2] n_buckets:[1] counter_reset_hint:gauge}} {{count:1 buckets:[1]}}+{{count:2 buckets:[1 1]}}x2",
    );
    expect(values).toHaveLength(4);
    expect(values[0]).toMatchObject({
      hintGiven: true,
      histogram: {
        schema: 1,
        positiveSpans: [{ offset: -1, length: 2 }],
        negativeBuckets: [1],
        zeroThreshold: 0.1,
        counterResetHint: "gauge",
      },
    });
    expect(values[3].histogram).toMatchObject({ count: 5, positiveBuckets: [3, 2] });
    expect(values[3].hintGiven).toBe(false);
  });

  it.each([
    "m 1+",
    "m x3",
    "m{a} 1",
    'm{a="b" 1',
    "m {{schema:1",
    "m {{what:1}}",
    "m {{count:1 count:2}}",
    "m 1x99999999999",
  ])("refuses %j", (text) => {
    expect(() => parseSeriesDescription(text)).toThrow(PromqlParseError);
  });

  it("throws nothing but PromqlParseError", () => {
    const piece = fc.constantFrom(
      "m",
      "{",
      "}",
      'a="b"',
      " ",
      "1",
      "+2",
      "x3",
      "_",
      "stale",
      "{{",
      "}}",
      "count:1",
      "buckets:[1 2]",
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          parseSeriesDescription(pieces.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(PromqlParseError);
        }
      }),
      { seed: 3, numRuns: 1000 },
    );
  });
});
