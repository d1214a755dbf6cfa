import { type FloatHistogram, formatValue, Labels } from "@pharos/model";
import type { QueryValue } from "@pharos/promql";
import fc from "fast-check";
import { expect, it } from "vitest";
import { JsonBytes, recyclePieces } from "./json-bytes.ts";
import { writeResult } from "./result-json.ts";

function written(write: (out: JsonBytes) => void): string {
  const out = new JsonBytes();
  write(out);
  return Buffer.concat(out.finish()).toString();
}

function json(value: QueryValue): { text: string; pieces: number } {
  const out = new JsonBytes();
  out.raw("{");
  const pieces = [...writeResult(out, value)];
  out.raw("}");
  pieces.push(...out.finish());
  return { text: Buffer.concat(pieces).toString(), pieces: pieces.length };
}

it("numbers are written as formatValue writes them", () => {
  const same = (value: number): void => {
    expect(written((out) => out.value(value))).toBe(formatValue(value));
  };
  for (const value of [0, -0, 1, -1, 10, 99, 100, 0.1, -0.25, 1.005, 0.001, 0.0015, 1e-7, 1e21, 1e15, 999999999999999, 12345678.9, 1e8, 123456789012.345, 2 ** 53, Infinity, -Infinity, Number.NaN, 5e-324]) same(value); // biome-ignore format: one row
  fc.assert(
    fc.property(
      fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger(), fc.integer().map((i) => i / 1000), fc.maxSafeInteger().map((i) => i / 1000)), // biome-ignore format: one row
      same,
    ),
    { seed: 1, numRuns: 2000 },
  );
});

it("times are seconds, with three decimals where they are needed", () => {
  const time = (ms: number) => written((out) => out.time(ms));
  expect([0, 1000, 1500, 1050, 1005, -500, -1001, 1_700_000_000_123, 86_400_000].map(time)).toEqual([
    "0",
    "1",
    "1.500",
    "1.050",
    "1.005",
    "-0.500",
    "-1.001",
    "1700000000.123",
    "86400",
  ]);
});

it("texts are what JSON.stringify makes of them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      // Lone surrogates have no UTF-8.
      if (!text.isWellFormed()) return;
      expect(JSON.parse(written((out) => out.string(text)))).toBe(text);
    }),
    { seed: 1 },
  );
});

const histogram: FloatHistogram = {
  kind: "float",
  counterResetHint: "unknown",
  schema: 0,
  zeroThreshold: 0.001,
  zeroCount: 2,
  count: 5,
  sum: 4.5,
  positiveSpans: [{ offset: 0, length: 2 }],
  negativeSpans: [],
  positiveBuckets: [1, 2],
  negativeBuckets: [],
  customValues: [],
};

it("every kind of result", () => {
  const labels = Labels.from({ __name__: "x", a: 'q"\n' });
  expect(JSON.parse(json({ type: "scalar", t: 1000, v: 2 }).text)).toEqual({ resultType: "scalar", result: [1, "2"] });
  expect(JSON.parse(json({ type: "string", t: 1500, s: "ü" }).text)).toEqual({
    resultType: "string",
    result: [1.5, "ü"],
  });
  expect(json({ type: "vector", samples: [] }).text).toBe('{"resultType":"vector","result":[]}');
  expect(json({ type: "matrix", series: [] }).text).toBe('{"resultType":"matrix","result":[]}');
  const native = {
    count: "5",
    sum: "4.5",
    buckets: [
      [3, "-0.001", "0.001", "2"],
      [0, "0.5", "1", "1"],
      [0, "1", "2", "2"],
    ],
  };
  expect(
    JSON.parse(json({ type: "vector", samples: [{ labels, t: 0, v: 1.5 }, { labels, t: 0, v: 0, h: histogram }] }).text), // biome-ignore format: one row
  ).toEqual({
    resultType: "vector",
    result: [
      { metric: { __name__: "x", a: 'q"\n' }, value: [0, "1.5"] },
      { metric: { __name__: "x", a: 'q"\n' }, histogram: [0, native] },
    ],
  });
  const series = [
    { labels, timestamps: Float64Array.of(0, 500, 1000), values: Float64Array.of(1, 0, 3), histograms: [undefined, histogram, undefined] }, // biome-ignore format: one row
  ];
  expect(JSON.parse(json({ type: "matrix", series }).text).result).toEqual([
    {
      metric: { __name__: "x", a: 'q"\n' },
      values: [
        [0, "1"],
        [1, "3"],
      ],
      histograms: [[0.5, native]],
    },
  ]);
});

it("a large result comes in pieces", () => {
  const timestamps = Float64Array.from({ length: 20_000 }, (_, i) => 1000 * i);
  const values = Float64Array.from(timestamps, (t) => t / 7);
  const series = Array.from({ length: 5 }, (_, i) => ({ labels: Labels.from({ i: String(i) }), timestamps, values }));
  const { text, pieces } = json({ type: "matrix", series });
  expect(pieces).toBeGreaterThan(5);
  const { result } = JSON.parse(text);
  expect(result).toHaveLength(5);
  expect(result[4].values[19_999]).toEqual([19_999, formatValue(values[19_999])]);
});

it("pieces that are taken back are written again, without a trace of what they held", () => {
  const timestamps = Float64Array.from({ length: 30_000 }, (_, i) => 1000 * i);
  const text = (value: number): string => {
    const out = new JsonBytes();
    const series = [{ labels: Labels.from({ v: String(value) }), timestamps, values: timestamps.map(() => value) }];
    const pieces = [...writeResult(out, { type: "matrix", series }), ...out.finish()];
    const whole = Buffer.concat(pieces).toString();
    recyclePieces(pieces);
    return whole;
  };
  const first = text(1);
  expect(text(123456.789)).toContain("123456.789");
  expect(text(1)).toBe(first);
});
