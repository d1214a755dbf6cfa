import { type FloatHistogram, type IntHistogram, SampleBuffer, type Span } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeChunk } from "./decode.ts";
import { encodeBuffer } from "./encode.ts";
import { HistogramAppender } from "./histogram.ts";
import { widen } from "./histogram-widen.ts";

/** Counts by index of bucket. */
type Counts = Readonly<Record<number, number>>;

function layoutOf(counts: Counts): { spans: Span[]; values: number[] } {
  const spans: Span[] = [];
  let next = 0;
  const indexes = Object.keys(counts).map(Number).sort((a, b) => a - b); // biome-ignore format: one row
  for (const index of indexes) {
    spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return { spans, values: indexes.map((index) => counts[index]) };
}

function make(
  kind: "int" | "float",
  positive: Counts,
  negative: Counts = {},
  gauge = false,
): IntHistogram | FloatHistogram {
  const [p, n] = [layoutOf(positive), layoutOf(negative)];
  const base = {
    counterResetHint: gauge ? ("gauge" as const) : ("unknown" as const),
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: [...p.values, ...n.values].reduce((sum, value) => sum + value, 0),
    sum: 1,
    positiveSpans: p.spans,
    negativeSpans: n.spans,
    customValues: [],
  };
  const deltas = (values: number[]): number[] => values.map((value, i) => value - (values[i - 1] ?? 0));
  return kind === "int"
    ? { kind, ...base, positiveDeltas: deltas(p.values), negativeDeltas: deltas(n.values) }
    : { kind, ...base, positiveBuckets: p.values, negativeBuckets: n.values };
}

/** Buckets that are not empty, by their index. */
function shown({ positiveSpans, negativeSpans, positiveBuckets, negativeBuckets }: FloatHistogram): string {
  return [[positiveSpans, positiveBuckets] as const, [negativeSpans, negativeBuckets] as const]
    .map(([spans, buckets]) => {
      let index = 0;
      let bucket = 0;
      const out: string[] = [];
      for (const { offset, length } of spans) {
        index += offset;
        for (let i = 0; i < length; i++, index++)
          if (buckets[bucket++] !== 0) out.push(`${index}:${buckets[bucket - 1]}`);
      }
      return out.join(" ");
    })
    .join(" | ");
}

function chunksOf(histograms: readonly (IntHistogram | FloatHistogram)[]): { chunks: number; rows: string[] } {
  const buffer = new SampleBuffer();
  for (const [i, histogram] of histograms.entries()) buffer.pushHistogram(i * 1000, histogram as FloatHistogram);
  const chunks = encodeBuffer(buffer, 1e15);
  const out = new SampleBuffer();
  for (const { encoding, data } of chunks) decodeChunk(encoding, data, -1, 1e15, out);
  return { chunks: chunks.length, rows: out.histograms!.map((histogram) => shown(histogram!)) };
}

test.each(["int", "float"] as const)("buckets that come do not end the chunk (%s)", (kind) => {
  expect(
    chunksOf([
      make(kind, { 1: 1 }),
      make(kind, { 1: 2, 5: 1 }, { 2: 1 }),
      make(kind, { 0: 3, 1: 2, 5: 1 }, { 2: 1, 3: 7 }),
      make(kind, { 0: 3, 1: 3, 5: 1 }, { 2: 1, 3: 7 }),
    ]),
  ).toEqual({ chunks: 1, rows: ["1:1 | ", "1:2 5:1 | 2:1", "0:3 1:2 5:1 | 2:1 3:7", "0:3 1:3 5:1 | 2:1 3:7"] });
});

test("an empty bucket that is not told any more is still empty; one that was not begins a new chunk", () => {
  expect(chunksOf([make("int", { 1: 1, 2: 0 }), make("int", { 1: 2 }), make("int", { 1: 3, 4: 1 })])).toEqual({
    chunks: 1,
    rows: ["1:1 | ", "1:2 | ", "1:3 4:1 | "],
  });
  expect(chunksOf([make("int", { 1: 1, 2: 1 }), make("int", { 1: 9 })]).chunks).toBe(2);
  expect(chunksOf([make("int", { 1: 4 }), make("int", { 1: 3, 2: 7 })]).chunks).toBe(2);
});

test("gauges may go down and lose buckets", () => {
  const rows: Counts[] = [{ 1: 5, 2: 1 }, { 1: 3 }, { 7: 1 }];
  const gauges = rows.map((counts) => make("float", counts, {}, true));
  expect(chunksOf(gauges)).toEqual({ chunks: 1, rows: ["1:5 2:1 | ", "1:3 | ", "7:1 | "] });
});

test("what the chunk knows about a reset at its beginning stays, and so do start timestamps", () => {
  const open = new HistogramAppender(make("int", { 1: 1 }), make("int", { 1: 9 }), true);
  open.append(1000, make("int", { 1: 1 }), 500);
  open.append(2000, make("int", { 1: 2 }), 700);
  const next = make("int", { 1: 2, 3: 1 });
  const wider = widen(open, next)!;
  wider.open.append(3000, wider.histogram, 700, next);
  expect(wider.open.last).toBe(next);
  const bytes = wider.open.finish();
  expect(bytes[0] & 0xc0).toBe(0x80);
  const out = new SampleBuffer();
  decodeChunk(wider.open.encoding, bytes, 0, 1e15, out);
  expect([...out.startTimestamps!.subarray(0, 3)]).toEqual([500, 700, 700]);
});

test("property: whatever comes, every histogram is read as it was", () => {
  const counts = fc.dictionary(fc.integer({ min: 0, max: 9 }).map(String), fc.integer({ min: 0, max: 50 }));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(counts, counts), { minLength: 1, maxLength: 40 }),
      fc.constantFrom("int" as const, "float" as const),
      fc.boolean(),
      (rows, kind, gauge) => {
        const histograms = rows.map(([positive, negative]) => make(kind, positive, negative, gauge));
        const expected = rows.map(([positive, negative]) => {
          const { positiveSpans, negativeSpans } = make("float", positive, negative);
          const positiveBuckets = layoutOf(positive).values;
          return shown({
            ...(make("float", positive) as FloatHistogram),
            positiveSpans,
            negativeSpans,
            positiveBuckets,
            negativeBuckets: layoutOf(negative).values,
          });
        });
        expect(chunksOf(histograms).rows).toEqual(expected);
      },
    ),
    { numRuns: 200, seed: 5 },
  );
});
