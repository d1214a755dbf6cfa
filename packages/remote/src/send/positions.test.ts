import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { comparePlaces, PositionFile } from "./positions.ts";

let file: string;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-positions-"));
  file = join(dir, "queue.position");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const place = (segment: number, offset: number, entry = 0) => ({ segment, offset, entry });
const read = () => {
  using positions = new PositionFile(file);
  return positions.found;
};

test("the newest write is found; a torn one leaves the one before", () => {
  expect(read()).toBeUndefined();
  const first = [{ done: place(1, 2, 3), sending: place(1, 2, 9) }];
  const second = [...first, { done: place(2, 2 ** 27), sending: place(2, 2 ** 27) }];
  {
    using positions = new PositionFile(file);
    positions.write(first);
    positions.write(second);
  }
  expect(read()).toEqual(second);
  const bytes = readFileSync(file);
  // The second write went to the first slot.
  bytes[30] ^= 1;
  writeFileSync(file, bytes);
  expect(read()).toEqual(first);
  {
    using positions = new PositionFile(file);
    positions.write(second);
    positions.write(first);
  }
  expect(read()).toEqual(first);
});

test("order of places", () => {
  expect(comparePlaces(place(1, 9), place(2, 0))).toBeLessThan(0);
  expect(comparePlaces(place(1, 5, 1), place(1, 5))).toBeGreaterThan(0);
  expect(comparePlaces(place(1, 5), place(1, 5))).toBe(0);
});

test("property: garbage is no position", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      writeFileSync(file, garbage);
      expect(read()).toBeUndefined();
    }),
    { numRuns: 100, seed: 9 },
  );
});
