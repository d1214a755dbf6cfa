import { SampleBuffer, STALE_NAN_HIGH, STALE_NAN_LOW } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeXor, decodeXorPlainly, XorAppender, xorScratch } from "./xor.ts";

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

test("property: the kernel does what the plain loop does, in any range, behind other samples, broken chunks included", () => {
  const value = fc.oneof(fc.double(), fc.integer().map(Number), fc.constantFrom(0, 1, 2, 1e9, Infinity, Number.NaN));
  const step = fc.oneof(
    fc.constant(15_000),
    fc.integer({ min: 1, max: 2 ** 22 }),
    fc.integer({ min: 1, max: 2 ** 45 }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, value), { minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
      (steps, from, to, damage) => {
        let time = 0;
        const bytes = encode(steps.map(([delta, v]) => [(time += delta), v] as const));
        for (const [at, byte] of damage) bytes[2 + (at % (bytes.length - 2))] = byte;
        const mint = from % 3 === 0 ? -Infinity : from % (time + 1);
        const maxt = to % 3 === 0 ? Infinity : to % (time + 1);
        const [fast, plain] = [decodeXor, decodeXorPlainly].map((decoder) => {
          const out = new SampleBuffer(1);
          out.push(5, 5);
          try {
            decoder(bytes, mint, maxt, out);
          } catch (error) {
            return (error as Error).message;
          }
          const rows = Array.from({ length: out.length }, (_, i) => [out.timestamps[i], out.words[2 * i], out.words[2 * i + 1]]);
          return { rows, mayBeStale: out.mayBeStale };
        }); // biome-ignore format: one row
        // Of a chunk that is damaged they need not make the same, as long as it is not more than it can hold.
        if (damage.length > 0) {
          for (const one of [fast, plain]) {
            if (typeof one === "string") expect(one).toContain("a chunk ends before");
            else expect(one.rows.length).toBeLessThanOrEqual(1 + steps.length);
          }
          return;
        }
        expect(fast).toEqual(plain);
      },
    ),
    { seed: 2, numRuns: 1000 },
  );
});

test("a chunk larger than the scratch memory makes room for itself, wherever it lies", () => {
  const samples = Array.from({ length: 40_000 }, (_, i) => [i * 15_000 + (i % 7), Math.sin(i)] as const);
  const bytes = encode(samples);
  expect(bytes.length).toBeGreaterThan(300_000);
  expect(decode(bytes).length).toBe(40_000);
  expect(decode(bytes)[39_999]).toEqual(samples[39_999]);
  const inPlace = xorScratch(bytes.length);
  inPlace.set(bytes);
  expect(decode(inPlace.subarray(0, bytes.length))).toEqual(samples);
});
