import { Labels } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { XorAppender } from "../chunk/xor.ts";
import { Heap } from "../memory/heap.ts";
import { appendRows } from "./append-rows.ts";
import { SampleBatch } from "./appender.ts";
import { LabelIndex } from "./label-index.ts";
import { append, gatherOpen, isFull, openBytes, start } from "./open-chunk.ts";
import { COUNT_AND_WINDOW, FIRST_PAGE, SeriesTable } from "./series-table.ts";

const RANGE = 2 ** 30;
const START = 1_700_000_000_000 - (1_700_000_000_000 % RANGE);

const sample = fc.record({
  step: fc.oneof(
    { weight: 6, arbitrary: fc.constant(15_000) },
    { weight: 3, arbitrary: fc.integer({ min: 14_990, max: 15_010 }) },
    fc.integer({ min: 1, max: 1_000_000 }),
  ),
  words: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    {
      weight: 3,
      arbitrary: fc.integer({ min: 0, max: 5_000 }).map((value) => [...new Uint32Array(Float64Array.of(value).buffer)]),
    },
    fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  ),
});

test("property: in batches as one by one, bit for bit", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 2, maxLength: 400 }), (samples) => {
      const heap = new Heap();
      // Pages hold anything when they are given out.
      const dirty = Array.from({ length: 8 }, () => heap.allocate(64));
      for (const page of dirty) heap.region.u8.fill(0xff, page, page + 64);
      for (const page of dirty) heap.free(page, 64);
      const table = new SeriesTable(heap, new LabelIndex(heap, () => new Uint32Array()));
      const series = table.create(Labels.from({ __name__: "up" }), 1);
      const plain = new XorAppender();
      const batch = new SampleBatch();
      let time = START;
      let words = [0, 0];
      for (const next of samples) {
        time += next.step;
        if (next.words) words = next.words as number[];
        batch.reserve();
        batch.series[batch.count] = series;
        batch.times[batch.count] = time;
        batch.words.set(words, 2 * batch.count);
        batch.count++;
      }
      const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
      const put = (row: number, how: (time: number, high: number, low: number) => void): void =>
        how(batch.times[row], batch.words[2 * row + 1 - LOW], batch.words[2 * row + LOW]);
      put(0, (time, high, low) => start(heap, table, series, RANGE, time, high, low));
      put(0, (time, high, low) => plain.append(time, high, low));
      let usual = batch.count - 1;
      let ended = false;
      const appended = { samples: 0, newest: 0 };
      appendRows(heap, table, batch, 1, batch.count, 0, appended, (row) => {
        usual--;
        // The chunk is full: nothing behind it is of interest here.
        if (ended || isFull(table, series, batch.times[row])) ended = true;
        else put(row, (time, high, low) => append(heap, table, series, time, high, low));
      });
      expect(appended.samples).toBe(usual);
      const count = table.hot.u32[16 * series + COUNT_AND_WINDOW] & 0xffff;
      for (let row = 1; row < count; row++) put(row, (time, high, low) => plain.append(time, high, low));
      const page = table.hot.u32[16 * series + FIRST_PAGE];
      expect(Buffer.from(gatherOpen(heap, page, openBytes(table, series), count)).toString("hex")).toBe(
        Buffer.from(plain.finish()).toString("hex"),
      );
    }),
    { numRuns: 300, seed: 11 },
  );
});
