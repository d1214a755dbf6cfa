import type { FloatHistogram, IntHistogram } from "@pharos/model";
import { toFloatHistogram } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bucketCount, compactNative, reduceResolution, validateNative } from "./native.ts";

const base: IntHistogram = {
  kind: "int",
  counterResetHint: "unknown",
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  positiveDeltas: [],
  negativeSpans: [],
  negativeDeltas: [],
  customValues: [],
};

/** Count by bucket index. */
function byIndex(histogram: FloatHistogram): Map<number, number> {
  const out = new Map<number, number>();
  let index = 0;
  let i = 0;
  for (const { offset, length } of histogram.positiveSpans) {
    index += offset;
    for (let k = 0; k < length; k++, index++, i++)
      if (histogram.positiveBuckets[i] !== 0) out.set(index, histogram.positiveBuckets[i]);
  }
  return out;
}

const histograms = fc
  .array(fc.record({ offset: fc.nat(4), counts: fc.array(fc.nat(2), { maxLength: 5 }) }), { maxLength: 5 })
  .map((spans): IntHistogram => {
    const counts = spans.flatMap((span) => span.counts);
    return {
      ...base,
      count: counts.reduce((sum, count) => sum + count, 0),
      positiveSpans: spans.map((span) => ({ offset: span.offset, length: span.counts.length })),
      positiveDeltas: counts.map((count, i) => count - (counts[i - 1] ?? 0)),
    };
  });

test("compacting keeps every bucket and leaves no empty one at an end", () => {
  fc.assert(
    fc.property(histograms, fc.nat(3), (histogram, maxEmpty) => {
      const compact = compactNative(histogram, maxEmpty);
      validateNative(compact);
      expect(byIndex(toFloatHistogram(compact))).toEqual(byIndex(toFloatHistogram(histogram)));
      const counts = toFloatHistogram(compact).positiveBuckets;
      if (maxEmpty === 0) expect(counts).not.toContain(0);
      expect(compact.positiveSpans.every(({ offset, length }, i) => length > 0 && (i === 0 || offset > maxEmpty))).toBe(
        true,
      );
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("lower resolutions merge neighbours and keep the count", () => {
  const histogram: IntHistogram = {
    ...base,
    schema: 2,
    count: 6,
    positiveSpans: [
      { offset: -1, length: 4 },
      { offset: 3, length: 1 },
    ],
    positiveDeltas: [1, 0, 0, 0, 1],
  };
  expect(reduceResolution(histogram, 1)).toMatchObject({
    schema: 1,
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 1, length: 1 },
    ],
    positiveDeltas: [2, 0, 0],
  });
  expect(bucketCount(reduceResolution(histogram, -4))).toBe(2);
});

test.each([
  [{ ...base, schema: 9 }, "invalid schema"],
  [{ ...base, count: 1 }, "0 observations found in buckets, but the Count field is 1"],
  [{ ...base, positiveSpans: [{ offset: 0, length: 2 }], positiveDeltas: [1] }, "spans need 2 buckets, have 1 buckets"],
  [{ ...base, positiveSpans: [{ offset: 0, length: 1 }], positiveDeltas: [-1] }, "observation count of -1"],
  [{ ...base, schema: -53, customValues: [2, 1] }, "strictly increasing order"],
  [{ ...base, schema: -53, zeroCount: 1, count: 1 }, "must have zero count of 0"],
] as [IntHistogram, string][])("refuses %#", (histogram, message) => {
  expect(() => validateNative(histogram)).toThrow(message);
});
