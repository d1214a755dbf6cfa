import { Labels } from "@pharos/model";
import fc from "fast-check";
import { expect, it } from "vitest";
import { KeyTable } from "./key-table.ts";

it("numbers sequences in order of first use, equal ones alike", () => {
  const texts = fc.array(fc.constantFrom("", "a", "b", "ab", "__name__", "é"), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 60 }), (sequences) => {
      const table = new KeyTable();
      const known = new Map<string, number>();
      for (const sequence of sequences) {
        const text = JSON.stringify(sequence);
        if (!known.has(text)) known.set(text, known.size);
        let node = KeyTable.ROOT;
        for (const part of sequence) node = table.step(node, part);
        expect(table.keyAt(node)).toBe(known.get(text));
        expect(table.size).toBe(known.size);
      }
    }),
    { seed: 3, numRuns: 200 },
  );
});

it("keeps a hundred thousand label sets apart", () => {
  const table = new KeyTable();
  const labels = (i: number) => Labels.from({ a: `x${i % 100}`, b: `y${Math.floor(i / 100)}`, c: "same" });
  for (let i = 0; i < 100_000; i++) expect(table.keyOf(labels(i))).toBe(i);
  for (let i = 0; i < 100_000; i += 999) expect(table.keyOf(labels(i))).toBe(i);
});
