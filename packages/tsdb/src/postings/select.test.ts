import { Labels as LabelSet, type Labels, Matcher, type MatchType } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LabelIndex } from "../head/label-index.ts";
import { SeriesTable } from "../head/series-table.ts";
import { Heap } from "../memory/heap.ts";
import { type PostingsSource, selectPostings } from "./select.ts";

/** The index of a head with these series, and the same without a filter. */
function indexOf(all: readonly Labels[]): [PostingsSource, PostingsSource] {
  const heap = new Heap();
  const index: LabelIndex = new LabelIndex(heap, () => table.listed(), (series) => table.labelsAt(series)); // biome-ignore format: one row
  const table = new SeriesTable(heap, index);
  for (const [i, labels] of all.entries()) table.list(table.create(labels, i + 1));
  const plain: PostingsSource = {
    all: () => index.all(),
    unsortedValues: (name) => index.unsortedValues(name),
    refs: (name, value) => index.refs(name, value),
  };
  return [index, plain];
}

const value = fc.constantFrom("", "a", "b", "c", "ab", "ü");
const labels = fc
  .record({ m: fc.constantFrom("x", "y"), p: value, q: value, r: value })
  .map((record) => LabelSet.from(record));
const matcher = fc
  .tuple(
    fc.constantFrom<MatchType>("=", "!=", "=~", "!~"),
    fc.constantFrom("m", "p", "q", "r", "nobody"),
    fc.constantFrom("", "a", "a|b", ".+", ".*", "a.*", "x", "ü"),
  )
  .map(([type, name, text]) => new Matcher(type, name, text));

test("a selection is what the matchers accept, with and without a filter", () => {
  fc.assert(
    fc.property(fc.uniqueArray(labels, { selector: (one) => one.key(), maxLength: 60 }), fc.array(matcher, { minLength: 1, maxLength: 4 }), (all, matchers) => {
      const [index, plain] = indexOf(all);
      const accepted = all.flatMap((one, i) => (matchers.every((each) => each.matches(one.get(each.name))) ? [i] : []));
      expect([...selectPostings(index, matchers)]).toEqual(accepted);
      expect([...selectPostings(plain, matchers)]).toEqual(accepted);
    }), // biome-ignore format: property
    { seed: 1, numRuns: 500 },
  );
});
