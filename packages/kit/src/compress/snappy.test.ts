import fc from "fast-check";
import snappy from "snappy";
import { expect, test } from "vitest";
import { snappyBound, snappyPack, snappySize, snappyUnpack } from "./snappy.ts";

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 400 })), { maxLength: 40 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => new Array(times).fill(Buffer.from(bytes)))));

function pack(input: Uint8Array): Buffer {
  const out = Buffer.alloc(snappyBound(input.length));
  return out.subarray(0, snappyPack(input, out));
}

test("property: packed and unpacked by the library and by ourselves, in all four combinations", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200_000, size: "max" }), repetitive), (input) => {
      const bytes = Buffer.from(input);
      for (const packed of [pack(bytes), snappy.compressSync(bytes) as Buffer]) {
        expect((snappy.uncompressSync(packed) as Buffer).equals(bytes)).toBe(true);
        const out = Buffer.alloc(snappySize(packed));
        snappyUnpack(packed, out);
        expect(out.equals(bytes)).toBe(true);
      }
    }),
    { numRuns: 60, seed: 7 },
  );
});

test("property: damaged blocks are refused or unpacked to the size they say, and nothing is written behind it", () => {
  fc.assert(
    fc.property(repetitive, fc.nat(), fc.integer({ min: 1, max: 255 }), (input, where, flip) => {
      const packed = Buffer.from(pack(input));
      packed[where % packed.length] ^= flip;
      let size: number;
      try {
        size = snappySize(packed);
      } catch {
        return;
      }
      if (size > 2 ** 20) return;
      const out = Buffer.alloc(size + 16, 0xaa);
      try {
        snappyUnpack(packed, out);
      } catch {
        // Refused.
      }
      expect(out.subarray(size).every((byte) => byte === 0xaa)).toBe(true);
    }),
    { numRuns: 500, seed: 7 },
  );
});
