import { type FloatHistogram, type IntHistogram, SampleBuffer, toFloatHistogram } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeChunk } from "./decode.ts";
import { HistogramAppender } from "./histogram.ts";

function int(overrides: Partial<IntHistogram> = {}): IntHistogram {
  return {
    kind: "int",
    counterResetHint: "unknown",
    schema: 2,
    zeroThreshold: 0.001,
    zeroCount: 1,
    count: 7,
    sum: 12.5,
    positiveSpans: [
      { offset: -2, length: 2 },
      { offset: 3, length: 1 },
    ],
    negativeSpans: [{ offset: 1, length: 1 }],
    positiveDeltas: [1, 1, -1],
    negativeDeltas: [2],
    customValues: [],
    ...overrides,
  };
}

function roundTrip(samples: readonly (readonly [number, IntHistogram | FloatHistogram])[]): SampleBuffer {
  const appender = new HistogramAppender(samples[0][1], undefined);
  for (const [time, histogram] of samples) {
    expect(appender.accepts(histogram)).toBe(true);
    appender.append(time, histogram);
  }
  const out = new SampleBuffer();
  decodeChunk(appender.encoding, appender.finish(), -Infinity, Infinity, out);
  return out;
}

test("integer histograms come back as absolute counts; only the first hint is open", () => {
  const later = int({ count: 10, sum: 20, positiveDeltas: [2, 1, 0], zeroCount: 1 });
  const out = roundTrip([
    [1000, int()],
    [2000, later],
    [4000, later],
  ]);
  expect(Array.from(out.timestamps.subarray(0, 3))).toEqual([1000, 2000, 4000]);
  expect(out.histograms).toEqual([
    toFloatHistogram(int()),
    { ...toFloatHistogram(later), counterResetHint: "not_reset" },
    { ...toFloatHistogram(later), counterResetHint: "not_reset" },
  ]);
});

test("staleness markers end a chunk; resets, other layouts and other kinds need a new one", () => {
  const appender = new HistogramAppender(int(), undefined);
  appender.append(1, int());
  expect(appender.accepts(int({ count: 6 }))).toBe(false);
  expect(appender.accepts(int({ schema: 1 }))).toBe(false);
  expect(appender.accepts(int({ counterResetHint: "gauge" }))).toBe(false);
  expect(appender.accepts(toFloatHistogram(int()))).toBe(false);
  const marker = int({ stale: true, count: 0, positiveDeltas: [], negativeDeltas: [] });
  expect(appender.accepts(marker)).toBe(true);
  appender.append(2, marker);
  expect(appender.accepts(int())).toBe(false);
  const out = new SampleBuffer();
  decodeChunk(2, appender.finish(), 0, 10, out);
  expect([out.isStale(0), out.isStale(1)]).toEqual([false, true]);
});

test("the header says whether a chunk starts with a reset", () => {
  const flags = (next: IntHistogram): number => {
    const appender = new HistogramAppender(next, int());
    appender.append(1, next);
    return appender.finish()[2];
  };
  expect(flags(int({ count: 6 }))).toBe(0x80);
  expect(flags(int({ count: 8 }))).toBe(0x40);
  expect(flags(int({ counterResetHint: "gauge" }))).toBe(0xc0);
  expect(flags(int({ schema: 3 }))).toBe(0);
});

test("unknown encodings are refused by name", () => {
  expect(() => decodeChunk(7, new Uint8Array(4), 0, 1, new SampleBuffer())).toThrow("chunk encoding 7");
});

test("property: gauge histograms of both kinds come back, whatever is in them", () => {
  const whole = fc.integer({ min: 0, max: 2 ** 40 });
  const bounds = fc.constantFrom<Pick<IntHistogram, "schema" | "customValues">>(
    { schema: 0, customValues: [] },
    { schema: -53, customValues: [0.1, 0.25, 1 / 3, 1e9] },
  );
  const sample = fc.record({
    step: fc.integer({ min: 1, max: 2 ** 33 }),
    count: whole,
    zeroCount: whole,
    sum: fc.double({ noNaN: true }),
    buckets: fc.array(whole, { minLength: 4, maxLength: 4 }),
  });
  fc.assert(
    fc.property(
      bounds,
      fc.constantFrom(0, 0.001, 2 ** -128, 1),
      fc.boolean(),
      fc.array(sample, { minLength: 1, maxLength: 40 }),
      (layout, zeroThreshold, asFloat, rows) => {
        let time = 0;
        const samples = rows.map(({ step, count, zeroCount, sum, buckets }) => {
          const [a, b, c, d] = buckets;
          const histogram = int({ ...layout, counterResetHint: "gauge", zeroThreshold, count, zeroCount, sum, positiveDeltas: [a, b - a, c - b], negativeDeltas: [d] }); // biome-ignore format: one value
          return [(time += step), asFloat ? toFloatHistogram(histogram) : histogram] as const;
        });
        const out = roundTrip(samples);
        expect(out.histograms).toEqual(samples.map(([, histogram]) => toFloatHistogram(histogram)));
        expect(Array.from(out.timestamps.subarray(0, out.length))).toEqual(samples.map(([t]) => t));
      },
    ),
    { seed: 1, numRuns: 150 },
  );
});

test("with start timestamps the flags stand in the count, and the rest is the same", () => {
  const appender = new HistogramAppender(int(), undefined);
  for (let i = 1; i <= 5; i++) appender.append(i * 1000, int({ sum: i }));
  const plain = appender.finish();
  const withStarts = plain.slice();
  withStarts[0] = plain[2] & 0xc0;
  withStarts[2] = 0;
  const read = (encoding: number, data: Uint8Array): SampleBuffer => {
    const out = new SampleBuffer();
    decodeChunk(encoding, data, 0, 1e15, out);
    return out;
  };
  const a = read(2, plain);
  const b = read(5, withStarts);
  expect(b.length).toBe(5);
  expect(b.histograms).toEqual(a.histograms);
  expect([...b.timestamps]).toEqual([...a.timestamps]);
});
