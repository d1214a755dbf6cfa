import { SampleBuffer, setStale } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type EncodedChunk, encodeBuffer } from "./encode.ts";
import { repack } from "./repack.ts";
import { decodeXor } from "./xor.ts";

function decode(chunks: readonly EncodedChunk[]): { times: number[]; words: number[] } {
  const out = new SampleBuffer();
  for (const { data } of chunks) decodeXor(data, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, out);
  return {
    times: Array.from(out.timestamps.subarray(0, out.length)),
    words: Array.from(out.words.subarray(0, 2 * out.length)),
  };
}

const value = fc.oneof(
  fc.double(),
  fc.integer({ min: 0, max: 1000 }),
  fc.constantFrom("stale" as const, Number.NaN, 0, -0, Number.POSITIVE_INFINITY, 1),
);

test("property: the same samples, never in more bytes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 100_000 }), value), { minLength: 1, maxLength: 700 }),
      fc.integer({ min: -1e12, max: 1e13 }),
      (samples, start) => {
        const buffer = new SampleBuffer();
        let time = start;
        for (const [step, one] of samples) {
          time += step;
          if (one === "stale") buffer.pushStale(time);
          else buffer.push(time, one);
        }
        const chunks = encodeBuffer(buffer, 7_200_000);
        const packed = repack(chunks);
        expect(decode(packed)).toEqual(decode(chunks));
        const bytes = (list: readonly EncodedChunk[]): number => list.reduce((sum, { data }) => sum + data.length, 0);
        expect(bytes(packed)).toBeLessThanOrEqual(bytes(chunks));
        expect(packed.map(({ mint }) => mint)).toEqual(packed.map(({ mint }) => mint).toSorted((a, b) => a - b));
      },
    ),
    { numRuns: 200, seed: 11 },
  );
});

test("a counter that mostly rises by little takes fewer bits than step by step", () => {
  const buffer = new SampleBuffer();
  for (let i = 0; i < 120; i++) buffer.push(i * 15_000, i * 17 + (i % 3));
  const size = (list: readonly EncodedChunk[]): number => list[0].data.length;
  const chunks = encodeBuffer(buffer, 7_200_000);
  expect(size(repack(chunks))).toBeLessThan(0.95 * size(chunks));
});

test("a buffer with a marker keeps its payload", () => {
  const buffer = new SampleBuffer();
  buffer.push(0, 1);
  buffer.push(1, 1);
  setStale(buffer.words, 1);
  const out = new SampleBuffer();
  for (const { data } of repack(encodeBuffer(buffer, 7_200_000))) decodeXor(data, 0, 10, out);
  expect(out.isStale(1)).toBe(true);
});
