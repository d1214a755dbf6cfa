import type { FloatHistogram } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSeriesDescription } from "../parser/series.ts";
import {
  addHistograms,
  equalHistograms,
  HistogramAccumulator,
  IncompatibleSchemas,
  multiplyHistogram,
  subtractHistograms,
} from "./algebra.ts";
import { exponentialBound } from "./bounds.ts";
import { histogramBuckets } from "./buckets.ts";
import { classicFraction, classicQuantile } from "./classic.ts";
import { formatHistogram, formatHistogramNotation } from "./format.ts";
import { histogramFraction, histogramQuantile } from "./quantile.ts";
import { detectReset } from "./reset.ts";
import { trimHistogram } from "./trim.ts";

const h = (body: string): FloatHistogram => parseSeriesDescription(`m {{${body}}}`).values[0].histogram!;

describe("arithmetic", () => {
  it("goes down to the coarser schema", () => {
    const { histogram } = addHistograms(
      h("schema:1 count:4 sum:4 buckets:[1 1 1 1]"),
      h("count:2 sum:1 buckets:[1 1]"),
    );
    expect(formatHistogramNotation(histogram)).toBe("{{count:6 sum:5 buckets:[2 3 1]}}");
  });

  it("widens the zero bucket up to a bucket's end", () => {
    const { histogram } = addHistograms(h("count:6 buckets:[1 2 3]"), h("count:1 z_bucket:1 z_bucket_w:1.5"));
    expect(histogram).toMatchObject({ zeroThreshold: 2, zeroCount: 4, positiveBuckets: [3] });
  });

  it("reconciles custom bounds, and says so", () => {
    const { histogram, boundsReconciled } = subtractHistograms(
      h("schema:-53 count:6 custom_values:[1 2 4] buckets:[1 2 3]"),
      h("schema:-53 count:2 custom_values:[2 3] buckets:[1 1]"),
    );
    expect(boundsReconciled).toBe(true);
    expect(histogram).toMatchObject({ customValues: [2], positiveBuckets: [2, 2] });
  });

  it("does not mix exponential and custom buckets", () => {
    expect(() => addHistograms(h("count:1"), h("schema:-53 custom_values:[1]"))).toThrow(IncompatibleSchemas);
  });

  it("tells of contradictory hints", () => {
    const reset = h("count:1 counter_reset_hint:reset");
    const notReset = h("count:1 counter_reset_hint:not_reset");
    expect(addHistograms(reset, notReset)).toMatchObject({ resetCollision: true });
    expect(addHistograms(notReset, h("counter_reset_hint:gauge")).histogram.counterResetHint).toBe("gauge");
    expect(multiplyHistogram(notReset, -1).counterResetHint).toBe("gauge");
  });

  it("keeps what plain summation would lose, and means that would overflow", () => {
    const sum = new HistogramAccumulator(h("sum:1e100 count:1"), "sum");
    for (const body of ["sum:1 count:1", "sum:-1e100 count:1"]) sum.add(h(body));
    expect(sum.result().sum).toBe(1);
    const mean = new HistogramAccumulator(h("sum:1e308 count:1"), "mean");
    for (let i = 0; i < 3; i++) mean.add(h("sum:1e308 count:1"));
    expect(mean.result().sum).toBeCloseTo(1e308, -300);
  });

  const histogram = fc
    .record({
      schema: fc.integer({ min: -2, max: 3 }),
      offset: fc.integer({ min: -10, max: 10 }),
      positive: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }),
      negative: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }),
      zero: fc.integer({ min: 0, max: 5 }),
      width: fc.constantFrom(0, 0.001, 0.5, 3),
    })
    .map(({ schema, offset, positive, negative, zero, width }) => {
      const count = [...positive, ...negative, zero].reduce((a, b) => a + b, 0);
      return h(
        `schema:${schema} count:${count} sum:${count} z_bucket:${zero} z_bucket_w:${width} offset:${offset} buckets:[${positive.join(" ")}] n_buckets:[${negative.join(" ")}]`,
      );
    });
  const inBuckets = (value: FloatHistogram) => histogramBuckets(value).reduce((sum, { count }) => sum + count, 0);

  it("addition is commutative and loses no observation; subtraction undoes it", () => {
    fc.assert(
      fc.property(histogram, histogram, (a, b) => {
        const ab = addHistograms(a, b).histogram;
        expect(equalHistograms(ab, addHistograms(b, a).histogram)).toBe(true);
        expect(inBuckets(ab)).toBeCloseTo(inBuckets(a) + inBuckets(b));
        const back = subtractHistograms(ab, b).histogram;
        expect(inBuckets(back)).toBeCloseTo(inBuckets(a));
        expect(back.count).toBe(a.count);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it("what is added to can only grow", () => {
    fc.assert(
      fc.property(histogram, histogram, (a, b) => {
        expect(detectReset({ ...addHistograms(a, b).histogram, counterResetHint: "unknown" }, a)).toBe(false);
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("trimming splits the observations in two", () => {
    fc.assert(
      fc.property(histogram, fc.double({ min: -50, max: 50, noNaN: true }), (a, bound) => {
        const total = inBuckets(a);
        const parts = inBuckets(trimHistogram(a, bound, true)) + inBuckets(trimHistogram(a, bound, false));
        expect(parts).toBeCloseTo(total);
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  it("a quantile and the fraction below it are inverse", () => {
    fc.assert(
      fc.property(histogram, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (any, q) => {
        const count = any.positiveBuckets.reduce((sum, bucket) => sum + bucket, 0);
        const a = { ...any, count, zeroCount: 0, zeroThreshold: 0, negativeSpans: [], negativeBuckets: [] };
        fc.pre(count > 0);
        const { value } = histogramQuantile(q, a);
        expect(histogramFraction(-Infinity, value, a).value).toBeCloseTo(q, 6);
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});

describe("resets", () => {
  it.each([
    // A negative bucket that is gone: histograms of differences.
    ["count:2 buckets:[3 -1]", "count:3 buckets:[3]", true],
    ["count:3 buckets:[1 2]", "count:2 buckets:[1 1]", true],
    ["count:2 buckets:[1 1]", "count:3 buckets:[1 2]", false],
    ["count:3 buckets:[3]", "count:4 buckets:[0 4]", true],
    ["schema:1 count:2 buckets:[1 1]", "count:3 buckets:[1 2]", false],
    ["count:2 buckets:[1 1]", "schema:1 count:3 buckets:[1 2]", true],
    ["count:5 buckets:[5]", "count:1 counter_reset_hint:not_reset", false],
    ["count:1", "count:5 counter_reset_hint:reset", true],
  ])("%s then %s: %s", (before, now, expected) => {
    expect(detectReset(h(now), h(before))).toBe(expected);
  });
});

describe("bounds and text", () => {
  it("has exact powers of two in every schema", () => {
    for (let schema = -4; schema <= 8; schema++) {
      const index = schema >= 0 ? 3 * 2 ** schema : 1;
      expect(exponentialBound(index, schema)).toBe(schema >= 0 ? 8 : 2 ** (2 ** -schema));
    }
    expect(exponentialBound(1, 1)).toBe(2 * 0.7071067811865475);
    expect(exponentialBound(255, 8)).toBe(2 * 0.9972960560854698);
    expect(exponentialBound(1025, 0)).toBe(Infinity);
    expect(exponentialBound(1024, 0)).toBe(Number.MAX_VALUE);
  });

  it("prints buckets from the lowest to the highest", () => {
    expect(formatHistogram(h("count:5 sum:1 z_bucket:1 z_bucket_w:0.5 buckets:[1] n_buckets:[1 2]"))).toBe(
      "{count:5, sum:1, [-2,-1):2, [-1,-0.5):1, [-0.5,0.5]:1, (0.5,1]:1}",
    );
  });
});

describe("classic histograms", () => {
  const buckets = [
    { upperBound: 2, count: 8 },
    { upperBound: 1, count: 4 },
    { upperBound: Infinity, count: 8 },
  ];
  it("interpolates linearly from zero", () => {
    expect(classicQuantile(0.25, buckets).value).toBe(0.5);
    expect(classicQuantile(0.75, buckets).value).toBe(1.5);
    expect(classicQuantile(1.1, buckets).value).toBe(Infinity);
    expect(classicQuantile(0.5, buckets.slice(0, 2)).value).toBeNaN();
    expect(classicFraction(0.5, 1, buckets)).toBe(0.25);
  });
  it("forces counts to grow and says by how much", () => {
    const broken = [...buckets, { upperBound: 4, count: 6 }];
    expect(classicQuantile(0.5, broken).forced).toEqual({ minBucket: 4, maxBucket: 4, maxDifference: 2 });
  });
});
