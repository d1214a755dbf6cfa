import { SampleBuffer, STALE_NAN_HIGH, STALE_NAN_LOW } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeXor, XorAppender } from "./xor.ts";

const view = new DataView(new ArrayBuffer(8));

function encode(samples: readonly (readonly [number, number])[]): Uint8Array {
  const appender = new XorAppender();
  for (const [time, value] of samples) {
    view.setFloat64(0, value);
    appender.append(time, view.getUint32(0), view.getUint32(4));
  }
  return appender.finish();
}

function decode(bytes: Uint8Array, mint = -Infinity, maxt = Infinity): [number, number][] {
  const out = new SampleBuffer(4);
  decodeXor(bytes, mint, maxt, out);
  return Array.from({ length: out.length }, (_, i) => [out.timestamps[i], out.values[i]]);
}

test("the bytes are Prometheus' own", () => {
  // Worked out by hand from the format: count 2; varint 1000 = d0 0f; 1.0; uvarint 15000 = 98 75; same value: one zero bit.
  expect(
    Buffer.from(
      encode([
        [1000, 1],
        [16_000, 1],
      ]),
    ).toString("hex"),
  ).toBe("0002d00f3ff0000000000000987500");
  // A third sample 15 s later with value 2: Δ² 0 → 0; xor 7ff0… → 11, leading 1 (00001), length 11 (001011), eleven ones.
  expect(
    Buffer.from(
      encode([
        [1000, 1],
        [16_000, 1],
        [31_000, 2],
      ]),
    ).toString("hex"),
  ).toBe("0003d00f3ff000000000000098753097ffc0");
});

test("staleness markers survive, ordinary NaN stays ordinary", () => {
  const appender = new XorAppender();
  appender.append(1, STALE_NAN_HIGH, STALE_NAN_LOW);
  appender.append(2, 0x7ff80000, 1);
  const out = new SampleBuffer();
  decodeXor(appender.finish(), 0, 10, out);
  expect([out.isStale(0), out.isStale(1)]).toEqual([true, false]);
});

test("a range is cut at both ends", () => {
  const bytes = encode(Array.from({ length: 50 }, (_, i) => [i * 10, i] as const));
  expect(decode(bytes, 100, 130)).toEqual([
    [100, 10],
    [110, 11],
    [120, 12],
    [130, 13],
  ]);
  expect(decode(bytes, 1000, 2000)).toEqual([]);
});

test("property: any rising times and any values come back bit for bit", () => {
  const step = fc.oneof(fc.integer({ min: 1, max: 30_000 }), fc.integer({ min: 1, max: 2 ** 40 }), fc.constant(15_000));
  const value = fc.oneof(
    fc.double(),
    fc.integer().map(Number),
    fc.constantFrom(0, -0, Infinity, -Infinity, Number.MIN_VALUE),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 41), max: 2 ** 41 }),
      fc.array(fc.tuple(step, value), { minLength: 1, maxLength: 120 }),
      (start, steps) => {
        let time = start;
        const samples = steps.map(([delta, v]) => [(time += delta), v] as const);
        const back = decode(encode(samples));
        expect(back.length).toBe(samples.length);
        back.forEach(([t, v], i) => {
          expect(t).toBe(samples[i][0]);
          expect(Object.is(v, samples[i][1])).toBe(true);
        });
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});
