import { Labels } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Xor2Appender } from "../chunk/xor2.ts";
import { Heap } from "../memory/heap.ts";
import { LabelIndex } from "./label-index.ts";
import { gatherOpen, isFull, openBytes, openStart, release } from "./open-chunk.ts";
import { appendXor2, startXor2 } from "./open-chunk-xor2.ts";
import { SeriesTable } from "./series-table.ts";

const RANGE = 2 ** 30;
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

const sample = fc.record({
  step: fc.oneof({ weight: 4, arbitrary: fc.constant(15_000) }, fc.integer({ min: 1, max: 1_000_000 })),
  value: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 1, 2.5, 1e9, -7) },
    fc.double(),
    fc.constant("stale" as const),
    fc.constant("same" as const),
  ),
  begin: fc.oneof(
    { weight: 6, arbitrary: fc.constant("same" as const) },
    fc.constant(0),
    fc.integer({ min: 1, max: 2 ** 41 }),
  ),
});

test("in pages of the heap as in one piece, bit for bit", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 300 }), fc.boolean(), (samples, starts) => {
      const heap = new Heap();
      // Pages hold anything when they are given out.
      const dirty = Array.from({ length: 8 }, () => heap.allocate(64));
      for (const page of dirty) heap.region.u8.fill(0xff, page, page + 64);
      for (const page of dirty) heap.free(page, 64);
      const table = new SeriesTable(heap, new LabelIndex(heap, () => new Uint32Array()));
      const series = table.create(Labels.from({ __name__: "up" }), 1);
      const plain = new Xor2Appender();
      let time = 1_700_000_000_000 - (1_700_000_000_000 % RANGE);
      const first = time;
      float[0] = 0;
      let begin = 0;
      const before = heap.usedBytes;
      for (const [i, next] of samples.entries()) {
        if (i > 0) time += next.step;
        if (next.value === "stale") {
          words[HIGH] = 0x7ff00000;
          words[1 - HIGH] = 2;
        } else if (next.value !== "same") float[0] = next.value;
        if (starts && next.begin !== "same") begin = next.begin;
        const [high, low] = [words[HIGH], words[1 - HIGH]];
        if (i === 0) startXor2(heap, table, series, RANGE, time, high, low, begin);
        else if (isFull(table, series, time)) break;
        else appendXor2(heap, table, series, time, high, low, begin);
        plain.append(time, high, low, begin);
      }
      const page = table.hot.u32[16 * series + 7];
      expect(Buffer.from(gatherOpen(heap, page, openBytes(table, series), plain.count)).toString("hex")).toBe(
        Buffer.from(plain.finish()).toString("hex"),
      );
      expect(openStart(heap, page, true)).toBe(first);
      release(heap, table, series);
      expect(heap.usedBytes).toBe(before);
    }),
    { numRuns: 200, seed: 3 },
  );
});
