import { isStale, SampleBuffer } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeXor2, Xor2Appender } from "./xor2.ts";

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
function appended(samples: readonly (readonly [time: number, value: number | "stale", start?: number])[]): Uint8Array {
  const appender = new Xor2Appender();
  for (const [time, value, start] of samples) {
    if (value === "stale") words.set([2, 0x7ff00000]);
    else float[0] = value;
    appender.append(time, words[1], words[0], start);
  }
  return appender.finish();
}
function decoded(chunk: Uint8Array, mint = -1e300, maxt = 1e300): (readonly [number, number | "stale", number])[] {
  const out = new SampleBuffer(1);
  decodeXor2(chunk, mint, maxt, out);
  return Array.from({ length: out.length }, (_, i) => [
    out.timestamps[i],
    isStale(out.words, i) ? "stale" : out.values[i],
    out.startTimestamps?.[i] ?? 0,
  ]);
}

test("bytes as the format says", () => {
  // Worked out by hand from the layout: t 1000 (zig-zag 2000), v 1; Δt 1000, unchanged; then nothing changed; then a marker.
  const chunk = appended([[1000, 1], [2000, 1], [3000, 1], [4000, "stale"]]); // biome-ignore format: a list
  expect(Buffer.from(chunk).toString("hex")).toBe("000400d00f3ff0000000000000e8073e");
  expect(decoded(chunk)).toEqual([[1000, 1, 0], [2000, 1, 0], [3000, 1, 0], [4000, "stale", 0]]); // biome-ignore format: a list
});

test("a value after a marker is compared with the one before it", () => {
  const samples = [[1, 5], [2, "stale"], [3, 5], [5, "stale"], [8, 6]] as const; // biome-ignore format: a list
  expect(decoded(appended(samples)).map(([time, value]) => [time, value])).toEqual(
    samples.map((sample) => [...sample]),
  );
});

test("a part of a chunk", () => {
  const chunk = appended(Array.from({ length: 100 }, (_, i) => [i * 10, i] as const));
  expect(decoded(chunk, 95, 120).map(([time]) => time)).toEqual([100, 110, 120]);
  expect(() => decoded(chunk.subarray(0, 40))).toThrow("a chunk ends before its samples do");
});

const sample = fc.tuple(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(15_000) },
    fc.integer({ min: 1, max: 10_000_000 }),
    fc.constant(2 ** 40),
  ),
  fc.oneof(fc.constantFrom("stale" as const, 1, Number.NaN, -0), fc.double(), fc.integer()),
  fc.oneof({ weight: 3, arbitrary: fc.constant("same" as const) }, fc.constant(0), fc.integer({ min: 1, max: 2e12 })),
);

test("property: what was appended is read, with start timestamps that begin, change and stay", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 200 }), fc.boolean(), (list, withStarts) => {
      let time = 1.7e12;
      let start = 0;
      const samples = list.map(([step, value, next]) => {
        time += step;
        if (withStarts && next !== "same") start = next;
        return [time, value, start] as const;
      });
      expect(decoded(appended(samples))).toEqual(samples.map((one) => [...one]));
    }),
    { numRuns: 300, seed: 3 },
  );
});
