import { expect, test } from "vitest";
import type { BlockMeta } from "../block/meta.ts";
import { compactionRanges, planCompaction } from "./plan.ts";

const block = (ulid: string, minTime: number, maxTime: number, failed = false): BlockMeta => ({
  ulid,
  minTime,
  maxTime,
  stats: {},
  compaction: { level: 1, failed },
  version: 1,
});
const late = (ulid: string, minTime: number, maxTime: number): BlockMeta => ({
  ...block(ulid, minTime, maxTime),
  compaction: { level: 1, hints: ["from-out-of-order"] },
});
const stale = (ulid: string, minTime: number, maxTime: number): BlockMeta => ({
  ...block(ulid, minTime, maxTime),
  compaction: { level: 1, hints: ["from-stale-series"] },
});
const plan = (...blocks: BlockMeta[]): string =>
  planCompaction(blocks, [20, 60, 180])
    .map(({ ulid }) => ulid)
    .join("");

test("ranges end at a tenth of the retention", () => {
  const hour = 3600_000;
  expect(compactionRanges(2 * hour, 15 * 24 * hour).map((range) => range / hour)).toEqual([2, 6, 18]);
  expect(compactionRanges(2 * hour, 0).map((range) => range / hour)).toEqual([2, 6, 18, 54, 162, 486]);
});

test.each([
  ["nothing", [], ""],
  ["the newest one waits", [block("a", 0, 20), block("b", 20, 40), block("c", 40, 60)], ""],
  [
    "a full range before the newest",
    [block("a", 0, 20), block("b", 20, 40), block("c", 40, 60), block("d", 60, 80)],
    "abc",
  ],
  ["a range with a gap, when newer data follows", [block("a", 0, 20), block("c", 40, 60), block("d", 60, 80)], "ac"],
  ["one block alone is never rewritten", [block("a", 0, 20), block("d", 60, 80)], ""],
  ["overlapping ones first", [block("a", 0, 20), block("b", 10, 30), block("c", 30, 50)], "ab"],
  [
    "a failed one is left alone",
    [block("a", 0, 20, true), block("b", 20, 40), block("c", 40, 60), block("d", 60, 80)],
    "",
  ],
  [
    "late samples wait for the others of their time",
    [block("a", 0, 20), block("b", 20, 40), late("c", 20, 40), late("d", 40, 60), late("e", 60, 80)],
    "bc",
  ],
  ["late ones alone wait", [late("d", 0, 20), late("e", 20, 40), late("f", 40, 60), late("g", 60, 80)], ""],
  [
    "blocks of stale series are merged among themselves, after the others",
    [stale("a", 0, 20), block("b", 0, 20), stale("c", 10, 30), block("d", 20, 40), late("e", 10, 15)],
    "be",
  ],
  ["stale series alone", [stale("a", 0, 20), block("b", 0, 20), stale("c", 10, 30), block("d", 20, 40)], "ac"],
  ["levels", [block("a", 0, 60), block("b", 60, 120), block("c", 120, 180), block("d", 180, 200)], "abc"],
])("%s", (_, blocks, expected) => {
  expect(plan(...(blocks as BlockMeta[]))).toBe(expected);
});
